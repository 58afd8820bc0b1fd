"""`loyalty schema`: what `-o json` prints, as JSON Schema."""

from typing import Annotated

import typer

from loyalty_cli.commands.help_groups import OUTPUT
from loyalty_cli.output.format import Amounts


def schema(
    amounts: Annotated[
        Amounts,
        typer.Option(
            "--amounts",
            metavar="FORMAT",
            help="As the same option of balance.",
            rich_help_panel=OUTPUT,
        ),
    ] = Amounts.NUMBER,
) -> None:
    """Print the JSON Schema of what -o json prints."""
    from loyalty_cli.output.json_schema import json_schema
    from loyalty_cli.output.json_text import json_document
    from loyalty_cli.output.stdout import write_bytes

    write_bytes(json_document(json_schema(amounts)))
