"""Records as JSON: UTF-8, every amount a number with its own digits."""

from typing import Any

import msgspec

from loyalty_cli.amount import encode_amount

_ENCODER = msgspec.json.Encoder(enc_hook=encode_amount)


def json_line(record: Any) -> bytes:
    """One record on one line."""
    return _ENCODER.encode(record) + b"\n"


def json_document(content: Any) -> bytes:
    """Records as one array, or anything else, indented."""
    return msgspec.json.format(_ENCODER.encode(content), indent=2) + b"\n"
