"""When two keys are the same: what a person is found by, however it is typed."""

import re
import unicodedata

_PHONE = re.compile(r"\+?[0-9 ()./-]+")
_NOT_IN_A_PHONE = re.compile(r"[^0-9+]")

SHORTEST_PHONE = 7
"""The fewest digits of a telephone number."""


def key_of(text: str) -> str:
    """A key as it is compared: without outer spaces and case; a telephone number by its digits.

    What has digits and signs only is a telephone number: of it, digits and + count.
    """
    text = text.strip()
    digits = _NOT_IN_A_PHONE.sub("", text)
    if _PHONE.fullmatch(text) and len(digits.lstrip("+")) >= SHORTEST_PHONE:
        return digits
    return unicodedata.normalize("NFC", text.casefold())


def beginnings_of(text: str) -> set[str]:
    """How the key of what begins with this text may begin."""
    as_words = unicodedata.normalize("NFC", text.casefold())
    is_a_number = _PHONE.fullmatch(text) is not None
    return {as_words, _NOT_IN_A_PHONE.sub("", text)} if is_a_number else {as_words}


def is_local_number(text: str) -> bool:
    """Whether a key is a telephone number without the code of a country."""
    key = key_of(text)
    return key.isdecimal() and key.startswith("0") and len(key) >= SHORTEST_PHONE
