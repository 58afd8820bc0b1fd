"""Rich's console, at a width that is wide enough."""

from typing import Any

from rich.console import Console

LEAST_WIDTH = 20
USUAL_WIDTH = 80


def console_of(**options: Any) -> Console:
    """A console as wide as the terminal; if that is unknown or too small, 80 columns."""
    console = Console(**options)
    if console.width < LEAST_WIDTH:
        console.width = USUAL_WIDTH
    return console
