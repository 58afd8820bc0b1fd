"""Progress of a long run: on a terminal's stderr, and nowhere else."""

import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from loyalty_cli.output.progress import FEW, progress
from tests.conftest import PROGRAM, Run
from tests.fakes.debit_platform import platform
from tests.fakes.terminal import unstyled


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], io.StringIO]:
    def show(terminal: bool) -> io.StringIO:
        shown = io.StringIO()
        monkeypatch.setattr(shown, "isatty", lambda: terminal)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "stderr", shown)
        monkeypatch.setattr(sys, "stdout", shown)
        return shown

    return show


@pytest.mark.parametrize(
    ("total", "last"),
    [(17, ("17/17", "2 failed", "/s", "0:00:00")), (None, ("17/?", "2 failed", "/s"))],
    ids=["a known total", "no total"],
)
@pytest.mark.parametrize("columns", ["80", "0"])
def test_progress_shows_the_count_the_rate_the_failures_and_the_time_left(
    screen: Callable[[bool], io.StringIO],
    monkeypatch: pytest.MonkeyPatch,
    total: int | None,
    last: tuple[str, ...],
    columns: str,
) -> None:
    shown = screen(True)
    monkeypatch.setenv("COLUMNS", columns)

    assert list(progress(iter(range(17)), total, lambda item: item > 14)) == list(range(17))

    text = unstyled(shown.getvalue())
    assert [words for words in last if words not in text] == []


@pytest.mark.parametrize(
    ("terminal", "total"),
    [(False, 17), (True, FEW), (True, 0), (None, 17)],
    ids=["a pipe", "few items", "no item", "no stderr"],
)
def test_progress_is_shown_only_in_a_terminal_and_for_many_items(
    screen: Callable[[bool], io.StringIO],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool | None,
    total: int,
) -> None:
    shown = screen(bool(terminal))
    if terminal is None:
        monkeypatch.setattr(sys, "stderr", None)

    assert list(progress(iter(range(total)), total, bool)) == list(range(total))
    assert shown.getvalue() == ""


def test_progress_that_ends_in_the_middle_leaves_the_terminal_as_it_was(
    screen: Callable[[bool], io.StringIO],
) -> None:
    shown = screen(True)

    items = progress(iter(range(17)), 17, bool)
    next(items)
    items.close()

    assert shown.getvalue().count("\x1b[?25l") == shown.getvalue().count("\x1b[?25h") == 1


def test_progress_of_debits_is_shown_on_stderr_and_not_in_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loyalty: Run
) -> None:
    rows, written = tmp_path / "debits.csv", tmp_path / "out.jsonl"
    lines = "".join(f"C-1006,{number},ref-{number}\n" for number in range(1, 13))
    rows.write_text(f"customer,amount,reference\n{lines}")
    with platform(tmp_path, monkeypatch):
        assert loyalty("journal", "init").code == 0
        child = pexpect.spawn(
            "/bin/sh",
            ["-c", f"exec {PROGRAM} debit --from {rows} -y -o jsonl >{written}"],
            env={**os.environ, "TERM": "xterm-256color"},
            encoding="utf-8",
            timeout=30,
        )
        child.expect(pexpect.EOF)
        child.close()

    assert child.exitstatus == 0
    assert "12/12" in unstyled(str(child.before))
    assert re.search(r"12 debits in \d+\.\d s: all confirmed\.", str(child.before))
    records = [json.loads(line) for line in written.read_text().splitlines()]
    assert [each["state"] for each in records] == ["confirmed"] * 12
