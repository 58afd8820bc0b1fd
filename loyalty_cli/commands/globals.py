"""The options that stand before the command."""

from pathlib import Path
from typing import NamedTuple


class Globals(NamedTuple):
    """The profile file, the sandbox or real platforms, and whether to show requests.

    `is_sandbox_typed` where the sandbox was asked for on the command line, not by a variable.
    """

    config: Path | None = None
    sandbox: bool = False
    verbose: bool = False
    is_sandbox_typed: bool = False
