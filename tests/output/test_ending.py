"""The last line about a list."""

from pathlib import Path

import pytest

from loyalty_cli.output import messages
from loyalty_cli.output.ending import duration, report_end


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (72, "1 min 12 s"),
        (3600, "1 h 0 min"),
        (7385, "2 h 3 min"),
    ],
)
def test_a_duration_has_the_units_that_matter(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_last_line_tells_what_was_done_how_long_it_took_and_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(messages, "banner", said.append)

    report_end("look-ups", {"answered": 1149, "failed": 54}, 72, Path("out.jsonl"))
    report_end("debits", {"confirmed": 7, "not confirmed": 0}, 2)

    assert said == [
        "1,203 look-ups in 1 min 12 s: 1,149 answered, 54 failed; written to 'out.jsonl'.",
        "7 debits in 2.0 s: all confirmed.",
    ]
