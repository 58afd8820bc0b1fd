"""How the state of a journal is shown."""

from collections.abc import Iterator

from loyalty_cli.model.records import JournalRecord
from loyalty_cli.output.csv_text import CsvCell
from loyalty_cli.output.view import facts_view

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


JOURNALS = facts_view(_facts)
