"""A help page on a terminal or in a pipe: no line is too wide, and nothing is cut off."""

import re
import shlex
from itertools import chain

import pytest

from loyalty_cli.commands.help.plain import NARROW, WIDEST, plain
from tests.commands.help.test_page import PAGES
from tests.conftest import Run

WIDTHS = pytest.mark.parametrize("width", [20, 40, 59, 60, 80, 140])
CONTINUED = " \\"


@WIDTHS
def test_no_line_is_wider_than_the_terminal_unless_it_is_one_word(width: int) -> None:
    for path, page in PAGES.items():
        lines = plain(page, width).splitlines()
        wide = [line for line in lines if len(line) > min(width, WIDEST)]

        assert [line for line in lines if line != line.rstrip()] == []
        if width >= NARROW:
            assert (path, wide) == (path, [])
        for line in wide:  # the name of an option with its value, and the sign before a command
            words = shlex.split(line.removesuffix(CONTINUED).lstrip(" $#"))
            assert len(words) <= 3 if line.startswith("  -") else len(words) == 1, line


@WIDTHS
def test_every_text_of_a_page_is_whole_at_every_width(width: int) -> None:
    for page in PAGES.values():
        text = " ".join(plain(page, width).split())
        for entry in chain(page.arguments, *page.options.values(), *page.commands.values()):
            assert f"{entry.name} {entry.text}" in text


@WIDTHS
def test_an_example_can_be_pasted_at_every_width(width: int) -> None:
    for page in PAGES.values():
        text = plain(page, width).partition("\nExamples:\n")[2]
        lines = re.findall(r"^  \$ (.*)", text.replace(f"{CONTINUED}\n", " "), re.MULTILINE)

        assert list(map(shlex.split, lines)) == [
            shlex.split(each.command) for each in page.examples
        ]


@pytest.mark.parametrize(
    ("setting", "width"),
    [("TERM=dumb", 80), ("NO_COLOR=1", 80), ("FORCE_COLOR=1", 80), ("COLUMNS=40", 40)],
)
def test_help_is_plain_text_whatever_the_terminal_is(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, setting: str, width: int
) -> None:
    monkeypatch.setenv(*setting.split("="))

    assert loyalty("debit", "-h").out == plain(PAGES["loyalty debit"], width) + "\n"


def test_names_and_texts_are_two_columns_with_the_long_names_aligned() -> None:
    debit = plain(PAGES["loyalty debit"], 80)

    assert "\n      --dry-run  Check everything" in debit
    assert "\n  -y, --yes      Do not ask" in debit
    assert "\n  CUSTOMER  The customer" in debit
    assert "\n  AMOUNT    How much" in debit


def test_on_a_narrow_terminal_a_text_is_below_its_name() -> None:
    assert "\n  --dry-run\n      Check everything, but send no\n" in plain(
        PAGES["loyalty debit"], 40
    )
