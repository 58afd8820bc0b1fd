"""How quickly a platform is asked: as its limits allow, and slower once it says it is too much.

A platform that refuses with 429 is left alone for as long as it asks, by everybody who works for
the profile. Then it is asked a little more slowly than it bore, stays there for a while, and is
asked more and more quickly again: the curve that TCP CUBIC draws for the same reason.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from threading import Condition, Lock

from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.providers.contract import Answer, DebitProvider, Limit

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
"""Seconds of the pauses after 429 where the platform asks for none."""
DROP = 0.2
PLATEAU_SECONDS = 8.0
"""Seconds until what the platform bore is reached again, from below by that share."""
FORGOTTEN = 50.0
"""How many times as quickly it is asked when there is nothing left to be careful about."""
MEASURED_SECONDS = 1.0
LEAST_MEASURED_SECONDS = 0.05
"""Seconds over which it is measured what the platform bears."""
LATE_SECONDS = 0.02
WAIT_SECONDS = 1.0
"""Seconds of one wait, where it is not known how long it will take."""


class SlidingWindow:
    """A limit as a window that slides: a request counts in it until so long after its answer.

    Counted from the answer, what arrives at the platform is within the limit, however long it was
    on its way.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._ended: deque[float] = deque()

    def wait(self, now: float, in_flight: int) -> float:
        """Seconds until there is room for one more."""
        while self._ended and self._ended[0] <= now - self._limit.seconds:
            self._ended.popleft()
        if len(self._ended) + in_flight < self._limit.requests:
            return 0.0
        return self._ended[0] + self._limit.seconds - now if self._ended else WAIT_SECONDS

    def end(self, now: float) -> None:
        """Count an answer."""
        self._ended.append(now)


