"""`loyalty people`: who is who, with an identifier at each platform."""

from enum import StrEnum
from typing import Annotated

import typer

from loyalty_cli.commands.commands import Commands
from loyalty_cli.commands.completion.suggestions import complete_person
from loyalty_cli.commands.help_groups import CHECKS, LISTS, OUTPUT
from loyalty_cli.commands.shared_options import (
    OutputOption,
    complete_file,
    complete_profile,
    delimiter_option,
)
from loyalty_cli.output.format import Format

app = Commands(help="Keep who is who, with an identifier at each platform.")

KeyArgument = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help="A person, a name, or an identifier.",
        autocompletion=complete_person,
    ),
]


class ExportFormat(StrEnum):
    """The formats for programs."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


def complete_change(context: typer.Context) -> list[str]:
    """What can be changed of a person."""
    return [f"{name}=" for name in ("name", *complete_profile(context))]


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="CSV with the columns person, name, and one for each profile; - for stdin.",
            autocompletion=complete_file,
        ),
    ],
    delimiter: Annotated[str | None, delimiter_option(LISTS)] = None,
) -> None:
    """Add the people of a file, or update them: all of the file or nothing."""
    from loyalty_cli.commands.people import action

    action.import_file(context.obj, file, delimiter)


@app.command()
def show(context: typer.Context, key: KeyArgument, output: OutputOption = Format.TABLE) -> None:
    """Show a person, and the identifiers on file."""
    from loyalty_cli.commands.people import action

    action.show(context.obj, key, output)


@app.command("set")
def set_(
    context: typer.Context,
    key: KeyArgument,
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="PROFILE=ID...",
            help="The identifier at a profile; empty: none. name=NAME is the name.",
            autocompletion=complete_change,
        ),
    ],
    output: OutputOption = Format.TABLE,
) -> None:
    """Change a person's identifiers or name, or add a person."""
    from loyalty_cli.commands.people import action

    action.change(context.obj, key, changes, output)


@app.command()
def forget(
    context: typer.Context,
    key: KeyArgument,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Do not ask; required without a terminal.",
            rich_help_panel=CHECKS,
        ),
    ] = False,
) -> int:
    """Delete a person and the history, without a trace."""
    from loyalty_cli.commands.people import action

    return action.forget(context.obj, key, yes=yes)


@app.command()
def export(
    context: typer.Context,
    output: Annotated[
        ExportFormat,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            help="The format.",
            rich_help_panel=OUTPUT,
        ),
    ] = ExportFormat.CSV,
) -> None:
    """Print all people; the CSV can be imported again."""
    from loyalty_cli.commands.people import action

    action.export(context.obj, Format(output))
