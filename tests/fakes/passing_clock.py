"""A clock on which waiting takes no time."""

from threading import Condition

from loyalty_cli.network.rate_limit import Clock


class PassingClock(Clock):
    """Jumps to the end of each wait."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waited = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, changed: Condition, seconds: float) -> None:  # noqa: ARG002 - the clock's
        self.time += seconds
        self.waited += seconds
