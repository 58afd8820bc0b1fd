"""Rich's console, with a minimum width."""

from typing import Any

from rich.console import Console

from loyalty_cli.output.stderr import LEAST_WIDTH, USUAL_WIDTH


def console_of(**options: Any) -> Console:
    """A console as wide as the terminal, or 80 columns if the width is unknown or too small."""
    console = Console(**options)
    if console.width < LEAST_WIDTH:
        console.width = USUAL_WIDTH
    return console
