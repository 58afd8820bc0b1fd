"""Doing many things, several at a time."""

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

INTERRUPTIBLE = 0.2
"""Seconds of one wait: one without an end that begins just as Ctrl-C comes never learns of it."""

JOBS = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int = JOBS
) -> Generator[Result]:
    """Call a function on items, several at a time, and give each result in its turn."""
    if len(items) == 1:
        yield function(items[0])
        return
    from concurrent.futures import ThreadPoolExecutor, wait

    executor = ThreadPoolExecutor(min(jobs, len(items)), thread_name_prefix="side by side")
    try:
        futures = [executor.submit(function, item) for item in items]
        for future in futures:
            while not future.done():
                wait((future,), INTERRUPTIBLE)
            yield future.result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
