"""How often a platform is asked: within limits, less often after 429, and more often again."""

from collections.abc import Callable
from itertools import pairwise
from threading import Condition, Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.config.profile import Profile
from loyalty_cli.network.rate_limit import (
    DECREASE,
    FIRST_PAUSE_SECONDS,
    FORGET_SECONDS,
    LATE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MEASURED_SECONDS,
    RECOVERY_SECONDS,
    AdaptiveLimit,
    EvenSpacing,
    RateLimit,
    RateLimiter,
    RateLimits,
    SlidingWindow,
    WaitTooLongError,
)
from loyalty_cli.providers.contract import Answer, Limit
from tests.fakes.passing_clock import PassingClock
from tests.fakes.servers import profile_at

REFUSAL = Answer(429, {}, b"")
PATIENCE = 20.0
NOW = 1000.0


def begun(number: int, *limits: RateLimit, took: float = 0.0, now: float = NOW) -> list[float]:
    """When each of so many requests begins, one after the other, each taking so long."""
    times = []
    for _ in range(number):
        while (wait := max(limit.wait(now) for limit in limits)) > 0:
            now += wait
        for limit in limits:
            limit.begin(now)
        times.append(now)
        now += took
        for limit in limits:
            limit.end(now)
            if isinstance(limit, AdaptiveLimit):
                limit.answer(now)
    return times


def most_within(times: list[float], seconds: float) -> int:
    return max(sum(start <= at < start + seconds for at in times) for start in times)


@given(st.floats(0.1, 5000), st.integers(2, 200))
def test_the_spacing_keeps_the_rate_and_lets_no_request_go_early(rate: float, number: int) -> None:
    times = begun(number, EvenSpacing(rate))

    assert times[0] == NOW
    assert times[-1] - times[0] == pytest.approx((number - 1) / rate, abs=LATE_SECONDS)


def test_a_late_request_does_not_delay_those_after_it() -> None:
    spacing = EvenSpacing(100)
    begun(1, spacing)

    late = begun(3, spacing, now=NOW + 0.015)

    assert late == pytest.approx([NOW + 0.015, NOW + 0.02, NOW + 0.03])


def test_after_an_idle_minute_there_is_no_burst() -> None:
    spacing = EvenSpacing(10)
    begun(1, spacing)

    assert most_within(begun(30, spacing, now=NOW + 60), 1.0) <= 11


@given(st.floats(0, 0.2))
def test_no_more_requests_arrive_in_a_window_than_its_limit_allows(took: float) -> None:
    limits = map(SlidingWindow, (Limit(20, 1), Limit(30, 5)))

    times = begun(100, EvenSpacing(20), *limits, took=took)

    assert most_within(times, 1.0) <= 20
    assert most_within([at + took for at in times], 5.0) <= 30


def test_requests_on_their_way_count_in_a_sliding_window() -> None:
    window = SlidingWindow(Limit(2, 1))
    window.begin(NOW)
    window.begin(NOW + 0.5)

    assert window.wait(NOW + 100) > 0
    window.end(NOW + 100)
    assert window.wait(NOW + 100.9) > 0
    assert window.wait(NOW + 101.1) == 0


# After 429.


def refused(limit: AdaptiveLimit, now: float, asked: float | None = None) -> float:
    limit.begin(now)
    return limit.slow_down(now, now, asked)


def after_a_refusal(rate: float) -> tuple[AdaptiveLimit, float]:
    """The limit of a platform that took so many a second, refused one, and may be asked again."""
    limit = AdaptiveLimit()
    times = [NOW + number / rate for number in range(int(rate * 3))]
    for at in times:
        limit.begin(at)
        limit.answer(at)
    return limit, times[-1] + refused(limit, times[-1], asked=1.0)


def test_the_pause_after_a_429_is_as_long_as_the_platform_asks() -> None:
    limit = AdaptiveLimit()

    assert refused(limit, NOW, asked=7.0) == 7.0
    assert limit.wait(NOW + 6.9) > 0
    assert limit.wait(NOW + 7) == 0


def test_pauses_after_429_grow_until_the_platform_answers() -> None:
    limit = AdaptiveLimit()
    pauses, now = [], NOW
    for _ in range(8):
        pauses.append(refused(limit, now))
        now += pauses[-1]
    begun(1, limit, now=now)

    assert pauses == [1, 2, 4, 8, 16, *[LONGEST_PAUSE_SECONDS] * 3]
    assert refused(limit, now + 10) == 1


