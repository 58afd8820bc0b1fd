"""Calling a function on many items, several at a time, with the results in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from loyalty_cli.lists.stop import Stop

if TYPE_CHECKING:
    from concurrent.futures import Future

INTERRUPTIBLE_SECONDS = 0.2
"""The longest single wait: a wait without a timeout could miss a Ctrl-C."""

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
    """Call a function on items, several at a time, and yield results in the order of the items.

    Items are taken only when needed, in a thread that may wait for the next item. An error of the
    items or of the function is raised in place of its result. After a `stop`, by a signal or by a
    result that `ends` the run, no call is started; finished results are yielded, in order.
    """
    return _Run(function, items, jobs, stop or Stop(), ends or (lambda _: False)).results()


class _Run(Generic[Item, Result]):
    """Worker threads that take items, and a queue of their results."""

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
        self._workers = 0
        self._source = Lock()  # held by the worker that takes the next item
        self._changed = Condition()
        self._queue: deque[Future[Result]] = deque()
        self._is_over = False

    def results(self) -> Generator[Result]:
        """Yield the results in order."""
        self._start_worker()
        try:
            while future := self._wait_for_first():
                yield future.result()
                with self._changed:
                    self._queue.popleft()
                    self._changed.notify_all()
        finally:
            self._end()
        for future in list(self._queue):  # a result added now is dropped
            if future.done() and not future.exception():
                yield future.result()

    def _end(self) -> None:
        """Start no more calls."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _wait_for_first(self) -> "Future[Result] | None":
        """Wait for the next result in order; None at the end."""
        with self._changed:
            while not self._is_first_done():
                if self._stop.is_set() or (self._is_over and not self._queue):
                    return None
                self._changed.wait(INTERRUPTIBLE_SECONDS)
            return self._queue[0]

    def _is_first_done(self) -> bool:
        return bool(self._queue) and self._queue[0].done()

    def _start_worker(self) -> None:
        self._workers += 1
        # Not an executor: at its end the process would wait for calls to platforms.
        worker = Thread(target=self._work, name=f"map in order {self._workers}", daemon=True)
        try:
            worker.start()
        except RuntimeError:  # the system has no more threads: use the running ones
            self._workers -= 1
            if not self._workers:
                raise
            self._jobs = self._workers

    def _work(self) -> None:
        while taken := self._take():
            future, item = taken
            try:
                result = self._function(item)
            except BaseException as error:  # noqa: BLE001 - raised in its turn
                future.set_exception(error)
            else:
                with self._changed:  # so that the result is there before the stop
                    future.set_result(result)
                    if self._ends(result):
                        self._stop.set()
            with self._changed:
                if self._stop.is_set() or self._is_first_done():
                    self._changed.notify_all()

    def _take(self) -> "tuple[Future[Result], Item] | None":
        """Take the next item, and start a worker for the one after it; None at the end."""
        from concurrent.futures import Future

        with self._source:
            with self._changed:
                while not self._is_to_end() and self._is_full():
                    self._changed.wait(INTERRUPTIBLE_SECONDS)
                if self._is_to_end():
                    return None
            future: Future[Result] = Future()
            try:
                item = next(self._items)
            except StopIteration:
                self._end()
                return None
            except BaseException as error:  # noqa: BLE001 - raised in its turn
                future.set_exception(error)
                self._queue.append(future)
                self._end()
                return None
            self._queue.append(future)
            if self._workers < self._jobs:
                self._start_worker()
            return future, item

    def _is_full(self) -> bool:
        """Whether enough results wait, behind an unfinished result or to be taken."""
        most = 2 * self._jobs if self._is_first_done() else MAX_PENDING
        return len(self._queue) >= most

    def _is_to_end(self) -> bool:
        return self._is_over or self._stop.is_set()
