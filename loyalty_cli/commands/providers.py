"""`loyalty providers`: list the providers, show one in detail, or check a description."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loyalty_cli.commands.commands import Commands
from loyalty_cli.commands.name_or_command import NameOrCommand
from loyalty_cli.commands.shared_options import (
    OutputOption,
    complete_file,
    complete_provider_or_check,
)
from loyalty_cli.output import messages
from loyalty_cli.output.format import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from loyalty_cli.commands.globals import Globals
    from loyalty_cli.config.descriptions.find import Descriptions
    from loyalty_cli.model.records import ProviderRecord, ShortfallRecord
    from loyalty_cli.providers.contract import Provider
    from loyalty_cli.testing.description import Shortfall


app = Commands(cls=NameOrCommand, subcommand_metavar="[COMMAND]")


@app.callback(invoke_without_command=True)
def providers(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A provider to show in detail.",
            autocompletion=complete_provider_or_check,
        ),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """List the providers, or show one: settings, credentials, options, limits, and sources.

    Those that your profile file describes are listed, too.
    """
    if context.invoked_subcommand:
        return
    from loyalty_cli.output.document import print_records
    from loyalty_cli.output.providers import PROVIDER, PROVIDERS

    chosen = _every(context.obj) if name is None else [_one(name, context.obj)]
    print_records([_record(each) for each in chosen], output, PROVIDER if name else PROVIDERS)


@app.command()
def check(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The description, a YAML file.", autocompletion=complete_file
        ),
    ],
    output: OutputOption = Format.TABLE,
) -> None:
    """Hold a description to its own examples, and to what every provider promises.

    The platform itself is not asked.
    """
    from loyalty_cli.config.descriptions.find import read_file
    from loyalty_cli.model.errors import setup_error
    from loyalty_cli.output.document import collecting, print_records
    from loyalty_cli.output.providers import SHORTFALLS
    from loyalty_cli.testing.description import shortfalls

    description, warnings = read_file(file)
    for warning in warnings:
        messages.warning(warning)
    if others := _all_described(context.obj):
        others.check_once(file)
    found: list[ShortfallRecord] = []
    records = (_shortfall(description.name, each) for each in shortfalls(description))
    print_records(collecting(records, found), output, SHORTFALLS)
    broken = sum(each.status == "broken" for each in found)
    if broken:
        setup_error(
            f"{file}: {broken} {'check fails' if broken == 1 else 'checks fail'}.",
            "Each is a line of the result; `loyalty help own-platform` explains the keys.",
        )
    count = len(description.examples)
    messages.note(
        f"{file}: every promise is kept with {count} {'example' if count == 1 else 'examples'}."
        f" {description.title} was not asked: whether base_url, get, query and the sign-in are"
        " right, a look-up shows."
    )


def _every(chosen: "Globals") -> "Iterator[Provider]":
    """Every provider; one that cannot be loaded is told, and left out."""
    from loyalty_cli.providers import load, names

    yield from _loaded(names(), load)
    if described := _all_described(chosen):
        yield from _loaded(described.names, described.load)


def _all_described(chosen: "Globals") -> "Descriptions | None":
    """The descriptions of the profile file; None, after a warning, if it cannot be read."""
    from loyalty_cli.model.errors import LoyaltyError

    try:
        return _described(chosen)
    except LoyaltyError as error:
        messages.warning(error.message)
        return None


def _loaded(
    names: "Iterable[str]", load: "Callable[[str], Provider | None]"
) -> "Iterator[Provider]":
    from loyalty_cli.model.errors import LoyaltyError

    for name in names:
        try:
            found = load(name)
        except LoyaltyError as error:
            messages.warning(" ".join(filter(None, (error.message, error.hint))))
        else:
            yield from (found,) if found else ()


def _one(name: str, chosen: "Globals") -> "Provider":
    from loyalty_cli.model.errors import nearest, usage_error
    from loyalty_cli.providers import BUILT_IN, load, names

    if name in BUILT_IN:
        return load(name)
    described, known = _described(chosen), names()
    if name not in known:
        if found := described.load(name):
            return found
        usage_error(f"there is no provider {name!r}.", nearest(name, (*known, *described.names)))
    return load(name)


def _described(chosen: "Globals") -> "Descriptions":
    """The descriptions of the profile file; none in the sandbox."""
    from loyalty_cli.config.descriptions.find import descriptions_of
    from loyalty_cli.config.folders import default_path

    return descriptions_of(None if chosen.sandbox else chosen.config or default_path())


def _shortfall(provider: str, found: "Shortfall") -> "ShortfallRecord":
    from loyalty_cli.model.records import ShortfallRecord

    return ShortfallRecord(
        provider=provider,
        example=f"line {found.example.line}" if found.example else None,
        check=found.check,
        status="warning" if found.doubtful else "broken",
        message=found.text,
    )


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
        options=convert(provider.profile_options(), parameters, from_attributes=True),
        read_limits=convert(provider.read_limits, limits, from_attributes=True),
        debits=isinstance(provider, DebitProvider),
        numbers=dict(provider.numbers),
        pages=provider.pages,
    )
