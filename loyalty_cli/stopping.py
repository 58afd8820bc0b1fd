"""Ending a run early and in good order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether to begin no more: a signal came, or what failed would fail for all that follow."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._event = Event()

    def is_set(self) -> bool:
        """Whether it was said."""
        return self._event.is_set()

    def set(self) -> None:
        """Begin no more."""
        self._event.set()

    @contextmanager
    def on_signals(self, *, second_kills: bool = False) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM end the run in good order.

        Where there is nothing in flight that must be waited for, a second one can end the process.
        """

        def note(number: int, _frame: FrameType | None) -> None:
            self.signal = number
            self.set()
            if second_kills:
                for each in SIGNALS:
                    signal.signal(each, signal.SIG_DFL)

        before = {each: signal.signal(each, note) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
