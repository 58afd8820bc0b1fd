"""How far a long run is: on a terminal's stderr, and nowhere else."""

import sys
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Iterator[Item], total: int) -> Generator[Item, None, None]:
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
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as shown:
        task = shown.add_task("", total=total, rate="")
        for item in items:
            yield item
            shown.advance(task)
            speed = shown.tasks[0].speed
            shown.update(task, rate=f"{speed:.1f}/s" if speed else "")
