"""Runs `loyalty journal backup`."""

from pathlib import Path

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import open_existing
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.journal.backup import back_up
from loyalty_cli.output import messages


def make_backup(session: Session, chosen: Globals, file: Path) -> None:
    """Write the whole journal into a new file, and print what it holds."""
    with open_existing(session, chosen) as journal:
        summary = back_up(journal.database, file)
    messages.note(f"the backup {file} was made: {summary}.")
