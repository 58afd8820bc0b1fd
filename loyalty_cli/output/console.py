"""Rich's console, with a minimum width."""

from typing import Any

from rich.console import Console

LEAST_WIDTH = 20
USUAL_WIDTH = 80


def console_of(**options: Any) -> Console:
    """A console as wide as the terminal, or 80 columns if the width is unknown or too small."""
    console = Console(**options)
    if console.width < LEAST_WIDTH:
        console.width = USUAL_WIDTH
    return console
