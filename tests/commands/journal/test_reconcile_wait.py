"""`loyalty journal reconcile --wait`: how long it stays, and how it ends."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.journal import reconcile
from loyalty_cli.debits.journal import uptime
from loyalty_cli.debits.journal.locks import release_lock, take_lock
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.processes import _started, this_process
from loyalty_cli.output.format import Format
from loyalty_cli.sandbox.misbehaviour import LATE_SECONDS
from loyalty_cli.sandbox.server import Reply
from tests.conftest import PROGRAM, Run
from tests.fakes.debit_platform import DebitPlatform

LOST = Reply(reset=True)


class Clock:
    """The time since the machine was started, and the sandbox's, which only sleeping moves on.

    `meanwhile` is done in the first sleep, and `when_read` whenever the time is read.
    """

    def __init__(self, platform: DebitPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = self.seconds = 5000.0
        self.meanwhile: Callable[[], object] | None = None
        self.when_read: Callable[[], object] | None = None
        self._platform = platform
        monkeypatch.setattr(uptime, "seconds_awake_or_asleep", lambda: self.seconds)

    def read(self) -> float:
        if self.when_read:
            self.when_read()
        return self.seconds

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= reconcile.POLL_SECONDS
        self.seconds += seconds
        self._platform.clock.time += seconds
        if self.meanwhile:
            do, self.meanwhile = self.meanwhile, None
            do()

    @property
    def passed(self) -> float:
        return round(self.seconds - self.begun, 3)


@pytest.fixture
def clock(ready: DebitPlatform, monkeypatch: pytest.MonkeyPatch) -> Clock:
    ready.clock.time = time.time()
    return Clock(ready, monkeypatch)


@pytest.fixture
def wait(
    ready: DebitPlatform, clock: Clock, capsysbinary: pytest.CaptureFixture[bytes]
) -> Callable[[], tuple[int, Any]]:
    """Wait by that clock, and give the exit code and the records."""
    chosen = Globals(ready.file)

    def run() -> tuple[int, Any]:
        code = reconcile.run(chosen, Format.JSON, wait=True, clock=clock.read, sleep=clock.sleep)
        return int(code), json.loads(capsysbinary.readouterr().out)

    return run


@pytest.fixture
def debit(ready: DebitPlatform, loyalty: Run) -> Callable[..., None]:
    def make(reference: str, *more: str, customer: str = "C-1001", lost: bool = False) -> None:
        ready.replies.extend([LOST] * lost)
        asked = ("debit", customer, "5", "--reference", reference, "-y", *more)
        assert loyalty(*asked).code == 8

    return make


def test_it_stays_until_a_late_debit_is_there(
    wait: Callable[[], tuple[int, Any]], clock: Clock, debit: Callable[..., None]
) -> None:
    debit("a", customer="E-late")
    debit("b", customer="E-lost-reply")

    code, records = wait()

    assert (code, {each["reference"]: each["state"] for each in records}) == (
        0,
        {"a": "confirmed", "b": "confirmed"},
    )
    assert [each["reference"] for each in records] == ["b", "a"]
    assert LATE_SECONDS <= clock.passed <= 10


def test_it_stays_until_two_looks_have_proved_that_a_debit_was_not_made(
    wait: Callable[[], tuple[int, Any]],
    clock: Clock,
    debit: Callable[..., None],
    ready: DebitPlatform,
) -> None:
    debit("a", lost=True)
    asked = len(ready.asked)

    code, (record,) = wait()

    assert (code, record["state"]) == (0, "not_applied")
    assert 960 <= clock.passed <= 1100
    assert len(ready.asked) - asked < 60


def test_it_ends_when_the_settle_period_has_passed_twice(
    wait: Callable[[], tuple[int, Any]],
    clock: Clock,
    debit: Callable[..., None],
    ready: DebitPlatform,
) -> None:
    ready.write(settle=30)
    debit("a", lost=True)

    code, (record,) = wait()

    assert (code, record["state"], clock.passed) == (8, "unknown", 60)


def test_it_does_not_wait_for_a_profile_that_is_refused_or_gone(
    wait: Callable[[], tuple[int, Any]],
    clock: Clock,
    debit: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    debit("a", lost=True)
    monkeypatch.setenv("LOYALTY_CLUB_API_KEY", "wrong")

    code, (record,) = wait()

    assert (code, record["state"], clock.passed) == (8, "unknown", 0)


def test_a_debit_that_another_process_settles_meanwhile_is_told_as_settled(
    wait: Callable[[], tuple[int, Any]],
    clock: Clock,
    debit: Callable[..., None],
    loyalty: Run,
) -> None:
    debit("a", lost=True)
    resolve = ("journal", "resolve", "a", "--confirmed", "--why", "seen")
    clock.meanwhile = partial(loyalty, *resolve)

    code, (record,) = wait()

    assert (code, record["state"]) == (0, "confirmed")
    assert clock.passed < 10


def test_a_person_is_told_what_is_waited_for_and_for_how_long(
    ready: DebitPlatform,
    clock: Clock,
    debit: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    debit("a", customer="E-lost-reply")
    monkeypatch.setattr("loyalty_cli.output.stderr.is_terminal", lambda: True)
    parent = replace(this_process(), pid=os.getppid(), started=_started(os.getppid()))
    capsysbinary.readouterr()

    with closing(open_journal(str(ready.journal))) as journal:
        assert take_lock(journal.database, reconcile.LOCK, parent, lambda *_: False)
        clock.meanwhile = partial(release_lock, journal.database, reconcile.LOCK, parent)
        chosen, sleep = Globals(ready.file), clock.sleep
        code = reconcile.run(chosen, Format.JSON, wait=True, clock=clock.read, sleep=sleep)

    out, err = capsysbinary.readouterr()
    assert (code, json.loads(out)[0]["state"]) == (0, "confirmed")
    said = " ".join(err.decode().split())
    assert said.startswith("Another reconcile is running. 'a': the debit was sent, and it is")
    assert said.endswith("1 debit is unknown. Looking again for up to 30 min; Ctrl-C ends it.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_with_8_and_a_whole_document(
    ready: DebitPlatform, debit: Callable[..., None], number: signal.Signals
) -> None:
    debit("a", lost=True)
    asked = len(ready.asked)

    with subprocess.Popen(
        [PROGRAM, "journal", "reconcile", "--wait", "-o", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        while len(ready.asked) == asked:
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(number)
        out, err = running.communicate(timeout=20)

    assert running.returncode == 8
    assert [each["state"] for each in json.loads(out)] == ["unknown"]
    assert b"Traceback" not in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_where_nothing_is_unknown_is_its_exit_code(
    wait: Callable[[], tuple[int, Any]],
    clock: Clock,
    number: int,
    code: int,
) -> None:
    clock.when_read = partial(os.kill, os.getpid(), number)

    assert wait() == (code, [])
