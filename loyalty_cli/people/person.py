"""A person, as the database of people has one, and what may be written about one."""

import unicodedata
from collections.abc import Mapping

from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.lists.rows import shorten
from loyalty_cli.model.customer_id import check_customer
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.providers.ways import no_such_way, wrong_for

PERSON = "person"
NAME = "name"

LONGEST = 500
"""The most characters of a key or a name: an index of PostgreSQL takes no more."""

_JOINERS = "\u200c\u200d"
"""Invisible, and a part of names in Persian and in Hindi."""


class Person(Struct, frozen=True):
    """A person by the key of the list, with a name or none, and identifiers by profile."""

    person: str
    name: str | None
    identifiers: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.name}, {self.person}" if self.name else self.person


def check_text(text: str) -> str:
    """A person's key or name without outer spaces; raise ValueError unless it can be read."""
    text = text.strip()
    if len(text) > LONGEST:
        raise ValueError(f"{shorten(text)!r} has more than {LONGEST} characters")
    for sign in "" if text.isprintable() else text:
        if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") and sign not in _JOINERS:
            raise ValueError(f"{shorten(text)!r} has the invisible character {sign!r} in it")
    return text


def check_identifier(text: str, profile: Profile) -> str:
    """An identifier without outer spaces; raise ValueError unless the profile can ask by it."""
    text = check_text(text)
    try:
        check_customer(text)
    except LoyaltyError as error:
        raise ValueError(error.message.rstrip(".")) from None
    if not no_such_way(profile.provider, profile.by) and (
        why := wrong_for(profile.provider, profile.by, text)
    ):
        raise ValueError(why.rstrip("."))
    return text
