"""An input file that the user named, or stdin for `-`."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NoReturn

from loyalty_cli.lists.line_error import LineError
from loyalty_cli.model.errors import os_error_text, usage_error


class InputFormat(StrEnum):
    """The format of a list: `lines` of one value, `csv` with a header, `jsonl` of objects."""

    LINES = "lines"
    CSV = "csv"
    JSONL = "jsonl"


class InputFile:
    """An open file; a pipe can be read only once."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self._name = name
        self._stream = stream
        self.is_rereadable = stream.seekable()
        self.is_typed = stream.isatty()
        self._start = stream.tell() if self.is_rereadable else 0

    def from_start(self) -> BinaryIO:
        """The file from its start, or a pipe from its current position."""
        if self.is_rereadable:
            self._stream.seek(self._start)
        return self._stream

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise LoyaltyError if reading fails inside the block, or at a line that is wrong."""
        try:
            yield
        except LineError as error:
            raise error.named(shown_name(self._name)) from None
        except OSError as error:
            _refuse(self._name, error)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Raise LoyaltyError if a regular file is written to during the block."""
        before = self._version()
        yield
        if self._version() != before:
            usage_error(
                f"the file {self._name!r} was changed while it was read.",
                "Run the command again when no program writes to the file.",
            )

    def _version(self) -> tuple[int, int] | None:
        with suppress(OSError):  # stdin that is no file
            status = os.fstat(self._stream.fileno())
            if stat.S_ISREG(status.st_mode):
                return status.st_size, status.st_mtime_ns
        return None


def shown_name(name: str) -> str:
    """The name of an input file in messages."""
    return "stdin" if name == "-" else name


@contextmanager
def open_input(name: str) -> Iterator[InputFile]:
    """Open a file, or stdin for `-`; raises LoyaltyError if that fails."""
    if name == "-" and sys.stdin is None:
        usage_error("stdin is closed.", "Send the list to it, or name a file.")
    try:
        stream = _stdin() if name == "-" else _opened(name)
        file = InputFile(name, stream)
    except OSError as error:
        _refuse(name, error)
    with nullcontext() if name == "-" else stream:
        yield file


def _refuse(name: str, error: OSError) -> NoReturn:
    usage_error(f"the file {name!r} cannot be read: {os_error_text(error)}.")


def _stdin() -> BinaryIO:
    # If stdin was left non-blocking, a pause in the input would look like its end.
    with suppress(OSError):
        os.set_blocking(sys.stdin.fileno(), True)
    return sys.stdin.buffer


def _opened(name: str) -> BinaryIO:
    # `close` of a buffered file would wait for a thread that reads from a silent pipe.
    return Path(name).open("rb", buffering=0)
