"""How much of a list may fail until the run is ended."""

from threading import Lock

from loyalty_cli.model.errors import ErrorCode, usage_error
from loyalty_cli.model.exit_codes import NOT_ANSWERED

_COUNTED = NOT_ANSWERED | {ErrorCode.OUTCOME_UNKNOWN}


class FailureLimit:
    """Says when to end a run; safe to use from several threads.

    With `most`, when so many look-ups or debits were not answered, unknown debits among them; an
    answer like "no such customer" does not count. With `fail_fast`, when one failed for any reason.
    `ended_by` is the error that ended the run.
    """

    def __init__(self, most: int | None = None, *, fail_fast: bool = False) -> None:
        self._most = most
        self._fail_fast = fail_fast
        self._not_answered = 0
        self._lock = Lock()
        self.ended_by: ErrorCode | None = None

    @property
    def option(self) -> str:
        """The option of the command line that set it."""
        return "--fail-fast" if self._fail_fast else f"--max-failures {self._most}"

    def add(self, failed: ErrorCode) -> bool:
        """Count a failure; return whether the run is to end."""
        with self._lock:
            self._not_answered += failed in _COUNTED
            is_reached = self._most is not None and self._not_answered >= self._most
            if is_reached or self._fail_fast:
                self.ended_by = self.ended_by or failed
            return self.ended_by is not None


def check_limit(most: int | None, *, fail_fast: bool) -> FailureLimit:
    """The limit that the options set; raises LoyaltyError if they contradict each other."""
    if fail_fast and most is not None:
        usage_error("--fail-fast and --max-failures exclude each other.", "Leave one out.")
    return FailureLimit(most, fail_fast=fail_fast)
