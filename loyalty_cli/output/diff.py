"""How the differences of two exports are shown, and their totals."""

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import DiffRecord, DiffTotalRecord, Failure
from loyalty_cli.output.balances import shown_unit
from loyalty_cli.output.csv_text import CsvCell, values
from loyalty_cli.output.view import Cell, Column, Group, View, texts

_FLAT = tuple(name for name in DiffRecord.__struct_fields__ if name != "error")
_ERROR = Failure.__struct_fields__
_TOTAL = DiffTotalRecord.__struct_fields__
_STYLES = {"changed": "", "appeared": "green", "vanished": "yellow", "failed": "red"}


def _group(record: DiffRecord) -> Group:
    unit = shown_unit(record.unit, record.basis)
    row = [
        Cell(record.name or ""),
        Cell(record.what, style=_STYLES[record.what]),
        *(amount_cell(amount, unit) for amount in (record.before, record.after)),
        amount_cell(record.change, unit, sign="+"),
        Cell(_note(record)),
    ]
    return Group(texts([record.profile, record.customer]), [row])


def _note(record: DiffRecord) -> str:
    """What the other cells leave open: which export has no answer, and why."""
    why = record.error.code.replace("_", " ") if record.error else ""
    notes = [
        f"{where}: {why}" if state == "failed" else f"not in {where}"
        for where, state in (("OLD", record.in_old), ("NEW", record.in_new))
        if state != "answered"
    ]
    return "; ".join(notes) or ("total" if record.amount == "total" else "")


def amount_cell(amount: Amount | None, unit: str, *, sign: str = "") -> Cell:
    """An amount with its unit; nothing if it is not known."""
    if amount is None:
        return Cell()
    return Cell(f"{sign if amount > 0 else ''}{amount!s}", unit)


def _csv_total(record: DiffTotalRecord) -> list[CsvCell]:
    kinds = ", ".join(record.kinds)
    return [kinds if name == "kinds" else getattr(record, name) for name in _TOTAL]


def _total_group(record: DiffTotalRecord) -> Group:
    row = [
        Cell(shown_unit(record.unit, record.basis) or ", ".join(record.kinds)),
        *(amount_cell(amount, "") for amount in (record.before, record.after)),
        amount_cell(record.change, "", sign="+"),
        *texts([record.changed or None]),
        Cell(_count(record.appeared, record.appeared_sum)),
        Cell(_count(record.vanished, record.vanished_sum)),
    ]
    return Group(texts([record.profile, record.failed]), [row])


def _count(lines: int, amount: Amount | None) -> str:
    """How many lines there are, and what they add up to."""
    return "" if not lines else f"{lines}" if amount is None else f"{lines} (sum {amount!s})"


DIFF = View[DiffRecord](
    [*_FLAT, *(f"error_{name}" for name in _ERROR)],
    lambda record: [[*values(record, _FLAT), *values(record.error, _ERROR)]],
    (
        *(Column("Profile", above=1), Column("Customer", above=2)),
        *(Column("Name"), Column("What")),
        *(Column("Before", numbers=True), Column("After", numbers=True)),
        *(Column("Change", numbers=True, style="bold"), Column("Note")),
    ),
    _group,
)
DIFF_TOTALS = View[DiffTotalRecord](
    _TOTAL,
    lambda record: [_csv_total(record)],
    (
        *(Column("Profile", above=1), Column("Failed", numbers=True, above=2)),
        Column("Unit"),
        *(Column("Before", numbers=True), Column("After", numbers=True)),
        *(Column("Change", numbers=True, style="bold"), Column("Changed", numbers=True)),
        *(Column("Appeared", numbers=True), Column("Vanished", numbers=True)),
    ),
    _total_group,
)
