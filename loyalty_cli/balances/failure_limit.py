"""How many look-ups of a run may fail until no more are made."""

from threading import Lock

from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.exit_codes import NOT_ANSWERED


class FailureLimit:
    """Says when to end a run; safe to use from several threads.

    With `most`, when so many look-ups were not answered: an answer like "no such customer" is none
    of them. With `fail_fast`, when one failed for any reason.
    """

    def __init__(self, most: int | None = None, *, fail_fast: bool = False) -> None:
        self._most = most
        self._fail_fast = fail_fast
        self._not_answered = 0
        self._lock = Lock()
        self.ended_run = False

    @property
    def option(self) -> str:
        """The option of the command line that set it."""
        return "--fail-fast" if self._fail_fast else f"--max-failures {self._most}"

    def add(self, failed: ErrorCode) -> bool:
        """Count a failed look-up; return whether it is the one that ends the run."""
        with self._lock:
            self._not_answered += failed in NOT_ANSWERED
            is_reached = self._most is not None and self._not_answered >= self._most
            self.ended_run |= is_reached or self._fail_fast
            return self.ended_run
