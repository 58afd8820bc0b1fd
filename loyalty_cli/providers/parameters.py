"""A provider's own profile keys and query options, and the check of their values."""

import unicodedata
from collections.abc import Callable

from msgspec import Struct


def text(value: str) -> str:
    """Take any text but an empty one, and one that cannot be sent as it is."""
    if not value.strip():
        raise ValueError("must not be empty")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value):
        raise ValueError("must not have a control character or a broken one in it")
    return value


def segment(value: str) -> str:
    """Take text that can stand between two slashes of an address."""
    if value in (".", ".."):
        raise ValueError(f"must not be {value!r}, which would change the address that is asked")
    return text(value)


def integer(value: str) -> str:
    """Take a whole number, zero or more."""
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ValueError(f"must be a whole number, not {value[:40]!r}")
    return value


def decimals(value: str) -> str:
    """Take a number of decimals, 0 to 9."""
    if not (len(value) == 1 and value in "0123456789"):
        raise ValueError(f"must be a number from 0 to 9, not {value[:40]!r}")
    return value


def boolean(value: str) -> str:
    """Take `true` or `false`."""
    if value not in ("true", "false"):
        raise ValueError(f"must be true or false, not {value[:40]!r}")
    return value


def one_of(*choices: str) -> Callable[[str], str]:
    """Make a check that takes one of `choices` in any case, and gives it as the platform has it."""

    def check(value: str) -> str:
        if value.upper() not in choices:
            from difflib import get_close_matches

            close = get_close_matches(value.upper(), choices, n=1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            raise ValueError(f"must be one of {', '.join(choices)}, not {value[:40]!r}{meant}")
        return value.upper()

    return check


class Parameter(Struct, frozen=True):
    """A name, what it is for, and a check that gives the value to send or raises ValueError."""

    name: str
    help: str
    check: Callable[[str], str] = text
    sent_as: str = ""
    required: bool = False
