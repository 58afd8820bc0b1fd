"""What is said to a person: on stderr, one line each."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress

from loyalty_cli.output.escape import visible

LONGEST = 600
"""Characters of one message: a platform's error text can be a whole page."""


def error(message: str, hint: str | None = None) -> None:
    """Say what went wrong, and on a second line what to do now."""
    _say("Error", _shown(message), "31")
    if hint:
        _say("Hint", _shown(hint), "36")


def errors(said: Iterable[tuple[str, str | None]]) -> None:
    """Say several things that went wrong, and what to do about them once."""
    hinted = set()
    for message, hint in said:
        error(message, None if hint in hinted else hint)
        hinted.add(hint)


def warning(message: str) -> None:
    """Say what the user should know, whole: there are amounts in it."""
    _say("Warning", visible(message), "33")


def note(message: str) -> None:
    """Say that something was done."""
    _line(_shown(message))


def banner(message: str, *, to_all: bool = False) -> None:
    """Say what this is to whoever sits at a terminal, or to a log as well."""
    if to_all or (sys.stderr is not None and sys.stderr.isatty()):
        _line(_shown(message))


def trace(message: str) -> None:
    """Say what `--verbose` asks for."""
    _line(_shown(message))


def _say(label: str, message: str, colour: str) -> None:
    label = f"\x1b[{colour};1m{label}:\x1b[0m" if _is_coloured() else f"{label}:"
    _line(f"{label} {message}")


def _is_coloured() -> bool:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "dumb", "unknown")
    return sys.stderr is not None and sys.stderr.isatty() and not plain


def _shown(message: str) -> str:
    text = visible(message)
    rest = len(text) - LONGEST
    return f"{text[:LONGEST]}… ({rest} more characters)" if rest > 0 else text


def _line(text: str) -> None:
    # Nothing can be said where stderr is closed or full, and the exit code still tells.
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{text}\n")  # in one piece: other threads write there, too
            sys.stderr.flush()
