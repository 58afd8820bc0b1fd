"""The example of a profile file, which is part of the installed program."""

from pathlib import Path

import loyalty_cli

NAME = "config.example.yaml"
PACKAGE = Path(loyalty_cli.__file__).parent
PLACES = (PACKAGE / NAME, PACKAGE.parent / NAME)
"""Where it is if the program is installed, and in a checkout."""


def example_text() -> str:
    """The text of the example, with every key there is."""
    return next(filter(Path.is_file, PLACES)).read_text(encoding="utf-8")
