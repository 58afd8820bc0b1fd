"""How quickly a platform is asked: within limits, slower when it is too much, and quicker again."""

from itertools import pairwise
from threading import Condition, Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.config.profile import Profile
from loyalty_cli.network.rate_limit import (
    DROP,
    LATE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MEASURED_SECONDS,
    PLATEAU_SECONDS,
    Permit,
    RateLimiter,
    RateLimits,
    RateSchedule,
    WaitTooLongError,
)
from loyalty_cli.providers.contract import Answer, Limit
from tests.fakes.passing_clock import PassingClock
from tests.fakes.servers import profile_at

REFUSAL = Answer(429, {}, b"")
PATIENCE = 20.0
NOW = 1000.0


def begun(schedule: RateSchedule, number: int, took: float = 0.0, now: float = NOW) -> list[float]:
    """When each of so many requests begins, one after the other, each taking so long."""
    times = []
    for _ in range(number):
        while (wait := schedule.wait(now)) > 0:
            now += wait
        schedule.begin(now)
        times.append(now)
        now += took
        schedule.end(now, answered=True)
    return times


def most_within(times: list[float], seconds: float) -> int:
    return max(sum(start <= at < start + seconds for at in times) for start in times)


@given(st.floats(0.1, 5000), st.integers(2, 200))
def test_a_rate_is_kept_on_average_and_never_ahead_of_its_time(rate: float, number: int) -> None:
    times = begun(RateSchedule(rate), number)

    assert times[0] == NOW
    assert times[-1] - times[0] == pytest.approx((number - 1) / rate, abs=LATE_SECONDS)


def test_one_that_is_late_does_not_delay_those_after_it() -> None:
    schedule = RateSchedule(rate=100)
    begun(schedule, 1)

    late = begun(schedule, 3, now=NOW + 0.015)

    assert late == pytest.approx([NOW + 0.015, NOW + 0.02, NOW + 0.03])


def test_time_that_passed_unused_is_not_made_up_for() -> None:
    schedule = RateSchedule(rate=10)
    begun(schedule, 1)

    assert most_within(begun(schedule, 30, now=NOW + 60), 1.0) <= 11


@given(st.floats(0, 0.2))
def test_no_more_arrive_within_a_limit_however_long_they_are_on_their_way(took: float) -> None:
    schedule = RateSchedule(limits=(Limit(20, 1), Limit(30, 5)))

    times = begun(schedule, 100, took)

    assert most_within(times, 1.0) <= 20
    assert most_within([at + took for at in times], 5.0) <= 30


def test_what_is_in_flight_counts_within_a_limit() -> None:
    schedule = RateSchedule(limits=(Limit(2, 1),))
    schedule.begin(NOW)
    schedule.begin(NOW + 0.5)

    assert schedule.wait(NOW + 100) > 0
    schedule.end(NOW + 100, answered=True)
    assert schedule.wait(NOW + 100.9) > 0
    assert schedule.wait(NOW + 101.1) == 0


def refused(schedule: RateSchedule, now: float, asked: float | None = None) -> float:
    schedule.begin(now)
    pause = schedule.slow_down(now, now, asked)
    schedule.end(now, answered=False)
    return pause


def test_a_platform_is_left_alone_for_as_long_as_it_asks() -> None:
    schedule = RateSchedule()

    assert refused(schedule, NOW, asked=7.0) == 7.0
    assert schedule.wait(NOW + 6.9) > 0
    assert schedule.wait(NOW + 7) == 0


def test_pauses_grow_where_the_platform_asks_for_none() -> None:
    schedule = RateSchedule()
    pauses, now = [], NOW
    for _ in range(8):
        pauses.append(refused(schedule, now))
        now += pauses[-1]

    assert pauses == [
        1,
        2,
        4,
        8,
        16,
        LONGEST_PAUSE_SECONDS,
        LONGEST_PAUSE_SECONDS,
        LONGEST_PAUSE_SECONDS,
    ]


def test_pauses_are_short_again_after_an_answer() -> None:
    schedule = RateSchedule()
    refused(schedule, NOW)
    refused(schedule, NOW + 1)
    begun(schedule, 1, now=NOW + 3)

    assert refused(schedule, NOW + 10) == 1


def after_a_refusal(rate: float) -> tuple[RateSchedule, float]:
    """A schedule of a platform that took so many a second, refused one, and may be asked again."""
    schedule = RateSchedule()
    times = [NOW + number / rate for number in range(int(rate * 3))]
    for at in times:
        schedule.begin(at)
        schedule.end(at, answered=True)
    return schedule, times[-1] + refused(schedule, times[-1], asked=1.0)


