"""How wide stderr is, how a line is wrapped there, and whether progress can be shown."""

import io
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from loyalty_cli.output import stderr


def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Let stdout and stderr be a terminal, as far as it is asked."""
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setenv("TERM", "xterm")
    return shown


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("twenty columns, full", ["twenty columns, full"]),
        ("nobody cuts a word in two", ["nobody cuts a word", "  in two"]),
        (f"a {'9' * 30} b", ["a", f"  {'9' * 30}", "  b"]),
        ("run it: `loyalty login a`", ["run it:", "  `loyalty login a`"]),
        ("  line 7: an amount is missing", ["  line 7: an amount", "    is missing"]),
        ("two  spaces  stay  there", ["two  spaces  stay", "  there"]),
        ("漢字漢字 漢字漢字 漢字", ["漢字漢字 漢字漢字", "  漢字"]),
    ],
)
def test_a_line_wider_than_the_terminal_is_broken_at_words(
    monkeypatch: pytest.MonkeyPatch, text: str, lines: list[str]
) -> None:
    screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", "20")

    assert stderr.wrapped(text).split("\n") == lines


def test_a_line_in_a_pipe_is_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setenv("COLUMNS", "20")

    assert stderr.wrapped("word " * 100) == "word " * 100


@pytest.mark.parametrize(("columns", "width"), [("33", 33), ("19", 80), ("0", 80), ("x", 80)])
def test_a_terminal_of_no_possible_width_is_taken_for_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", columns)

    assert stderr.width() == width


def test_progress_is_shown_where_no_other_program_writes_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = screen(monkeypatch)
    assert stderr.shows_progress()

    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert not stderr.shows_progress()
        assert stderr.shows_progress(uses_stdout=False)
    with Path(os.devnull).open("w") as nothing:
        monkeypatch.setattr(sys, "stdout", nothing)
        assert stderr.shows_progress()
    monkeypatch.setattr(sys, "stdout", None)
    assert stderr.shows_progress()

    monkeypatch.setenv("TERM", "dumb")
    assert not stderr.shows_progress()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(shown, "isatty", lambda: False)
    assert not stderr.shows_progress()


def test_progress_is_not_shown_if_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen(monkeypatch)
    for unwanted, back in (
        (partial(stderr.set_quiet, True), partial(stderr.set_quiet, False)),
        (partial(stderr.set_progress, False), partial(stderr.set_progress, True)),
    ):
        unwanted()
        try:
            assert not stderr.shows_progress()
        finally:
            back()
        assert stderr.shows_progress()
