"""The file that records are written to: never over something else, and never half a record."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from loyalty_cli.model.errors import os_error_text, setup_error


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
        """Go on writing there; what comes after it is not kept.

        Raises LoyaltyError where the system refuses.
        """
        try:
            self._cut(end)
        except OSError as error:
            _refuse(self.path, os_error_text(error), "Go on with it by --resume.")
        self._end = end

    def write(self, content: bytes) -> None:
        """Write all of this or nothing; raise LoyaltyError where the system refuses."""
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            with suppress(OSError):
                self._cut(self._end)
            _refuse(self.path, os_error_text(error), "Make room, and go on with --resume.")
        self._end += len(content)

    def finish(self) -> None:
        """Make sure that it is on the disk; raise LoyaltyError where the system refuses."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            _refuse(self.path, os_error_text(error), "Go on with it by --resume.")

    def _cut(self, end: int) -> None:
        os.ftruncate(self._descriptor, end)
        os.lseek(self._descriptor, end, os.SEEK_SET)


def check_apart(path: Path, source: str) -> None:
    """Raise LoyaltyError where the list that is read, `-` for stdin, is the file to be written."""
    with suppress(OSError):  # which is told when they are opened
        read = os.fstat(0) if source == "-" else Path(source).stat()
        if os.path.samestat(read, path.stat()):
            _refuse(path, "it is the list of customers", "Name another one.")


@contextmanager
def open_output(path: Path, *, resume: bool) -> Iterator[OutputFile]:
    """Open a new file, or to `resume` one that may be there.

    One that is new, and has nothing in it when an error ends the block, is taken away again.
    Raises LoyaltyError where it cannot be written, another run writes to it, or there is something
    in it already.
    """
    descriptor, is_new = _open(path)
    try:
        file = OutputFile(path, descriptor)
        _take(file, descriptor, resume=resume)
        try:
            yield file
            file.finish()
        except BaseException:
            if is_new and not file.size and _is_at(path, descriptor):
                path.unlink()
            raise
    finally:
        os.close(descriptor)


def _open(path: Path) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        try:
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666), True
        except FileExistsError:
            return os.open(path, flags), False
    except OSError as error:
        _refuse(path, os_error_text(error), "Name another one.")


def _take(file: OutputFile, descriptor: int, *, resume: bool) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        _refuse(file.path, "it is not a regular file", "Send stdout there instead.")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = _is_at(file.path, descriptor)  # or else another run has just taken it away
    except BlockingIOError:
        is_ours = False
    except OSError as error:
        _refuse(file.path, os_error_text(error), "Name one on another disk.")
    if not is_ours:
        _refuse(file.path, "another run is writing to it", "Wait for that, or name another one.")
    if file.size and not resume:
        setup_error(
            f"the output file {str(file.path)!r} is there already.",
            "Go on with it by adding --resume, or name another one.",
        )


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _refuse(path: Path, why: str, hint: str) -> NoReturn:
    setup_error(f"the output file {str(path)!r} cannot be written: {why}.", hint)
