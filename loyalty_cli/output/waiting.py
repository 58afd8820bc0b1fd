"""The line that says which platforms are waited for, while nothing else is shown.

It is written to stderr after a second of silence, and erased before anything else is shown.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread

from loyalty_cli.output import stderr
from loyalty_cli.output.escape import visible

SILENCE_SECONDS = 1.0
"""How long nothing is shown before the line is, and how often it changes then."""

ERASE = "\r\x1b[K"


class WaitingLine:
    """Knows who is waited for, and draws the line in a thread of its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = Condition()
        self._waits: dict[object, tuple[float, str]] = {}
        self._hidden = 0
        self._spoken = clock()
        self._is_drawn = False
        self._is_running = False

    @contextmanager
    def on(self, platform: str) -> Iterator[None]:
        """Wait for a platform, or for the keyring, in the block."""
        if not stderr.shows_progress():
            yield
            return
        wait = object()
        with self._changed:
            if not self._waits:
                self._spoken = self._clock()
            self._waits[wait] = (self._clock(), platform)
            self._start()
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                del self._waits[wait]
                if not self._waits:
                    self._erase()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Show no line in the block, in which something else is shown."""
        with self._changed:
            self._hidden += 1
            self._erase()
        try:
            yield
        finally:
            with self._changed:
                self._hidden -= 1
                self._spoken = self._clock()

    def erase_for_good(self) -> None:
        """Show no line from now on."""
        with self._changed:
            self._hidden += 1
            self._erase()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Show no line while a person types an answer, for which no platform is to blame."""
        with self.hidden():
            yield
        with self._changed:
            for wait, (_, platform) in self._waits.items():
                self._waits[wait] = (self._clock(), platform)

    def text(self) -> str:
        """The line at this moment."""
        with self._changed:
            names = list(dict.fromkeys(visible(name) for _, name in self._waits.values()))
            now = self._clock()
            seconds = now - min((at for at, _ in self._waits.values()), default=now)
        after = f"… {seconds:.0f} s"
        room = stderr.width() - 1 - stderr.cells(after)
        texts = [f"waiting for {_listed(names, shown)}" for shown in range(len(names), 0, -1)]
        fitting = (text for text in texts if stderr.cells(text) <= room)
        return next(fitting, "waiting") + after

    def _start(self) -> None:
        if not self._is_running:
            self._is_running = True
            Thread(target=self._run, name="waiting line", daemon=True).start()

    def _run(self) -> None:
        with self._changed:
            while True:
                silent = self._clock() - self._spoken
                if not self._waits:
                    self._changed.wait()
                elif self._hidden or silent < SILENCE_SECONDS:
                    self._changed.wait(max(SILENCE_SECONDS - silent, SILENCE_SECONDS / 10))
                else:
                    self._draw()
                    self._changed.wait(SILENCE_SECONDS)

    def _draw(self) -> None:
        stderr.write(ERASE + self.text())
        self._is_drawn = True

    def _erase(self) -> None:
        if self._is_drawn:
            stderr.write(ERASE)
            self._is_drawn = False


def _listed(names: list[str], shown: int) -> str:
    """The first names, and how many others there are."""
    left = len(names) - shown
    *others, last = [*names[:shown], f"{left} more"] if left else names
    return f"{', '.join(others)} and {last}" if others else last


LINE = WaitingLine()
"""The only one: a terminal has one last line."""
