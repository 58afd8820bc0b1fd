"""Writes look-ups into the history while they are made: beside them, so that none has to wait."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread

from loyalty_cli.database.customer_data import CustomerData
from loyalty_cli.history.lookups import Line
from loyalty_cli.history.periods import Sighting, Whose
from loyalty_cli.history.store import BATCH, History
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.model.records import Balance, Lookup
from loyalty_cli.model.tally import Record

MAX_WAITING = 100 * BATCH
"""How many look-ups may wait to be written; a database that is so late is given up."""
CLOSE_SECONDS = 2.0
"""How long the end of a run may be delayed."""


class Recorder:
    """Writes successful look-ups in a thread of its own; `open_database` is called there.

    It never raises an error and never waits for the database, but at the end, and not long then.
    """

    def __init__(self, open_database: Callable[[], CustomerData], seen_by: str) -> None:
        self.warnings: list[str] = []
        self._open = open_database
        self._seen_by = seen_by
        self._waiting = Queue[Sighting | None](MAX_WAITING)
        self._thread: Thread | None = None
        self._is_given_up = False
        self._is_ended = False

    def add(self, record: Record) -> None:
        """Take note of a look-up, if it has found a balance."""
        if self._is_given_up or record.error or not isinstance(record, Lookup):
            return
        if self._thread is None:
            self._thread = Thread(target=self._run, daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(sighting(record, self._seen_by))
        except Full:
            self._give_up("it is too slow")

    def close(self) -> list[str]:
        """Wait a moment until all is written; return what the user must be warned of."""
        if self._thread:
            with suppress(Full):
                self._waiting.put_nowait(None)
            self._thread.join(CLOSE_SECONDS)
            if self._thread.is_alive():
                self._give_up(f"it did not answer within {CLOSE_SECONDS:g} s")
        return self.warnings

    def _run(self) -> None:
        try:
            database = self._open()
            self.warnings += database.warnings
            history = History(database)
            try:
                while batch := self._next_batch():
                    history.add(batch)
            finally:
                database.close()
        except LoyaltyError as error:
            hint = f" {error.hint}" if error.hint else ""
            self._give_up(f"{error.message.rstrip('.')}.{hint}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the balance is worth more
            self._give_up(f"{type(error).__name__}")

    def _next_batch(self) -> list[Sighting]:
        """Wait for look-ups, and return those that wait by then; none at the end of the run."""
        batch: list[Sighting] = []
        while not self._is_ended and len(batch) < BATCH:
            try:
                each = self._waiting.get(block=not batch)
            except Empty:
                break
            if each:
                batch.append(each)
            else:
                self._is_ended = True
        return batch

    def _give_up(self, why: str) -> None:
        if not self._is_given_up:
            self._is_given_up = True
            self.warnings.append(f"the history was not written: {why}")


def sighting(record: Lookup, seen_by: str) -> Sighting:
    """What a look-up found, as history keeps it."""
    whose = Whose(record.profile, record.asked["by"], record.customer)
    lines = tuple(map(_line, record.balances))
    return Sighting(whose, record.provider, lines, record.retrieved_at, seen_by)


def _line(line: Balance) -> Line:
    return Line(**{name: getattr(line, name) for name in Line.__struct_fields__})
