"""The deadline of a look-up or a debit, for all its attempts and waits together."""

import time


class Deadline:
    """The moment, on the monotonic clock, at which a look-up or a debit must have ended."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; negative after the deadline."""
        return self._ends - time.monotonic()

    def remaining(self) -> float:
        """Seconds left, as a timeout for the next wait; raise TimeoutError if there are none."""
        left = self.left()
        if left <= 0:
            raise TimeoutError
        return left

    def extend(self, seconds: float) -> None:
        """Move the deadline later, by the time that was spent waiting for a permit."""
        self._ends += seconds
