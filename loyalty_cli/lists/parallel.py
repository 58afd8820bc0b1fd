"""Doing many things, several at a time: the one way in which everything here is run."""

from collections.abc import Callable, Generator, Iterable
from functools import partial
from threading import Condition, Lock, Thread
from typing import Generic, TypeVar

from loyalty_cli.lists.stop import Stop

INTERRUPTIBLE = 0.2
"""Seconds of one wait: one without an end that begins just as Ctrl-C comes never learns of it."""

JOBS = 8
MAX_PENDING = 1000
"""How many results may wait behind an unfinished one."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int = JOBS,
    stop: Stop | None = None,
    ends: Callable[[Result], bool] | None = None,
) -> Generator[Result]:
    """Call a function on items, several at a time, and give each result in its turn.

    Items are taken as they are needed, in a thread that may wait for the next one; an error of the
    items or of the function is raised in its turn. Once it is to `stop`, by a signal or a result
    that `ends` it, no more is begun, what is done is given, in its order, and the rest is left.
    """
    run = _Run(function, items, jobs, stop or Stop(), ends or (lambda _: False))
    try:
        yield from run.results()
    finally:
        run.end()


class _Outcome(Generic[Result]):
    """What came of a call: its result, or its error, which is raised where the result is wanted."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._error: BaseException | None = None
        try:
            self._result = call()
        except BaseException as error:  # noqa: BLE001 - raised in `get`
            self._error = error

    @property
    def is_good(self) -> bool:
        return self._error is None

    @property
    def is_the_end(self) -> bool:
        return isinstance(self._error, StopIteration)

    def get(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._result


class _Run(Generic[Item, Result]):
    """Workers that take items, and results that wait for their turn."""

    def __init__(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        jobs: int,
        stop: Stop,
        ends: Callable[[Result], bool],
    ) -> None:
        self._function = function
        self._items = iter(items)
        self._jobs = jobs
        self._stop = stop
        self._ends = ends
        self._source = Lock()
        self._changed = Condition()
        self._workers = 0
        self._done: dict[int, _Outcome[Result]] = {}
        self._begun = 0
        self._turn = 0
        self._over = False

    def results(self) -> Generator[Result]:
        """Give each result in its turn."""
        self._hire()
        while outcome := self._wait_for_turn():
            yield outcome.get()
            self._go_on()
        for outcome in self._left():
            if outcome.is_good:
                yield outcome.get()

    def end(self) -> None:
        """Begin no more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _wait_for_turn(self) -> _Outcome[Result] | None:
        """Wait for the result whose turn it is; nothing at the end."""
        with self._changed:
            while not (self._turn in self._done or self._is_all_done() or self._stop.is_set()):
                self._changed.wait(INTERRUPTIBLE)
            return self._done.get(self._turn)

    def _go_on(self) -> None:
        """The result whose turn it was is taken care of: the next one."""
        with self._changed:
            del self._done[self._turn]
            self._turn += 1
            self._changed.notify_all()

    def _left(self) -> list[_Outcome[Result]]:
        """What was done behind something that was not, when the run was stopped."""
        with self._changed:
            self._over = True
            return [self._done.pop(at) for at in sorted(self._done)]

    def _is_all_done(self) -> bool:
        return self._over and self._turn == self._begun

    def _hire(self) -> None:
        self._workers += 1
        # The process does not wait at its end for those that wait for a platform.
        worker = Thread(target=self._work, name=f"map in order {self._workers}", daemon=True)
        try:
            worker.start()
        except RuntimeError:  # the system has no more threads: those that are there must do
            self._workers -= 1
            if not self._workers:
                raise
            self._jobs = self._workers

    def _work(self) -> None:
        while taken := self._take():
            at, item = taken
            outcome = _Outcome(partial(self._call, item))
            with self._changed:
                self._done[at] = outcome
                if outcome.is_good and self._ends(outcome.get()):
                    self._stop.set()
                if at == self._turn or self._stop.is_set():
                    self._changed.notify_all()

    def _call(self, item: _Outcome[Item]) -> Result:
        return self._function(item.get())

    def _take(self) -> tuple[int, _Outcome[Item]] | None:
        """Take the next item, and hire somebody for the one after it; nothing at the end."""
        with self._source:
            with self._changed:
                while not self._is_to_end() and self._is_far_ahead():
                    self._changed.wait(INTERRUPTIBLE)
                if self._is_to_end():
                    return None
            item = _Outcome(partial(next, self._items))
            with self._changed:
                self._over = self._over or not item.is_good
                if item.is_the_end:
                    self._changed.notify_all()
                    return None
                self._begun += 1
            if self._workers < self._jobs and item.is_good:
                self._hire()
            return self._begun - 1, item

    def _is_far_ahead(self) -> bool:
        """Whether enough is begun behind a slow one, or done and not yet taken care of."""
        is_behind = self._turn in self._done and len(self._done) >= self._jobs
        return is_behind or self._begun - self._turn >= MAX_PENDING

    def _is_to_end(self) -> bool:
        return self._over or self._stop.is_set()
