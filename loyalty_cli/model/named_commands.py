"""The commands that a message names, such as `loyalty journal list`, as this run needs them."""

import re
import shlex
from collections.abc import Iterable

_COMMAND = re.compile(r"`loyalty (?!sandbox\b|help\b|--sandbox\b|--config\b|[^`]*--help`)")
SANDBOX = "Sandbox: these customers are made up."
_is_sandbox = False
_config: str | None = None


def begin_run(*, sandbox: bool, config: str | None = None) -> None:
    """Let messages name commands for the sandbox, or for real platforms.

    `config` is the profile file, if the command line names it.
    """
    # A process has one run, and any thread may print.
    global _is_sandbox, _config
    _is_sandbox, _config = sandbox, config


def is_sandbox() -> bool:
    """Whether this run asks the sandbox."""
    return _is_sandbox


def command_line(arguments: Iterable[str]) -> str:
    """A command line of this program for a shell, which acts where this run does."""
    return shlex.join(["loyalty", *_here(), *arguments])


def pasteable(text: str) -> str:
    """A message whose commands act where this run does: with its --sandbox, or its --config."""
    if not (here := _here()):
        return text
    return _COMMAND.sub(lambda _: f"`loyalty {shlex.join(here)} ", text)


def _here() -> list[str]:
    sandbox = ["--sandbox"] if _is_sandbox else []
    return sandbox if _config is None else [*sandbox, "--config", _config]
