"""What `loyalty journal backup` does."""

from pathlib import Path

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import open_existing
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.journal.backup import back_up
from loyalty_cli.output import messages


def make_backup(session: Session, chosen: Globals, file: Path) -> None:
    """Write all that the journal has into a new file, and say what that is."""
    with open_existing(session, chosen) as journal:
        summary = back_up(journal.database, file)
    messages.note(f"the backup {file} was made: {summary}.")
