"""What the tests of the network share."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loyalty_cli.network import retry
from tests.conftest import Outcome, Run

Card = Callable[..., Path]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a pause."""
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.0)


TIMEOUT = 0.3
LATE_SECONDS = 5.0
"""After which a look-up has plainly not ended at its deadline."""


@contextmanager
def ends_in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LATE_SECONDS


TimesOut = Callable[..., bool]


@pytest.fixture
def times_out(loyalty: Run, card: Card) -> TimesOut:
    """Look a customer up at an address, and tell whether that ended at its deadline, in words."""

    def look_up(url: str, more: str = f", timeout: {TIMEOUT}") -> bool:
        card(url, more)
        with ends_in_time():
            done = loyalty("balance", "C-1", "-o", "json")
        error = done.record["error"]
        where = url.partition("//")[2]
        assert error["message"] == f"Imprint at {where} did not answer within {TIMEOUT} s."
        return (done.code, error["code"]) == (7, "timed_out")

    return look_up


Ask = Callable[..., Outcome]


@pytest.fixture
def ask(loyalty: Run, card: Card) -> Ask:
    """Look a customer up at an address."""

    def look_up(url: str, *more: str) -> Outcome:
        card(url)
        return loyalty("balance", "C-1", "-o", "json", *more)

    return look_up


def error_of(done: Outcome) -> tuple[int, str]:
    """The exit code, and the code of the one record's error."""
    return done.code, done.record["error"]["code"]
