"""Find the history that commands use, open it, or write look-ups into it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.people_place import people_place
from loyalty_cli.commands.session import Session
from loyalty_cli.output import messages

if TYPE_CHECKING:
    from loyalty_cli.database.customer_data import CustomerData
    from loyalty_cli.history.recorder import Recorder
    from loyalty_cli.history.store import History


@contextmanager
def open_history(
    session: Session, chosen: Globals, *, create: bool = False
) -> Iterator["History | None"]:
    """Open the history for a block, and print warnings; None if there is none yet."""
    from loyalty_cli.commands.open_customer_data import open_customer_data
    from loyalty_cli.history.store import SCHEMA, History

    with open_customer_data(session, chosen, SCHEMA, create=create) as database:
        yield None if database is None else History(database)


@contextmanager
def recording(session: Session, chosen: Globals) -> Iterator["Recorder | None"]:
    """Write the look-ups of a block into the history, if the profile file says so."""
    if not session.config.history:
        yield None
        return
    from loyalty_cli.history.recorder import Recorder

    def open_it() -> "CustomerData":
        from loyalty_cli.database.open import open_database
        from loyalty_cli.history.store import SCHEMA

        database = open_database(people_place(session, chosen), SCHEMA, create=True)
        assert database is not None
        return database

    recorder = Recorder(open_it, this_user())
    try:
        yield recorder
    finally:
        for warning in recorder.close():
            messages.warning(warning)


def this_user() -> str:
    """The user and the host, as the history names them."""
    import socket

    from loyalty_cli.database.user import user_name

    return f"{user_name()}@{socket.gethostname()}"
