"""Runs `loyalty journal accept-failover`."""

from contextlib import closing

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import journal_place
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.journal.open import open_journal, path_of
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import messages


def accept(session: Session, chosen: Globals, why: str) -> None:
    """Record that the journal is at another server than before, and print both."""
    place = journal_place(session, chosen)
    if path_of(place) is not None:
        usage_error(f"the journal {place} is a file, and a file has no failover.")
    with closing(open_journal(place)) as journal:
        from loyalty_cli.debits.journal.server import ServerDatabase  # psycopg is there, now

        assert isinstance(journal.database, ServerDatabase)
        accepted = journal.database.accept_failover(why)
    if accepted is None:
        messages.note(f"the journal {journal.place} is at the server on record.")
        return
    before, present = accepted
    messages.note(f"the journal {journal.place} moved from {before} to {present}: accepted.")
