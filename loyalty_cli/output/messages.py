"""Messages to the user: one line each on stderr, wrapped at words on a terminal.

With `--quiet` only errors are shown, without their hints.
"""

from collections.abc import Iterable

from loyalty_cli.model.named_commands import pasteable
from loyalty_cli.output import stderr
from loyalty_cli.output.color import may_color
from loyalty_cli.output.escape import visible
from loyalty_cli.output.waiting import LINE

LONGEST = 600
"""Characters of one message: a platform's error text can be a whole page."""
LONGEST_TRACED = 4000
"""Characters of one line of a trace, such as a body."""


def error(message: str, hint: str | None = None, details: Iterable[str] = ()) -> None:
    """Print an error, the hint on a second line, and each of the details on its own."""
    _print_labelled("Error", _shown(message), "31")
    if hint and not stderr.is_quiet():
        _print_labelled("Hint", _shown(hint), "36")
    for detail in details:
        _line(f"  {_shown(detail)}")


def errors(found: Iterable[tuple[str, str | None]]) -> None:
    """Print several errors, and each hint once."""
    hinted = set()
    for message, hint in found:
        error(message, None if hint in hinted else hint)
        hinted.add(hint)


def warning(message: str) -> None:
    """Print a warning; it is never shortened, because it may contain amounts."""
    if not stderr.is_quiet():
        _print_labelled("Warning", visible(pasteable(message)), "33")


def note(message: str) -> None:
    """Print a note on what was done."""
    if not stderr.is_quiet():
        _line(_shown(message))


def trace(*lines: str) -> None:
    """Print lines that were asked for, of `--verbose` or of a traceback; they are never wrapped.

    They belong together: nothing is written between them.
    """
    with LINE.hidden():
        stderr.write("".join(f"{_shown(line, LONGEST_TRACED)}\n" for line in lines))


def banner(message: str, *, to_all: bool = False) -> None:
    """Print a note if stderr is a terminal; with `to_all`, also to a file or a pipe."""
    if to_all or stderr.is_terminal():
        note(message)


def _print_labelled(label: str, message: str, colour: str) -> None:
    is_coloured = may_color(is_terminal=stderr.is_terminal())
    _line(f"{label}: {message}", f"\x1b[{colour};1m{label}:\x1b[0m" if is_coloured else "")


def _shown(message: str, longest: int = LONGEST) -> str:
    text = visible(pasteable(message))
    rest = len(text) - longest
    return f"{text[:longest]}… ({rest} more characters)" if rest > 0 else text


def _line(text: str, label: str = "") -> None:
    """Write a line; `label` is how its first characters, up to the colon, are shown."""
    text = stderr.wrapped(text)
    if label:
        text = label + text[text.index(":") + 1 :]
    with LINE.hidden():
        stderr.write(f"{text}\n")
