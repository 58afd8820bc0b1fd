"""Runs `loyalty journal restore`."""

from pathlib import Path

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import journal_place, open_existing
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.journal.open import path_of
from loyalty_cli.debits.journal.processes import actor
from loyalty_cli.debits.journal.restore import restore
from loyalty_cli.debits.journal.restore_gaps import open_gap, review
from loyalty_cli.debits.journal.text import shown
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import messages


def put_back(session: Session, chosen: Globals, file: Path, *, older: bool) -> None:
    """Replace the journal with a backup; print what is kept, and what may be missing."""
    place = journal_place(session, chosen)
    path = path_of(place)
    if path is None:
        usage_error(
            "a journal at a server is not restored from a file.",
            "Use the server's own backups, or pg_restore.",
        )
    restored = restore(path, file, older=older)
    messages.note(f"the journal {path} was restored from {file}: {restored.held}.")
    if restored.aside:
        messages.note(f"The old journal is kept as {restored.aside}.")
    if restored.gap:
        messages.warning(
            f"debits since {shown(restored.gap)} may be missing in it, and would be made again."
            " Compare it with the platform, then `loyalty journal restore --reviewed --why TEXT`;"
            " until then a job makes no debits."
        )


def note_review(session: Session, chosen: Globals, why: str) -> None:
    """Record that a person checked what is missing, and let jobs debit again."""
    with open_existing(session, chosen) as journal:
        gap = open_gap(journal.database)
        if gap is None:
            usage_error(f"the journal {journal.place} needs no review.")
        review(journal.database, actor(), why)
    messages.note(f"Reviewed: what may be missing since {shown(gap.since)}.")
