"""Find the database of people that commands use, and open it for a block."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.people_place import people_place
from loyalty_cli.commands.session import Session
from loyalty_cli.database.open import open_database
from loyalty_cli.output import messages
from loyalty_cli.people.store import SCHEMA, People


@contextmanager
def open_people(
    session: Session, chosen: Globals, *, create: bool = False
) -> Iterator[People | None]:
    """Open the people for a block, and print warnings; None if there are none yet."""
    database = open_database(people_place(session, chosen), SCHEMA, create=create)
    if database is None:
        yield None
        return
    for warning in database.warnings:
        messages.warning(warning)
    with closing(database):
        yield People(database)
