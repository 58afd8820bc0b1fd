"""`loyalty providers`: what there is, what each can do, and where its numbers come from."""

from typing import Annotated

import typer

from loyalty_cli.commands.shared_options import OutputOption, complete_provider
from loyalty_cli.output.format import Format


def providers(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="One provider, in detail.", autocompletion=complete_provider
        ),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """List the providers, or show one: settings, credentials, options, limits, and sources."""
    from loyalty_cli.model.errors import nearest, usage_error
    from loyalty_cli.output import providers as catalogue
    from loyalty_cli.output.document import print_records
    from loyalty_cli.providers import load, names

    known = names()
    if name is not None and name not in known:
        usage_error(f"there is no provider {name!r}.", nearest(name, known))
    chosen = [catalogue.provider_record(load(each)) for each in ([name] if name else known)]
    print_records(chosen, output, catalogue.PROVIDER if name else catalogue.PROVIDERS)
