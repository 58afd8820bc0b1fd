"""Runs `loyalty journal reconcile`."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import journal_to_settle
from loyalty_cli.commands.platforms import platform_client
from loyalty_cli.debits.accounts import adopt_debits
from loyalty_cli.debits.journal.entries import OPEN, Process
from loyalty_cli.debits.journal.locks import release_lock, take_lock
from loyalty_cli.debits.journal.processes import is_gone, this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.reconcile import Reconciler
from loyalty_cli.debits.records import entry_record, result_record
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.lists.parallel import map_in_order
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.model.records import DebitRecord
from loyalty_cli.model.tally import MAX_REPORTED
from loyalty_cli.output import messages
from loyalty_cli.output.debits import DEBITS, report_more
from loyalty_cli.output.document import collecting, is_unprinted, print_records
from loyalty_cli.output.format import Format

LOCK = "reconcile"
ABANDONED_AFTER = timedelta(minutes=10)
"""After this time the lock of a process on another machine counts as abandoned."""


def run(chosen: Globals, output: Format) -> int:
    """Go through the open debits and print each result; the exit code shows if all are settled."""
    with journal_to_settle(chosen) as (session, journal), _alone(journal) as is_alone:
        profiles = session.config.profiles.values()
        adopt_debits(journal, profiles)
        platforms = platform_client(session, chosen)
        reconciler = Reconciler(journal, DebitSender(journal, platforms), profiles)
        entries = reconciler.open_entries()
        if is_alone:
            records = map(result_record, map_in_order(reconciler.reconcile, entries))
        else:
            messages.note("Another reconcile is running; these are the present states.")
            records = map(entry_record, entries)
        return _print(records, output)


def _print(records: Iterator[DebitRecord], output: Format) -> int:
    """Print each result; the exit code for unknown debits goes before other errors."""
    done = list[DebitRecord]()
    try:
        print_records(collecting(records, done), output, DEBITS)
    except Exception as error:
        done.extend(records)  # nobody reads stdout any more; the debits are settled all the same
        if not (_is_open(done) and is_unprinted(error)):
            raise
    if not done:
        messages.banner("nothing is unknown.")  # not for a log, every few minutes
    failed = [(record.reference, record.error) for record in done if record.error]
    messages.errors(
        (f"{reference!r}: {error.message}", error.hint)
        for reference, error in failed[:MAX_REPORTED]
    )
    report_more(Counter(error.code for _, error in failed[MAX_REPORTED:]))
    return ExitCode.OUTCOME_UNKNOWN if _is_open(done) else ExitCode.OK


def _is_open(done: list[DebitRecord]) -> bool:
    return any(record.state in OPEN for record in done)


@contextmanager
def _alone(journal: Journal) -> Iterator[bool]:
    """Hold the lock of reconcile; False if another process has it."""
    mine = this_process()
    taken = take_lock(journal.database, LOCK, mine, _is_abandoned)
    try:
        yield taken
    finally:
        if taken:
            release_lock(journal.database, LOCK, mine)


def _is_abandoned(holder: Process, age: timedelta) -> bool:
    gone = is_gone(holder)
    return age > ABANDONED_AFTER if gone is None else gone
