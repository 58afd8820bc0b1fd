"""The global options, which come before the command."""

from pathlib import Path
from typing import NamedTuple


class Globals(NamedTuple):
    """The profile file, the sandbox or real platforms, and how much to show of requests.

    `verbose` is 0 for nothing, 1 for a line each, and 2 or more for headers and bodies, too.
    `is_sandbox_typed` is true for --sandbox on the command line, false for LOYALTY_SANDBOX.
    """

    config: Path | None = None
    sandbox: bool = False
    verbose: int = 0
    is_sandbox_typed: bool = False
