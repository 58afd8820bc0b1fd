"""Whether open files still have their names."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

Inode = tuple[int, int]

OPEN_FILES = "/dev/fd"


class SameFiles:
    """Files that this process has open, with their names and inodes.

    Raises FileNotFoundError if a name leads to a file that this process has not open.
    """

    def __init__(self, names: Sequence[Path]) -> None:
        self._names = names
        self.inodes = [_inode(name) for name in names]
        mine = set(_open_inodes())
        # The file under a name may be another one than the file that was opened a moment ago.
        if mine and not mine.issuperset(self.inodes):
            raise FileNotFoundError

    def are_there(self) -> bool:
        """Whether each name still leads to the same file."""
        try:
            return [_inode(name) for name in self._names] == self.inodes
        except OSError:
            return False


def is_open_here(path: Path) -> bool:
    """Whether this process has a file open, as far as the system reports it."""
    return _inode(path) in set(_open_inodes())


def _inode(name: Path) -> Inode:
    status = os.stat(name)  # noqa: PTH116 - before each debit: a Path would cost more than the call
    return status.st_dev, status.st_ino


def _open_inodes() -> Iterator[Inode]:
    """The files that this process has open; empty if the system does not report them."""
    with suppress(OSError):
        for descriptor in os.listdir(OPEN_FILES):  # noqa: PTH208 - names that are numbers
            with suppress(OSError):  # the descriptor of the listing itself is closed
                status = os.fstat(int(descriptor))
                yield status.st_dev, status.st_ino