def test_after_a_429_the_rate_is_lowered_grows_evenly_and_is_forgotten() -> None:
    limit, now = after_a_refusal(200)
    rates = [limit.rate_at(now + seconds) or 0 for seconds in range(20)]
    steps = [after - before for before, after in pairwise(rates)]

    assert rates[0] == pytest.approx(200 * (1 - DECREASE), rel=0.05)
    assert steps == pytest.approx([200 * DECREASE / RECOVERY_SECONDS] * 19, rel=0.05)
    assert limit.rate_at(now + RECOVERY_SECONDS) == pytest.approx(200, rel=0.05)
    assert limit.rate_at(now + FORGET_SECONDS - 1) is not None
    assert limit.rate_at(now + FORGET_SECONDS + 1) is None
    assert limit.wait(now + FORGET_SECONDS + 1) == 0
    assert most_within(begun(300, limit, now=now), 1.0) <= 200


def test_several_429s_of_one_burst_lower_the_rate_once() -> None:
    limit = AdaptiveLimit()
    for number in range(200):
        limit.begin(NOW + number / 200)
        limit.answer(NOW + number / 200)
    sent = NOW + 0.999
    for _ in range(8):
        limit.begin(sent)
    for number in range(8):
        limit.slow_down(sent + 0.01 + number / 1000, sent, 1.0)

    assert limit.rate_at(sent + 2) == pytest.approx(200 * (1 - DECREASE), rel=0.1)


def test_a_429_before_the_first_answer_brings_a_pause_and_no_rate() -> None:
    limit = AdaptiveLimit()
    refused(limit, NOW)

    assert limit.rate_at(NOW + 1) is None


def test_a_429_soon_after_another_halves_the_rate_at_most() -> None:
    limit, now = after_a_refusal(200)
    before = limit.rate_at(now) or 0
    begun(1, limit, now=now)

    again = now + 0.01
    pause = refused(limit, again, asked=1.0)

    assert limit.rate_at(again + pause) == pytest.approx(before / 2 * (1 - DECREASE), rel=0.1)


def test_the_adaptive_limit_remembers_the_answers_of_one_second() -> None:
    limit = AdaptiveLimit()
    begun(500, limit, took=0.01)

    assert len(limit._answered) <= MEASURED_SECONDS / 0.01 + 1


@pytest.mark.parametrize("rate", [20, 100, 500])
@pytest.mark.parametrize("burst", [5.0, 100.0])
@pytest.mark.parametrize("wait", [None, 1.0])
def test_the_adaptive_limit_finds_an_unknown_rate_with_few_429s(
    rate: float, burst: float, wait: float | None
) -> None:
    """The platform is a token bucket, and one request after the other takes half a millisecond."""
    limit, now, tokens, filled = AdaptiveLimit(), NOW, burst, NOW
    answers = refusals = 0
    while now < NOW + 300:
        if (pause := limit.wait(now)) > 0:
            now += pause
            continue
        tokens, filled = min(burst, tokens + (now - filled) * rate), now
        limit.begin(now)
        began, now = now, now + 0.0005
        if tokens >= 1:
            tokens -= 1
            answers += 1
            limit.answer(now)
        else:
            refusals += 1
            limit.slow_down(now, began, wait)

    assert answers >= 0.75 * rate * 300
    assert refusals <= 0.02 * answers


# For everybody who works for a profile.


def test_the_end_of_a_request_wakes_one_that_waits_for_a_permit() -> None:
    limiter = RateLimiter([SlidingWindow(Limit(1, 0.001))])
    limiter.begin(PATIENCE)
    came = Event()

    def wait_for_a_permit() -> None:
        limiter.begin(PATIENCE)
        came.set()

    other = Thread(target=wait_for_a_permit)
    other.start()

    assert not came.is_set()
    limiter.end(answered=True)
    assert came.wait(PATIENCE)
    other.join(PATIENCE)


def test_a_pause_holds_for_all_requests_of_the_profile() -> None:
    rate_limits = RateLimits(clock=PassingClock())
    profile = profile_at("https://a.example")
    permit = rate_limits.of(profile).begin(PATIENCE)
    rate_limits.of(profile).slow_down(permit.begun, REFUSAL, 5.0)
    rate_limits.of(profile).end(answered=False)

    assert rate_limits.of(profile).begin(PATIENCE).waited == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("answered", "spacing"),
    [(True, 1 / (20 * (1 - DECREASE))), (False, 0)],
    ids=["answered", "refused"],
)
def test_after_a_pause_the_rate_is_below_that_of_the_answers_before(
    answered: bool, spacing: float
) -> None:
    clock = PassingClock()
    limiter = RateLimiter(clock=clock)
    for _ in range(20):
        limiter.begin(PATIENCE)
        clock.time += 0.05
        limiter.end(answered=answered)
    limiter.slow_down(limiter.begin(PATIENCE).begun, REFUSAL, 5.0)
    limiter.end(answered=False)

    limiter.begin(PATIENCE)

    assert limiter.begin(PATIENCE).waited == pytest.approx(spacing, rel=0.1)


