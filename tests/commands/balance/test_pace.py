"""`loyalty balance --from` and how quickly a platform is asked: jobs, rates, limits and 429."""

import time
from threading import Barrier, Lock

import pytest
from msgspec.structs import replace

from loyalty_cli.sandbox.server import Reply
from tests.commands.balance.lists import (
    AT_ONCE,
    PATIENCE,
    At,
    BalancePlatform,
    EachAt,
    Listed,
    found,
    lines,
    most_within,
    names,
    too_many,
)
from tests.conftest import Run
from tests.fakes.passing_clock import PassingClock

pytestmark = pytest.mark.timeout(60)

ON_ITS_WAY = 0.15
"""Seconds in which what was sent before a refusal came back may still arrive."""

BUSY = 3.0
"""How many times as long it takes, at most, on a machine with other things to do."""


def span(platform: BalancePlatform) -> float:
    """Seconds from the first request to the last one."""
    return platform.times[-1] - platform.times[0]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> PassingClock:
    """A clock that all waiting for a permit goes by, and that passes with it."""
    passing = PassingClock()
    monkeypatch.setattr("loyalty_cli.network.rate_limit.Clock", lambda: passing)
    return passing


# How many at a time.


@pytest.mark.parametrize(
    ("arguments", "jobs"),
    [(["--jobs", "1"], 1), (["--jobs", "16"], 16), ([], 8)],
    ids=["one", "16", "the default"],
)
def test_jobs_says_how_many_requests_are_made_at_a_time(
    arguments: list[str], jobs: int, loyalty: Run, at: At, listed: Listed
) -> None:
    together = Barrier(jobs, timeout=PATIENCE)

    def all_at_once(customer: str) -> Reply:
        if customer != "C-1":  # which goes alone
            together.wait()
        return found(customer)

    platform = at(all_at_once)

    run = ("balance", "--from", listed(lines(names(1 + 3 * jobs))), "-o", "jsonl")
    assert loyalty(*run, *arguments).code == 0
    assert platform.most == jobs


# A rate.


def is_kept(platform: BalancePlatform, rate: int) -> bool:
    """Whether so many a second came, and in no window of them more."""
    least = (len(platform.times) - 1) / rate
    assert least - ON_ITS_WAY < span(platform) < least * BUSY
    # A request can be late on its way, which brings it nearer to the next one.
    assert most_within(platform.times, 1.0) <= rate + 3
    assert most_within(platform.times, 0.25) <= rate / 4 + 4
    return True


def test_the_rate_is_kept_by_all_jobs_together(loyalty: Run, at: At, listed: Listed) -> None:
    platform = at()
    run = ("--rate", "60", "--jobs", "16")

    assert loyalty("balance", "--from", listed(lines(names(73))), "-o", "csv", *run).code == 0
    assert is_kept(platform, 60)


def test_the_rate_of_a_profile_is_kept(
    loyalty: Run, at: At, listed: Listed, clock: PassingClock
) -> None:
    platform = at(more=", rate: 40")
    platform.now = clock.now
    run = ("--jobs", "1")

    assert loyalty("balance", "--from", listed(lines(names(41))), "-o", "csv", *run).code == 0
    assert span(platform) == pytest.approx(1.0, abs=0.03)
    assert is_kept(platform, 40)


def test_the_rate_of_a_run_holds_for_all_its_profiles_together(
    loyalty: Run, each_at: EachAt, listed: Listed, clock: PassingClock
) -> None:
    platform = BalancePlatform()
    platform.now = clock.now
    each_at(", rate: 1000", p0=platform, p1=platform, p2=platform)
    run = ("--all-profiles", "--rate", "50", "--jobs", "1")

    assert loyalty("balance", "--from", listed(lines(names(17))), "-o", "csv", *run).code == 0
    assert len(platform.times) == 51
    assert is_kept(platform, 50)


def test_the_wait_for_a_permit_is_not_part_of_a_look_ups_timeout(
    loyalty: Run, at: At, listed: Listed
) -> None:
    at(more=", timeout: 0.4")

    done = loyalty(
        *("balance", "--from", listed(lines(names(9))), "-o", "csv", "--rate", "10"),
        *("--jobs", "9"),
    )

    assert (done.code, done.err) == (0, "")


