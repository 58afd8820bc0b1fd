"""A debit for which the customer gets a one-time code, which a person types in a terminal."""

import json
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
        self.press(f"{line}\n")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

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
    assert b"`loyalty journal resolve --not-applied --why TEXT order-1`" in typing.shown
    assert b"If only the code was mistyped" in b" ".join(typing.shown.split())
    assert (state(loyalty), len(miles.debits)) == ("refused", 1)


def test_a_debit_with_a_mistyped_code_can_be_made_by_the_hint(
    miles: DebitPlatform, loyalty: Run
) -> None:
    for code in ("654321", ONE_TIME_CODE):
        with terminal(*DEBIT) as typing:
            typing.wait_for(b"one-time code")
            typing.type(code)
            typing.ends()
        loyalty("journal", "resolve", "--not-applied", "--why", "mistyped", "order-1")

    assert state(loyalty) == "confirmed"
    items = [json.loads(each.body)["root"]["redeem"][0] for each in miles.debits]
    sent = [item["external_reference_number"] for item in items]
    assert sent == ["order-1", "order-1.2"]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (None, 2)],
    ids=["SIGINT", "SIGTERM", "Ctrl-D"],
)
def test_a_debit_whose_code_is_not_typed_stays_planned_and_says_so(
    number: signal.Signals | None, code: int, miles: DebitPlatform, loyalty: Run
) -> None:
    with terminal(*DEBIT, "-o", "json") as typing:
        typing.wait_for(b"one-time code")
        began = time.monotonic()
        if number is None:
            typing.press("\x04")
        else:
            typing.process.send_signal(number)
        assert typing.ends() == code
        assert time.monotonic() - began < 5

    shown = typing.shown.decode()
    said = f"the one-time code that Capillary sent to '{MOBILE}' was not typed."
    assert f"Error: {said}" in shown
    assert "Hint: Nothing was sent; run the same command again.\r\n" in shown
    assert '"code": "usage"' in shown
    assert ("Interrupted." in shown) == (code == 130)
    assert "Traceback" not in shown
    assert (state(loyalty), miles.debits) == ("planned", [])
    history = loyalty("journal", "show", "order-1", "-o", "json").record["events"]
    assert history[-1]["why"] == f"not begun: {said}"


@pytest.mark.usefixtures("miles")
def test_a_debit_under_a_name_of_the_program_says_under_which_name_to_go_on(loyalty: Run) -> None:
    with terminal("debit", MOBILE, "20", "--yes") as typing:
        typing.wait_for(b"one-time code")
        typing.press("\x04")
        assert typing.ends() == 2

    (planned,) = loyalty("journal", "list", "-o", "json").records
    assert (
        f"run the same command again. For the same debit add --reference {planned['reference']};"
        in (" ".join(typing.shown.decode().split()))
    )


def test_a_debit_of_too_many_points_asks_for_no_code(miles: DebitPlatform, loyalty: Run) -> None:
    with terminal("debit", MOBILE, "121", "--reference", "order-1", "--yes") as typing:
        assert typing.ends() == 6

    assert b"818" in typing.shown
    assert (state(loyalty), miles.debits) == ("planned", [])


def test_a_dry_run_of_a_debit_with_a_code_is_only_for_a_terminal(
    miles: DebitPlatform, loyalty: Run
) -> None:
    piped = loyalty(*DEBIT, "--dry-run", "-o", "json")
    with terminal(*DEBIT, "--dry-run", "-o", "json") as typing:
        assert typing.ends() == 0

    assert (piped.code, piped.record["error"]["code"]) == (2, "usage")
    assert "0 of 1 debits would be made" in piped.err
    assert "would have a one-time code sent" not in piped.err
    assert b"would have a one-time code sent to the customer, and ask for it" in typing.shown
    assert b"1 of 1 debits would be made" in typing.shown
    assert not [each for each in miles.asked if each.path[-1] == "isredeemable"]


def test_a_debit_without_a_code_is_for_a_profile_that_skips_it(
    miles: DebitPlatform, loyalty: Run
) -> None:
    done = loyalty(*DEBIT, "-o", "json")
    write(miles, skip="true")
    again = loyalty(*DEBIT, "-o", "json")

    assert (done.code, done.record["state"]) == (2, "planned")
    assert (again.code, again.record["state"]) == (0, "confirmed")
    assert not [each for each in miles.asked if each.path[-1] == "isredeemable"]
