"""The commands that a message names, such as `loyalty journal list`, as this run needs them."""

import re
import shlex
from collections.abc import Iterable

_COMMAND = re.compile(r"`loyalty (?!sandbox\b|help\b|--sandbox\b)")
_is_sandbox = False


def begin_run(*, sandbox: bool) -> None:
    """Let messages name commands for the sandbox, or for real platforms."""
    global _is_sandbox  # noqa: PLW0603 - a process has one run, and any thread may print
    _is_sandbox = sandbox


def command_line(arguments: Iterable[str]) -> str:
    """A command line of this program for a shell, which acts where this run does."""
    return shlex.join(["loyalty", *(["--sandbox"] if _is_sandbox else []), *arguments])


def pasteable(text: str) -> str:
    """A message whose commands act where this run does: in the sandbox they need --sandbox."""
    return _COMMAND.sub("`loyalty --sandbox ", text) if _is_sandbox else text
