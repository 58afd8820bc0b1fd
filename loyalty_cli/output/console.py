"""Rich's console, in a width in which something can be shown."""

from typing import Any

from rich.console import Console

LEAST_WIDTH = 20
USUAL_WIDTH = 80


def console_of(**options: Any) -> Console:
    """A console as wide as the terminal is said to be; one that is no use counts as a usual one."""
    console = Console(**options)
    if console.width < LEAST_WIDTH:
        console.width = USUAL_WIDTH
    return console
