"""How the history of a balance is shown: each change, and what may have caused it."""

from msgspec.structs import replace

from loyalty_cli.model.records import HistoryRecord
from loyalty_cli.output.balances import shown_unit
from loyalty_cli.output.csv_text import CsvCell, values
from loyalty_cli.output.diff import amount_cell
from loyalty_cli.output.view import Cell, Column, Group, View, texts

_LAST = ("debits", "not_ours")
_FLAT = tuple(name for name in HistoryRecord.__struct_fields__ if name not in _LAST)


def _group(record: HistoryRecord) -> Group:
    unit = shown_unit(record.unit, record.basis)
    row = [
        *(Cell(at=record.at), Cell(record.name or "nothing yet")),
        *(amount_cell(amount, unit) for amount in (record.before, record.after)),
        amount_cell(record.change, unit, sign="+"),
        *(Cell(at=record.last_seen), Cell(_debits(record)), Cell(record.seen_by)),
    ]
    return Group(texts([record.profile, record.customer]), [row])


def _debits(record: HistoryRecord) -> str:
    """The debits that may have caused a change, or that none of ours did."""
    if record.debits:
        ours = ", ".join(
            f"{each.reference}: {each.amount} {each.unit}"
            + ("" if each.state == "confirmed" else f" ({each.state})")
            for each in record.debits
        )
        rest = f"; {record.not_ours!s} {record.unit} not by debits of ours"
        return ours + (rest if record.not_ours else "")
    is_loss = record.what == "vanished" or (record.change is not None and record.change < 0)
    return "no debit of ours" if is_loss and record.debits is not None else ""


def _csv_row(record: HistoryRecord) -> list[CsvCell]:
    return [*values(record, _FLAT), record.debits, record.not_ours]


HISTORY = View[HistoryRecord](
    [*_FLAT, *_LAST],
    lambda record: [_csv_row(record)],
    (
        *(Column("Profile", above=1), Column("Customer", above=2)),
        *(Column("Seen"), Column("Name")),
        *(Column("Before", numbers=True), Column("After", numbers=True)),
        Column("Change", numbers=True, style="bold"),
        *(Column(heading) for heading in ("Until", "Debits of ours", "By")),
    ),
    _group,
)


def of_person(name: str) -> View[HistoryRecord]:
    """The same view, with the name of the person whose history it is."""

    def group(record: HistoryRecord) -> Group:
        return replace(_group(record), section=Cell(name))

    return replace(HISTORY, group=group, section="Person")
