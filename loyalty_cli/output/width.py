"""How wide a terminal is."""

import os
from contextlib import suppress
from typing import TextIO

LEAST_WIDTH = 20
USUAL_WIDTH = 80


def width_of(stream: TextIO | None) -> int:
    """The columns of the terminal; the usual number if they are unknown or too few."""
    columns = 0
    with suppress(ValueError):
        columns = int(os.environ.get("COLUMNS", ""))
    if not columns:
        with suppress(AttributeError, OSError, ValueError):
            columns = os.get_terminal_size(stream.fileno()).columns  # type: ignore[union-attr] # None
    return columns if columns >= LEAST_WIDTH else USUAL_WIDTH