# Too often.


class ThrottlingPlatform:
    """Refuses one request with 429, and what comes within a second of that, too."""

    def __init__(self, customer: str, **headers: str) -> None:
        self.at = 0.0
        self._customer = customer
        self._headers = headers
        self._lock = Lock()

    def __call__(self, customer: str) -> Reply:
        with self._lock:
            now = time.monotonic()
            if customer == self._customer and not self.at:
                self.at = now
            if self.at and now - self.at < 1.0:
                return too_many(**self._headers)
        return found(customer)


def in_the_pause(platform: BalancePlatform, refusing: ThrottlingPlatform) -> list[float]:
    """When requests came although the platform wanted none, in seconds after it said so."""
    after = [at - refusing.at for at in platform.times]
    return [seconds for seconds in after if ON_ITS_WAY < seconds < 1.0]


@pytest.mark.parametrize(
    "headers", [{"retry_after": "1"}, {}], ids=["asks for 1 s", "asks nothing"]
)
def test_after_a_429_all_requests_pause_and_then_go_on(
    headers: dict[str, str], loyalty: Run, at: At, listed: Listed
) -> None:
    refusing = ThrottlingPlatform("C-300", **headers)
    platform = at(refusing)

    done = loyalty("balance", "--from", listed(lines(names(900))), "-o", "jsonl")

    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == 900
    assert in_the_pause(platform, refusing) == []
    before = [at for at in platform.times if at <= refusing.at]
    after = [at for at in platform.times if at >= refusing.at + 1.0]
    assert len(before) + len(after) >= 900
    # A fifth less than it bore, as far as that was seen in so short a time.
    assert len(after) / (after[-1] - after[0]) > 0.3 * len(before) / (before[-1] - before[0])


@pytest.mark.parametrize(
    ("status", "said"), [(429, "is rate-limiting requests"), (503, "cannot answer now")]
)
def test_a_platform_that_asks_for_a_pause_of_an_hour_ends_the_run_at_once(
    status: int, said: str, loyalty: Run, at: At, listed: Listed
) -> None:
    lock, asked = Lock(), list[str]()

    def closes(customer: str) -> Reply:
        with lock:
            asked.append(customer)
            no = replace(too_many(retry_after="3600"), status=status)
            return found(customer) if len(asked) <= 50 else no

    platform = at(closes)
    began = time.monotonic()

    done = loyalty("balance", "--from", listed(lines(names(900))), "-o", "jsonl")

    assert time.monotonic() - began < AT_ONCE
    assert done.code == 7
    assert len(platform.asked) <= 50 + 8
    error, hint, *_, last = done.err.splitlines()
    assert f"Imprint {said}" in error
    assert hint == "Hint: Wait 3600 s, then try again."
    assert last.startswith("The run was ended, because all others at card would fail, too; ")
    assert 43 <= len(done.out.splitlines()) <= 58


def test_a_customer_that_gets_429_every_time_fails_alone(
    loyalty: Run, at: At, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.network.rate_limit.FIRST_PAUSE_SECONDS", 0.05)
    platform = at(lambda name: too_many() if name == "C-20" else found(name))

    done = loyalty("balance", "--from", listed(lines(names(60))), "-o", "json")

    assert done.code == 9
    assert [record["customer"] for record in done.records] == names(60)
    (failed,) = [record for record in done.records if record["error"]]
    assert (failed["customer"], failed["error"]["code"]) == ("C-20", "rate_limited")
    assert platform.asked.count("C-20") == 6
    assert len(platform.asked) == 65
    assert done.err.splitlines()[-1] == "1 of 60 look-ups failed: rate limited."


def test_a_look_up_for_a_named_customer_ends_within_its_timeout(loyalty: Run, at: At) -> None:
    at(lambda _: too_many(retry_after="2"), ", timeout: 2.5")
    began = time.monotonic()

    done = loyalty("balance", "C-1", "C-2", "-o", "json")

    assert time.monotonic() - began < 4.5
    assert done.code == 7
    assert [each["error"]["code"] for each in done.records] == ["rate_limited"] * 2
