"""`loyalty config`: the profile file: where it is, what is wrong in it, and the default profile."""

from pathlib import Path
from typing import Annotated

import typer

from loyalty_cli.commands.commands import Commands
from loyalty_cli.commands.shared_options import complete_profile

app = Commands(help="Show where the profile file is, check it, and change its default profile.")


@app.command()
def check(context: typer.Context) -> None:
    """Name every mistake in the profile file."""
    from loyalty_cli.config.load import load
    from loyalty_cli.config.mistakes import mistakes_in
    from loyalty_cli.model.exit_codes import ExitCode
    from loyalty_cli.output import messages

    path = _path(context, "config check")
    mistakes = mistakes_in(path)
    if mistakes:
        messages.failures(map(messages.Failed, mistakes))
        raise typer.Exit(ExitCode.SETUP)
    config = load(path)
    for warning in config.warnings:
        messages.warning(warning)
    count = len(config.profiles)
    messages.note(f"{path} has no mistakes, and {count} profile{'s' if count > 1 else ''}.")


@app.command()
def use(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="PROFILE", help="The new default profile.", autocompletion=complete_profile
        ),
    ],
) -> None:
    """Make a profile the default, in the profile file; comments in it stay."""
    from loyalty_cli.config.edit import checked, replace_file, text_of, with_default
    from loyalty_cli.config.file import mistake_in
    from loyalty_cli.config.load import load
    from loyalty_cli.config.yaml_nodes import MistakeError
    from loyalty_cli.output import messages

    path = _path(context, "config use")
    load(path).profile(name)
    try:
        read = text_of(path)
        text = with_default(read or "", name)
    except MistakeError as error:
        raise mistake_in(path, error) from None
    checked(path, text)
    replace_file(path, text, read)
    messages.note(f"{name} is the default profile of {path} now.")


@app.command()
def path(context: typer.Context) -> None:
    """Print the path of the profile file, whether it exists or not."""
    from loyalty_cli.output.stdout import write_text

    write_text(f"{_path(context, 'config path')}\n")


@app.command()
def example() -> None:
    """Print a profile file with every key there is, explained."""
    from loyalty_cli.config.example import example_text
    from loyalty_cli.output.stdout import write_text

    write_text(example_text())


def _path(context: typer.Context, command: str) -> Path:
    from loyalty_cli.commands.session import refuse_sandbox
    from loyalty_cli.config.folders import default_path

    refuse_sandbox(context.obj, command)
    path: Path = context.obj.config or default_path()
    return path
