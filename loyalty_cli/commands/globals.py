"""The global options, which come before the command."""

from pathlib import Path
from typing import NamedTuple


class Globals(NamedTuple):
    """The profile file, the sandbox or real platforms, and whether to show requests.

    `is_sandbox_typed` is true for --sandbox on the command line, false for LOYALTY_SANDBOX.
    """

    config: Path | None = None
    sandbox: bool = False
    verbose: bool = False
    is_sandbox_typed: bool = False