class RateSchedule:
    """When the next request may be sent; all times are seconds of one clock, passed in."""

    def __init__(self, rate: float | None = None, limits: Sequence[Limit] = ()) -> None:
        rates = [limit.requests / limit.seconds for limit in limits]
        fastest = rate or max(rates, default=None)
        self._spacing = 1 / fastest if fastest else 0.0
        self._windows = [SlidingWindow(limit) for limit in limits]
        self._in_flight = 0
        self._first = inf
        self._next = 0.0
        self._paused_until = 0.0
        self._slowed = 0.0
        self._refusals = 0
        self._refused = 0
        self._borne: float | None = None
        self._answered: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until a request may be sent, as far as is known."""
        return max(
            self._next - now,
            self.paused(now),
            *(window.wait(now, self._in_flight) for window in self._windows),
        )

    def paused(self, now: float) -> float:
        """Seconds for which the platform asked to be left alone."""
        return max(self._paused_until - now, 0.0)

    def begin(self, now: float) -> None:
        """A request is sent now."""
        rate = self.rate(now)
        spacing = max(self._spacing, 1 / rate if rate else 0.0)
        # One that is a little late does not delay those after it.
        is_late = now - self._next > min(spacing, LATE_SECONDS)
        self._next = (now if is_late else self._next) + spacing
        self._first = min(self._first, now)
        self._in_flight += 1

    def end(self, now: float, *, answered: bool) -> None:
        """A request has ended; one that was refused as too much was not answered."""
        if self._refused:
            self._refused -= 1
            answered = False
        self._in_flight -= 1
        for window in self._windows:
            window.end(now)
        if answered:
            self._refusals = 0
            self._answered.append(now)
            while self._answered[0] < now - MEASURED_SECONDS:
                self._answered.popleft()

    def slow_down(self, now: float, begun: float, asked: float | None) -> float:
        """A request that began at `begun` was too much; give the seconds of the pause.

        Of several that were sent before the platform could be heeded, the first tells how much it
        bears; each can make the pause longer. Each has yet to `end`.
        """
        self._refused += 1
        if begun >= self._slowed:
            self._borne = self._bearable(now)
            self._slowed = now
            self._refusals += 1
        pause = asked or min(
            FIRST_PAUSE_SECONDS * 2 ** max(self._refusals - 1, 0), LONGEST_PAUSE_SECONDS
        )
        self._paused_until = max(self._paused_until, now + pause)
        return pause

    def rate(self, now: float) -> float | None:
        """Requests a second that the platform is thought to bear; None where nothing is known."""
        if self._borne is None:
            return None
        since = max(now - self._paused_until, 0.0)
        share = 1 + DROP * (since / PLATEAU_SECONDS - 1) ** 3
        if share > FORGOTTEN:
            self._borne = None
        return self._borne and self._borne * share

    def _bearable(self, now: float) -> float | None:
        """What it bore of late; where that is little, half of what was thought before."""
        measured = min(max(now - self._first, LEAST_MEASURED_SECONDS), MEASURED_SECONDS)
        borne = sum(at > now - measured for at in self._answered) / measured
        return max(borne, (self.rate(now) or 0.0) / 2) or None


class Clock:
    """Monotonic seconds, and waiting for a change as they pass."""

    def now(self) -> float:
        """The time."""
        return time.monotonic()

    def wait(self, changed: Condition, seconds: float) -> None:
        """Wait for a change, and no longer than that."""
        changed.wait(seconds)


class Permit(Struct, frozen=True):
    """Leave to send one request: since when, and for how many seconds it was waited for.

    Of those, `paused` are owed to a platform that wanted to be left alone.
    """

    begun: float
    waited: float
    paused: float


class WaitTooLongError(Exception):
    """There is no turn within the time that there is; `refusal` is why, if a platform refused."""

    def __init__(self, refusal: Answer | None) -> None:
        super().__init__()
        self.refusal = refusal


def _nothing() -> None:
    """Waiting goes on."""


class RateLimiter:
    """The schedule of one profile, for everybody who works for it; safe to use from threads."""

    def __init__(
        self,
        schedule: RateSchedule,
        whole: "RateLimiter | None" = None,
        clock: Clock | None = None,
    ) -> None:
        self._schedule = schedule
        self._whole = whole
        self._clock = clock or Clock()
        self._gate = Lock()  # one at a time waits for the time, and the others for that one
        self._changed = Condition()
        self._refusal: Answer | None = None

    def begin(
        self, patience: float, most: float = inf, check: Callable[[], None] = _nothing
    ) -> Permit:
        """Wait for a turn.

        Raises WaitTooLongError where the platform wants to be left alone for more seconds than
        there is `patience` for, or where it would take more than `most` in all. `check` is called
        again and again, and can end the wait by raising.
        """
        came = self._clock.now()
        with self._changed:
            paused = self._schedule.paused(came)
        if not self._gate.acquire(timeout=-1 if most == inf else max(most, 0)):
            raise WaitTooLongError(self._refusal)
        try:
            self._wait(patience, came + most, check)
            if self._whole:
                self._begin_whole(patience, came + most, check)
            with self._changed:
                self._schedule.begin(self._clock.now())
        finally:
            self._gate.release()
        now = self._clock.now()
        return Permit(now, now - came, min(paused, now - came))

    def _begin_whole(self, patience: float, until: float, check: Callable[[], None]) -> None:
        assert self._whole
        self._whole.begin(patience, until - self._clock.now(), check)
        try:
            self._wait(patience, until, check)  # where a pause began meanwhile
        except BaseException:
            self._whole.end(answered=False)
            raise

    def _wait(self, patience: float, until: float, check: Callable[[], None]) -> None:
        with self._changed:
            check()
            while (wait := self._schedule.wait(now := self._clock.now())) > 0:
                if self._schedule.paused(now) > patience or now + wait > until:
                    raise WaitTooLongError(self._refusal)
                self._clock.wait(self._changed, min(wait, WAIT_SECONDS))
                check()

    def end(self, *, answered: bool) -> None:
        """Say that a request has ended, and whether it was answered."""
        with self._changed:
            self._schedule.end(self._clock.now(), answered=answered)
            self._changed.notify()
        if self._whole:
            self._whole.end(answered=answered)

    def slow_down(self, begun: float, refusal: Answer, asked: float | None) -> float:
        """Say that a request that began then was too much; give the seconds of the pause."""
        with self._changed:
            self._refusal = refusal
            return self._schedule.slow_down(self._clock.now(), begun, asked)

    def is_paused_for(self, seconds: float) -> bool:
        """Whether the platform asked to be left alone for longer than that."""
        with self._changed:
            return self._schedule.paused(self._clock.now()) > seconds


class RateLimits:
    """Each profile's limiter, and that of the whole run where there is a `rate` for it."""

    def __init__(self, rate: float | None = None, clock: Clock | None = None) -> None:
        self._rate = rate
        self._whole = RateLimiter(RateSchedule(rate), clock=clock) if rate else None
        self._clock = clock
        self._limiters: dict[tuple[str, bool], RateLimiter] = {}
        self._lock = Lock()

    def of(self, profile: Profile) -> RateLimiter:
        """The limiter of a profile: its own rate; else, where nothing was said, its platform's."""
        known = () if self._rate else profile.provider.read_limits
        return self._kept(profile, known, self._whole, debits=False)

    def of_debits(self, profile: Profile) -> RateLimiter:
        """The limiter of a profile's debits, which platforms count apart."""
        provider = profile.provider
        known = provider.debit_limits if isinstance(provider, DebitProvider) else ()
        return self._kept(profile, known, None, debits=True)

    def _kept(
        self, profile: Profile, known: Sequence[Limit], whole: RateLimiter | None, *, debits: bool
    ) -> RateLimiter:
        """The limiter there is, or else a new one; a profile's own rate goes before `known`."""
        key = profile.name, debits
        with self._lock:
            if key not in self._limiters:
                schedule = RateSchedule(profile.rate, () if profile.rate else known)
                self._limiters[key] = RateLimiter(schedule, whole, self._clock)
            return self._limiters[key]

    def is_paused_for(self, profile: str, seconds: float, *, debits: bool = False) -> bool:
        """Whether a profile's platform asked to be left alone for longer than that."""
        with self._lock:
            limiter = self._limiters.get((profile, debits))
        return limiter is not None and limiter.is_paused_for(seconds)
