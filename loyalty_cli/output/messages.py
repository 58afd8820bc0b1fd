"""Messages to the user: one line each, on stderr."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress

from loyalty_cli.model.named_commands import pasteable
from loyalty_cli.output.escape import visible

LONGEST = 600
"""Characters of one message: a platform's error text can be a whole page."""


def error(message: str, hint: str | None = None) -> None:
    """Print an error, and the hint on a second line."""
    _print_labelled("Error", _shown(message), "31")
    if hint:
        _print_labelled("Hint", _shown(hint), "36")


def errors(found: Iterable[tuple[str, str | None]]) -> None:
    """Print several errors, and each hint once."""
    hinted = set()
    for message, hint in found:
        error(message, None if hint in hinted else hint)
        hinted.add(hint)


def warning(message: str) -> None:
    """Print a warning; it is never shortened, because it may contain amounts."""
    _print_labelled("Warning", visible(pasteable(message)), "33")


def note(message: str) -> None:
    """Print a note on what was done, or a line of `--verbose`."""
    _line(_shown(message))


def banner(message: str, *, to_all: bool = False) -> None:
    """Print a line if stderr is a terminal; with `to_all`, also to a file or a pipe."""
    if to_all or (sys.stderr is not None and sys.stderr.isatty()):
        _line(_shown(message))


def _print_labelled(label: str, message: str, colour: str) -> None:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "dumb", "unknown")
    is_coloured = sys.stderr is not None and sys.stderr.isatty() and not plain
    label = f"\x1b[{colour};1m{label}:\x1b[0m" if is_coloured else f"{label}:"
    _line(f"{label} {message}")


def _shown(message: str) -> str:
    text = visible(pasteable(message))
    rest = len(text) - LONGEST
    return f"{text[:LONGEST]}… ({rest} more characters)" if rest > 0 else text


def _line(text: str) -> None:
    # If stderr is closed or full, only the exit code reports the error.
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{text}\n")  # one write: other threads write to stderr, too
            sys.stderr.flush()
