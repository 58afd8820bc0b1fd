"""A moment is read as a person writes it, and nothing else is taken for one."""

from datetime import UTC, datetime

import pytest

from loyalty_cli.commands.journal.time_options import moment
from loyalty_cli.model.errors import LoyaltyError

NOW = datetime(2026, 11, 20, 5, 6, 7, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0m", NOW),
        ("1m", datetime(2026, 11, 20, 5, 5, 7, 8, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 19, 17, 6, 7, 8, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 13, 5, 6, 7, 8, tzinfo=UTC)),
        ("2w", datetime(2026, 11, 6, 5, 6, 7, 8, tzinfo=UTC)),
        ("today", datetime(2026, 11, 20, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 19, tzinfo=UTC)),
        ("2020-01-02", datetime(2020, 1, 2, tzinfo=UTC)),
        ("2999-12-31T23:59:59", datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2020-01-02T03:04:05Z", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (None, None),
    ],
    ids=str,
)
def test_an_option_of_time_takes_ages_dates_and_times(
    text: str | None, expected: datetime | None
) -> None:
    assert moment("--since", text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["yesteryear", "7y", "99999w", "2026-13-01", "20261120", "7d ", "", "٣d"]
)
def test_an_option_of_time_refuses_everything_else(text: str) -> None:
    with pytest.raises(LoyaltyError, match="is not a moment") as raised:
        moment("--until", text, NOW)

    assert f"--until {text!r}" in raised.value.message
