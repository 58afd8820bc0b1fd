"""How the summary of a run of look-ups is shown: its numbers, and a histogram."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Bin, Expiring, SummaryRecord
from loyalty_cli.output.csv_text import Cell as CsvCell
from loyalty_cli.output.document import View

if TYPE_CHECKING:
    from loyalty_cli.output.table import Cell, Column, Group

_EXPIRING = Expiring.__struct_fields__
_FLAT = tuple(
    name for name in SummaryRecord.__struct_fields__ if name not in ("expiring", "histogram")
)


def _csv_row(record: SummaryRecord) -> list[CsvCell]:
    flat = {name: getattr(record, name) for name in _FLAT} | {"kinds": _kinds(record)}
    return [
        *flat.values(),
        *(getattr(record.expiring, name, None) for name in _EXPIRING),
        "; ".join(f"{_range(each)}: {each.customers}" for each in record.histogram),
    ]


def _table(records: Sequence[SummaryRecord]) -> "tuple[Sequence[Column], Sequence[Group]]":
    from loyalty_cli.output.table import Cell, Column, Group

    columns = [
        Column("Profile", once=True),
        Column("Unit", once=True),
        Column("Kind", once=True),
        Column("What"),
        Column("Number", numbers=True, style="bold"),
        Column("Histogram", style="cyan"),
    ]
    groups = []
    for record in records:
        of = [Cell(record.profile), Cell(record.unit or ""), Cell(_kinds(record))]
        groups.append(Group([[*of, *row] for row in _rows(record)]))
    return columns, groups


def _kinds(record: SummaryRecord) -> str:
    return ", ".join(record.kinds)


def _rows(record: SummaryRecord) -> "Iterator[list[Cell]]":
    from loyalty_cli.output.table import Cell

    for what, number, unit in _figures(record):
        if number is not None:
            yield [Cell(what), Cell(str(number), unit or ""), Cell()]
    most = max((each.customers for each in record.histogram), default=0)
    for each in record.histogram:
        bar = Cell(bar=each.customers / most)
        yield [Cell(f"with {_range(each)}"), Cell(str(each.customers)), bar]


def _figures(record: SummaryRecord) -> "Iterator[tuple[str, Amount | int | None, str | None]]":
    """Each number of a summary: its name, its value, and the unit if it is an amount."""
    yield "customers", record.customers, None
    yield "found", record.found, None
    yield "failed", record.failed, None
    yield "total", record.total, record.unit
    yield "median", record.median, record.unit
    yield "largest", record.largest, record.unit
    if expiring := record.expiring:
        yield f"expiring in {expiring.days} days", expiring.amount, record.unit
        yield "expiring: customers", expiring.customers, None
        yield "expiring: unclear", expiring.unclear or None, None


def _range(bin_: Bin) -> str:
    """The first and the last amount of a bin, with as many decimals as its limits have."""
    if bin_.at_least is None:
        return f"less than {bin_.below!s}"
    zero = bin_.below.minus(bin_.below)
    last = bin_.below.minus(Amount(1).shifted(zero.adjusted()))
    return str(last) if last == bin_.at_least else f"{bin_.at_least!s} to {last!s}"


SUMMARY = View[SummaryRecord](
    [*_FLAT, *(f"expiring_{name}" for name in _EXPIRING), "histogram"],
    lambda record: [_csv_row(record)],
    _table,
)
