"""A provider's own profile keys and query options, and the check of their values."""

from collections.abc import Callable

from msgspec import Struct


def text(value: str) -> str:
    """Take any text but an empty one."""
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def integer(value: str) -> str:
    """Take a whole number, zero or more."""
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ValueError(f"must be a whole number, not {value[:40]!r}")
    return value


def boolean(value: str) -> str:
    """Take `true` or `false`."""
    if value not in ("true", "false"):
        raise ValueError(f"must be true or false, not {value[:40]!r}")
    return value


def one_of(*choices: str) -> Callable[[str], str]:
    """Make a check that takes one of `choices` in any case, and gives it as the platform has it."""

    def check(value: str) -> str:
        from loyalty_cli.errors import nearest

        if value.upper() not in choices:
            close = nearest(value.upper(), choices)
            raise ValueError(f"must be one of {', '.join(choices)}, not {value[:40]!r}. {close}")
        return value.upper()

    return check


class Parameter(Struct, frozen=True):
    """A name, what it is for, and a check that gives the value to send or raises ValueError."""

    name: str
    help: str
    check: Callable[[str], str] = text
    sent_as: str = ""
    required: bool = False