def test_after_a_refusal_it_is_asked_more_slowly_than_it_bore() -> None:
    schedule, now = after_a_refusal(200)

    assert schedule.rate(now) == pytest.approx(200 * (1 - DROP), rel=0.05)
    times = begun(schedule, 300, now=now)
    assert most_within(times, 1.0) <= 200


def test_it_speeds_up_again_to_what_it_bore_and_then_beyond() -> None:
    schedule, now = after_a_refusal(200)
    rates = [schedule.rate(now + seconds) or 0 for seconds in range(20)]

    assert all(before < after for before, after in pairwise(rates) if before != after)
    assert schedule.rate(now + PLATEAU_SECONDS) == pytest.approx(200, rel=0.05)
    assert (schedule.rate(now + 4 * PLATEAU_SECONDS) or 0) > 1000


def test_in_the_end_there_is_nothing_left_to_be_careful_about() -> None:
    schedule, now = after_a_refusal(200)

    assert schedule.rate(now + 600) is None
    assert schedule.wait(now + 600) == 0


def test_several_refusals_of_one_burst_slow_down_once() -> None:
    schedule = RateSchedule()
    for number in range(200):
        schedule.begin(NOW + number / 200)
        schedule.end(NOW + number / 200, answered=True)
    sent = NOW + 0.999
    for _ in range(8):
        schedule.begin(sent)
    for number in range(8):
        schedule.slow_down(sent + 0.01 + number / 1000, sent, 1.0)

    assert schedule.rate(sent + 2) == pytest.approx(200 * (1 - DROP), rel=0.1)


def test_a_platform_that_answered_nobody_yet_is_only_left_alone() -> None:
    schedule = RateSchedule()
    refused(schedule, NOW)

    assert schedule.rate(NOW + 1) is None


def test_a_refusal_soon_after_another_halves_the_rate_at_most() -> None:
    schedule, now = after_a_refusal(200)
    before = schedule.rate(now) or 0
    begun(schedule, 1, now=now)

    again = now + 0.01
    pause = refused(schedule, again, asked=1.0)

    assert schedule.rate(again + pause) == pytest.approx(before / 2 * (1 - DROP), rel=0.1)


def served(rate: float, burst: float, seconds: float, wait: float | None) -> tuple[int, int]:
    """How many a platform with a token bucket answers and refuses in so many seconds."""
    schedule, now, tokens, filled = RateSchedule(), NOW, burst, NOW
    answers = refusals = 0
    while now < NOW + seconds:
        if (pause := schedule.wait(now)) > 0:
            now += pause
            continue
        tokens, filled = min(burst, tokens + (now - filled) * rate), now
        schedule.begin(now)
        if tokens >= 1:
            tokens -= 1
            answers += 1
            schedule.end(now + 0.0005, answered=True)
        else:
            refusals += 1
            schedule.slow_down(now + 0.0005, now, wait)
            schedule.end(now + 0.0005, answered=False)
        now += 0.0005  # what one request takes, if nobody holds it back
    return answers, refusals


@pytest.mark.parametrize("rate", [20, 100, 500])
@pytest.mark.parametrize("burst", [5.0, 100.0])
@pytest.mark.parametrize("wait", [None, 1.0])
def test_a_platform_with_a_limit_nobody_knows_is_kept_busy_and_seldom_refuses(
    rate: float, burst: float, wait: float | None
) -> None:
    answers, refusals = served(rate, burst, 300, wait)

    assert answers >= 0.75 * rate * 300
    assert refusals <= 0.02 * answers


def test_one_that_waits_is_woken_by_the_end_of_another() -> None:
    limiter = RateLimiter(RateSchedule(limits=(Limit(1, 0.001),)))
    limiter.begin(PATIENCE)
    came = Event()

    def wait_for_turn() -> None:
        limiter.begin(PATIENCE)
        came.set()

    other = Thread(target=wait_for_turn)
    other.start()

    assert not came.is_set()
    limiter.end(answered=True)
    assert came.wait(PATIENCE)
    other.join(PATIENCE)


def test_a_pause_slows_everybody_down_who_works_for_the_profile() -> None:
    clock = PassingClock()
    rate_limits = RateLimits(clock=clock)
    profile = profile_at("https://a.example")
    permit = rate_limits.of(profile).begin(PATIENCE)
    assert isinstance(permit, Permit)
    rate_limits.of(profile).slow_down(permit.begun, REFUSAL, 5.0)
    rate_limits.of(profile).end(answered=False)

    other = rate_limits.of(profile).begin(PATIENCE)

    assert isinstance(other, Permit)
    assert other.waited == pytest.approx(5.0)


