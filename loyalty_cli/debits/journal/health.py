"""Whether a journal is intact, and what it holds."""

from msgspec import Struct

from loyalty_cli.debits.journal.database import Database, JournalError
from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.restore_gaps import open_gap


class Health(Struct, frozen=True):
    """The damage and the content of a journal.

    `faults` is None if the server checks itself; `counts` is None if they cannot be read.
    """

    faults: list[str] | None
    counts: dict[str, int] | None
    newest: str | None
    gap: str | None


def health_of(database: Database) -> Health:
    """Check a journal; raise JournalError if it cannot be read at all."""
    faults = database.faults()
    counts = dict.fromkeys(map(str, State), 0)
    try:
        with database.reading() as transaction:
            counts |= dict(
                transaction.execute("SELECT state, count(*) FROM debits GROUP BY state").fetchall()
            )
            (newest,) = transaction.execute("SELECT max(at) FROM events").fetchone()
        gap = open_gap(database)
    except JournalError:
        if not faults:
            raise
        return Health(faults, None, None, None)
    return Health(faults, counts, newest, gap.since if gap else None)
