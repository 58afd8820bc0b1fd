"""Text as both databases take it: what has no place in one of them is written out."""

import re
from typing import TypeVar

Text = TypeVar("Text", str, str | None)

# PostgreSQL keeps no NUL, and half a surrogate pair is no UTF-8.
_NOT_WRITABLE = re.compile(r"[\x00\ud800-\udfff]")


def writable(text: Text) -> Text:
    r"""The text, with \u0000 written for a NUL, and likewise for half a surrogate pair."""
    if text is None:
        return text
    return _NOT_WRITABLE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
