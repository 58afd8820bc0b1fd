"""How debits and their history are shown."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from loyalty_cli.model.records import DebitHistory, DebitRecord, EventRecord, Failure
from loyalty_cli.output import messages
from loyalty_cli.output.csv_text import Cell as CsvCell
from loyalty_cli.output.document import View

if TYPE_CHECKING:
    from loyalty_cli.output.table import Column, Group

_DEBIT = tuple(name for name in DebitRecord.__struct_fields__ if name != "error")
_ERROR = Failure.__struct_fields__
_EVENT = EventRecord.__struct_fields__

STYLES = {"confirmed": "green", "unknown": "red", "sending": "red", "refused": "yellow"}


def _csv_debit(debit: DebitRecord) -> list[CsvCell]:
    error = [getattr(debit.error, name, None) for name in _ERROR]
    return [*(getattr(debit, name) for name in _DEBIT), *error]


def _csv_events(history: DebitHistory) -> Iterator[list[CsvCell]]:
    for event in history.events:
        yield [
            history.schema_version,
            history.debit.reference,
            *(getattr(event, name) for name in _EVENT),
        ]


def _table(debits: Sequence[DebitRecord]) -> "tuple[Sequence[Column], Sequence[Group]]":
    from loyalty_cli.output.table import Cell, Column, Group

    columns = [
        Column("Reference"),
        Column("Customer"),
        Column("Profile"),
        Column("Amount", numbers=True, style="bold"),
        Column("State"),
        Column("Left", numbers=True),
        Column("At", aside=True),
        Column("Note", aside=True),
    ]
    groups = [
        Group(
            [
                [
                    Cell(debit.reference),
                    Cell(debit.customer),
                    Cell(debit.profile),
                    Cell(str(debit.amount), debit.unit),
                    Cell(debit.state.replace("_", " "), style=STYLES.get(debit.state, "")),
                    Cell()
                    if debit.balance_after is None
                    else Cell(str(debit.balance_after), debit.unit),
                    Cell(debit.at),
                    Cell("repeated, nothing was sent" if debit.replayed else ""),
                ]
            ]
        )
        for debit in debits
    ]
    return columns, groups


def _events_table(
    histories: Sequence[DebitHistory],
) -> "tuple[Sequence[Column], Sequence[Group]]":
    from loyalty_cli.output.table import Cell, Column, Group

    headings = ("Reference", "At", "From", "To", "Attempt", "By", "Why")
    columns = [Column(each, once=each == "Reference", aside=each == "Why") for each in headings]
    groups = []
    for history in histories:
        rows = [
            [
                Cell(history.debit.reference),
                Cell(event.at),
                Cell(event.before or ""),
                Cell(event.after),
                Cell(str(event.attempt)),
                Cell(event.actor),
                Cell(event.why),
            ]
            for event in history.events
        ]
        groups.append(Group(rows))
    return columns, groups


DEBITS = View[DebitRecord](
    [*_DEBIT, *(f"error_{name}" for name in _ERROR)],
    lambda debit: [_csv_debit(debit)],
    _table,
)
HISTORY = View[DebitHistory](["schema_version", "reference", *_EVENT], _csv_events, _events_table)


def report_failures(reported: Sequence[DebitRecord], failed: int, of: int) -> None:
    """Print the first failures to stderr, and how many of the debits `failed`."""
    messages.errors(
        (
            f"{debit.reference}: {debit.error.message}" if of > 1 else debit.error.message,
            debit.error.hint,
        )
        for debit in reported
        if debit.error
    )
    if rest := failed - len(reported):
        messages.note(f"and {rest} more; the error of each is in its record.")
    if of > 1 and failed:
        messages.note(f"{failed} of {of} debits were not confirmed.")
