"""Remove secrets from messages and records, however a platform encodes them."""

import json
import re
from array import array
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, get_origin

from msgspec import Struct
from msgspec.structs import fields, replace

from loyalty_cli.model.errors import LoyaltyError

Mask = Callable[[str], str]
"""Removes secrets from a text."""

STARS = "***"
SHORTEST = 4
"""Shorter secrets occur in ordinary words; removing them there would reveal the secret."""
LAYERS = 3
"""How many layers of escapes are undone: JSON can be inside JSON, and that in a URL."""

_known: set[str] = set()

_ESCAPE = re.compile(
    r"""%([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|&#[Xx]([0-9A-Fa-f]{1,5});"""
    r"""|&#([0-9]{1,6});|&(amp|apos|gt|lt|quot);|\\(["'\\/])"""
)
_ENTITIES = {"amp": "&", "apos": "'", "gt": ">", "lt": "<", "quot": '"'}

_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def mask(text: str, secrets: Iterable[str]) -> str:
    """Remove secrets from a text: plain, in base64, or with any of their characters escaped."""
    forms = frozenset[str]().union(*(_forms(each) for each in secrets if len(each) >= SHORTEST))
    shown, at = list[str](), 0
    for start, end in sorted(_places(text, forms)):
        if start > at or not shown:  # places that overlap or touch are one
            shown += [text[at:start], STARS]
        at = max(at, end)
    return "".join([*shown, text[at:]])


def mask_words(text: str, words: Iterable[str]) -> str:
    """Remove what a person typed, such as a one-time code, where it stands alone.

    Not inside a longer number: that may be the platform's id of a debit.
    """
    for word in words:
        if len(word) >= SHORTEST:
            text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(word)}(?![0-9A-Za-z])", STARS, text)
    return text


def remember(secret: str) -> None:
    """Remember a secret that this process has read, for `mask_all_known`."""
    _known.add(secret)


def mask_all_known(text: str) -> str:
    """Remove all secrets that this process has read from a text."""
    return mask(text, _known)


def redact(error: LoyaltyError, hide: Mask) -> None:
    """Remove secrets from all texts of an error."""
    error.message = hide(error.message)
    error.hint = error.hint and hide(error.hint)
    error.provider_code = error.provider_code and hide(error.provider_code)
    error.details = tuple(map(hide, error.details))


def without_secrets(value: Any, hide: Mask) -> Any:
    """Return a record, JSON tree, or JSON in bytes without the secrets in its texts."""
    match value:
        case Enum():
            return value
        case str():
            return hide(value)
        case bytes():
            return _JSON_TEXT.sub(lambda text: _hidden(text[0], hide), value.decode()).encode()
        case list() | tuple():
            return type(value)(without_secrets(each, hide) for each in value)
        case dict():
            return {hide(key): without_secrets(each, hide) for key, each in value.items()}
        case Struct():
            parts = {
                field.name: without_secrets(getattr(value, field.name), hide)
                for field in fields(value)
                if get_origin(field.type) is not Literal  # its words come from this program
            }
            return replace(value, **parts)
        case _:
            return value


def _hidden(literal: str, hide: Mask) -> str:
    """A JSON string without secrets; unchanged if it contains none."""
    text = json.loads(literal)
    shown = hide(text)
    return literal if shown == text else json.dumps(shown)


def header_secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """The secrets in sign-in headers: their values, and the base64 content of Basic."""
    for value in headers.values():
        if value == "application/json":  # sent with the sign-in, and not secret
            continue
        scheme, _, rest = value.partition(" ")
        yield from (value, rest)
        if scheme.lower() == "basic":
            try:
                user, _, password = b64decode(rest).decode().partition(":")
            except ValueError:  # not the standard content of Basic
                continue
            yield from (user, password)


@lru_cache
def _forms(secret: str) -> frozenset[str]:
    """Every form in which a secret can occur in a text without escapes."""
    forms: set[str] = set()
    for text in {secret, secret.replace(" ", "+")}:  # as HTML forms send it
        for plain in (plain for plain, _ in _layers(text) if len(plain) >= SHORTEST):
            # As it is, and as the bytes of a header are read.
            forms |= {plain, plain.encode(errors="replace").decode("latin-1")}
        forms.add(text.encode("latin-1", "replace").decode(errors="backslashreplace"))  # of a body
    content = secret.encode()
    forms.update((content.hex(), content.hex().upper()))
    for before in range(3):
        # The part of base64 that does not depend on the text before and after the secret.
        first, last = -(-before * 8 // 6), (before + len(content)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            forms.add(encode(bytes(before) + content).decode("ascii")[first:last])
    return frozenset(forms)


def _places(text: str, forms: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Find each form in a text, escaped or not: yield start and end."""
    for plain, starts in _layers(text):
        for form in forms:
            at = plain.find(form)
            while at >= 0:
                end = at + len(form)
                yield starts[at], starts[end]
                at = plain.find(form, end)


def _layers(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Yield a text, then the text with one more layer of escapes undone each time.

    With each, yield the position in the original text of every character, and of the end.
    """
    starts: Sequence[int] = range(len(text) + 1)
    yield text, starts
    for _ in range(LAYERS):
        if not _ESCAPE.search(text):
            return
        text, starts = _unescaped(text, starts)
        yield text, starts


def _character(escape: re.Match[str]) -> str:
    *hexadecimal, decimal, entity, itself = escape.groups()
    if code := next(filter(None, hexadecimal), None):
        return chr(int(code, 16))
    return chr(int(decimal)) if decimal else _ENTITIES.get(entity) or itself


def _unescaped(text: str, starts: Sequence[int]) -> tuple[str, Sequence[int]]:
    parts, kept, at = [], array("L"), 0
    for found in _ESCAPE.finditer(text):
        parts += [text[at : found.start()], _character(found)]
        kept.extend(starts[at : found.start() + 1])
        at = found.end()
    kept.extend(starts[at:])
    return "".join([*parts, text[at:]]), kept
