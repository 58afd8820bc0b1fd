"""Reads moments as a person writes them: a date, a time, a time ago."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from loyalty_cli.model.errors import usage_error

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"([0-9]{1,4})([mhdw])", re.ASCII)
_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z?)?", re.ASCII)


def moment(name: str, text: str | None, now: datetime) -> datetime | None:
    """Read an option such as `2026-11-20`, `7d`, `yesterday`; raise LoyaltyError if wrong."""
    found = None if text is None else _read(text, now)
    if text is not None and found is None:
        usage_error(
            f"{name} {text[:40]!r} is not a moment.",
            "Write 7d, 12h, yesterday, a date such as 2026-11-20, or 2026-11-20T05:00:00Z (UTC).",
        )
    return found


def _read(text: str, now: datetime) -> datetime | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    if text in days:
        return days[text]
    with suppress(ValueError):
        if ago := _AGO.fullmatch(text):
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        if _WRITTEN.fullmatch(text):
            return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    return None
