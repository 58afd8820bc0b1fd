"""Open the database of customer data, of people or of history, for a block."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.people_place import people_place
from loyalty_cli.commands.session import Session
from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.database.open import open_database
from loyalty_cli.output import messages


@contextmanager
def open_customer_data(
    session: Session, chosen: Globals, schema: Schema, *, create: bool
) -> Iterator[CustomerData | None]:
    """Open it for a block, and print its warnings; None if there is none yet."""
    database = open_database(people_place(session, chosen), schema, create=create)
    if database is None:
        yield None
        return
    for warning in database.warnings:
        messages.warning(warning)
    with closing(database):
        yield database
