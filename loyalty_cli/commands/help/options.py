"""`loyalty help`: the help of a command, or a page of the documentation."""

from typing import Annotated

import typer


def complete_word(context: typer.Context) -> list[str]:
    """The commands and topics; after a command, its own commands."""
    from loyalty_cli.commands.help.topics import topics

    words = context.params.get("words") or ()
    commands = getattr(context.find_root().command, "commands", {})
    for word in words:
        commands = getattr(commands.get(word), "commands", {})
    return [*commands, *(() if words else topics())]


def help_(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND|TOPIC", help="What to explain.", autocompletion=complete_word
        ),
    ] = None,
) -> None:
    """Explain a command or a topic, or list both."""
    from loyalty_cli.commands.help.action import run

    run(context, words or [])
