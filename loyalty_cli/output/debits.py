"""How debits are shown, and what they add up to."""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import DebitRecord, Failure, JournalSummaryRecord
from loyalty_cli.output import messages, stderr
from loyalty_cli.output.csv_text import CsvCell, values
from loyalty_cli.output.view import Cell, Column, Group, View

_PLANNED = ("planned_at", "planned_by")
_DEBIT = tuple(name for name in DebitRecord.__struct_fields__ if name not in ("error", *_PLANNED))
_ERROR = Failure.__struct_fields__
_CSV = (*_DEBIT, *(f"error_{name}" for name in _ERROR), *_PLANNED)
_SUMMARY = JournalSummaryRecord.__struct_fields__

STYLES = {"confirmed": "green", "unknown": "red", "sending": "red", "refused": "yellow"}


def _csv_rows(debit: DebitRecord) -> list[list[CsvCell]]:
    return [[*values(debit, _DEBIT), *values(debit.error, _ERROR), *values(debit, _PLANNED)]]


def _result(debit: DebitRecord) -> Group:
    return _group(debit, state_cell(debit.state), Cell(at=debit.at))


def _dry_result(debit: DebitRecord) -> Group:
    """What would come of a debit; one that is on record already has its state and time."""
    if debit.replayed:
        return _result(debit)
    result = Cell("would not be made", style="yellow") if debit.error else Cell("would be made")
    return _group(debit, result, Cell())


def _group(debit: DebitRecord, state: Cell, at: Cell) -> Group:
    note = Cell("repeated, nothing was sent" if debit.replayed else "")
    return _row(debit, state, _left(debit), at, note)


def _on_record(debit: DebitRecord) -> Group:
    by = (debit.planned_by or "").rpartition(" on ")[0]  # `journal show` has the whole of it
    return _row(debit, state_cell(debit.state), Cell(at=debit.planned_at), Cell(by), _left(debit))


def _row(debit: DebitRecord, *more: Cell) -> Group:
    """A debit under its reference, which can be long; neighbours have different profiles."""
    row = [Cell(debit.profile), Cell(str(debit.amount), debit.unit), *more]
    return Group([Cell(debit.reference), Cell(debit.customer)], [row])


def _left(debit: DebitRecord) -> Cell:
    left = debit.balance_after
    return Cell() if left is None else Cell(str(left), debit.unit)


def state_cell(state: str, more: str = "") -> Cell:
    """A state, and more about it."""
    return Cell(f"{state.replace('_', ' ')}{more}", style=STYLES.get(state, ""))


def _sums(record: JournalSummaryRecord) -> Group:
    amount = Cell(str(record.total), record.unit)
    row = [state_cell(record.state), Cell(str(record.debits)), amount]
    return Group([Cell(record.profile)], [row])


_WHICH = (
    *(Column("Reference", above=1), Column("Customer", above=2), Column("Profile")),
    Column("Amount", numbers=True, style="bold"),
    Column("State"),
)
_LEFT = Column("Left", numbers=True)
DEBITS = View[DebitRecord](_CSV, _csv_rows, (*_WHICH, _LEFT, Column("At"), Column("Note")), _result)
"""What came of debits."""
DRY_RUN = replace(DEBITS, group=_dry_result)
"""What would come of debits."""
ON_RECORD = View[DebitRecord](
    _CSV, _csv_rows, (*_WHICH, Column("Planned"), Column("By"), _LEFT), _on_record
)
"""Debits of the journal."""
SUMMARY = View[JournalSummaryRecord](
    _SUMMARY,
    lambda record: [values(record, _SUMMARY)],
    (
        *(Column("Profile", above=1), Column("State"), Column("Debits", numbers=True)),
        Column("Amount", numbers=True, style="bold"),
    ),
    _sums,
)


def teller() -> Callable[[DebitRecord], object] | None:
    """What prints a failed debit at once, if programs read stderr: they count for themselves."""
    return _tell if stderr.is_json() else None


def _tell(debit: DebitRecord) -> None:
    if debit.error:
        messages.failures([_failed(debit, debit.error)])


def _failed(debit: DebitRecord, error: Failure, about: str = "") -> messages.Failed:
    return messages.Failed(error, about, debit.profile, debit.customer, debit.reference)


def report_failures(
    reported: Sequence[DebitRecord],
    more: Counter[ErrorCode],
    of: int,
    result: str = "were not confirmed",
) -> None:
    """Print the first failures to stderr, how many `more` there are, and how many in all."""
    messages.failures(
        _failed(debit, debit.error, debit.reference if of > 1 else "")
        for debit in reported
        if debit.error
    )
    report_more(more)
    failed = len(reported) + more.total()
    if of > 1 and failed:
        messages.note(f"{failed:,} of {of:,} debits {result}.")


def report_more(more: Counter[ErrorCode]) -> None:
    """Print how many failures are not printed one by one, of each kind."""
    if more:
        kinds = [f"{number:,} {code.replace('_', ' ')}" for code, number in more.most_common()]
        messages.note(
            f"and {more.total():,} more ({', '.join(kinds)}); the error of each is in its record."
        )
