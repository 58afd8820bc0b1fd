"""`loyalty completion`: the script for TAB completion, printed or put where the shell looks."""

import os
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated

import typer

from loyalty_cli.commands.help_groups import OUTPUT


class Shell(StrEnum):
    """A shell with TAB completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def completion(
    shell: Annotated[
        Shell | None,
        typer.Argument(metavar="SHELL", help="The shell; without it, the one of $SHELL."),
    ] = None,
    install: Annotated[
        bool,
        typer.Option(
            "--install",
            help="Put the script where the shell looks for it.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """Print the script for TAB completion in a shell, or install it for your user."""
    from loyalty_cli.commands.completion.install import install_script
    from loyalty_cli.commands.completion.scripts import script
    from loyalty_cli.output.stdout import write_text

    chosen = shell or _own_shell()
    if install:
        install_script(chosen.value)
    else:
        write_text(script(chosen.value))


def _own_shell() -> Shell:
    """The user's shell; raise LoyaltyError if it is not known, or has no script."""
    name = PurePath(os.environ.get("SHELL", "")).name
    name = "powershell" if name == "pwsh" else name
    if name not in list(Shell):
        from loyalty_cli.model.errors import usage_error

        usage_error(
            f"SHELL names {name!r}, which has no script." if name else "SHELL names no shell.",
            f"Name one: {', '.join(Shell)}.",
        )
    return Shell(name)
