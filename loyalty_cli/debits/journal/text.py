"""Text as the journal has it: what both databases take, and customers that may be one account."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import TypeVar

Text = TypeVar("Text", str, str | None)

# PostgreSQL keeps no NUL, and half a surrogate pair is no UTF-8.
_NOT_WRITABLE = re.compile(r"[\x00\ud800-\udfff]")


def writable(text: Text) -> Text:
    r"""The text, with \u0000 written for a NUL, and likewise for half a surrogate pair."""
    if text is None:
        return text
    return _NOT_WRITABLE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def folded(customer: str) -> str:
    """What is the same for customers that a platform may take for one: case, spaces, width."""
    return unicodedata.normalize("NFKC", customer).casefold().strip()


def time_text(moment: datetime) -> str:
    """A time as the journal has it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def shown(at: str) -> str:
    """A time of the journal as records have it."""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
