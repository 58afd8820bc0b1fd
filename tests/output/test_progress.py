"""Progress of a long run: on a terminal's stderr, and nowhere else."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from loyalty_cli.output.progress import progress
from tests.conftest import PROGRAM, Run
from tests.fakes.debit_platform import DebitPlatform, platform
from tests.fakes.terminal import unstyled


def never(_: object) -> bool:
    return False


HEADER = "customer,amount,reference\n"


class Screen(io.StringIO):
    """A stderr that says whether it is a terminal."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], Screen]:
    def show(terminal: bool) -> Screen:
        shown = Screen(terminal)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "stderr", shown)
        return shown

    return show


def test_a_width_of_nothing_shows_as_much(
    screen: Callable[[bool], Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = screen(True)
    monkeypatch.setenv("COLUMNS", "0")

    list(progress(iter(range(7)), 7, never))

    assert "7/7" in unstyled(shown.getvalue())


def test_a_terminal_sees_how_many_how_quickly_and_how_long_still(
    screen: Callable[[bool], Screen],
) -> None:
    shown = screen(True)

    assert list(progress(iter(range(7)), 7, never)) == list(range(7))

    last = unstyled(shown.getvalue())
    assert "7/7" in last
    assert "/s" in last
    assert "0:00:00" in last


def test_progress_says_how_many_failed(screen: Callable[[bool], Screen]) -> None:
    shown = screen(True)

    list(progress(iter(range(7)), 7, lambda item: item > 4))

    assert "2 failed" in unstyled(shown.getvalue())


def test_a_run_of_nobody_knows_how_many_shows_how_many_came(
    screen: Callable[[bool], Screen],
) -> None:
    shown = screen(True)

    assert list(progress(iter(range(7)), None, never)) == list(range(7))

    assert "7/?" in unstyled(shown.getvalue())


@pytest.mark.parametrize(("terminal", "total"), [(False, 7), (True, 1), (True, 0)])
def test_a_pipe_and_a_single_debit_see_nothing(
    screen: Callable[[bool], Screen], terminal: bool, total: int
) -> None:
    shown = screen(terminal)

    assert list(progress(iter(range(total)), total, never)) == list(range(total))
    assert shown.getvalue() == ""


def test_without_a_stderr_the_items_still_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)

    assert list(progress(iter("abc"), 3, never)) == ["a", "b", "c"]


def test_progress_that_ends_in_the_middle_leaves_the_terminal_as_it_was(
    screen: Callable[[bool], Screen],
) -> None:
    shown = screen(True)

    items = progress(iter(range(7)), 7, never)
    next(items)
    items.close()

    assert shown.getvalue().count("\x1b[?25l") == shown.getvalue().count("\x1b[?25h") == 1


@pytest.fixture
def rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loyalty: Run
) -> Iterator[tuple[DebitPlatform, str]]:
    """The platform, a journal, and a file of nine debits."""
    name = tmp_path / "debits.csv"
    name.write_text(HEADER + "".join(f"C-1006,{n},ref-{n}\n" for n in range(1, 10)))
    with platform(tmp_path, monkeypatch) as there:
        assert loyalty("journal", "init").code == 0
        yield there, str(name)


def terminal(command: str, *arguments: str) -> str:
    """What a terminal shows of the program."""
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", command, "sh", str(PROGRAM), *arguments],
        env={**os.environ, "TERM": "xterm-256color"},
        encoding="utf-8",
        timeout=30,
        dimensions=(50, 80),
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    return str(child.before)


def test_progress_is_on_stderr_while_the_document_goes_to_its_file(
    rows: tuple[DebitPlatform, str], tmp_path: Path
) -> None:
    _, name = rows
    written = tmp_path / "out.jsonl"

    shown = unstyled(
        terminal(f'exec "$@" >{written}', "debit", "--from", name, "-y", "-o", "jsonl")
    )

    assert "9/9" in shown
    assert "/s" in shown
    records = [json.loads(line) for line in written.read_text().splitlines()]
    assert [each["state"] for each in records] == ["confirmed"] * 9


def test_progress_does_not_come_between_the_records_on_one_terminal(
    rows: tuple[DebitPlatform, str],
) -> None:
    _, name = rows

    shown = terminal('exec "$@"', "debit", "--from", name, "-y", "-o", "jsonl")

    assert [json.loads(line)["reference"] for line in shown.splitlines()] == [
        f"ref-{n}" for n in range(1, 10)
    ]


def test_a_job_sees_nothing_of_it(rows: tuple[DebitPlatform, str]) -> None:
    _, name = rows

    done = subprocess.run(
        [PROGRAM, "debit", "--from", name, "-y", "-o", "json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert len(json.loads(done.stdout)) == 9
