"""Finds the one person who has a key, and the identifier at a profile, or says what is missing."""

import shlex
from collections.abc import Sequence

from loyalty_cli.lists.rows import shorten
from loyalty_cli.model.errors import NO_ID, ErrorCode, LoyaltyError, usage_error
from loyalty_cli.people.keys import is_local_number
from loyalty_cli.people.person import Person, check_text
from loyalty_cli.people.store import MOST_FOUND, People

_KEYS = "A key is a person, a name or an identifier. `loyalty people import FILE` adds people."
_NUMBER = "A telephone number needs its country code if it is on file with it, such as +61 …"


def the_one(people: People | None, key: str) -> Person:
    """The person who has this key; raise LoyaltyError if there is nobody, or more than one."""
    if not key.strip():
        usage_error("the key of a person must not be empty.")
    try:
        check_text(key)
    except ValueError as error:
        usage_error(f"the key {error}.")
    found = [] if people is None else people.find(key)
    if not found:
        raise LoyaltyError(
            ErrorCode.NOT_FOUND,
            f"there is nobody with the key {shorten(key)!r}.",
            hint=_NUMBER if is_local_number(key) else _KEYS,
        )
    if len(found) > 1:
        usage_error(
            f"several people have the key {shorten(key)!r}: {names_of(found)}.",
            "Use a key that only one of them has.",
        )
    return found[0]


def names_of(people: Sequence[Person]) -> str:
    """The people in one text, the first ones of many."""
    names = [str(each) for each in people[:MOST_FOUND]]
    others = " and others" if len(people) > MOST_FOUND else ""
    return f"{'; '.join(names)}{others}"


def no_id(key: str, profile: str) -> LoyaltyError:
    """The error for a person who has no identifier at a profile, by the key as it was typed."""
    return LoyaltyError(
        ErrorCode.NOT_FOUND,
        f"{NO_ID} for {key} at {profile}",
        hint=f"`loyalty people set {shlex.quote(key)} {profile}=ID`",
    )
