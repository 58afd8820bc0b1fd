"""How often a platform is asked: as its limits allow, and less often once it throttles.

A request may begin when every limit of its profile has room: the published ones, the user's
`rate`, a `--rate` that all profiles of the run share, and an adaptive one. The adaptive limit is
off until the platform throttles (429). Then the profile pauses for as long as the platform asks,
goes on at less than the platform took (multiplicative decrease), and asks a little more often every
second (additive increase) until it is throttled again, or was not for a minute, which ends it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from threading import Condition, Lock

from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers.contract import Answer, DebitProvider, Limit

LONGEST_WAIT_SECONDS = 60.0
"""The longest pause that a list or a debit waits for when a platform asks for one."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
"""The pauses after 429 where the platform asks for none."""
DECREASE = 0.2
"""Which share of the rate that the platform took is given up after 429."""
RECOVERY_SECONDS = 8.0
"""How long it takes until that share is reached again; after that the rate grows on as quickly."""
FORGET_SECONDS = 60.0
"""After how long without 429 the rate is free again."""
MEASURED_SECONDS = 1.0
LEAST_MEASURED_SECONDS = 0.02
"""Over how long it is measured what the platform takes."""
LATE_SECONDS = 0.02
WAIT_SECONDS = 1.0
"""One wait where it is not known how long it will take."""


class RateLimit:
    """One limit; all times are seconds of one clock, passed in."""

    def wait(self, now: float) -> float:
        """Seconds until there is room for one more request, as far as is known."""
        raise NotImplementedError

    def begin(self, now: float) -> None:
        """A request is sent now."""

    def end(self, now: float) -> None:
        """A request has ended."""


class EvenSpacing(RateLimit):
    """So many requests a second, spread evenly; any number while there is no `rate`."""

    def __init__(self, rate: float | None = None) -> None:
        self.rate = rate
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next one is due."""
        return self._next - now

    def begin(self, now: float) -> None:
        """One is sent now; where it is a little late, that does not delay those after it."""
        spacing = 1 / self.rate if self.rate else 0.0
        is_late = now - self._next > min(spacing, LATE_SECONDS)
        self._next = (now if is_late else self._next) + spacing


class SlidingWindow(RateLimit):
    """So many requests in any time of so many seconds.

    A request counts from when it begins until so long after it ended. What arrives at the platform
    is thus within the limit, however long it was on its way.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._in_flight = 0
        self._ended: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until there is room; WAIT_SECONDS where that depends on those in flight."""
        while self._ended and self._ended[0] <= now - self._limit.seconds:
            self._ended.popleft()
        if len(self._ended) + self._in_flight < self._limit.requests:
            return 0.0
        return self._ended[0] + self._limit.seconds - now if self._ended else WAIT_SECONDS

    def begin(self, now: float) -> None:  # noqa: ARG002 - it counts until it has ended
        """One more is in flight."""
        self._in_flight += 1

    def end(self, now: float) -> None:
        """It counts for so many seconds from now."""
        self._in_flight -= 1
        self._ended.append(now)


class AdaptiveLimit(EvenSpacing):
    """The rate that a platform seems to take, judged by its answers and its 429."""

    def __init__(self) -> None:
        super().__init__()
        self._rate_taken: float | None = None
        self._paused_until = 0.0
        self._slowed_at = 0.0
        self._refusals = 0
        self._answered: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until the platform may be asked again."""
        return max(super().wait(now), self.paused(now))

    def paused(self, now: float) -> float:
        """Seconds that are left of the pause the platform asked for."""
        return max(self._paused_until - now, 0.0)

    def begin(self, now: float) -> None:
        """One is sent now, and the next one when the rate allows."""
        self.rate = self.rate_at(now)
        super().begin(now)

    def answer(self, now: float) -> None:
        """The platform answered, and did not refuse."""
        self._refusals = 0
        self._answered.append(now)
        while self._answered[0] < now - MEASURED_SECONDS:
            self._answered.popleft()

    def slow_down(self, now: float, begun: float, asked: float | None) -> float:
        """A request that began at `begun` was too much; give the seconds of the pause.

        Of several that were in flight together, the first one lowers the rate; each can make the
        pause longer.
        """
        if begun >= self._slowed_at:
            # Where it took next to nothing of late, half of what was thought before.
            self._rate_taken = max(self._measured(now), (self.rate_at(now) or 0.0) / 2) or None
            self._slowed_at = now
            self._refusals += 1
        longer = FIRST_PAUSE_SECONDS * 2 ** max(self._refusals - 1, 0)
        pause = asked or min(longer, LONGEST_PAUSE_SECONDS)
        self._paused_until = max(self._paused_until, now + pause)
        return pause

    def rate_at(self, now: float) -> float | None:
        """Requests a second that the platform may take; None where nothing is known."""
        since = max(now - self._paused_until, 0.0)
        if self._rate_taken is None or since > FORGET_SECONDS:
            return None
        return self._rate_taken * (1 - DECREASE + DECREASE * since / RECOVERY_SECONDS)

    def _measured(self, now: float) -> float:
        """The answers a second of late."""
        recent = [at for at in self._answered if at > now - MEASURED_SECONDS]
        return len(recent) / max(now - recent[0], LEAST_MEASURED_SECONDS) if recent else 0.0


class Clock:
    """Monotonic seconds, and waiting for a change as they pass."""

    def now(self) -> float:
        """The time."""
        return time.monotonic()

    def wait(self, changed: Condition, seconds: float) -> None:
        """Wait for a change, and no longer than that."""
        changed.wait(seconds)


class Permit(Struct, frozen=True):
    """Permission to send one request, given at `begun`.

    `waited` is how many seconds it took, and `paused` how many of them because of a 429.
    """

    begun: float
    waited: float
    paused: float


