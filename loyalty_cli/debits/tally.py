"""Counts the results of a run of debits without keeping them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from loyalty_cli.model.exit_codes import ExitCode, exit_code_of_all
from loyalty_cli.model.records import DebitRecord
from loyalty_cli.model.tally import MAX_REPORTED

if TYPE_CHECKING:
    from loyalty_cli.model.errors import ErrorCode


class DebitTally:
    """How many debits are done, how many failed and how, and the first failures.

    `more` counts the failures after those. `tell`, if given, gets every failure at once, and none
    is left to report.
    """

    def __init__(self, tell: Callable[[DebitRecord], object] | None = None) -> None:
        self._tell = tell
        self.done = 0
        self.failed = 0
        self.reported: list[DebitRecord] = []
        self.more: Counter[ErrorCode] = Counter()
        self._endings: set[ErrorCode | None] = set()

    def counted(self, records: Iterable[DebitRecord]) -> Iterator[DebitRecord]:
        """Pass records on, each after it is counted."""
        for record in records:
            self.done += 1
            self._endings.add(record.error.code if record.error else None)
            if record.error:
                self.failed += 1
                if self._tell:
                    self._tell(record)
                elif len(self.reported) < MAX_REPORTED:
                    self.reported.append(record)
                else:
                    self.more[record.error.code] += 1
            yield record

    @property
    def exit_code(self) -> ExitCode:
        """8 if a debit is unknown; else the common exit code, or 9."""
        return exit_code_of_all(list(self._endings))  # a signal may come while one is added

    @property
    def exit_code_of_failed(self) -> ExitCode:
        """The exit code of the failed debits alone, for a dry run, which makes none."""
        return exit_code_of_all(self._endings - {None})
