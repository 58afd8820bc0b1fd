"""The moments that platforms write."""

from contextlib import suppress
from datetime import UTC, date, datetime, time


def moment(text: str) -> datetime | None:
    """Read ISO 8601: without an offset it is UTC, and without a time the end of the day."""
    with suppress(ValueError):
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None
