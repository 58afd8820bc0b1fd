"""How the summary of a run of look-ups is shown: its numbers, and a histogram."""

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Bin, Expiring, SummaryRecord
from loyalty_cli.output.balances import shown_unit
from loyalty_cli.output.csv_text import CsvCell, values
from loyalty_cli.output.view import Cell, Column, Group, Note, View, texts

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


def _group(record: SummaryRecord) -> Group:
    amounts = [record.total, record.median, record.largest]
    row = [
        *(Cell(_name(record)), Cell(str(record.found))),
        *(Cell() if amount is None else Cell(str(amount)) for amount in amounts),
    ]
    notes = []
    if (expiring := record.expiring) and expiring.customers:
        amount = "" if expiring.amount is None else f"{expiring.amount!s} "
        row.append(Cell(f"{amount}in {expiring.days} days, customers: {expiring.customers}"))
    if expiring and expiring.unclear:
        which = "an expiry with no readable date or no amount"
        notes.append(Note(f"{_name(record)}, customers with {which}: {expiring.unclear}"))
    return Group(texts([record.profile, record.customers, record.failed]), [row], notes)


def _name(record: SummaryRecord) -> str:
    """The unit, and the kinds only where they say more: all credit of one unit is one sum."""
    unit = shown_unit(record.unit, record.basis)
    if unit and not {"percent", "codes", "other"}.intersection(record.kinds):
        return unit
    return f"{unit} ({_kinds(record)})" if unit else _kinds(record)


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
        Column("Profile", above=1),
        *(Column("Customers", numbers=True, above=2), Column("Failed", numbers=True, above=3)),
        Column("Unit"),
        *(Column(heading, numbers=True) for heading in ("Found", "Total", "Median", "Largest")),
        Column("Expiring"),
    ),
    _group,
)
