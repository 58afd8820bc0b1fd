"""Gaps: since when debits may be missing in a journal that was restored, and who has looked."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sql
from msgspec import Struct

from loyalty_cli.debits.journal.database import READING, Database
from loyalty_cli.debits.journal.tables import gaps

_OPEN = gaps.c.reviewed_at.is_(None)


class Gap(Struct, frozen=True):
    """Debits since `since` may be missing; `at` it was restored, and `why` says from what."""

    since: str
    at: str
    why: str


def open_gap(database: Database) -> Gap | None:
    """The earliest gap that nobody has reviewed; raise JournalError where it cannot be read."""
    query = sql.select(gaps.c.since, gaps.c.at, gaps.c.why).where(_OPEN).order_by(gaps.c.since)
    with _explained(database), database.engine.connect() as connection:
        row = connection.execution_options(**{READING: True}).execute(query).first()
    return None if row is None else Gap(row.since, row.at, row.why)


def review(database: Database, reviewer: str, why: str) -> int:
    """Put on record that a person has looked at all that is open, and say how many gaps."""
    with _explained(database), database.writer(), database.engine.begin() as connection:
        values = {"reviewed_at": written(datetime.now(UTC)), "reviewer": reviewer, "review": why}
        return connection.execute(gaps.update().where(_OPEN).values(values)).rowcount


def shown(at: str) -> str:
    """A time of the journal as records have it."""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def written(moment: datetime) -> str:
    """A time as the journal has it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@contextmanager
def _explained(database: Database) -> Iterator[None]:
    try:
        yield
    except sql.exc.DBAPIError as error:
        raise database.failure(error) from None
