"""How far a long run is: on a terminal's stderr, and nowhere else."""

import sys
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Iterator[Item], total: int) -> Iterator[Item]:
    """Give items on, and show how many came, how quickly, and how long the rest will take."""
    if total < 2 or sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total, rate="")
        for item in items:
            yield item
            speed = shown.tasks[0].speed
            shown.update(task, advance=1, rate=f"{speed:.0f}/s" if speed else "")
