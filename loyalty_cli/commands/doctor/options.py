"""The options of `loyalty doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from loyalty_cli.commands.help_groups import OUTPUT
from loyalty_cli.commands.shared_options import OutputOption, complete_file
from loyalty_cli.output.format import Format


def doctor(
    context: typer.Context,
    output: OutputOption = Format.TABLE,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="FILE",
            help="Also write a new file for a report, without secrets and customers.",
            autocompletion=complete_file,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
) -> None:
    """Check everything that a look-up needs: files, credentials, network, clock, platforms."""
    from loyalty_cli.commands.doctor.action import run

    raise typer.Exit(run(context.obj, output, bundle))
