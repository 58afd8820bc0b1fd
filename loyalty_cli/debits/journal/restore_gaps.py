"""Gaps: since when debits may be missing in a journal that was restored, and who has looked."""

from datetime import UTC, datetime

from msgspec import Struct

from loyalty_cli.debits.journal.database import Database
from loyalty_cli.debits.journal.text import time_text


class Gap(Struct, frozen=True):
    """Debits since `since` may be missing; `at` it was restored, and `why` says from what."""

    since: str
    at: str
    why: str


def open_gap(database: Database) -> Gap | None:
    """The earliest gap that nobody has reviewed."""
    query = "SELECT since, at, why FROM gaps WHERE reviewed_at IS NULL ORDER BY since"
    with database.reading() as transaction:
        row = transaction.execute(query).fetchone()
    return row and Gap(*row)


def review(database: Database, reviewer: str, why: str) -> int:
    """Put on record that a person has looked at all that is open, and say how many gaps."""
    statement = (
        "UPDATE gaps SET reviewed_at = :now, reviewer = :reviewer, review = :why"
        " WHERE reviewed_at IS NULL"
    )
    values = {"now": time_text(datetime.now(UTC)), "reviewer": reviewer, "why": why}
    with database.writing() as transaction:
        return transaction.execute(statement, values).rowcount
