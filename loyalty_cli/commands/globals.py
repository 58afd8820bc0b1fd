"""The options that stand before the command."""

from pathlib import Path
from typing import NamedTuple


class Globals(NamedTuple):
    """Which profile file, the sandbox or real platforms, and whether to show the requests."""

    config: Path | None = None
    sandbox: bool = False
    verbose: bool = False
