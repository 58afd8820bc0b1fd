"""Runs `loyalty journal check`."""

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import open_existing
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.journal.health import Health, health_of
from loyalty_cli.debits.journal.text import shown
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.model.records import JournalRecord
from loyalty_cli.output import messages
from loyalty_cli.output.document import print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.journals import JOURNALS
from loyalty_cli.output.stdout import require_stdout


def check(session: Session, chosen: Globals, output: Format) -> int:
    """Print what the journal holds; exit code 3 if it is damaged."""
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
