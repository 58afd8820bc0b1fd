"""The progress of a long run, shown only on a terminal that no other program writes to."""

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from loyalty_cli.output.stderr import shows_progress
from loyalty_cli.output.waiting import LINE

if TYPE_CHECKING:
    from rich.console import RenderableType

Item = TypeVar("Item")

FEW = 10
"""Of so few items, the line that names the platforms says more than a bar."""
LEAST = 0.1
"""The shortest time over which the rate is measured."""


def progress(
    items: Iterator[Item],
    total: int | None,
    is_failed: Callable[[Item], bool],
    *,
    uses_stdout: bool = True,
) -> Generator[Item, None, None]:
    """Yield items, and show how many came and failed, the rate, and the time left.

    `total` is None if the number of items is unknown. `uses_stdout` is false if the result goes
    elsewhere.
    """
    few = total is not None and total <= FEW
    if few or not shows_progress(uses_stdout=uses_stdout):
        yield from items
        return
    with LINE.hidden(), _display(total) as display:
        for item in items:
            yield item
            display.failed += is_failed(item)
            display.done += 1


def _display(total: int | None) -> Any:
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

        done = failed = 0

        def get_renderables(self) -> "Iterator[RenderableType]":
            for task in self.tasks:
                rate = task.speed or self.done / max(task.elapsed or 0, LEAST)
                self.update(
                    task.id,
                    completed=self.done,
                    failed=f"{self.failed} failed" if self.failed else "",
                    rate=f"{rate:.1f}/s" if self.done else "",
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
