"""`loyalty providers`: list the providers, or show one in detail."""

from typing import TYPE_CHECKING, Annotated

import typer

from loyalty_cli.commands.shared_options import OutputOption, complete_provider
from loyalty_cli.output.format import Format

if TYPE_CHECKING:
    from loyalty_cli.model.records import ProviderRecord
    from loyalty_cli.providers.contract import Provider


def providers(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="A provider to show in detail.", autocompletion=complete_provider
        ),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """List the providers, or show one: settings, credentials, options, limits, and sources."""
    from loyalty_cli.model.errors import LoyaltyError, nearest, usage_error
    from loyalty_cli.output import messages
    from loyalty_cli.output.document import print_records
    from loyalty_cli.output.providers import PROVIDER, PROVIDERS
    from loyalty_cli.providers import load, names

    known = names()
    if name is not None and name not in known:
        usage_error(f"there is no provider {name!r}.", nearest(name, known))
    chosen = []
    for each in [name] if name else known:
        try:
            chosen.append(_record(load(each)))
        except LoyaltyError as error:
            if name:
                raise
            messages.warning(f"{error.message} {error.hint}")
    print_records(chosen, output, PROVIDER if name else PROVIDERS)


def _record(provider: "Provider") -> "ProviderRecord":
    from msgspec import convert

    from loyalty_cli.model.records import (
        AuthRecord,
        LimitRecord,
        ParameterRecord,
        ProviderRecord,
        WayRecord,
    )
    from loyalty_cli.providers.contract import DebitProvider

    parameters = tuple[ParameterRecord, ...]
    limits = tuple[LimitRecord, ...]
    return ProviderRecord(
        provider=provider.name,
        title=provider.title,
        base_url=provider.base_url,
        auth=tuple(AuthRecord(name=auth.name, credentials=auth.fields) for auth in provider.auths),
        ways=convert(provider.ways, tuple[WayRecord, ...], from_attributes=True),
        settings=convert(provider.settings, parameters, from_attributes=True),
        options=convert(provider.options, parameters, from_attributes=True),
        read_limits=convert(provider.read_limits, limits, from_attributes=True),
        debits=isinstance(provider, DebitProvider),
        numbers=dict(provider.numbers),
        pages=provider.pages,
    )