class WaitTooLongError(Exception):
    """There is no permit in the time there is; `refusal` is why, if the platform throttled."""

    def __init__(self, refusal: Answer | None) -> None:
        super().__init__()
        self.refusal = refusal


class RateLimiter:
    """All limits of one profile, for everybody who works for it; safe to use from threads.

    Limits that are shared with other profiles need the same `changed` in all of them.
    """

    def __init__(
        self,
        limits: Sequence[RateLimit] = (),
        changed: Condition | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._adaptive = AdaptiveLimit()
        self._limits = (*limits, self._adaptive)
        self._clock = clock or Clock()
        self._first_in_line = Lock()  # who has it waits for room, and the others for that one
        self._changed = changed or Condition()
        self._throttled = 0
        self._refusal: Answer | None = None

    def begin(
        self, patience: float, most: float = inf, check: Callable[[], None] = lambda: None
    ) -> Permit:
        """Wait for a permit.

        Raises WaitTooLongError where the platform asked to pause for more than `patience` seconds,
        or where it would take more than `most` in all. `check` is called again and again, and can
        end the wait by raising.
        """
        came = self._clock.now()
        if not self._first_in_line.acquire(timeout=-1 if most == inf else max(most, 0)):
            raise WaitTooLongError(self._refusal)
        try:
            with self._changed:
                paused = self._adaptive.paused(came)
                now = self._wait(patience, came + most, check)
                for limit in self._limits:
                    limit.begin(now)
        finally:
            self._first_in_line.release()
        return Permit(now, now - came, min(paused, now - came))

    def _wait(self, patience: float, until: float, check: Callable[[], None]) -> float:
        check()
        while (wait := max(each.wait(now := self._clock.now()) for each in self._limits)) > 0:
            if self._adaptive.paused(now) > patience or now + wait > until:
                raise WaitTooLongError(self._refusal)
            self._clock.wait(self._changed, min(wait, WAIT_SECONDS))
            check()
        return now

    def end(self, *, answered: bool) -> None:
        """Say that a request has ended, and whether it was answered at all."""
        with self._changed:
            now = self._clock.now()
            for limit in self._limits:
                limit.end(now)
            if self._throttled:
                self._throttled -= 1
            elif answered:
                self._adaptive.answer(now)
            self._changed.notify_all()

    def slow_down(self, begun: float, refusal: Answer, asked: float | None) -> float:
        """Say that a request that began then, and has yet to end, was too much; give the pause."""
        with self._changed:
            self._throttled += 1
            self._refusal = refusal
            return self._adaptive.slow_down(self._clock.now(), begun, asked)

    def is_paused_for(self, seconds: float) -> bool:
        """Whether the platform asked for a pause that is not over by then."""
        with self._changed:
            return self._adaptive.paused(self._clock.now()) > seconds


class RateLimits:
    """The rate limiter of each profile, and the `rate` that all of a run have together."""

    def __init__(self, rate: float | None = None, clock: Clock | None = None) -> None:
        self._shared = EvenSpacing(rate) if rate else None
        self._clock = clock
        self._changed = Condition()
        self._limiters: dict[tuple[str, bool], RateLimiter] = {}
        self._lock = Lock()

    def of(self, profile: Profile) -> RateLimiter:
        """That of a profile: its own rate, or else its platform's limits; and the run's."""
        if self._shared is None:
            return self._kept(profile, profile.provider.read_limits)
        return self._kept(profile, (), self._shared)

    def of_debits(self, profile: Profile) -> RateLimiter:
        """That of a profile's debits, which platforms count apart."""
        provider = profile.provider
        known = provider.debit_limits if isinstance(provider, DebitProvider) else ()
        return self._kept(profile, known, debits=True)

    def _kept(
        self, profile: Profile, known: Sequence[Limit], *shared: RateLimit, debits: bool = False
    ) -> RateLimiter:
        key = profile.name, debits
        with self._lock:
            if key not in self._limiters:
                limits = (*_limits(profile.rate, known), *shared)
                changed = self._changed if shared else None
                self._limiters[key] = RateLimiter(limits, changed, self._clock)
            return self._limiters[key]

    @contextmanager
    def permit_to_debit(self, profile: Profile, check: Callable[[], None]) -> Iterator[None]:
        """Wait for a permit to make a debit, and have it meanwhile; `check` can end the wait.

        Raises LoyaltyError where the platform asked for a longer pause than anybody waits for.
        """
        limiter = self.of_debits(profile)
        try:
            limiter.begin(LONGEST_WAIT_SECONDS, check=check)
        except WaitTooLongError:
            raise LoyaltyError(
                ErrorCode.RATE_LIMITED,
                f"{profile.provider.title} takes no more debits for now.",
                hint="Nothing was sent; run the same again later.",
            ) from None
        try:
            yield
        finally:
            limiter.end(answered=True)

    def is_closed(self, profile: str, *, debits: bool = False) -> bool:
        """Whether a platform asked for a longer pause than anybody waits for."""
        return self._is_paused(profile, LONGEST_WAIT_SECONDS, debits=debits)

    def are_debits_paused(self, profile: str) -> bool:
        """Whether a platform wants no debits now."""
        return self._is_paused(profile, 0.0, debits=True)

    def _is_paused(self, profile: str, seconds: float, *, debits: bool) -> bool:
        with self._lock:
            limiter = self._limiters.get((profile, debits))
        return limiter is not None and limiter.is_paused_for(seconds)


def _limits(rate: float | None, known: Sequence[Limit]) -> Iterator[RateLimit]:
    """The user's rate goes before what the platform publishes."""
    fastest = rate or max((each.requests / each.seconds for each in known), default=None)
    if fastest:
        yield EvenSpacing(fastest)
    if rate is None:
        yield from map(SlidingWindow, known)
