"""How the state of a journal is shown."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from loyalty_cli.model.records import JournalRecord
from loyalty_cli.output.csv_text import Cell as CsvCell
from loyalty_cli.output.document import View

if TYPE_CHECKING:
    from loyalty_cli.output.table import Column, Group

INTACT = {True: "yes", False: "no", None: "checked by the server"}


def _facts(journal: JournalRecord) -> Iterator[tuple[str, CsvCell]]:
    """All facts about a journal, as pairs of a name and a value."""
    yield "journal", journal.journal
    yield "intact", INTACT[journal.intact]
    for fault in journal.faults:
        yield "fault", fault
    yield from (journal.debits or {}).items()
    yield "newest change", journal.newest or "none"
    if journal.unreviewed_since:
        yield "debits may be missing since", journal.unreviewed_since


def _table(journals: Sequence[JournalRecord]) -> "tuple[Sequence[Column], Sequence[Group]]":
    from loyalty_cli.output.table import Cell, Column, Group

    facts = [fact for each in journals for fact in _facts(each)]
    rows = [[Cell(name), Cell(str(value))] for name, value in facts]
    return [Column("About"), Column("What")], [Group(rows)]


JOURNALS = View[JournalRecord](("about", "what"), _facts, _table)
