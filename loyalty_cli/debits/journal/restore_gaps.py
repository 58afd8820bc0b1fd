"""Gaps: since when debits may be missing in a restored journal, and who reviewed that."""

from datetime import UTC, datetime

from msgspec import Struct

from loyalty_cli.debits.journal.database import Database
from loyalty_cli.debits.journal.text import time_text


class Gap(Struct, frozen=True):
    """Debits after `since` may be missing; it was restored `at` that time from `why`."""

    since: str
    at: str
    why: str


def open_gap(database: Database) -> Gap | None:
    """The earliest gap without a review."""
    query = "SELECT since, at, why FROM gaps WHERE reviewed_at IS NULL ORDER BY since"
    with database.reading() as transaction:
        row = transaction.execute(query).fetchone()
    return row and Gap(*row)


def review(database: Database, reviewer: str, why: str) -> int:
    """Record a person's review of all open gaps, and return their number."""
    statement = (
        "UPDATE gaps SET reviewed_at = :now, reviewer = :reviewer, review = :why"
        " WHERE reviewed_at IS NULL"
    )
    values = {"now": time_text(datetime.now(UTC)), "reviewer": reviewer, "why": why}
    with database.writing() as transaction:
        return transaction.execute(statement, values).rowcount
