"""Runs `loyalty journal backup`, `check`, `restore` and `accept-failover`."""

from contextlib import closing
from pathlib import Path

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import journal_there
from loyalty_cli.commands.session import open_session
from loyalty_cli.debits.journal.backup import back_up
from loyalty_cli.debits.journal.health import health_of, open_gap, review
from loyalty_cli.debits.journal.last_backup import note_backup
from loyalty_cli.debits.journal.open import open_journal, path_of
from loyalty_cli.debits.journal.processes import actor
from loyalty_cli.debits.journal.restore import restore
from loyalty_cli.debits.journal.text import shown
from loyalty_cli.model.errors import ErrorCode, usage_error
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.output import messages
from loyalty_cli.output.document import print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.journals import JOURNALS
from loyalty_cli.output.stdout import require_stdout


def make_backup(chosen: Globals, file: Path) -> None:
    """Write the whole journal into a new file, and print what it holds."""
    with journal_there(chosen) as (_, journal):
        summary = back_up(journal.database, file)
        note_backup(Path(journal.place), file)
    messages.note(f"the backup {file} was made: {summary}.")


def check(chosen: Globals, output: Format) -> int:
    """Print what the journal holds; exit code 3 if it is damaged."""
    require_stdout()
    with journal_there(chosen) as (_, journal):
        record = health_of(journal.database)
        print_records([record], output, JOURNALS)
    if record.unreviewed_since:
        messages.warning(f"debits since {record.unreviewed_since} may be missing in the journal.")
    if not record.faults:
        return ExitCode.OK
    messages.error(
        f"the journal {record.journal} is damaged: {record.faults[0]}.",
        "Make no debits with it. Restore a backup: `loyalty journal restore FILE`.",
        code=ErrorCode.SETUP,
    )
    return ExitCode.SETUP


def put_back(chosen: Globals, file: Path, *, older: bool) -> None:
    """Replace the journal with a backup; print what is kept, and what may be missing."""
    with open_session(chosen, for_debits=True) as session:
        path = path_of(session.config.journal_place)
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
            f"debits since {shown(restored.gap)} may be missing in the journal, and would be made"
            " again. Compare it with the platform, then `loyalty journal restore --reviewed --why"
            " TEXT`; until then a job makes no debits."
        )


def note_review(chosen: Globals, why: str) -> None:
    """Record that a person checked what is missing, and let jobs debit again."""
    with journal_there(chosen) as (_, journal):
        gap = open_gap(journal.database)
        if gap is None:
            usage_error(f"the journal {journal.place} needs no review.")
        review(journal.database, actor(), why)
    messages.note(f"Reviewed: what may be missing since {shown(gap.since)}.")


def accept_failover(chosen: Globals, why: str) -> None:
    """Record that the journal is at another server than before, and print both."""
    with open_session(chosen, for_debits=True) as session:
        place = session.config.journal_place
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
