"""Records as JSON in UTF-8; amounts are numbers with all their digits."""

import re
from typing import Any

import msgspec

from loyalty_cli.model.amount import encode_amount
from loyalty_cli.output.escape import MAYBE_NOT_SHOWN, is_shown

_ENCODER = msgspec.json.Encoder(enc_hook=encode_amount)


def json_line(record: Any) -> bytes:
    """One record on one line."""
    return _inert(_encoded(record)) + b"\n"


def json_element(record: Any) -> bytes:
    """One record as an element of an indented array, without comma and line end."""
    return _inert(msgspec.json.format(b"[" + _encoded(record) + b"]", indent=2)[2:-2])


def json_document(content: Any) -> bytes:
    """Records as one array, or anything else, indented."""
    return _inert(msgspec.json.format(_encoded(content), indent=2)) + b"\n"


def json_cell(content: Any) -> str:
    """A map or a list as the text of one cell."""
    return _inert(_encoded(content)).decode()


def _encoded(content: Any) -> bytes:
    try:
        return _ENCODER.encode(content)
    except UnicodeEncodeError:
        return _ENCODER.encode(_as_text(content))


def _as_text(content: Any) -> Any:
    """Escape bytes that are not UTF-8, as a file name can have."""
    match content:
        case str():
            return content.encode("utf-8", errors="backslashreplace").decode()
        case list() | tuple():
            return [_as_text(item) for item in content]
        case dict():
            return {_as_text(key): _as_text(value) for key, value in content.items()}
        case msgspec.Struct():
            names = content.__struct_fields__
            return {name: _as_text(getattr(content, name)) for name in names}
        case _:
            return content


def _inert(document: bytes) -> bytes:
    """Escape control characters; in JSON they can only be in strings."""
    if document.isascii() and b"\x7f" not in document:
        return document
    return MAYBE_NOT_SHOWN.sub(_escaped, document.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    from json import dumps

    sign = found[0]
    if is_shown(sign) or sign == "\n":
        return sign
    return "\\u007f" if sign == "\x7f" else dumps(sign)[1:-1]
