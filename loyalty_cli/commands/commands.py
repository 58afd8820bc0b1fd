"""Typer's commands, with a --help of our own: options in groups, and examples at the end."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandFunctionType


class Command(TyperCommand):
    """A command with our --help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page; Typer calls this for --help."""
        _write_help(ctx, formatter)


class CommandGroup(TyperGroup):
    """A command that has commands, with our --help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page; Typer calls this for --help."""
        _write_help(ctx, formatter)


class Commands(typer.Typer):
    """Typer's registry of commands, which makes those above."""

    def __init__(self, *, cls: type[TyperGroup] = CommandGroup, **settings: Any) -> None:
        super().__init__(cls=cls, **settings)

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = Command, **settings: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a function as a command."""
        return super().command(name, cls=cls, **settings)


def _write_help(context: Any, formatter: Any) -> None:
    from loyalty_cli.commands.help.page import page_of
    from loyalty_cli.commands.help.plain import plain
    from loyalty_cli.output.stderr import width

    formatter.write(plain(page_of(context), width()))
