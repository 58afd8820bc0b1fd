"""Whether a journal is intact, what it holds, and since when debits may be missing in it."""

from datetime import UTC, datetime

from msgspec import Struct

from loyalty_cli.debits.journal.database import Database, JournalError, refuse
from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.text import shown, time_text
from loyalty_cli.model.records import JournalRecord


class Gap(Struct, frozen=True):
    """Debits after `since` may be missing, because the journal was restored."""

    since: str
    why: str


def open_gap(database: Database) -> Gap | None:
    """The earliest gap without a review."""
    query = "SELECT since, why FROM gaps WHERE reviewed_at IS NULL ORDER BY since"
    with database.reading() as transaction:
        row = transaction.execute(query).fetchone()
    return row and Gap(*row)


def missing_since(gap: Gap, database: Database) -> str:
    """What may be missing, and where."""
    return f"debits since {shown(gap.since)} may be missing in the journal {database.place}"


def refuse_gap(database: Database) -> None:
    """Raise JournalError if debits may be missing: a debit could be one of them."""
    if gap := open_gap(database):
        refuse(
            f"{missing_since(gap, database)}, which was restored.",
            "Compare it with the platform, then `loyalty journal restore --reviewed --why TEXT`.",
        )


def review(database: Database, reviewer: str, why: str) -> int:
    """Record a person's review of all open gaps, and return their number."""
    statement = (
        "UPDATE gaps SET reviewed_at = :now, reviewer = :reviewer, review = :why"
        " WHERE reviewed_at IS NULL"
    )
    values = {"now": time_text(datetime.now(UTC)), "reviewer": reviewer, "why": why}
    with database.writing() as transaction:
        return transaction.execute(statement, values).rowcount


def counts_of(database: Database) -> dict[str, int]:
    """How many debits are in each state; raise JournalError if that cannot be read."""
    by_state = "SELECT state, count(*) FROM debits GROUP BY state"
    with database.reading() as transaction:
        found = dict(transaction.execute(by_state).fetchall())
    return dict.fromkeys(map(str, State), 0) | found


def health_of(database: Database) -> JournalRecord:
    """Check a journal; raise JournalError if it cannot be read at all."""
    faults = database.faults()
    counts: dict[str, int] | None
    try:
        counts = counts_of(database)
        with database.reading() as transaction:
            (newest,) = transaction.execute("SELECT max(at) FROM events").fetchone()
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
