"""Counting the results of a run without keeping them."""

from collections import Counter
from typing import TYPE_CHECKING

from loyalty_cli.model.exit_codes import ExitCode, exit_code_of_all
from loyalty_cli.model.records import Lookup, RawLookup

if TYPE_CHECKING:
    from loyalty_cli.model.errors import ErrorCode

MAX_REPORTED = 10
"""How many of the failed look-ups are reported one by one."""

Record = Lookup | RawLookup


class Tally:
    """Counts of a run: look-ups done, failed, and why; and the first failures."""

    def __init__(self) -> None:
        self.done = 0
        self.warned = 0
        self.first_warned: Record | None = None
        self.failed: Counter[ErrorCode] = Counter()
        self._endings: set[ErrorCode | None] = set()
        self._reported: dict[tuple[str, str | None], Record] = {}

    @property
    def reported(self) -> list[Record]:
        """The failed look-ups to report one by one: at most MAX_REPORTED, each reason once."""
        return list(self._reported.values())

    def add(self, record: Record) -> None:
        """Count a look-up."""
        self.done += 1
        if record.warnings:
            self.warned += 1
            self.first_warned = self.first_warned or record
        error = record.error
        self._endings.add(error.code if error else None)
        if error:
            self.failed[error.code] += 1
            is_new = (error.message, error.hint) not in self._reported
            if is_new and len(self._reported) < MAX_REPORTED:
                self.report(record)

    def report(self, record: Record) -> None:
        """Report a failed look-up, even beyond MAX_REPORTED."""
        if record.error:
            self._reported[record.error.message, record.error.hint] = record

    @property
    def exit_code(self) -> ExitCode:
        """The common exit code of all look-ups, or "some failed"."""
        return exit_code_of_all(self._endings)
