"""A run of debits: one or a whole file, several at a time, each account's one after the other."""

import signal
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock
from types import FrameType

from loyalty_cli.debits.debit import Debits, Order, Settled
from loyalty_cli.errors import ErrorCode
from loyalty_cli.journal.entries import Entry
from loyalty_cli.journal.store import JournalError
from loyalty_cli.side_by_side import side_by_side

ENDING = frozenset(
    {
        ErrorCode.CREDENTIAL_MISSING,
        ErrorCode.CREDENTIAL_UNREADABLE,
        ErrorCode.CREDENTIAL_REFUSED,
        ErrorCode.TLS_FAILED,
    }
)
"""What would fail the same way for every debit after it."""


class Stop:
    """Whether to begin no more debits: a signal, a journal that failed, a sign-in refused."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.journal_failed: JournalError | None = None
        self._event = Event()

    def is_set(self) -> bool:
        """Whether it was said."""
        return self._event.is_set()

    def set(self) -> None:
        """Begin no more."""
        self._event.set()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM end the run in good order: what is in flight is waited for."""

        def note(number: int, _frame: FrameType | None) -> None:
            self.signal = number
            self.set()

        before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def run_all(
    debits: Debits, orders: Sequence[Order], entries: Sequence[Entry], stop: Stop, jobs: int
) -> Iterator[Settled]:
    """Make debits, and give each in the order asked once it is settled and written down.

    Those that were not begun when the run was stopped are left out.
    """
    accounts: defaultdict[tuple[str, str], Lock] = defaultdict(Lock)

    def make(pair: tuple[Order, Entry]) -> Settled | None:
        order, entry = pair
        with accounts[(order.key.platform, order.customer)]:
            if stop.is_set():
                return None
            try:
                settled = debits.run(order, entry)
            except JournalError as error:
                stop.journal_failed = error
                stop.set()
                return None
        if settled.error and settled.error.code in ENDING:
            stop.set()
        return settled

    pairs = list(zip(orders, entries, strict=True))
    return (settled for settled in side_by_side(make, pairs, jobs) if settled is not None)
