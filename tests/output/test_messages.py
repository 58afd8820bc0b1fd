"""What is said on stderr: a line each in a pipe, and colours and wrapping in a terminal."""

import io
import sys

import pytest

from loyalty_cli.output import messages, stderr
from tests.conftest import Run
from tests.fakes.terminal import in_terminal, unstyled


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


def test_a_message_is_wrapped_at_words_in_a_terminal_and_one_line_in_a_pipe(program: Run) -> None:
    command = ("--sandbox", "balance", "E-500", "-p", "imprint")

    wide = program(*command).err.splitlines()
    terminal = in_terminal("--no-progress", *command, width=30)
    shown = unstyled(terminal.out).splitlines()[2:]

    assert [line.split(":")[0] for line in wide] == ["Error", "Hint"]
    assert max(map(len, shown)) <= 30
    assert " ".join(line.removeprefix("  ") for line in shown) == " ".join(wide)


def test_a_quiet_run_tells_errors_alone(capsys: pytest.CaptureFixture[str]) -> None:
    stderr.set_quiet(True)
    try:
        messages.error("it failed.", "Try again.", ["line 7: no."])
        messages.warning("a doubt.")
        messages.note("done.")
        messages.banner("Sandbox.", to_all=True)
    finally:
        stderr.set_quiet(False)

    assert capsys.readouterr().err == "Error: it failed.\n  line 7: no.\n"
