"""Retry policy of look-ups: which outcomes are retried, how often, and after which pause.

| outcome of an attempt | what follows |
| --- | --- |
| 429, or 503 with Retry-After (throttled) | the rate limiter pauses the whole profile, then a \
retry; up to `RetryPolicy.attempts` such answers |
| 500, 502, 503, 504, or `is_busy` for the provider | a retry after a random pause, or after \
Retry-After if that is longer; `MAX_ATTEMPTS` in all |
| the connection failed, or a proxy answered with one of these | the same retry |
| any other answer or error | no retry |

Retries end at the deadline of the look-up. If the `RetryPolicy` has `longest_wait_seconds`, waiting
for a permit extends the deadline; otherwise pauses and retries must fit in before it.
"""

import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from math import inf

from msgspec import Struct

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.rate_limit import (
    LONGEST_WAIT_SECONDS,
    Permit,
    RateLimiter,
    WaitTooLongError,
)
from loyalty_cli.providers.contract import Answer

MAX_ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5
BUSY_STATUSES = frozenset({429, 500, 502, 503, 504})


class RetryPolicy(Struct, frozen=True):
    """Retry policy for 429: how many attempts, and the longest pause to wait for."""

    attempts: int = MAX_ATTEMPTS
    longest_wait_seconds: float = 0.0


INTERACTIVE = RetryPolicy()
BULK = RetryPolicy(attempts=6, longest_wait_seconds=LONGEST_WAIT_SECONDS)


class Outcome(Struct, frozen=True):
    """What came of one attempt: a complete answer, or an error."""

    answer: Answer | None = None
    error: LoyaltyError | None = None

    def result(self) -> Answer:
        """Return the answer, or raise the error."""
        if self.error:
            raise self.error
        assert self.answer
        return self.answer


class Retries(Struct, frozen=True):
    """The attempts of one request: a permit before each, a pause after a failed attempt."""

    limiter: RateLimiter
    policy: RetryPolicy
    deadline: Deadline
    is_busy: Callable[[Answer], bool]

    def run(self, attempt: Callable[[Permit], Outcome], sleep: Callable[[float], None]) -> Answer:
        """Make attempts until one is final; raise LoyaltyError without a complete answer."""
        outcome: Outcome | None = None
        throttled = failed = 0
        while True:
            try:
                permit = self._permit(is_first=outcome is None)
            except WaitTooLongError as late:
                return (outcome or Outcome(late.refusal)).result()
            outcome = attempt(permit)
            if outcome.answer and is_throttled(outcome.answer):
                throttled += 1
                if throttled == self.policy.attempts:
                    return outcome.answer
                continue  # the next permit comes after the pause
            failed += 1
            pause = self._pause_after(outcome, failed)
            if pause is None:
                return outcome.result()
            sleep(pause)

    def _permit(self, *, is_first: bool) -> Permit:
        left, longest = self.deadline.left(), self.policy.longest_wait_seconds
        permit = self.limiter.begin(max(longest, left), inf if is_first or longest else left)
        if longest:
            self.deadline.extend(permit.waited)
        elif is_first:
            self.deadline.extend(permit.waited - permit.paused)
        return permit

    def _pause_after(self, outcome: Outcome, failed: int) -> float | None:
        """Seconds until the next attempt; None if there is none."""
        if failed == MAX_ATTEMPTS or not self._is_retryable(outcome):
            return None
        pause = random.uniform(0, FIRST_PAUSE_SECONDS * 2 ** (failed - 1))  # noqa: S311 - no secret
        if outcome.answer:
            pause = max(pause, retry_after(outcome.answer, time.time()) or 0)
        return pause if pause < self.deadline.left() else None

    def _is_retryable(self, outcome: Outcome) -> bool:
        """Whether a retry may succeed; it cannot if a proxy refused the tunnel for good."""
        if outcome.answer:
            return outcome.answer.status in BUSY_STATUSES or self.is_busy(outcome.answer)
        error = outcome.error
        return (
            error is not None
            and error.code is ErrorCode.UNREACHABLE
            and (error.http_status is None or error.http_status in BUSY_STATUSES)
        )


def is_throttled(answer: Answer) -> bool:
    """Whether a platform throttles."""
    return answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers)


def retry_after(answer: Answer, now: float) -> float | None:
    """Read Retry-After, which is seconds or a date, as seconds from now; None without one."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return None
