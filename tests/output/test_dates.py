"""Dates as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from loyalty_cli.output.dates import is_over, short_date

NOW = datetime(2026, 11, 21, 13, 2, tzinfo=timezone(timedelta(hours=-5)))


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("2026-12-01", "1 Dec"),
        ("2026-12-01T00:00:00", "1 Dec"),
        ("2025-01-31", "31 Jan 2025"),
        ("2026-12-01T23:59:59", "1 Dec, 23:59"),
        ("2026-12-01T00:00:00Z", "30 Nov, 19:00"),
        ("2026-12-01T05:00:00Z", "1 Dec"),
        ("2026-12-01T00:00:00+10:00", "30 Nov, 09:00"),
        ("0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00+10:00"),
        ("end of the year", "end of the year"),
        ("", ""),
    ],
)
def test_a_date_is_short_and_in_local_time_if_its_offset_is_known(text: str, short: str) -> None:
    assert short_date(text, NOW) == short


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("2026-11-20", True),
        ("2026-11-21", False),
        ("2026-11-21T18:01:59", True),
        ("2026-11-21T18:02:01", False),
        ("2026-11-21T18:01:59Z", True),
        ("2026-11-21T13:02:01-05:00", False),
        ("soon", False),
        ("", False),
    ],
)
def test_a_date_is_over_at_its_moment_and_a_day_when_it_ends(text: str, over: bool) -> None:
    assert is_over(text, NOW) is over
    assert is_over(text, NOW.astimezone(UTC)) is over
