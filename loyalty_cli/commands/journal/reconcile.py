"""Runs `loyalty journal reconcile`."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import journal_to_settle
from loyalty_cli.commands.platforms import platform_client
from loyalty_cli.debits.accounts import adopt_debits
from loyalty_cli.debits.journal.entries import OPEN, Entry, Process
from loyalty_cli.debits.journal.locks import release_lock, take_lock
from loyalty_cli.debits.journal.processes import is_gone, this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.uptime import seconds_awake_or_asleep
from loyalty_cli.debits.reconcile import Reconciler
from loyalty_cli.debits.records import result_record
from loyalty_cli.debits.result import DebitResult, recorded_error
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.debits.until_settled import Results, until_settled
from loyalty_cli.lists.parallel import map_in_order
from loyalty_cli.lists.stop import Stop
from loyalty_cli.model.exit_codes import ExitCode, exit_code_of_signal
from loyalty_cli.model.records import DebitRecord
from loyalty_cli.model.tally import MAX_REPORTED
from loyalty_cli.output import messages, stderr
from loyalty_cli.output.dates import duration
from loyalty_cli.output.debits import DEBITS, report_more
from loyalty_cli.output.document import collecting, is_unprinted, print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.waiting import LINE

LOCK = "reconcile"
POLL_SECONDS = 0.2
ABANDONED_AFTER = timedelta(minutes=10)
"""After this time the lock of a process on another machine counts as abandoned."""


def run(
    chosen: Globals,
    output: Format,
    *,
    wait: bool = False,
    clock: Callable[[], float] = seconds_awake_or_asleep,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Go through the open debits and print each result; the exit code shows if all are settled.

    With `wait`, again and again: until all are settled, or their settle period has passed twice.
    """
    stop = Stop()
    with journal_to_settle(chosen) as (session, journal):
        profiles = session.config.profiles.values()
        adopt_debits(journal, profiles)
        platforms = platform_client(session, chosen)
        reconciler = Reconciler(journal, DebitSender(journal, platforms), profiles)
        if not wait:
            with _alone(journal) as is_alone:
                return _print(map(result_record, _results(reconciler, is_alone, stop)), output)
        with stop.on_signals(second_kills=True):
            waiting = Waiting(journal, reconciler, stop, clock, sleep)
            code = _print(map(result_record, waiting.results()), output)
    if stop.signal and code != ExitCode.OUTCOME_UNKNOWN:
        return exit_code_of_signal(stop.signal)
    return code


def _results(reconciler: Reconciler, is_alone: bool, stop: Stop) -> Iterator[DebitResult]:
    """Look at the open debits; if another reconcile does that, these are the present states."""
    entries = reconciler.open_entries()
    if is_alone:
        return map_in_order(reconciler.reconcile, entries, stop=stop)
    messages.note("Another reconcile is running; these are the present states.")
    return map(_on_record, entries)


def _on_record(entry: Entry) -> DebitResult:
    return DebitResult(entry, error=recorded_error(entry))


class Waiting:
    """Looks at the open debits until they are settled, and says on a terminal what it waits for."""

    def __init__(
        self,
        journal: Journal,
        reconciler: Reconciler,
        stop: Stop,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._journal = journal
        self._reconciler = reconciler
        self._stop = stop
        self._clock = clock
        self._sleep = sleep
        self._is_told = False

    def results(self) -> Iterator[DebitResult]:
        """Each debit when it is settled, and at the end those that stay unknown."""
        return until_settled(self._look, self._patience, self._clock, self._pause)

    def _look(self, before: Results) -> Results:
        """Look at the open debits once; others may have settled some that were open `before`."""
        with _alone(self._journal) as is_alone:
            self._journal.database.check_unchanged()
            entries = {each.key: each for each in self._reconciler.open_entries()}
            for each in before:
                if each.entry.key not in entries:
                    entries[each.entry.key] = self._journal.present(each.entry)
            found = {key: _on_record(entry) for key, entry in entries.items()}
            if is_alone:
                open_ = [each for each in entries.values() if each.state in OPEN]
                for each in map_in_order(self._reconciler.reconcile, open_, stop=self._stop):
                    found[each.entry.key] = each
            else:
                messages.banner("Another reconcile is running.")
        return [*found.values()]

    def _patience(self, left: Results) -> float:
        return self._reconciler.patience(each.entry for each in left)

    def _pause(self, left: Results, seconds: float) -> bool:
        """Wait until it is time to look again; False after a signal."""
        if not (self._is_told or self._stop.is_set()):
            self._tell(left)
        ends = self._clock() + seconds
        with ExitStack() as lines:
            for each in left[:MAX_REPORTED]:
                lines.enter_context(LINE.on(each.entry.key.reference))
            while not self._stop.is_set() and (rest := ends - self._clock()) > 0:
                self._sleep(min(rest, POLL_SECONDS))  # a signal does not end a longer sleep
        return not self._stop.is_set()

    def _tell(self, left: Results) -> None:
        """Say on a terminal what is waited for, and how long; a log has it all at the end."""
        self._is_told = True
        for each in left[:MAX_REPORTED]:
            if each.error:
                messages.banner(f"{each.entry.key.reference!r}: {each.error.message}")
        debits = "1 debit is" if len(left) == 1 else f"{len(left):,} debits are"
        longest = duration(self._patience(left))
        messages.banner(f"{debits} unknown. Looking again for up to {longest}; Ctrl-C ends it.")


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
        messages.note("Nothing is unknown.")
    failed = [(record.reference, record.error) for record in done if record.error]
    most = len(failed) if stderr.is_json() else MAX_REPORTED
    messages.failures(
        messages.Failed(error, repr(reference), reference=reference)
        for reference, error in failed[:most]
    )
    report_more(Counter(error.code for _, error in failed[most:]))
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
