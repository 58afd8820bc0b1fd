"""Text from outside: a person sees what a terminal would have acted on."""

import pytest

from loyalty_cli.output.escape import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]8;;http://evil\x07", r"\x1b]8;;http://evil\x07"),
        ("\x1b]52;c;ZXZpbA==\x07", r"\x1b]52;c;ZXZpbA==\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("10\r99", r"10\r99"),
        ("10\b\b99", r"10\x08\x0899"),
        ("a\x00b\tc\nd\x7f", r"a\x00b\tc\nd\x7f"),
        ("\u202e001", r"\u202e001"),
        ("a\u2028b\u2029c\ufeff", r"a\u2028b\u2029c\ufeff"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_a_character_that_acts_on_a_terminal_becomes_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text", ["", "Guthaben €", "積分", "🎁 gift", "[red]x[/x] :star:", "e\u0301"]
)
def test_a_character_that_a_terminal_only_shows_stays(text: str) -> None:
    assert visible(text) == text
