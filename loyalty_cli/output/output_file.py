"""The file that records are written to: never over something else, and never half a record."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from loyalty_cli.errors import setup_error
from loyalty_cli.regular_file import reason


class OutputFile:
    """A file that this run alone writes to."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._end = 0

    @property
    def size(self) -> int:
        """How many bytes there are in it."""
        return os.fstat(self._descriptor).st_size

    def read(self) -> BinaryIO:
        """What is in it, from the start; to be closed by the caller."""
        file = open(os.dup(self._descriptor), "rb")  # noqa: SIM115, PTH123 - a descriptor has no path
        file.seek(0)
        return file

    def keep(self, end: int) -> None:
        """Go on writing there; what comes after it is not kept."""
        os.ftruncate(self._descriptor, end)
        os.lseek(self._descriptor, end, os.SEEK_SET)
        self._end = end

    def write(self, content: bytes) -> None:
        """Write all of this or nothing; raise LoyaltyError where the system refuses."""
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            with suppress(OSError):
                self.keep(self._end)
            _refuse(self.path, reason(error), "Make room, and go on with --resume.")
        self._end += len(content)

    def finish(self) -> None:
        """Make sure that it is on the disk; raise LoyaltyError where the system refuses."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            _refuse(self.path, reason(error), "Go on with it by --resume.")


@contextmanager
def open_output(path: Path, *, resume: bool) -> Iterator[OutputFile]:
    """Open a new file, or to `resume` one that may be there; one without a byte leaves no trace.

    Raises LoyaltyError where it cannot be written, another run writes to it, or there is something
    in it already.
    """
    descriptor, is_new = _open(path)
    file = OutputFile(path, descriptor)
    try:
        _take(file, descriptor, resume=resume)
        yield file
        file.finish()
    finally:
        if is_new and not file.size:
            path.unlink(missing_ok=True)
        os.close(descriptor)


def _open(path: Path) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        try:
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666), True
        except FileExistsError:
            return os.open(path, flags), False
    except OSError as error:
        _refuse(path, reason(error), "Name another one.")


def _take(file: OutputFile, descriptor: int, *, resume: bool) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        _refuse(file.path, "it is not a regular file", "Send stdout there instead.")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _refuse(file.path, "another run is writing to it", "Wait for that, or name another one.")
    if file.size and not resume:
        setup_error(
            f"the output file {str(file.path)!r} is there already.",
            "Go on with it by adding --resume, or name another one.",
        )


def _refuse(path: Path, why: str, hint: str) -> NoReturn:
    setup_error(f"the output file {str(path)!r} cannot be written: {why}.", hint)
