"""What is said on stderr: one line each, in colour only where a person is looking."""

import io
import sys

import pytest

from loyalty_cli.output import messages
from tests.fakes.terminal import in_terminal


def test_an_error_is_one_line_on_stderr_and_its_hint_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    messages.error("first\nsecond \x1b[2J [red]", "do\rthis")

    assert capsys.readouterr().err == "Error: first\\nsecond \\x1b[2J [red]\nHint: do\\rthis\n"


def test_a_long_error_is_shortened_and_a_long_warning_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    messages.error("x" * 10_000)
    messages.warning("9" * 10_000)

    error, warning = capsys.readouterr().err.splitlines()
    assert error == f"Error: {'x' * 600}… (9400 more characters)"
    assert warning == f"Warning: {'9' * 10_000}"


def test_the_label_of_an_error_is_coloured_in_a_terminal() -> None:
    assert "\x1b[31;1mError:\x1b[0m a customer's" in in_terminal("balance", "").out


def test_a_line_on_stderr_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the lines of several threads run into each other."""
    pieces: list[str] = []
    screen = io.StringIO()
    monkeypatch.setattr(screen, "write", pieces.append)
    monkeypatch.setattr(sys, "stderr", screen)

    messages.note("> GET /a")
    messages.error("it failed.")

    assert pieces == ["> GET /a\n", "Error: it failed.\n"]
