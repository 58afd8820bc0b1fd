"""What `loyalty journal backup`, `check` and `restore` do."""

from pathlib import Path

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import journal_place, open_existing
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.journal.backup import back_up
from loyalty_cli.debits.journal.health import Health, health_of
from loyalty_cli.debits.journal.open import path_of
from loyalty_cli.debits.journal.processes import actor
from loyalty_cli.debits.journal.restore import restore
from loyalty_cli.debits.journal.restore_gaps import open_gap, review
from loyalty_cli.debits.journal.text import shown
from loyalty_cli.model.errors import usage_error
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.model.records import JournalRecord
from loyalty_cli.output import messages
from loyalty_cli.output.document import print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.journals import JOURNALS
from loyalty_cli.output.stdout import require_stdout


def make_backup(session: Session, chosen: Globals, file: Path) -> None:
    """Write all that the journal has into a new file, and say what that is."""
    with open_existing(session, chosen) as journal:
        held = back_up(journal.database, file)
    messages.note(f"the backup {file} was made: {held}.")


def check(session: Session, chosen: Globals, output: Format) -> int:
    """Print what the journal holds; exit code 3 where it is damaged."""
    require_stdout()
    with open_existing(session, chosen) as journal:
        health = health_of(journal.database)
        print_records([_record(journal.place, health)], output, JOURNALS)
    if health.gap:
        messages.warning(f"debits since {shown(health.gap)} may be missing in it.")
    if not health.faults:
        return ExitCode.OK
    messages.error(
        f"the journal {journal.place} is damaged: {health.faults[0]}.",
        "Make no debits with it. Restore a backup: `loyalty journal restore FILE`.",
    )
    return ExitCode.SETUP


def _record(place: str, health: Health) -> JournalRecord:
    return JournalRecord(
        journal=place,
        intact=None if health.faults is None else not health.faults,
        faults=tuple(health.faults or ()),
        debits=health.counts,
        newest=shown(health.newest) if health.newest else None,
        unreviewed_since=shown(health.gap) if health.gap else None,
    )


def put_back(session: Session, chosen: Globals, file: Path, *, older: bool) -> None:
    """Put a backup in the place of the journal, and say what is kept and what may be missing."""
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
        messages.note(f"What was there before is kept as {restored.aside}.")
    if restored.gap:
        messages.warning(
            f"debits since {shown(restored.gap)} may be missing in it, and would be made again."
            " Compare it with the platform, then `loyalty journal restore --reviewed --why TEXT`;"
            " until then a job makes none."
        )


def note_review(session: Session, chosen: Globals, why: str) -> None:
    """Put on record that a person has looked what is missing, and let jobs debit again."""
    with open_existing(session, chosen) as journal:
        gap = open_gap(journal.database)
        if gap is None:
            usage_error(f"nothing waits for a review in the journal {journal.place}.")
        review(journal.database, actor(), why)
    messages.note(f"Reviewed: what may be missing since {shown(gap.since)}.")