def test_a_429_does_not_count_as_an_answer_that_resets_the_pause() -> None:
    limiter = RateLimiter(clock=PassingClock())
    pauses = []
    for _ in range(3):
        permit = limiter.begin(PATIENCE)
        pauses.append(limiter.slow_down(permit.begun, REFUSAL, None))
        limiter.end(answered=True)

    assert pauses == [FIRST_PAUSE_SECONDS * each for each in (1, 2, 4)]


def test_a_pause_that_is_too_long_is_an_error_at_once() -> None:
    clock = PassingClock()
    limiter = RateLimiter(clock=clock)
    permit = limiter.begin(PATIENCE)
    limiter.slow_down(permit.begun, REFUSAL, 3600.0)
    limiter.end(answered=False)

    with pytest.raises(WaitTooLongError) as late:
        limiter.begin(PATIENCE)
    assert late.value.refusal is REFUSAL
    assert clock.waited == 0
    assert limiter.is_paused_for(PATIENCE)
    assert not limiter.is_paused_for(3601)


def test_a_permit_that_would_come_too_late_is_an_error_at_once() -> None:
    clock = PassingClock()
    limiter = RateLimiter([EvenSpacing(0.1)], clock=clock)
    limiter.begin(PATIENCE)

    with pytest.raises(WaitTooLongError):
        limiter.begin(PATIENCE, most=9.0)
    assert clock.waited == 0
    assert limiter.begin(PATIENCE, most=11.0).waited == pytest.approx(10, abs=LATE_SECONDS)


def test_a_permit_says_how_much_of_its_wait_was_a_pause() -> None:
    limiter = RateLimiter([EvenSpacing(0.1)], clock=PassingClock())
    permit = limiter.begin(PATIENCE)
    limiter.slow_down(permit.begun, REFUSAL, 3.0)

    late = limiter.begin(PATIENCE)

    assert late.paused == pytest.approx(3, abs=LATE_SECONDS)
    assert late.waited == pytest.approx(10, abs=LATE_SECONDS)


def waited(rate_limits: RateLimits, *profiles: Profile) -> float:
    total = 0.0
    for profile in profiles:
        total += rate_limits.of(profile).begin(PATIENCE).waited
        rate_limits.of(profile).end(answered=True)
    return total


def test_each_profile_has_a_rate_and_the_run_one_for_all_profiles() -> None:
    one, other = (profile_at("https://a.example", name=name) for name in ("one", "other"))
    slow = profile_at("https://a.example", name="slow", rate=0.5)
    run, own = RateLimits(2, clock=PassingClock()), RateLimits(clock=PassingClock())

    assert waited(run, one, other, one) == pytest.approx(1.0, abs=LATE_SECONDS)
    assert waited(own, slow, slow) == pytest.approx(2.0, abs=LATE_SECONDS)
    assert waited(own, *[other] * 50) == 0


class InterruptedClock(PassingClock):
    """Something that happens once, while somebody waits."""

    def __init__(self, happens: Callable[[float], object]) -> None:
        super().__init__()
        self._happens = happens

    def wait(self, changed: Condition, seconds: float) -> None:
        if not self.waited:
            self._happens(self.time)
        super().wait(changed, seconds)


def test_a_pause_that_begins_during_the_wait_for_the_runs_rate_is_kept() -> None:
    profile = profile_at("https://a.example")
    clock = InterruptedClock(lambda now: rate_limits.of(profile).slow_down(now, REFUSAL, 5.0))
    rate_limits = RateLimits(2, clock=clock)

    first, second = (rate_limits.of(profile).begin(PATIENCE) for _ in range(2))

    assert second.begun - first.begun == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize(
    ("of_profile", "of_run", "seconds", "within"),
    [(None, None, 30, 0.5), (1000, None, 1.2, LATE_SECONDS), (None, 400, 3, LATE_SECONDS)],
    ids=["neither", "the profile", "the run"],
)
def test_gameball_is_asked_at_its_published_rate_unless_another_is_given(
    of_profile: float | None, of_run: float | None, seconds: float, within: float
) -> None:
    profile = profile_at("https://a.example", "gameball", rate=of_profile)
    rate_limits = RateLimits(of_run, clock=PassingClock())

    assert waited(rate_limits, *[profile] * 1201) == pytest.approx(seconds, abs=within)