def test_a_pause_that_is_too_long_is_not_waited_for() -> None:
    clock = PassingClock()
    limiter = RateLimiter(RateSchedule(), clock=clock)
    permit = limiter.begin(PATIENCE)
    assert isinstance(permit, Permit)
    limiter.slow_down(permit.begun, REFUSAL, 3600.0)
    limiter.end(answered=False)

    with pytest.raises(WaitTooLongError) as late:
        limiter.begin(PATIENCE)
    assert late.value.refusal is REFUSAL
    assert clock.waited == 0
    assert limiter.is_paused_for(PATIENCE)
    assert not limiter.is_paused_for(3601)


def test_a_turn_that_comes_too_late_is_none() -> None:
    clock = PassingClock()
    limiter = RateLimiter(RateSchedule(rate=0.1), clock=clock)
    limiter.begin(PATIENCE)

    with pytest.raises(WaitTooLongError):
        limiter.begin(PATIENCE, most=9.0)
    assert clock.waited == 0
    assert limiter.begin(PATIENCE, most=11.0).waited == pytest.approx(10, abs=LATE_SECONDS)


def test_of_a_wait_is_said_how_much_of_it_the_platform_wanted() -> None:
    limiter = RateLimiter(RateSchedule(rate=0.1), clock=PassingClock())
    permit = limiter.begin(PATIENCE)
    limiter.slow_down(permit.begun, REFUSAL, 3.0)

    late = limiter.begin(PATIENCE)

    assert late.paused == pytest.approx(3, abs=LATE_SECONDS)
    assert late.waited == pytest.approx(10, abs=LATE_SECONDS)


def waited(rate_limits: RateLimits, *profiles: Profile) -> float:
    total = 0.0
    for profile in profiles:
        permit = rate_limits.of(profile).begin(PATIENCE)
        assert isinstance(permit, Permit)
        rate_limits.of(profile).end(answered=True)
        total += permit.waited
    return total


def test_a_rate_is_for_all_profiles_of_a_run_together() -> None:
    one, other = (profile_at("https://a.example", name=name) for name in ("one", "other"))

    assert waited(RateLimits(2, clock=PassingClock()), one, other, one) == pytest.approx(
        1.0, abs=LATE_SECONDS
    )


def test_a_pause_that_begins_while_a_turn_of_the_run_is_waited_for_is_kept() -> None:
    profile = profile_at("https://a.example")

    class Meanwhile(PassingClock):
        """Somebody else is refused, once, while this one waits for the run's permit."""

        def wait(self, changed: Condition, seconds: float) -> None:
            if not self.waited:
                rate_limits.of(profile).slow_down(self.time, REFUSAL, 5.0)
            super().wait(changed, seconds)

    rate_limits = RateLimits(2, clock=Meanwhile())
    first, second = (rate_limits.of(profile).begin(PATIENCE) for _ in range(2))

    assert isinstance(first, Permit)
    assert isinstance(second, Permit)
    assert second.begun - first.begun == pytest.approx(5.0, abs=0.1)


def test_without_one_each_profile_has_a_pace_of_its_own() -> None:
    slow = profile_at("https://a.example", name="slow", rate=0.5)
    other = profile_at("https://a.example", name="other")
    rate_limits = RateLimits(clock=PassingClock())

    assert waited(rate_limits, slow, slow) == pytest.approx(2.0, abs=LATE_SECONDS)
    assert waited(rate_limits, *[other] * 50) == 0


def test_gameball_gets_what_it_publishes_unless_something_else_was_said() -> None:
    known = profile_at("https://a.example", "gameball")
    told = profile_at("https://a.example", "gameball", rate=1000, name="told")

    assert waited(RateLimits(clock=PassingClock()), *[known] * 1201) == pytest.approx(30, abs=0.5)
    assert waited(RateLimits(clock=PassingClock()), *[told] * 1201) == pytest.approx(
        1.2, abs=LATE_SECONDS
    )
    assert waited(RateLimits(400, clock=PassingClock()), *[known] * 1201) == pytest.approx(
        3, abs=LATE_SECONDS
    )


def test_what_is_measured_is_no_longer_than_a_moment() -> None:
    schedule = RateSchedule()
    begun(schedule, 500, took=0.01)

    assert len(schedule._answered) <= MEASURED_SECONDS / 0.01 + 1
