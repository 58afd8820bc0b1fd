"""Letting one go ahead, to see whether the others may follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class OneFirst:
    """Of each group one goes ahead alone, and once it is done all others may go at once."""

    def __init__(self) -> None:
        self._gates: dict[str, Lock] = {}
        self._open: set[str] = set()

    @contextmanager
    def enter(self, group: str) -> Iterator[None]:
        """Wait for a turn, and have it."""
        if group not in self._open:
            with self._gates.setdefault(group, Lock()):
                if group not in self._open:
                    yield
                    self._open.add(group)
                    return
        yield
