"""Where the database of customer data is that commands use."""

from pathlib import Path

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session
from loyalty_cli.config.folders import data_folder


def people_place(session: Session, chosen: Globals) -> str | Path:
    """The path of the database, or its URL as text; the sandbox has a separate one."""
    if chosen.sandbox:
        from loyalty_cli.sandbox.embedded import PEOPLE

        return data_folder() / PEOPLE
    named = session.config.people
    return data_folder() / "people.db" if named is None else session.config.place(named)
