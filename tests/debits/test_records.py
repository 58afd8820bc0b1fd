"""A debit of the journal as the record that is printed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import asdict, replace

from loyalty_cli.debits.journal.entries import Entry, Event, Key, Planned, State, new_entry
from loyalty_cli.debits.records import entry_record, history, result_record
from loyalty_cli.debits.result import DebitResult, written_error
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import DebitRecord, Failure

NOW = datetime(2026, 11, 20, 5, 0, 0, 999_999, tzinfo=UTC)
FAILURE = LoyaltyError(
    ErrorCode.REFUSED, "no.", hint="Do this.", http_status=422, provider_code="9008"
)


@pytest.fixture
def entry() -> Entry:
    planned = Planned(Key("saasquatch x", "a"), "club", "saasquatch", "C-1", "CENTS", 250)
    return new_entry(planned, NOW)


def test_the_record_of_a_debit_has_all_that_the_journal_has(entry: Entry) -> None:
    confirmed = replace(
        entry,
        state=State.CONFIRMED,
        attempt=2,
        sandbox=True,
        balance_after="9750.00",
        provider_reference="77",
    )

    assert result_record(DebitResult(confirmed, replayed=True)) == DebitRecord(
        profile="club",
        provider="saasquatch",
        customer="C-1",
        unit="CENTS",
        amount=250,
        reference="a",
        state="confirmed",
        attempt=2,
        replayed=True,
        balance_after=Amount("9750.00"),
        provider_reference="77",
        at="2026-11-20T05:00:00Z",
        sandbox=True,
        error=None,
        planned_at="2026-11-20T05:00:00Z",
    )


def test_the_error_of_a_debit_is_in_the_records_of_run_and_journal(entry: Entry) -> None:
    refused = replace(entry, state=State.REFUSED, error=written_error(FAILURE))

    assert result_record(DebitResult(entry, error=FAILURE)).error == Failure.of(FAILURE)
    assert entry_record(refused).error == Failure.of(FAILURE)
    assert entry_record(entry).error is None


def test_the_record_of_a_debit_that_is_being_sent_says_outcome_unknown(entry: Entry) -> None:
    record = entry_record(replace(entry, state=State.SENDING))

    assert record.error is not None
    assert record.error.code is ErrorCode.OUTCOME_UNKNOWN


@pytest.mark.parametrize("state", State)
def test_every_state_of_the_journal_is_a_state_of_the_record(entry: Entry, state: State) -> None:
    assert entry_record(replace(entry, state=state)).state == state.value


def test_the_history_of_a_debit_has_its_events_in_order(entry: Entry) -> None:
    later = NOW + timedelta(hours=1)
    events = [
        Event(NOW, "me", 0, None, State.PLANNED, "planned"),
        Event(later, "you", 1, State.PLANNED, State.SENDING, "claimed"),
    ]

    found = history(entry, events)

    assert found.debit == entry_record(entry, planned_by="me")
    columns = ("at", "actor", "attempt", "before", "after", "why")
    rows = [
        ("2026-11-20T05:00:00Z", "me", 0, None, "planned", "planned"),
        ("2026-11-20T06:00:00Z", "you", 1, "planned", "sending", "claimed"),
    ]
    assert [asdict(each) for each in found.events] == [
        dict(zip(columns, row, strict=True)) for row in rows
    ]


def test_the_times_of_a_debits_record_are_in_utc(entry: Entry) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert entry_record(replace(entry, changed_at=there)).at == "2026-11-20T05:00:00Z"
