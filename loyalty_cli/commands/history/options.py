"""`loyalty history`: how a customer's balance changed, and which debits of ours did it."""

from typing import Annotated

import typer

from loyalty_cli.commands.commands import Commands
from loyalty_cli.commands.completion.suggestions import complete_person
from loyalty_cli.commands.help_groups import LOOK_UP, SELECTION
from loyalty_cli.commands.name_or_command import NameOrCommand
from loyalty_cli.commands.shared_options import OutputOption, complete_file, complete_profile
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output.format import Format

app = Commands(cls=NameOrCommand, subcommand_metavar="[COMMAND]")


@app.callback(invoke_without_command=True)
def history(
    context: typer.Context,
    customer: Annotated[
        str | None,
        typer.Argument(
            metavar="CUSTOMER",
            help="A customer, as in loyalty balance.",
            autocompletion=lambda: ["import", "prune"],
        ),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(
            "--person",
            "-P",
            metavar="KEY",
            help="A person of loyalty people, at every profile.",
            autocompletion=complete_person,
            rich_help_panel=LOOK_UP,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME",
            help="Only this profile.",
            autocompletion=complete_profile,
            rich_help_panel=LOOK_UP,
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            "--days",
            metavar="N",
            min=1,
            help="Only changes of the last N days.",
            rich_help_panel=LOOK_UP,
        ),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show how a balance changed, who saw it, and our debits meanwhile; import, or prune.

    A customer with the name of a command stands behind --.
    """
    if context.invoked_subcommand:
        return
    if (customer is None) == (person is None):
        what = "no customer given." if customer is None else "CUSTOMER and --person are two."
        usage_error(what, "Name a customer, or a person with -P.")
    from loyalty_cli.commands.history.action import show

    show(context.obj, customer, person, profile, days, output)


@app.command("import")
def import_(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Files of loyalty balance; - for stdin.",
            autocompletion=complete_file,
        ),
    ],
) -> None:
    """Read exports of balances into the history; a file that is read twice changes nothing."""
    from loyalty_cli.commands.history.action import import_files

    import_files(context.obj, files)


@app.command()
def prune(
    context: typer.Context,
    before: Annotated[
        str,
        typer.Option(
            "--before",
            metavar="DATE",
            help="A date in UTC, or 365d, 12w.",
            rich_help_panel=SELECTION,
        ),
    ],
) -> None:
    """Delete the balances that were last seen before a date."""
    from loyalty_cli.commands.history.action import prune_before

    prune_before(context.obj, before)
