"""How far a long run is: on a terminal's stderr, and nowhere else."""

import sys
import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress

Item = TypeVar("Item")

LEAST = 0.1
"""Seconds of a run from which on it is said how quickly it goes."""


class _Counted:
    """What came so far."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.done = 0
        self.failed = 0

    @property
    def rate(self) -> float:
        """How many came in a second, over the whole run."""
        return self.done / max(time.monotonic() - self.began, LEAST)


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
    counted = _Counted()
    with _display(counted, total):
        for item in items:
            yield item
            counted.failed += is_failed(item)
            counted.done += 1


def _display(counted: _Counted, total: int | None) -> "Progress":
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from loyalty_cli.output.console import console_of

    class Display(Progress):
        """Asks what was counted each time that it is drawn, so that nobody waits to see it."""

        def get_renderables(self) -> "Iterator[RenderableType]":
            for task in self.tasks:
                self.update(
                    task.id,
                    completed=counted.done,
                    failed=f"{counted.failed} failed" if counted.failed else "",
                    rate=f"{task.speed or counted.rate:.1f}/s" if counted.done else "",
                )
            yield from super().get_renderables()

    display = Display(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}", style="red"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console_of(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
    display.add_task("", total=total, failed="", rate="")
    return display
