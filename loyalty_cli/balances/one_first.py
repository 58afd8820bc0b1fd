"""The first call of a group runs alone; the others wait until it is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class OneFirst:
    """Lets the first call of each group run alone, and then all others."""

    def __init__(self) -> None:
        self._gates: dict[str, Lock] = {}
        self._open: set[str] = set()

    @contextmanager
    def enter(self, group: str) -> Iterator[None]:
        """Wait for the first call of the group, or be the first."""
        if group not in self._open:
            with self._gates.setdefault(group, Lock()):
                if group not in self._open:
                    yield
                    self._open.add(group)
                    return
        yield
