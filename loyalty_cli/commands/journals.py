"""Which journal the commands use, and opening it."""

import os
from pathlib import Path

from loyalty_cli.commands.asking import confirmed
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session
from loyalty_cli.folders import state_folder
from loyalty_cli.journal.opening import open_journal
from loyalty_cli.journal.place import is_url
from loyalty_cli.journal.store import Journal
from loyalty_cli.output import messages


def journal_place(session: Session, chosen: Globals) -> str | Path:
    """The path or, as text, the URL of the journal in force; the sandbox keeps its own."""
    if chosen.sandbox:
        from loyalty_cli.sandbox.embedded import JOURNAL

        return state_folder() / JOURNAL
    named = session.config.journal
    if named is None:
        return state_folder() / "journal.db"
    if is_url(named):
        return named
    return Path(session.config.origin).parent / Path(named).expanduser()


def open_existing(session: Session, chosen: Globals) -> Journal:
    """Open the journal to read in it; raise LoyaltyError where there is none.

    The sandbox's is made. What a reader must know of it is said.
    """
    return _warned(open_journal(journal_place(session, chosen), create=chosen.sandbox))


def open_to_settle(session: Session, chosen: Globals) -> Journal:
    """The same, to send or to settle; raise LoyaltyError where debits may be missing in it."""
    return _sure(open_journal(journal_place(session, chosen), create=chosen.sandbox))


def open_for_debits(session: Session, chosen: Globals, *, interactive: bool) -> Journal:
    """The same for debits: where there is none a person is asked, and a job is refused."""
    place = journal_place(session, chosen)
    missing = isinstance(place, Path) and not os.path.lexists(place)
    create = (
        missing
        and interactive
        and confirmed(f"There is no journal {place} yet. Is this the first debit from here?")
    )
    return _sure(open_journal(place, create=create or chosen.sandbox))


def _sure(journal: Journal) -> Journal:
    journal.database.check_unchanged()
    return _warned(journal)


def _warned(journal: Journal) -> Journal:
    for warning in journal.database.warnings:
        messages.warning(warning)
    return journal
