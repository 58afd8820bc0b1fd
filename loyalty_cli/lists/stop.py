"""Stopping a run early, and cleanly."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from threading import Timer
from types import FrameType
from typing import NamedTuple

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME_SIGNAL_SECONDS = 0.5
"""Signals within this time count as one, because `timeout` sends its signal twice."""


class LastResort(NamedTuple):
    """Ends the process some seconds after a signal, even if it hangs; `code` is the exit code."""

    seconds: float
    code: Callable[[int], int]


class Stop:
    """Whether to start no more work: after a signal, or an error that would repeat for the rest."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._is_set = False  # no Event: a signal during its signal handler would deadlock

    def is_set(self) -> bool:
        """Whether to start no more work."""
        return self._is_set

    def set(self) -> None:
        """Start no more work."""
        self._is_set = True

    @contextmanager
    def on_signals(
        self, *, second_kills: bool = False, last_resort: LastResort | None = None
    ) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM stop the run, unless the parent process ignores them.

        With `second_kills`, a second signal ends the process at once.
        """
        first = inf
        countdown: Timer | None = None

        def note(number: int, _frame: FrameType | None) -> None:
            nonlocal first, countdown
            now = time.monotonic()
            if second_kills and now - first > SAME_SIGNAL_SECONDS:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            if last_resort and not countdown:
                countdown = Timer(last_resort.seconds, lambda: os._exit(last_resort.code(number)))
                countdown.daemon = True
                countdown.start()
            first = min(first, now)
            self.signal = number
            self.set()

        heard = [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
        before = {each: signal.signal(each, note) for each in heard}
        try:
            yield
        finally:
            if countdown:
                countdown.cancel()
            for each, handler in before.items():
                signal.signal(each, handler)
