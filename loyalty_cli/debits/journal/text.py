"""Text as the journal stores it: valid in both databases, customers comparable."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import TypeVar

Text = TypeVar("Text", str, str | None)

# PostgreSQL cannot store a NUL, and half a surrogate pair is not UTF-8.
_NOT_WRITABLE = re.compile(r"[\x00\ud800-\udfff]")


def writable(text: Text) -> Text:
    r"""The text, with \u0000 in place of a NUL, and likewise for half a surrogate pair."""
    if text is None:
        return text
    return _NOT_WRITABLE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def folded(customer: str) -> str:
    """A customer without case, width and outer spaces: a platform may ignore these."""
    return unicodedata.normalize("NFKC", customer).casefold().strip()


def time_text(moment: datetime) -> str:
    """A time as the journal stores it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def shown(at: str) -> str:
    """A time of the journal in the format of records."""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
