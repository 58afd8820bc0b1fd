"""A command that takes a name, or has a command: `providers NAME`, and `providers check FILE`."""

from typing import Any

from typer.core import TyperArgument

from loyalty_cli.commands.commands import CommandGroup


class NameOrCommand(CommandGroup):
    """The first word is a command if there is one of that name; after `--` it is always a name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a command no name; otherwise options may follow the name."""
        is_command = bool(args) and args[0] in self.commands
        ctx.allow_interspersed_args = not is_command
        return super().parse_args(ctx, ["", *args] if is_command else args)

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters; those of a command are after its own word, without a name."""
        params = super().get_params(ctx)
        is_command = ctx.command in self.commands.values()
        return [each for each in params if not (is_command and isinstance(each, TyperArgument))]
