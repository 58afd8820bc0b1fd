"""A debit for which the customer gets a one-time code, which a person types in a terminal."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from loyalty_cli.sandbox.capillary import CREDENTIALS, ONE_TIME_CODE
from tests.conftest import PROGRAM, Run
from tests.fakes.debit_platform import DebitPlatform

PROFILE = """\
default_profile: miles
profiles:
  miles:
    provider: capillary
    base_url: {url}/capillary
    by: mobile
    options: {{program_id: 42, skip_validation: {skip}}}
    debit: {{allow: true, unit: points}}
journal: {journal}
"""
MOBILE = "15550001001"
DEBIT = ("debit", MOBILE, "20", "--reference", "order-1", "--yes")


@pytest.fixture
def miles(ready: DebitPlatform, monkeypatch: pytest.MonkeyPatch) -> DebitPlatform:
    """A profile whose customers get a code, and that debits one programme."""
    write(ready)
    for name in ("username", "password"):
        monkeypatch.setenv(f"LOYALTY_MILES_{name}".upper(), CREDENTIALS[name])
    return ready


def write(platform: DebitPlatform, skip: str = "false") -> None:
    text = PROFILE.format(url=platform.url, journal=platform.journal, skip=skip)
    platform.file.write_text(text)


class Terminal:
    """The program in a terminal, and what it has shown there."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self.shown = b""
        self.process = process
        self._master = master

    def wait_for(self, text: bytes) -> None:
        while text not in self.shown:
            assert self._read(), self.shown

    def type(self, line: str) -> None:
        os.write(self._master, f"{line}\n".encode())

    def ends(self) -> int:
        while self._read():
            pass
        return self.process.wait(timeout=30)

    def _read(self) -> bool:
        with suppress(OSError):  # Linux says so if nobody holds the other end
            read = os.read(self._master, 65536)
            self.shown += read
            return bool(read)
        return False


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    master, slave = os.openpty()
    process = subprocess.Popen(
        [PROGRAM, *arguments], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def state(loyalty: Run) -> str:
    (record,) = loyalty("journal", "list", "-o", "json").records
    return str(record["state"])


def test_the_code_of_the_customer_is_asked_for_in_the_terminal(
    miles: DebitPlatform, loyalty: Run
) -> None:
    with terminal(*DEBIT) as typing:
        typing.wait_for(f"the one-time code that Capillary sent to '{MOBILE}': ".encode())
        assert state(loyalty) == "planned"
        assert miles.debits == []
        typing.type(ONE_TIME_CODE)
        assert typing.ends() == 0

    assert state(loyalty) == "confirmed"
    assert b"100.000 points" in typing.shown  # of the programme's 120
    issued = [each for each in miles.asked if each.path[-1] == "isredeemable"]
    assert [each.query["issue_otp"] for each in issued] == ["true"]


def test_a_wrong_code_is_refused_by_the_platform(miles: DebitPlatform, loyalty: Run) -> None:
    with terminal(*DEBIT) as typing:
        typing.wait_for(b"one-time code")
        typing.type("654321")
        assert typing.ends() == 6

    assert b"808" in typing.shown
    assert (state(loyalty), len(miles.debits)) == ("refused", 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_a_signal_while_the_code_is_asked_for_leaves_the_debit_planned(
    number: signal.Signals, miles: DebitPlatform, loyalty: Run
) -> None:
    with terminal(*DEBIT) as typing:
        typing.wait_for(b"one-time code")
        began = time.monotonic()
        typing.process.send_signal(number)
        assert typing.ends() == 128 + number
        assert time.monotonic() - began < 5

    assert b"Traceback" not in typing.shown
    assert (state(loyalty), miles.debits) == ("planned", [])


def test_the_end_of_the_input_leaves_the_debit_planned(miles: DebitPlatform, loyalty: Run) -> None:
    with terminal(*DEBIT) as typing:
        typing.wait_for(b"one-time code")
        typing.type("\x04")
        assert typing.ends() == 130

    assert b"Traceback" not in typing.shown
    assert (state(loyalty), miles.debits) == ("planned", [])


def test_a_debit_of_too_many_points_asks_for_no_code(miles: DebitPlatform, loyalty: Run) -> None:
    with terminal("debit", MOBILE, "121", "--reference", "order-1", "--yes") as typing:
        assert typing.ends() == 6

    assert b"818" in typing.shown
    assert (state(loyalty), miles.debits) == ("planned", [])


def test_a_debit_without_a_code_is_for_a_profile_that_skips_it(
    miles: DebitPlatform, loyalty: Run
) -> None:
    done = loyalty(*DEBIT, "-o", "json")
    write(miles, skip="true")
    again = loyalty(*DEBIT, "-o", "json")

    assert (done.code, done.record["state"]) == (2, "planned")
    assert (again.code, again.record["state"]) == (0, "confirmed")
    assert not [each for each in miles.asked if each.path[-1] == "isredeemable"]
