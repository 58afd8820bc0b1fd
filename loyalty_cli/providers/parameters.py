"""A provider's own profile keys and query options, and the check of their values."""

import re
import unicodedata
from collections.abc import Callable

from msgspec import Struct

PROFILE_KEYS = (
    *("provider", "base_url", "auth", "timeout", "rate", "ca_bundle"),
    *("options", "by", "account", "debit"),
)
"""The keys of every profile; no setting of a provider may have one of these names."""


def text(value: str) -> str:
    """Accept any text that is not empty and can be sent unchanged."""
    if not value.strip():
        raise ValueError("must not be empty")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value):
        raise ValueError("must not contain a control character or half a character")
    return value


def segment(value: str) -> str:
    """Accept text that can be one segment of an address."""
    if value in (".", ".."):
        raise ValueError(f"must not be {value!r}: that would change the address")
    return text(value)


def _of_form(form: str, is_valid: Callable[[str], bool]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not is_valid(value):
            raise ValueError(f"must be {form}, not {value[:40]!r}")
        return value

    return check


integer = _of_form(
    "a whole number", lambda value: value.isascii() and value.isdigit() and len(value) <= 18
)
decimals = _of_form("a number from 0 to 9", lambda value: value in tuple("0123456789"))
boolean = _of_form("true or false", lambda value: value in ("true", "false"))


def matching(pattern: str, form: str) -> Callable[[str], str]:
    """Make a check that accepts what matches a pattern; `form` says what that is."""
    return _of_form(form, lambda value: re.fullmatch(pattern, value) is not None)


header_value = matching(
    r"[!-~]([ -~]*[!-~])?", "ASCII text without a control character, or a space at its ends"
)


class OneOf(Struct, frozen=True):
    """A check that accepts one of `choices` in any case, and returns the platform's case."""

    choices: tuple[str, ...]

    def __call__(self, value: str) -> str:
        """The choice; raise ValueError if it is none."""
        in_any_case = {choice.upper(): choice for choice in self.choices}
        if value.upper() not in in_any_case:
            from difflib import get_close_matches

            close = get_close_matches(value.upper(), in_any_case, n=1)
            meant = f" (did you mean {in_any_case[close[0]]}?)" if close else ""
            known = ", ".join(self.choices)
            raise ValueError(f"must be one of {known}, not {value[:40]!r}{meant}")
        return in_any_case[value.upper()]


def one_of(*choices: str) -> OneOf:
    """Make a check that accepts one of `choices` in any case."""
    return OneOf(choices)


class Parameter(Struct, frozen=True):
    """A name, its purpose, and a check that returns the value to send or raises ValueError."""

    name: str
    help: str
    check: Callable[[str], str] = text
    sent_as: str = ""
    required: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that it can have; empty if they are not a closed list."""
        if self.check is boolean:
            return "true", "false"
        return self.check.choices if isinstance(self.check, OneOf) else ()
