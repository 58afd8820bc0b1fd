"""Rate limits: how many requests a second a platform gets, and fewer once it throttles.

A request may begin when every limit of its profile has room: the published limits, the user's
`rate`, a `--rate` that all profiles of the run share, and an adaptive limit. The adaptive limit is
off until the platform throttles (429). Then the profile pauses for as long as the platform asks.
After the pause, the rate is lower than the rate that the platform accepted (multiplicative
decrease). It grows every second (additive increase). After a minute without 429 it is off again.
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
"""The longest pause that a list or a debit waits for."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
"""The first and the longest pause after a 429 without Retry-After."""
DECREASE = 0.2
"""The share by which the accepted rate is reduced after 429."""
RECOVERY_SECONDS = 8.0
"""Seconds until the accepted rate is reached again; then the rate keeps growing as fast."""
FORGET_SECONDS = 60.0
"""Seconds without 429 after which the adaptive limit is off again."""
MEASURED_SECONDS = 1.0
LEAST_MEASURED_SECONDS = 0.02
"""The longest and the shortest time over which the accepted rate is measured."""
LATE_SECONDS = 0.02
WAIT_SECONDS = 1.0
"""The longest single wait, and the wait when nobody knows how long it takes."""


class RateLimit:
    """One limit; all times are seconds of one clock, passed in."""

    def wait(self, now: float) -> float:
        """Seconds until there is probably room for one more request."""
        raise NotImplementedError

    def begin(self, now: float) -> None:
        """A request is sent now."""

    def end(self, now: float) -> None:
        """A request has ended."""


class EvenSpacing(RateLimit):
    """`rate` requests a second, spread evenly; no limit while `rate` is None."""

    def __init__(self, rate: float | None = None) -> None:
        self.rate = rate
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next request is due."""
        return self._next - now

    def begin(self, now: float) -> None:
        """A request is sent now; a small delay of it does not delay the next requests."""
        spacing = 1 / self.rate if self.rate else 0.0
        is_late = now - self._next > min(spacing, LATE_SECONDS)
        self._next = (now if is_late else self._next) + spacing


class SlidingWindow(RateLimit):
    """At most `limit.requests` in any `limit.seconds`.

    A request counts from its start until `limit.seconds` after its end. So the requests that
    arrive at the platform stay within the limit, however long they are in flight.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._in_flight = 0
        self._ended: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until there is room; WAIT_SECONDS if that depends on requests in flight."""
        while self._ended and self._ended[0] <= now - self._limit.seconds:
            self._ended.popleft()
        if len(self._ended) + self._in_flight < self._limit.requests:
            return 0.0
        return self._ended[0] + self._limit.seconds - now if self._ended else WAIT_SECONDS

    def begin(self, now: float) -> None:  # noqa: ARG002 - it counts until it has ended
        """One more request is in flight."""
        self._in_flight += 1

    def end(self, now: float) -> None:
        """A request ended; it counts for `limit.seconds` from now."""
        self._in_flight -= 1
        self._ended.append(now)


class AdaptiveLimit(EvenSpacing):
    """The rate that a platform seems to accept, estimated from its answers and its 429s."""

    def __init__(self) -> None:
        super().__init__()
        self._accepted_rate: float | None = None
        self._paused_until = 0.0
        self._slowed_at = 0.0
        self._refusals = 0
        self._answered: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until the platform may be asked again."""
        return max(super().wait(now), self.paused(now))

    def paused(self, now: float) -> float:
        """Seconds left of the pause."""
        return max(self._paused_until - now, 0.0)

    def begin(self, now: float) -> None:
        """A request is sent now; the next may begin when the rate allows."""
        self.rate = self.rate_at(now)
        super().begin(now)

    def answer(self, now: float) -> None:
        """The platform answered, and did not throttle."""
        self._refusals = 0
        self._answered.append(now)
        while self._answered[0] < now - MEASURED_SECONDS:
            self._answered.popleft()

    def slow_down(self, now: float, begun: float, asked: float | None) -> float:
        """A request that began at `begun` was throttled; return the seconds of the pause.

        Of several requests in flight together, only the first lowers the rate; each can make the
        pause longer.
        """
        if begun >= self._slowed_at:
            # At least half of the previous rate, even if there were few recent answers.
            self._accepted_rate = max(self._measured(now), (self.rate_at(now) or 0.0) / 2) or None
            self._slowed_at = now
            self._refusals += 1
        longer = FIRST_PAUSE_SECONDS * 2 ** max(self._refusals - 1, 0)
        pause = asked or min(longer, LONGEST_PAUSE_SECONDS)
        self._paused_until = max(self._paused_until, now + pause)
        return pause

    def rate_at(self, now: float) -> float | None:
        """Requests a second that the platform probably accepts; None if nothing is known."""
        since = max(now - self._paused_until, 0.0)
        if self._accepted_rate is None or since > FORGET_SECONDS:
            return None
        return self._accepted_rate * (1 - DECREASE + DECREASE * since / RECOVERY_SECONDS)

    def _measured(self, now: float) -> float:
        """The rate of recent answers, a second."""
        recent = [at for at in self._answered if at > now - MEASURED_SECONDS]
        return len(recent) / max(now - recent[0], LEAST_MEASURED_SECONDS) if recent else 0.0


