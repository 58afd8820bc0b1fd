"""JSON from outside: read strictly, with every number's digits kept."""

import json
from typing import Any, NoReturn

import msgspec

from loyalty_cli.amount import MAX_DIGITS, Amount


def decode(body: bytes) -> Any:
    """Read a JSON document: numbers as `int` or `Amount`, objects as `dict`.

    Raises ValueError, in words for a user, for what is not UTF-8, not JSON, nested too deep, has a
    key twice in one object, or a number that is not one or is too long to be an amount.
    """
    try:
        tree = _DECODER.decode(body.decode("utf-8"))
        if b"\\u" in body:
            msgspec.json.decode(body)  # refuses half a surrogate pair, which json lets through
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg} at character {error.pos})") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"it is not JSON ({error})") from None
    return tree


def compact(body: bytes) -> bytes:
    """Put a JSON document that `decode` accepted on one line, its numbers and strings untouched."""
    return msgspec.json.format(body, indent=-1)


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"it has a number of more than {MAX_DIGITS} digits")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it has {name}, which is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"it has the key {twice!r} twice in one object")
    return members


_DECODER = json.JSONDecoder(
    parse_int=_integer,
    parse_float=Amount.parse,
    parse_constant=_refuse_constant,
    object_pairs_hook=_object,
)
