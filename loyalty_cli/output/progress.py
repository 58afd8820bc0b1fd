"""How far a long run is: on a terminal's stderr, and nowhere else."""

import sys
import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

PACE = 0.1
"""Seconds between two updates: a run may give thousands of items in each of them."""


def progress(
    items: Iterator[Item], total: int | None, is_failed: Callable[[Item], bool]
) -> Generator[Item, None, None]:
    """Give items on, and show how many came and failed, how quickly, and how long the rest takes.

    `total` is None where nobody knows how many will come.
    """
    few = total is not None and total < 2
    if few or sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    with _display() as shown:
        task = shown.add_task("", total=total, failed="", rate="")
        failed = 0
        began = said = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            failed += is_failed(item)
            now = time.monotonic()
            if done == total or now - said >= PACE:
                said = now
                rate = shown.tasks[0].speed or done / max(now - began, PACE)
                shown.update(
                    task,
                    completed=done,
                    failed=f"{failed} failed" if failed else "",
                    rate=f"{rate:.1f}/s",
                )


def _display() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}", style="red"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
