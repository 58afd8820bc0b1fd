"""When a look-up or a debit must end, all its attempts and waits included."""

import time


class Deadline:
    """The moment, by the monotonic clock, at which the time of a look-up or a debit is over."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; below zero once it is over."""
        return self._ends - time.monotonic()

    def remaining(self) -> float:
        """Seconds that are left, for the next wait; raise TimeoutError where there are none."""
        left = self.left()
        if left <= 0:
            raise TimeoutError
        return left

    def extend(self, seconds: float) -> None:
        """Leave out time in which nothing was asked."""
        self._ends += seconds
