"""The file to which records are written: it is never overwritten."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from loyalty_cli.config.folders import sync
from loyalty_cli.model.errors import os_error_text, setup_error

_RESUME = "Continue with --resume."
_MAKE_ROOM = "Make room, then continue with --resume."


class OutputFile:
    """The file at `path`; no other run can write to it.

    JSON Lines are written to the file itself. Records of any other format are first written to the
    file at `working`, beside it; the file is made from them when the run is complete.
    """

    def __init__(self, path: Path, target: Path, working: Path, descriptor: int) -> None:
        self.path = path
        self.working = working
        self._target = target
        self._descriptor = descriptor
        self._end = 0

    @property
    def is_finished(self) -> bool:
        """Whether the file is complete, so that nothing is left to do."""
        return self.working != self._target and _has_content(self._target)

    def read(self) -> BinaryIO:
        """Open its records for reading, from the start; the caller closes it."""
        file = open(os.dup(self._descriptor), "rb")  # noqa: SIM115, PTH123 - a descriptor has no path
        file.seek(0)
        return file

    def keep(self, end: int) -> None:
        """Cut the file off at the byte `end`, and continue there; raises LoyaltyError."""
        with _refusing(self.path, _RESUME):
            self._cut(end)

    def write(self, content: bytes) -> None:
        """Write all of `content` or nothing; raises LoyaltyError if the system refuses."""
        rest = memoryview(content)
        with _refusing(self.path, _MAKE_ROOM):
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                with suppress(OSError):
                    self._cut(self._end)
                raise
        self._end += len(content)

    def make(self, fill: Callable[[Callable[[bytes], object]], None]) -> None:
        """Let `fill` write the finished file, move it to its path, and remove the working file.

        Raises LoyaltyError if the system refuses, or if there is a file with content by now.
        """
        new = self.working.with_name(f"{self._target.name}.finishing")
        with _refusing(self.path, _MAKE_ROOM):
            new.unlink(missing_ok=True)
            try:
                with new.open("xb") as file:
                    os.fchmod(file.fileno(), _mode(self._target) or _mode(self.working) or 0o600)
                    fill(file.write)
                    file.flush()
                    os.fsync(file.fileno())
                _refuse_content(self._target)
                new.replace(self._target)
            finally:
                new.unlink(missing_ok=True)
            sync(self._target.parent)
        self.working.unlink()

    def _cut(self, end: int) -> None:
        os.ftruncate(self._descriptor, end)
        os.lseek(self._descriptor, end, os.SEEK_SET)
        self._end = end


def check_apart(path: Path, source: str) -> None:
    """Raise LoyaltyError if the output file is also the list to read (`-` is stdin)."""
    for written in (path, _beside(_followed(path))):
        with suppress(OSError):  # reported when they are opened
            read = os.fstat(0) if source == "-" else Path(source).stat()
            if os.path.samestat(read, written.stat()):
                _refuse(path, "it is the list of customers", "Name another one.")


@contextmanager
def open_output(path: Path, *, is_lines: bool, resume: bool) -> Iterator[OutputFile]:
    """Open a new file, or continue an existing file with `resume`.

    If an error ends the block, a new file without content is removed. Raises LoyaltyError if the
    file cannot be written, another run writes to it, or it has content without `resume`.
    """
    target = path if is_lines else _target(path)
    working = path if is_lines else _beside(target)
    descriptor, is_new = _open(working, _mode(target) or 0o666)
    file = OutputFile(path, target, working, descriptor)
    try:
        _lock(file, descriptor)
        try:
            if not resume:
                _refuse_content(target)
                _refuse_content(working)
            yield file
            with _refusing(path, _RESUME):
                os.fsync(descriptor)
        except BaseException:
            if is_new and not os.fstat(descriptor).st_size and _is_at(working, descriptor):
                working.unlink()
            raise
    finally:
        os.close(descriptor)


def _beside(target: Path) -> Path:
    return target.with_name(f"{target.name}.partial")


def _followed(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _target(path: Path) -> Path:
    """Follow links; check that the path is free, or a regular file that can be written."""
    with _refusing(path, "Name another one."):
        if path.is_symlink() or path.exists():
            _check_regular(path, path.stat().st_mode)
            os.close(os.open(path, os.O_WRONLY))
    return _followed(path)


def _open(path: Path, mode: int) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK
    with _refusing(path, "Name another one."):
        try:
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, mode), True
        except FileExistsError:
            return os.open(path, flags), False


def _lock(file: OutputFile, descriptor: int) -> None:
    _check_regular(file.working, os.fstat(descriptor).st_mode)
    with _refusing(file.path, "Name one on another disk."):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = _is_at(file.working, descriptor)  # if not, another run has just removed it
        except BlockingIOError:
            is_ours = False
    if not is_ours:
        _refuse(file.path, "another run is writing to it", "Wait for that, or name another one.")


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        _refuse(path, "it is not a regular file", "Send stdout there instead.")


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _refuse_content(path: Path) -> None:
    if _has_content(path):
        setup_error(
            f"the output file {str(path)!r} is there already.",
            "Continue it by adding --resume, or name another one.",
        )


def _mode(path: Path) -> int | None:
    """The permissions of a file; None if it does not exist."""
    with suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    return None


@contextmanager
def _refusing(path: Path, hint: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _refuse(path, os_error_text(error), hint)


def _refuse(path: Path, why: str, hint: str) -> NoReturn:
    setup_error(f"the output file {str(path)!r} cannot be written: {why}.", hint)
