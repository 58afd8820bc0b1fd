"""Write the result to stdout completely, or raise an error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from loyalty_cli.model.errors import setup_error
from loyalty_cli.output.waiting import LINE


class ReaderGoneError(Exception):
    """The reader of stdout has closed it, as `| head` does; this is not an error."""


def require_stdout() -> None:
    """Raise LoyaltyError if stdout is closed, before any work is done."""
    if sys.stdout is None:
        setup_error(
            "the result cannot be written: stdout is closed.", "Send it to a file or a pipe."
        )


def write_bytes(content: bytes) -> None:
    """Write to stdout, and flush it.

    Raises ReaderGoneError if the reader has closed stdout, LoyaltyError if writing fails.
    """
    require_stdout()
    with LINE.hidden(), _arriving():
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def write_text(content: str) -> None:
    """Write to stdout in its encoding; characters outside the encoding become escapes."""
    require_stdout()
    write_bytes(content.encode(sys.stdout.encoding or "utf-8", errors="backslashreplace"))


def flush() -> None:
    """Flush what other code wrote to stdout; raises the errors of `write_bytes`."""
    if sys.stdout is not None:
        with _arriving():
            sys.stdout.flush()


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def is_unicode() -> bool:
    """Whether the encoding of stdout is UTF-8."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


@contextmanager
def _arriving() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderGoneError from None
    except OSError as error:
        setup_error(
            f"the result cannot be written to stdout: {error.strerror}.",
            "Make room, or send it elsewhere, and run it again.",
        )
