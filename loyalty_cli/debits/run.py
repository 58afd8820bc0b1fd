"""A run of debits: several at a time, but only one at a time for each account."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Condition, Lock

from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Entry
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.lists.failure_limit import FailureLimit
from loyalty_cli.lists.parallel import map_in_order
from loyalty_cli.lists.stop import Stop
from loyalty_cli.model.errors import ENDING, ErrorCode

Account = tuple[str, str]
"""A customer at a platform: no two debits of an account are made at the same time."""
READING: Account = ("", "")
"""In place of an account: the next entry is being read from the journal."""


class NotBegunError(Exception):
    """The debit was not claimed, because the run is being stopped."""


class DebitStop(Stop):
    """Stops a run: at all profiles, or at one of them; also when the `limit` is reached."""

    def __init__(self, limit: FailureLimit | None = None) -> None:
        super().__init__()
        self.limit = limit or FailureLimit()
        self.journal_failed: JournalError | None = None
        self._lock = Lock()
        self._profiles: set[str] = set()

    def check(self, profile: str) -> None:
        """Raise NotBegunError if no more debits may begin at a profile."""
        if self.is_set() or profile in self._profiles:
            raise NotBegunError

    def set_for(self, profile: str) -> None:
        """Begin no more debits at this profile; other profiles continue."""
        self._profiles.add(profile)

    def journal_fails(self, error: JournalError) -> None:
        """Begin no more debits. The error of an unrecorded result goes before any other."""
        with self._lock:
            told = self.journal_failed
            if told is None or told.code is not ErrorCode.OUTCOME_UNKNOWN:
                self.journal_failed = error
        self.set()


class _InFlight:
    """The debits in flight: at most one of each account."""

    def __init__(self) -> None:
        self._accounts: set[Account] = set()
        self._changed = Condition()

    @contextmanager
    def alone(self, account: Account) -> Iterator[None]:
        """Wait until no debit of an account is in flight; the block then counts as one."""
        with self._changed:
            self._changed.wait_for(lambda: account not in self._accounts)
            self._accounts.add(account)
        try:
            yield
        finally:
            with self._changed:
                self._accounts.remove(account)
                self._changed.notify_all()

    def wait(self) -> None:
        """Wait until nothing is in flight."""
        with self._changed:
            self._changed.wait_for(lambda: not self._accounts)


def run_all(
    debits: DebitSender,
    orders: Iterable[DebitOrder],
    entries: Iterable[Entry],
    stop: DebitStop,
    jobs: int,
) -> Generator[DebitResult]:
    """Make debits, and yield each result in the order asked, after it is recorded.

    Orders and their entries are read as they are needed. Debits that were not begun when the run
    or their profile was stopped are left out. The run always waits for the debits in flight.
    """
    in_flight = _InFlight()

    def make(pair: tuple[DebitOrder, Entry]) -> DebitResult | None:
        order, entry = pair
        with in_flight.alone((order.key.platform, order.customer)):
            return _make(debits, order, entry, stop)

    pairs = zip(orders, entries, strict=True)
    try:
        for settled in map_in_order(make, _until_stopped(pairs, stop, in_flight), jobs):
            if settled is not None:
                yield settled
    finally:
        stop.set()
        in_flight.wait()


def _until_stopped(
    pairs: Iterator[tuple[DebitOrder, Entry]], stop: DebitStop, in_flight: _InFlight
) -> Iterator[tuple[DebitOrder, Entry]]:
    """Pass pairs on; after a stop, the journal is not read for another pair."""
    while True:
        with in_flight.alone(READING):
            try:
                pair = None if stop.is_set() else next(pairs, None)
            except JournalError as error:
                stop.journal_fails(error)
                pair = None
        if pair is None:
            return
        yield pair


def _make(
    debits: DebitSender, order: DebitOrder, entry: Entry, stop: DebitStop
) -> DebitResult | None:
    """Make one debit; None if it was not begun, or if its end could not be recorded.

    An error of the whole profile stops only that profile, and only if it happened in this run:
    the cause of a recorded error may have been fixed since.
    """
    check = partial(stop.check, order.profile.name)
    try:
        check()
        settled = debits.run(order, entry, check)
    except NotBegunError:
        return None
    except JournalError as error:
        stop.journal_fails(error)
        return None
    seen_now = None if settled.replayed else settled.error
    if seen_now and (seen_now.code in ENDING or debits.is_closed(order.profile)):
        stop.set_for(order.profile.name)
    if seen_now and stop.limit.add(seen_now.code):
        stop.set()
    return settled
