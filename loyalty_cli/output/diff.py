"""How the differences of two exports are shown, and their totals."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import DiffRecord, DiffTotalRecord, Failure
from loyalty_cli.output.balances import shown_unit
from loyalty_cli.output.csv_text import CsvCell, values
from loyalty_cli.output.view import Cell, Column, Group, View

_FLAT = tuple(name for name in DiffRecord.__struct_fields__ if name != "error")
_ERROR = Failure.__struct_fields__
_TOTAL = DiffTotalRecord.__struct_fields__
_STYLES = {"changed": "", "appeared": "green", "vanished": "yellow", "failed": "red"}


def _row(record: DiffRecord) -> list[Cell]:
    unit = shown_unit(record.unit, record.basis)
    return [
        *(Cell(record.profile), Cell(record.customer)),
        Cell(record.name or ""),
        Cell(record.what, style=_STYLES[record.what]),
        *(amount_cell(amount, unit) for amount in (record.before, record.after)),
        amount_cell(record.change, unit, sign="+"),
        Cell(_note(record)),
    ]


def _note(record: DiffRecord) -> str:
    """What the other cells leave open: which export has no answer, and why."""
    if record.error:
        where = "OLD" if record.in_old == "failed" else "NEW"
        return f"{record.error.code.replace('_', ' ')} in {where}"
    for where, state in (("OLD", record.in_old), ("NEW", record.in_new)):
        if state == "absent":
            return f"not in {where}"
    return "total" if record.amount == "total" else ""


def amount_cell(amount: Amount | None, unit: str, *, sign: str = "") -> Cell:
    """An amount with its unit; nothing if it is not known."""
    if amount is None:
        return Cell()
    return Cell(f"{sign if amount > 0 else ''}{amount!s}", unit)


def _groups(records: Sequence[DiffRecord]) -> list[Group]:
    whose = groupby(records, lambda record: (record.profile, record.by, record.customer))
    return [Group([_row(record) for record in lines]) for _, lines in whose]


def _csv_total(record: DiffTotalRecord) -> list[CsvCell]:
    return [_kinds(record) if name == "kinds" else getattr(record, name) for name in _TOTAL]


def _kinds(record: DiffTotalRecord) -> str:
    return ", ".join(record.kinds)


def _total_rows(record: DiffTotalRecord) -> Iterator[list[Cell]]:
    unit = shown_unit(record.unit, record.basis)
    yield [
        *(Cell(record.profile), Cell(unit)),
        *(amount_cell(amount, unit) for amount in (record.before, record.after)),
        amount_cell(record.change, unit, sign="+"),
        Cell(str(record.changed)),
        *(Cell(str(record.appeared)), amount_cell(record.appeared_sum, unit)),
        *(Cell(str(record.vanished)), amount_cell(record.vanished_sum, unit)),
        Cell(str(record.failed)),
    ]


DIFF = View[DiffRecord](
    [*_FLAT, *(f"error_{name}" for name in _ERROR)],
    lambda record: [[*values(record, _FLAT), *values(record.error, _ERROR)]],
    (
        *(Column("Profile", once=True), Column("Customer", once=True)),
        *(Column("Name"), Column("What")),
        *(Column("Before", numbers=True), Column("After", numbers=True)),
        Column("Change", numbers=True, style="bold"),
        Column("Note", aside=True),
    ),
    _groups,
)
DIFF_TOTALS = View[DiffTotalRecord](
    _TOTAL,
    lambda record: [_csv_total(record)],
    (
        *(Column("Profile", once=True), Column("Unit", once=True)),
        *(Column("Before", numbers=True), Column("After", numbers=True)),
        Column("Change", numbers=True, style="bold"),
        Column("Changed", numbers=True),
        *(Column("Appeared", numbers=True), Column("with", numbers=True)),
        *(Column("Vanished", numbers=True), Column("with", numbers=True)),
        Column("Failed", numbers=True),
    ),
    lambda records: [Group([*_total_rows(record)]) for record in records],
)
