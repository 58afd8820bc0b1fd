"""Counting the results of a run without keeping them."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from loyalty_cli.model.exit_codes import ExitCode, exit_code_of_all
from loyalty_cli.model.records import Lookup, RawLookup, WarningCode, WarningRecord

if TYPE_CHECKING:
    from loyalty_cli.model.errors import ErrorCode

MAX_REPORTED = 10
"""How many of the failed look-ups are reported one by one."""

Record = Lookup | RawLookup


class Tally:
    """Counts of a run: look-ups done, failed, and why; and the first failures.

    `warned` counts the look-ups of each profile with each code of a warning, and `first_warned` has
    the first of them. `tell`, if given, gets every failed look-up at once, and none is left to
    report.
    """

    def __init__(self, tell: Callable[[Record], object] | None = None) -> None:
        self._tell = tell
        self.done = 0
        self.warned: Counter[tuple[str, WarningCode]] = Counter()
        self.first_warned: dict[tuple[str, WarningCode], tuple[Record, WarningRecord]] = {}
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
        first = {(record.profile, each.code): each for each in reversed(record.warnings)}
        for kind, warning in first.items():
            self.warned[kind] += 1
            self.first_warned.setdefault(kind, (record, warning))
        error = record.error
        self._endings.add(error.code if error else None)
        if error:
            self.failed[error.code] += 1
            if self._tell:
                self._tell(record)
            is_new = (error.message, error.hint) not in self._reported
            if is_new and len(self._reported) < MAX_REPORTED:
                self.report(record)

    def report(self, record: Record) -> None:
        """Report a failed look-up, even beyond MAX_REPORTED."""
        if record.error and not self._tell:
            self._reported[record.error.message, record.error.hint] = record

    @property
    def exit_code(self) -> ExitCode:
        """The common exit code of all look-ups, or "some failed"."""
        return exit_code_of_all(self._endings)
