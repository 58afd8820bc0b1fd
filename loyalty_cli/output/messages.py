"""Messages to the user on stderr: a line each, wrapped at words on a terminal, or JSON.

With `--quiet` only errors are shown, and of the hints only that of an unknown debit. With
`--errors json` each error, warning and trace is an object on a line of its own, and notes are left
out.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty_cli.model.errors import ErrorCode, LoyaltyError, MessageCode
from loyalty_cli.model.named_commands import pasteable
from loyalty_cli.output import stderr
from loyalty_cli.output.color import may_color
from loyalty_cli.output.escape import visible
from loyalty_cli.output.waiting import LINE

if TYPE_CHECKING:
    from loyalty_cli.model.records import Failure, WarningCode

LONGEST = 600
"""Characters of one message: a platform's error text can be a whole page."""
LONGEST_TRACED = 4000
"""Characters of one line of a trace, such as a body."""


class Failed(NamedTuple):
    """An error, and the look-up or debit that failed; `about` names it where there are several."""

    error: "LoyaltyError | Failure"
    about: str = ""
    profile: str | None = None
    customer: str | None = None
    reference: str | None = None


def error(
    message: str,
    hint: str | None = None,
    details: Iterable[str] = (),
    *,
    code: ErrorCode | MessageCode,
) -> None:
    """Print an error, the hint on a second line, and each of the details on its own."""
    if stderr.is_json():
        _object("error", code, message, hint=hint, details=tuple(details))
    else:
        _error(message, hint, details, code=code)


def failure(error: LoyaltyError) -> None:
    """Print an error that was raised."""
    failures([Failed(error)])


def failures(found: Iterable[Failed]) -> None:
    """Print several errors, and each hint once."""
    hinted = set()
    for each in found:
        failed = each.error
        details = failed.details if isinstance(failed, LoyaltyError) else ()
        if stderr.is_json():
            answer = {"http_status": failed.http_status, "provider_code": failed.provider_code}
            whose = {name: getattr(each, name) for name in ("profile", "customer", "reference")}
            explained = {"hint": failed.hint, "details": details}
            _object("error", failed.code, failed.message, **explained, **answer, **whose)
            continue
        about = f"{each.about}: " if each.about else ""
        hint = None if failed.hint in hinted else failed.hint
        _error(f"{about}{failed.message}", hint, details, code=failed.code)
        hinted.add(failed.hint)


def warning(
    message: str,
    code: "WarningCode | MessageCode" = MessageCode.OTHER,
    *,
    profile: str | None = None,
    customer: str | None = None,
) -> None:
    """Print a warning; it is never shortened, because it may contain amounts."""
    if stderr.is_quiet():
        return
    if stderr.is_json():
        _object("warning", code, message, profile=profile, customer=customer)
        return
    about = f"{customer} at {profile}: " if customer else ""
    _print_labelled("Warning", visible(pasteable(f"{about}{message}")), "33")


def note(message: str) -> None:
    """Print a note on what was done."""
    if not (stderr.is_quiet() or stderr.is_json()):
        _line(_shown(message))


def interrupted() -> None:
    """Say that Ctrl-C ended the run."""
    if stderr.is_json():
        _object("error", MessageCode.INTERRUPTED, "Interrupted.")
    note("Interrupted.")


def trace(*lines: str) -> None:
    """Print lines that were asked for, of `--verbose` or of a traceback; they are never wrapped.

    They belong together: nothing is written between them.
    """
    shown = tuple(_shown(line, LONGEST_TRACED) for line in lines)
    if stderr.is_json():
        _object("trace", MessageCode.OTHER, shown[0], details=shown[1:])
        return
    with LINE.hidden():
        stderr.write("".join(f"{line}\n" for line in shown))


def banner(message: str, *, to_all: bool = False) -> None:
    """Print a note if stderr is a terminal; with `to_all`, also to a file or a pipe."""
    if to_all or stderr.is_terminal():
        note(message)


def _error(
    message: str, hint: str | None, details: Iterable[str], *, code: ErrorCode | MessageCode
) -> None:
    _print_labelled("Error", _shown(message), "31")
    # Whoever does not know what an unknown debit means may make it twice.
    if hint and (code == ErrorCode.OUTCOME_UNKNOWN or not stderr.is_quiet()):
        _print_labelled("Hint", _shown(hint), "36")
    for detail in details:
        _line(f"  {_shown(detail)}")


def _object(level: Any, code: str, message: str, **others: Any) -> None:
    """Write a message as one line of JSON, in ASCII: stderr may have any encoding."""
    from json import dumps

    from msgspec.structs import asdict

    from loyalty_cli.model.records import MessageRecord

    record = MessageRecord(level=level, code=code, message=message, **others)
    line = dumps({name: _plain(value) for name, value in asdict(record).items()})
    with LINE.hidden():
        stderr.write(line.replace("\x7f", "\\u007f") + "\n")


def _plain(value: Any) -> Any:
    """A value whose texts name commands as this run needs them, without bytes that are no text."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if not isinstance(value, str):
        return value
    return pasteable(value).encode(errors="backslashreplace").decode()


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
