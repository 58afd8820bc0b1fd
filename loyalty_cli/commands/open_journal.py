"""Find the journal that commands use, and open it for a block."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from loyalty_cli.commands.confirm import confirmed
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session, open_session
from loyalty_cli.debits.journal.health import missing_since, open_gap, refuse_gap
from loyalty_cli.debits.journal.open import make_journal, open_journal
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.output import messages


@contextmanager
def open_existing(session: Session, chosen: Globals) -> Iterator[Journal]:
    """Open the journal for a block, and print its warnings; the sandbox makes a missing one."""
    with closing(open_journal(session.config.journal_place, create=chosen.sandbox)) as journal:
        _warn(journal)
        yield journal


@contextmanager
def journal_there(chosen: Globals) -> Iterator[tuple[Session, Journal]]:
    """The session and the open journal of a command, for a block."""
    with (
        open_session(chosen, for_debits=True) as session,
        open_existing(session, chosen) as journal,
    ):
        yield session, journal


@contextmanager
def journal_to_settle(chosen: Globals) -> Iterator[tuple[Session, Journal]]:
    """As `journal_there`, to settle debits; raise LoyaltyError if the server has changed."""
    with journal_there(chosen) as (session, journal):
        journal.database.check_unchanged()
        yield session, journal


@contextmanager
def open_for_debits(session: Session, chosen: Globals, *, interactive: bool) -> Iterator[Journal]:
    """Open the journal for debits; if it is missing, ask a person whether to create it."""
    place = session.config.journal_place
    missing = isinstance(place, Path) and not os.path.lexists(place)
    create = (
        missing
        and interactive
        and not chosen.sandbox
        and confirmed(f"There is no journal {place} yet. Is this the first debit from here?")
    )
    opened = make_journal(place) if create else open_journal(place, create=chosen.sandbox)
    with closing(opened) as journal:
        journal.database.check_unchanged()
        _warn(journal)
        _check_gap(journal, interactive=interactive)
        yield journal


def _warn(journal: Journal) -> None:
    for warning in journal.database.warnings:
        messages.warning(warning)


def _check_gap(journal: Journal, *, interactive: bool) -> None:
    """If debits may be missing in the journal, ask a person; raise LoyaltyError for a job."""
    gap = open_gap(journal.database)
    if gap is None:
        return
    if interactive:
        messages.warning(f"{missing_since(gap, journal.database)}: {gap.why}.")
        if confirmed("Are you sure that no debit you request now was made since then?"):
            return
    refuse_gap(journal.database)
