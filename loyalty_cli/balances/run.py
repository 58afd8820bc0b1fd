"""A run of look-ups: several at a time, in order, until the end or a fatal error."""

from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing, contextmanager, nullcontext
from heapq import merge
from operator import itemgetter
from threading import Lock

from loyalty_cli.balances.lookup import BalanceReader, LookupTask
from loyalty_cli.balances.resume import Resumed
from loyalty_cli.balances.summary import Summary
from loyalty_cli.lists.failure_limit import FailureLimit
from loyalty_cli.lists.parallel import map_in_order
from loyalty_cli.lists.stop import Stop
from loyalty_cli.model.errors import ASKED_TO_WAIT, ENDING, ErrorCode, LoyaltyError
from loyalty_cli.model.records import Lookup
from loyalty_cli.model.tally import Record, Tally
from loyalty_cli.network.platform_client import PlatformClient


class OneFirst:
    """Lets one call of each group run alone first, and the others after it is done."""

    def __init__(self) -> None:
        self._gates: dict[str, Lock] = {}
        self._open: set[str] = set()

    @contextmanager
    def enter(self, group: str) -> Iterator[None]:
        """Wait for the first call of the group, or be the first."""
        if group not in self._open:
            with self._gates.setdefault(group, Lock()):
                if group not in self._open:
                    yield
                    self._open.add(group)
                    return
        yield


class NothingDoneError(Exception):
    """The run was stopped before there was any record."""


class BalanceRun:
    """Makes look-ups, `jobs` at a time, and counts their outcomes.

    An error that all later look-ups would repeat ends the run of a list, and one that reaches the
    `limit` any run: `ended_by` is its record.
    `mistake` is the first mistake in a list; nothing after it is looked up. `note` is called with
    the record of each look-up that is made.
    """

    def __init__(  # noqa: PLR0913 - what a run may be told
        self,
        platforms: PlatformClient,
        jobs: int,
        *,
        is_list: bool,
        summary: Summary | None,
        limit: FailureLimit | None = None,
        note: Callable[[Record], object] | None = None,
    ) -> None:
        self.stop = Stop()
        self.tally = Tally()
        self.ended_by: Record | None = None
        self.mistake: LoyaltyError | None = None
        self._platforms = platforms
        self._reader = BalanceReader(platforms)
        self._one_first = OneFirst()
        self._jobs = jobs
        self._is_list = is_list
        self.summary = summary
        self.limit = limit or FailureLimit()
        self._again: Collection[int] = ()
        self._note = note

    @property
    def is_complete(self) -> bool:
        """Whether all records were yielded, and no look-up should be made again."""
        is_stopped = self.stop.is_set() or self.mistake is not None
        return not is_stopped and not ENDING & self.tally.failed.keys()

    def records(self, work: Resumed) -> Generator[Record]:
        """Yield the record of each task and the kept records, in order.

        Raises NothingDoneError, and LoyaltyError for a mistake before the first record.
        """
        self._again = work.again
        with closing(self._looked_up(work.tasks)) as coming:
            for _, record in merge(work.kept, coming, key=itemgetter(0)):
                self.add(record)
                yield record
        if self.stop.signal and not self.tally.done:
            raise NothingDoneError

    def add(self, record: Record) -> None:
        """Count a record."""
        self.tally.add(record)
        if self.summary and isinstance(record, Lookup):
            self.summary.add(record)

    def _looked_up(self, tasks: Iterator[tuple[int, LookupTask]]) -> Generator[tuple[int, Record]]:
        results = map_in_order(
            self._look_up, tasks, self._jobs, self.stop, lambda _: self.ended_by is not None
        )
        try:
            with closing(results):
                for number, record in results:
                    if record:
                        if self._note:
                            self._note(record)
                        yield number, record
        except LoyaltyError as mistake:
            if not self.tally.done:
                raise
            self.mistake = mistake  # the records before it are shown as usual

    def _look_up(self, numbered: tuple[int, LookupTask]) -> tuple[int, Record | None]:
        """Look a task up, unless the run has ended before."""
        number, task = numbered
        with self._one_first.enter(task.profile.name) if self._is_list else nullcontext():
            if self.ended_by:  # by the first look-up
                return number, None
            record = self._reader.look_up(task)
            if record.error and self._is_the_end(number, record.error.code, record.profile):
                self.ended_by = self.ended_by or record
            return number, record

    def _is_the_end(self, number: int, failed: ErrorCode, profile: str) -> bool:
        """Whether no more look-ups are to be made, or all would fail.

        A look-up that failed in an earlier run does not count again, so that each run gets further.
        """
        if self._is_list and failed in ENDING:
            return True
        is_closed = self._platforms.rate_limits.is_closed
        if self._is_list and failed in ASKED_TO_WAIT and is_closed(profile):
            return True
        return number not in self._again and self.limit.add(failed)
