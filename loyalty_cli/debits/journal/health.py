"""Whether a journal is intact, and what it holds."""

from loyalty_cli.debits.journal.database import Database, JournalError
from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.restore_gaps import open_gap
from loyalty_cli.debits.journal.text import shown
from loyalty_cli.model.records import JournalRecord


def health_of(database: Database) -> JournalRecord:
    """Check a journal; raise JournalError if it cannot be read at all."""
    faults = database.faults()
    counts: dict[str, int] | None
    by_state = "SELECT state, count(*) FROM debits GROUP BY state"
    try:
        with database.reading() as transaction:
            found = dict(transaction.execute(by_state).fetchall())
            (newest,) = transaction.execute("SELECT max(at) FROM events").fetchone()
        counts = dict.fromkeys(map(str, State), 0) | found
        gap = open_gap(database)
    except JournalError:
        if not faults:
            raise
        counts = newest = gap = None
    return JournalRecord(
        journal=database.place,
        intact=None if faults is None else not faults,
        faults=tuple(faults or ()),
        debits=counts,
        newest=shown(newest) if newest else None,
        unreviewed_since=shown(gap.since) if gap else None,
    )
