"""Read JSON from outside strictly, and keep every digit of its numbers."""

import json
from collections import Counter
from collections.abc import Collection
from typing import Any, NoReturn

import msgspec

from loyalty_cli.model.amount import MAX_DIGITS, Amount

MAX_DEPTH = 100
"""Levels of nested lists and objects; few enough for recursive functions."""

MAX_PARTS = 20_000
"""Values and keys; each takes about a hundred bytes of memory once it is read."""


def decode(body: bytes) -> Any:
    """Read a JSON document: numbers as `int` or `Amount`, objects as `dict`.

    Raises ValueError, in words for a user, if it is not UTF-8, is not JSON, is nested too deep, or
    has too many parts, a duplicate key in an object, or a number that is invalid or too long for
    an amount.
    """
    # This counts too many: signs inside texts count, too. But counting takes no memory.
    opened = body.count(b"[") + body.count(b"{")
    if opened + body.count(b",") + body.count(b":") > MAX_PARTS:
        raise ValueError(f"it has more than {MAX_PARTS} parts")
    try:
        tree = _DECODER.decode(body.decode("utf-8"))
        if b"\\u" in body:
            _PAIRS.decode(body)  # refuses half a surrogate pair, which json accepts
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg} at character {error.pos})") from None
    except msgspec.DecodeError:
        raise ValueError("it has half a character in it (one surrogate of a pair)") from None
    if opened > MAX_DEPTH and _is_too_deep(tree):
        raise ValueError("it is nested too deep")
    return tree


def compact(body: bytes) -> bytes:
    """Put a JSON document that `decode` accepted on one line, its numbers and strings untouched."""
    return msgspec.json.format(body, indent=-1)


def _is_too_deep(tree: Any) -> bool:
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
    return any(isinstance(node, dict | list) for node in level)


def _children(node: Any) -> Collection[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _integer(text: str) -> int | Amount:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"it has a number of more than {MAX_DIGITS} digits")
    return Amount(text) if text == "-0" else int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it has {name}, which is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"it has the key {twice!r} twice in one object")
    return members


# Floats stay text: an amount must never become a float.
_PAIRS = msgspec.json.Decoder(float_hook=str)

_DECODER = json.JSONDecoder(
    parse_int=_integer,
    parse_float=Amount.parse,
    parse_constant=_refuse_constant,
    object_pairs_hook=_object,
)
