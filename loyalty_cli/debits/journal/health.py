"""Whether a journal is sound, and what it holds."""

import sqlalchemy as sql
from msgspec import Struct

from loyalty_cli.debits.journal.database import READING
from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.file import FileDatabase
from loyalty_cli.debits.journal.restore_gaps import open_gap
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.tables import debits, events


class Health(Struct, frozen=True):
    """What is found damaged, and what a journal holds.

    `faults` is None where the server sees to that itself, and `counts` where they cannot be read.
    """

    faults: list[str] | None
    counts: dict[str, int] | None
    newest: str | None
    gap: str | None


def health_of(journal: Journal) -> Health:
    """Look through a journal; raise JournalError where it cannot be read at all."""
    database = journal.database
    faults = database.faults() if isinstance(database, FileDatabase) else None
    counts, newest, gap = dict.fromkeys(map(str, State), 0), None, None
    by_state = sql.select(debits.c.state, sql.func.count()).group_by(debits.c.state)
    try:
        with database.engine.connect() as connection:
            reading = connection.execution_options(**{READING: True})
            counts |= {state: number for state, number in reading.execute(by_state)}  # noqa: C416 - rows
            newest = reading.execute(sql.select(sql.func.max(events.c.at))).scalar_one()
        gap = open_gap(database)
    except sql.exc.DBAPIError as error:
        if not faults:
            raise database.failure(error) from None
        return Health(faults, None, None, None)
    return Health(faults, counts, newest, gap.since if gap else None)
