"""Rich's console, as wide as the terminal is."""

import sys
from typing import Any

from rich.console import Console

from loyalty_cli.output.width import width_of

HEIGHT = 25
"""Nothing here depends on it. But without it, Rich takes a dumb terminal for 80 columns wide."""


def console_of(**options: Any) -> Console:
    """A console as wide as the terminal, or 80 columns if the width is unknown or too small."""
    stream = sys.stderr if options.get("stderr") else sys.stdout
    return Console(width=width_of(stream), height=HEIGHT, **options)
