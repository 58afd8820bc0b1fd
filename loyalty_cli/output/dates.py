"""Dates for people: short, in local time, and marked if they are over."""

from datetime import datetime, time

from loyalty_cli.model.moment import moment

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def short_date(text: str, now: datetime, *, with_year: bool = False) -> str:
    """A date as people write it, with its time unless that is midnight: `1 Dec`, `1 Dec 2024`.

    This year's number is left out, unless `with_year`. A time with an offset becomes the local
    time, which is that of `now`. Text that is not ISO 8601 stays as it is.
    """
    try:
        at = datetime.fromisoformat(text)
        at = at.astimezone(now.tzinfo) if at.tzinfo else at
    except (ValueError, OverflowError):
        return text
    year = "" if at.year == now.year and not with_year else f" {at.year}"
    clock = "" if at.time() == time() else f", {at:%H:%M}"
    return f"{at.day} {_MONTHS[at.month - 1]}{year}{clock}"


def duration(seconds: float) -> str:
    """How long something has lasted, in its largest unit: `40 s`, `5 min`, `3 h`, `2 days`."""
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number:,} {unit}{'s' if unit == 'day' and number > 1 else ''}"
    return f"{max(0, int(seconds))} s"


def is_over(text: str, now: datetime) -> bool:
    """Whether a date lies in the past; False if it cannot be read."""
    at = moment(text)
    return at is not None and at < now
