"""Makes the printed records of the journal's debits."""

from datetime import UTC, datetime

from loyalty_cli.debits.journal.entries import Baseline, Entry, Event
from loyalty_cli.debits.next_commands import next_commands
from loyalty_cli.debits.result import DebitResult, recorded_error
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import (
    BaselineRecord,
    DebitHistory,
    DebitRecord,
    EventRecord,
    Failure,
)


def result_record(settled: DebitResult, planned_by: str | None = None) -> DebitRecord:
    """The record of a debit after a run."""
    entry, error = settled.entry, settled.error
    return DebitRecord(
        profile=entry.profile,
        provider=entry.provider,
        customer=entry.customer,
        unit=entry.unit,
        amount=entry.amount,
        reference=entry.key.reference,
        state=entry.state.value,
        attempt=entry.attempt,
        replayed=settled.replayed,
        balance_after=None if entry.balance_after is None else Amount(entry.balance_after),
        provider_reference=entry.provider_reference,
        at=_text(entry.changed_at),
        sandbox=entry.sandbox,
        error=Failure.of(error) if error else None,
        planned_at=_text(entry.created_at),
        planned_by=planned_by,
    )


def entry_record(entry: Entry, planned_by: str | None = None) -> DebitRecord:
    """The record of a debit in the journal."""
    return result_record(DebitResult(entry, error=recorded_error(entry)), planned_by)


def history(entry: Entry, events: list[Event], account: str | None = None) -> DebitHistory:
    """The record of a debit with its events, and with the commands that can be next.

    `account` is what `-p` has to name in them, if several accounts have the reference.
    """
    records = (
        EventRecord(
            at=_text(event.at),
            actor=event.actor,
            attempt=event.attempt,
            before=None if event.before is None else event.before.value,
            after=event.after.value,
            why=event.why,
        )
        for event in events
    )
    return DebitHistory(
        debit=entry_record(entry, events[0].actor if events else None),
        baseline=None if entry.baseline is None else _baseline(entry.baseline),
        events=tuple(records),
        next=next_commands(entry, account),
    )


def _baseline(before: Baseline) -> BaselineRecord:
    amounts = {name: getattr(before, name) for name in BaselineRecord.__struct_fields__}
    return BaselineRecord(
        **{name: None if text is None else Amount(text) for name, text in amounts.items()}
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
