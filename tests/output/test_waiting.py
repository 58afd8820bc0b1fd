"""The line that names the platforms that are waited for."""

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from loyalty_cli.output.waiting import ERASE, WaitingLine
from loyalty_cli.sandbox.embedded import sandbox
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Handle, Received, Reply
from tests.conftest import Run, Serve
from tests.fakes.debit_platform import CREDENTIALS, PROFILES
from tests.fakes.standing_clock import StandingClock
from tests.fakes.terminal import PATIENCE, terminal, to_the_end


def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Let stdout and stderr be a terminal, as far as it is asked."""
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setenv("TERM", "xterm")
    return shown


@pytest.mark.parametrize(
    ("names", "columns", "text"),
    [
        (["Gameball"], "80", "waiting for Gameball… 7 s"),
        (["Gameball", "Gameball"], "80", "waiting for Gameball… 7 s"),
        (["A", "B", "C"], "80", "waiting for A, B and C… 7 s"),
        (["Imprint", "Gameball", "Omneo"], "40", "waiting for Imprint and 2 more… 7 s"),
        (["a name that is too long to fit"], "20", "waiting… 7 s"),
        (["a\x1b[2J"], "80", "waiting for a\\x1b[2J… 7 s"),
    ],
)
def test_the_line_has_each_name_once_as_far_as_they_fit(
    monkeypatch: pytest.MonkeyPatch, names: list[str], columns: str, text: str
) -> None:
    screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", columns)
    clock = StandingClock()
    line = WaitingLine(clock)
    waits = [line.on(name) for name in names]
    for each in waits:
        each.__enter__()

    clock.move(7)

    assert line.text() == text
    for each in waits:
        each.__exit__(None, None, None)


def test_the_time_in_which_a_person_answers_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen(monkeypatch)
    clock = StandingClock()
    line = WaitingLine(clock)
    with line.on("Capillary"):
        with line.asking():
            clock.move(60)
        clock.move(2)
        assert line.text() == "waiting for Capillary… 2 s"


def test_nothing_is_drawn_where_no_progress_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = screen(monkeypatch)
    monkeypatch.setattr(shown, "isatty", lambda: False)
    line = WaitingLine(StandingClock())
    with line.on("Imprint"), line.hidden():
        assert line.text() == "waiting… 0 s"
    assert shown.getvalue() == ""


class Held:
    """The sandbox, which withholds the answers of some platforms until they are released."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._events = {name: Event() for name in ("imprint", "gameball", "saasquatch")}

    def release(self, *names: str) -> None:
        for name in names:
            self._events[name].set()

    def __call__(self, received: Received) -> Reply:
        name = received.path[0]
        self._events[name].wait(PATIENCE)
        return self._handle(received)


@pytest.fixture
def held(
    tmp_path: Path,
    serve: Serve,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Held:
    platforms = Held(sandbox(Ledger(tmp_path / "ledger.db", StandingClock())))
    url = serve(platforms)
    profile_file(PROFILES.format(url=url, journal=tmp_path / "journal.db", settle=900))
    for name, secret in CREDENTIALS.items():
        monkeypatch.setenv(f"LOYALTY_{name}".upper().replace(".", "_"), secret)
    return platforms


def test_one_look_up_names_its_platform_until_the_answer_is_there(held: Held) -> None:
    with terminal("balance", "C-1001", "-p", "points") as child:
        child.expect("waiting for Gameball… 1 s")
        child.expect("waiting for Gameball… 2 s")
        held.release("gameball")
        rest = to_the_end(child)

    assert child.exitstatus == 0
    assert "waiting" not in rest[rest.rindex(ERASE) :]
    assert "1200 points" in rest[rest.rindex(ERASE) :]


def test_several_look_ups_name_the_platforms_that_have_not_answered(held: Held) -> None:
    asked = ("balance", "C-1001", "-p", "points", "-p", "card", "-p", "club", "-o", "jsonl")
    with terminal(*asked) as child:
        child.expect(r"waiting for \w+, \w+ and \w+… 1 s")
        held.release("gameball", "saasquatch")
        child.expect("waiting for Imprint… ")
        before = str(child.before)
        held.release("imprint")
        rest = to_the_end(child)

    # Every record begins a line that is empty.
    shown = before + rest
    lines = [line.removeprefix("\x1b[K") for line in shown.splitlines() if "schema_version" in line]
    assert [json.loads(line)["profile"] for line in lines] == ["points", "card", "club"]


def test_a_debit_names_the_platform_that_is_waited_for(held: Held, loyalty: Run) -> None:
    assert loyalty("journal", "init").code == 0
    held.release("imprint")

    with terminal("debit", "C-1001", "5", "--unit", "points", "-p", "points", "-y") as child:
        child.expect("waiting for Gameball… 1 s")
        held.release("gameball")
        rest = to_the_end(child)

    assert child.exitstatus == 0
    assert "confirmed" in rest[rest.rindex(ERASE) :]


def test_ctrl_c_leaves_no_line_behind(held: Held) -> None:
    with terminal("balance", "C-1001", "-p", "points") as child:
        child.expect("waiting for Gameball… 1 s")
        child.sendintr()
        rest = to_the_end(child)
    held.release("gameball")

    assert child.exitstatus == 130
    assert rest.rstrip().endswith("Interrupted.")
    assert "waiting" not in rest[rest.rindex(ERASE) :]


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (["-q"], 'exec "$@"'),
        (["--no-progress"], 'exec "$@"'),
        ([], '"$@" | cat'),
    ],
    ids=["quiet", "no progress", "a pipe"],
)
def test_no_line_is_shown_where_it_is_not_wanted(
    held: Held, options: list[str], command: str
) -> None:
    with terminal(
        *("balance", "C-1001", "-p", "points", "-p", "card", "--timeout", "2.5", *options),
        command=command,
    ) as child:
        shown = to_the_end(child)
    held.release("gameball", "imprint")

    assert re.findall(r"(\w+) at 127.0.0.1:\d+ did not answer", shown) == ["Gameball", "Imprint"]
    assert "waiting" not in shown
    assert ERASE not in shown
