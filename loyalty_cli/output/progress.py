"""The progress of a long run, shown only if stderr is a terminal."""

import sys
import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress

Item = TypeVar("Item")

LEAST = 0.1
"""The shortest time over which the rate is measured."""


class _Counted:
    """The number of items so far."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.done = 0
        self.failed = 0

    @property
    def rate(self) -> float:
        """Items a second, over the whole run."""
        return self.done / max(time.monotonic() - self.began, LEAST)


def progress(
    items: Iterator[Item], total: int | None, is_failed: Callable[[Item], bool]
) -> Generator[Item, None, None]:
    """Yield items, and show how many came and failed, the rate, and the time left.

    `total` is None if the number of items is unknown.
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
        """Reads the counts each time it is drawn, so that counting never waits for drawing."""

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
