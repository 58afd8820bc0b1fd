"""Open the people that commands use for a block."""

from collections.abc import Iterator
from contextlib import contextmanager

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_customer_data import open_customer_data
from loyalty_cli.commands.session import Session
from loyalty_cli.people.store import SCHEMA, People


@contextmanager
def open_people(
    session: Session, chosen: Globals, *, create: bool = False
) -> Iterator[People | None]:
    """Open the people for a block, and print warnings; None if there are none yet."""
    with open_customer_data(session, chosen, SCHEMA, create=create) as database:
        yield None if database is None else People(database)
