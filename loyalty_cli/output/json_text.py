"""Records as JSON in UTF-8; amounts are numbers with all their digits, or strings."""

import re
from typing import Any

import msgspec

from loyalty_cli.model.amount import Amount, encode_amount
from loyalty_cli.output.escape import MAYBE_NOT_SHOWN, is_shown
from loyalty_cli.output.format import Amounts


def _as_string(value: Any) -> Any:
    if isinstance(value, Amount):
        return str(value)
    raise NotImplementedError(type(value))


_ENCODERS = {
    Amounts.NUMBER: msgspec.json.Encoder(enc_hook=encode_amount),
    Amounts.TEXT: msgspec.json.Encoder(enc_hook=_as_string),
}


def json_line(record: Any, amounts: Amounts = Amounts.NUMBER) -> bytes:
    """One record on one line."""
    return _inert(_encoded(record, amounts)) + b"\n"


def json_element(record: Any, amounts: Amounts = Amounts.NUMBER) -> bytes:
    """One record as an element of an indented array, without comma and line end."""
    return _inert(msgspec.json.format(b"[" + _encoded(record, amounts) + b"]", indent=2)[2:-2])


def json_document(content: Any, amounts: Amounts = Amounts.NUMBER) -> bytes:
    """Records as one array, or anything else, indented."""
    return _inert(msgspec.json.format(_encoded(content, amounts), indent=2)) + b"\n"


def json_cell(content: Any) -> str:
    """A map or a list as the text of one cell."""
    return _inert(_encoded(content)).decode()


def _encoded(content: Any, amounts: Amounts = Amounts.NUMBER) -> bytes:
    encoder = _ENCODERS[amounts]
    try:
        return encoder.encode(content)
    except UnicodeEncodeError:
        return encoder.encode(_as_text(content))


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
