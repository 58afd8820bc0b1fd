"""How the summary of a run of look-ups is shown: its numbers, and a histogram."""

from collections.abc import Iterator

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Bin, Expiring, SummaryRecord
from loyalty_cli.output.balances import shown_unit
from loyalty_cli.output.csv_text import CsvCell, values
from loyalty_cli.output.view import Cell, Column, Group, View

_EXPIRING = Expiring.__struct_fields__
_FLAT = tuple(
    name for name in SummaryRecord.__struct_fields__ if name not in ("expiring", "histogram")
)


def _csv_row(record: SummaryRecord) -> list[CsvCell]:
    flat = [_kinds(record) if name == "kinds" else getattr(record, name) for name in _FLAT]
    histogram = "; ".join(f"{_range(each)}: {each.customers}" for each in record.histogram)
    return [*flat, *values(record.expiring, _EXPIRING), histogram]


def _kinds(record: SummaryRecord) -> str:
    return ", ".join(record.kinds)


def _rows(record: SummaryRecord) -> Iterator[list[Cell]]:
    unit_of_all = shown_unit(record.unit, record.basis)
    of = [Cell(record.profile), Cell(unit_of_all), Cell(_kinds(record))]
    for what, number, unit in _figures(record, unit_of_all):
        if number is not None:
            yield [*of, Cell(what), Cell(str(number), unit), Cell()]
    most = max((each.customers for each in record.histogram), default=0)
    for each in record.histogram:
        bar = Cell(bar=each.customers / most)
        yield [*of, Cell(f"with {_range(each)}"), Cell(str(each.customers)), bar]


def _figures(record: SummaryRecord, unit: str) -> Iterator[tuple[str, Amount | int | None, str]]:
    """Each number of a summary: its name, its value, and the unit if it is an amount."""
    yield "customers", record.customers, ""
    yield "found", record.found, ""
    yield "failed", record.failed, ""
    yield "total", record.total, unit
    yield "median", record.median, unit
    yield "largest", record.largest, unit
    if expiring := record.expiring:
        yield f"expiring in {expiring.days} days", expiring.amount, unit
        yield "expiring: customers", expiring.customers, ""
        yield "expiring: unclear", expiring.unclear or None, ""


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
    (
        *(Column(heading, once=True) for heading in ("Profile", "Unit", "Kind")),
        Column("What"),
        Column("Number", numbers=True, style="bold"),
        Column("Histogram", style="cyan"),
    ),
    lambda records: [Group([*_rows(record)]) for record in records],
)
