"""stderr: what may be shown there, how wide it is, and how a line is wrapped."""

import io
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TextIO

from loyalty_cli.output.color import is_dumb
from loyalty_cli.output.width import width_of

INDENT = 2
"""How far the second line of a message is indented."""

# A command between backticks stays on one line, so that it can be copied.
_WORD = re.compile(r"( *)((?:`[^`]*`|[^ ])+)")


class _Wanted:
    """What the command line allows on stderr besides errors."""

    is_quiet = False
    has_progress = True
    is_json = False


def set_quiet(wanted: bool) -> None:
    """Show only errors from now on, or everything."""
    _Wanted.is_quiet = wanted


def set_progress(wanted: bool) -> None:
    """Allow progress from now on, where it can be shown, or never."""
    _Wanted.has_progress = wanted


def is_quiet() -> bool:
    """Whether only errors are shown."""
    return _Wanted.is_quiet


def set_format(arguments: Sequence[str]) -> None:
    """Print messages as JSON from now on, if this command line wants it, or as text.

    It is read before all other options, because a message may be about one of them.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    given = [*options, ""]
    chosen = [
        value or given[at + 1]
        for at, (name, _, value) in enumerate(each.partition("=") for each in options)
        if name == "--errors"
    ]
    _Wanted.is_json = chosen[-1:] == ["json"]


def is_json() -> bool:
    """Whether programs read stderr: each line is a JSON object."""
    return _Wanted.is_json


def is_terminal() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def shows_progress(*, uses_stdout: bool = True) -> bool:
    """Whether progress can be shown: on a terminal that no other program writes to.

    What reads a pipe on stdout usually writes to the same terminal.
    """
    is_wanted = _Wanted.has_progress and not (_Wanted.is_quiet or _Wanted.is_json)
    return is_wanted and not is_dumb() and is_terminal() and not (uses_stdout and _is_piped())


def _is_piped() -> bool:
    """Whether another program reads stdout."""
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # closed, or no file
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def width() -> int:
    """The columns of the terminal; the usual number if they are unknown or too few."""
    return width_of(sys.stderr)


def write(text: str) -> None:
    """Write to stderr; if it is closed or full, only the exit code reports an error."""
    stream = sys.stderr.own if isinstance(sys.stderr, _OfOthers) else sys.stderr
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.write(text)  # one write: other threads write to stderr, too
            stream.flush()


@contextmanager
def lines_of_others(tell: Callable[[str], None]) -> Iterator[None]:
    """For a block, `tell` each line that is not from `write`, such as a warning of Python's."""
    own = sys.stderr
    if own is None:
        yield
        return
    sys.stderr = _OfOthers(own, tell)
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = own


class _OfOthers(io.TextIOBase):
    """stderr for all other code: what it writes is told line by line."""

    def __init__(self, own: TextIO, tell: Callable[[str], None]) -> None:
        self.own = own
        self._tell = tell
        self._text = ""
        self._lock = Lock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._text = f"{self._text}{text}".split("\n")
        for line in filter(str.strip, lines):
            self._tell(line)
        return len(text)

    def close(self) -> None:
        if self._text:
            self.write("\n")
        super().close()

    def fileno(self) -> int:
        return self.own.fileno()

    def isatty(self) -> bool:
        return self.own.isatty()


def wrapped(text: str) -> str:
    """Break a line at words if it is wider than the terminal; unchanged if there is none."""
    if not is_terminal() or cells(text) <= width():
        return text
    lines, line, indent = list[str](), "", ""
    for gap, word in _WORD.findall(text):
        if line and cells(line + gap + word) > width():
            lines.append(line)
            indent = indent or " " * (INDENT + len(text) - len(text.lstrip(" ")))
            line = indent + word
        else:
            line += gap + word
    return "\n".join([*lines, line])


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(map(_cells, text))


def _cells(sign: str) -> int:
    if sign.isascii():
        return 1
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
