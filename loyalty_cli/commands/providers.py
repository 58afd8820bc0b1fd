"""`loyalty providers`: list the providers, or show one in detail."""

from typing import TYPE_CHECKING, Annotated

import typer

from loyalty_cli.commands.shared_options import OutputOption, complete_provider
from loyalty_cli.output.format import Format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loyalty_cli.model.records import ParameterRecord, ProviderRecord
    from loyalty_cli.providers.contract import Provider
    from loyalty_cli.providers.parameters import Parameter


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
    from loyalty_cli.model.errors import nearest, usage_error
    from loyalty_cli.output.document import print_records
    from loyalty_cli.output.providers import PROVIDER, PROVIDERS
    from loyalty_cli.providers import load, names

    known = names()
    if name is not None and name not in known:
        usage_error(f"there is no provider {name!r}.", nearest(name, known))
    chosen = [_record(load(each)) for each in ([name] if name else known)]
    print_records(chosen, output, PROVIDER if name else PROVIDERS)


def _record(provider: "Provider") -> "ProviderRecord":
    from loyalty_cli.model.records import AuthRecord, LimitRecord, ProviderRecord
    from loyalty_cli.providers.contract import DebitProvider

    return ProviderRecord(
        provider=provider.name,
        title=provider.title,
        base_url=provider.base_url,
        auth=tuple(AuthRecord(name=auth.name, credentials=auth.fields) for auth in provider.auths),
        settings=_parameters(provider.settings),
        options=_parameters(provider.options),
        read_limits=tuple(
            LimitRecord(requests=each.requests, seconds=each.seconds)
            for each in provider.read_limits
        ),
        debits=isinstance(provider, DebitProvider),
        numbers=dict(provider.numbers),
        pages=provider.pages,
    )


def _parameters(parameters: "Iterable[Parameter]") -> "tuple[ParameterRecord, ...]":
    from loyalty_cli.model.records import ParameterRecord

    return tuple(
        ParameterRecord(name=each.name, help=each.help, required=each.required)
        for each in parameters
    )