class Clock:
    """The monotonic clock, in seconds; it also does the waiting."""

    def now(self) -> float:
        """The time."""
        return time.monotonic()

    def wait(self, changed: Condition, seconds: float) -> None:
        """Wait for a change, at most for `seconds`."""
        changed.wait(seconds)


class Permit(Struct, frozen=True):
    """Permission to send one request, given at `begun`.

    `waited` is the seconds spent waiting for it, `paused` the part of them caused by a 429.
    """

    begun: float
    waited: float
    paused: float


class WaitTooLongError(Exception):
    """There is no permit in time; `refusal` is the answer that throttled, if any."""

    def __init__(self, refusal: Answer | None) -> None:
        super().__init__()
        self.refusal = refusal


class RateLimiter:
    """All limits of one profile, for many threads; `changed` is common to a shared limit."""

    def __init__(
        self,
        limits: Sequence[RateLimit] = (),
        changed: Condition | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._adaptive = AdaptiveLimit()
        self._limits = (*limits, self._adaptive)
        self._clock = clock or Clock()
        self._first_in_line = Lock()  # its owner waits for room, the others for the lock
        self._changed = changed or Condition()
        self._throttled = 0
        self._refusal: Answer | None = None

    def begin(
        self, patience: float, most: float = inf, check: Callable[[], None] = lambda: None
    ) -> Permit:
        """Wait for a permit; `check` is called repeatedly, and may raise to end the wait.

        Raises WaitTooLongError if the platform asked for a pause of more than `patience` seconds,
        or if the wait would take more than `most` seconds in all.
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
        """Note that a request has ended, and whether there was an answer."""
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
        """Note that a request in flight was throttled; return the seconds of the pause."""
        with self._changed:
            self._throttled += 1
            self._refusal = refusal
            return self._adaptive.slow_down(self._clock.now(), begun, asked)

    def is_paused_for(self, seconds: float) -> bool:
        """Whether the pause that the platform asked for lasts longer than `seconds`."""
        with self._changed:
            return self._adaptive.paused(self._clock.now()) > seconds


class RateLimits:
    """The rate limiter of each profile, and the `rate` that all profiles of a run share."""

    def __init__(self, rate: float | None = None, clock: Clock | None = None) -> None:
        self._shared = EvenSpacing(rate) if rate else None
        self._clock = clock
        self._changed = Condition()
        self._limiters: dict[tuple[str, bool], RateLimiter] = {}
        self._lock = Lock()

    def of(self, profile: Profile) -> RateLimiter:
        """The limiter of a profile: by its rate and the run's, or by the platform's limits."""
        shared = (self._shared,) if self._shared else ()
        return self._kept(profile, () if shared else profile.provider.read_limits, *shared)

    def of_debits(self, profile: Profile) -> RateLimiter:
        """The limiter of a profile's debits, which platforms count separately."""
        provider = profile.provider
        known = provider.debit_limits if isinstance(provider, DebitProvider) else ()
        return self._kept(profile, known, debits=True)

    def _kept(
        self, profile: Profile, known: Sequence[Limit], *shared: RateLimit, debits: bool = False
    ) -> RateLimiter:
        key = profile.name, debits
        with self._lock:
            if key not in self._limiters:
                limits = [*_limits(profile.rate, known), *shared]
                changed = self._changed if shared else None
                self._limiters[key] = RateLimiter(limits, changed, self._clock)
            return self._limiters[key]

    @contextmanager
    def permit_to_debit(self, profile: Profile, check: Callable[[], None]) -> Iterator[None]:
        """Wait for a permit to debit, and hold it in the block; `check` may end the wait."""
        limiter = self.of_debits(profile)
        try:
            limiter.begin(LONGEST_WAIT_SECONDS, check=check)
        except WaitTooLongError:
            raise LoyaltyError(
                ErrorCode.RATE_LIMITED,
                f"{profile.provider.title} is rate-limiting debits.",
                hint="Nothing was sent; run the same command again later.",
            ) from None
        try:
            yield
        finally:
            limiter.end(answered=True)

    def is_closed(
        self, profile: str, *, debits: bool = False, seconds: float = LONGEST_WAIT_SECONDS
    ) -> bool:
        """Whether a platform asked for a pause of which more than `seconds` are left."""
        with self._lock:
            limiter = self._limiters.get((profile, debits))
        return limiter is not None and limiter.is_paused_for(seconds)


def _limits(rate: float | None, known: Sequence[Limit]) -> Iterator[RateLimit]:
    """The user's rate replaces the limits that the platform publishes."""
    fastest = rate or max((each.requests / each.seconds for each in known), default=None)
    if fastest:
        yield EvenSpacing(fastest)
    if rate is None:
        yield from map(SlidingWindow, known)
