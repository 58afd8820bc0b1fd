"""A clock that stands still until it is told to move."""


class StandingClock:
    """Gives the same Unix time until `move`."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += seconds
