"""What TAB offers from what is on record: people, debits, units.

Only the profile file and databases in files are read, for a moment, and nothing is changed.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loyalty_cli.commands.shared_options import complete_profile, loaded_providers, profile_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loyalty_cli.providers.contract import Provider


def complete_person(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Keys of people, and names."""
    from loyalty_cli.people.suggest import keys_from

    return keys_from(_people(context), incomplete)


def complete_reference(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """References of debits: for a decision, of those about which one can be made."""
    from loyalty_cli.debits.journal.entries import State
    from loyalty_cli.debits.journal.suggest import references_from

    states = {
        "resolve": (State.SENDING, State.UNKNOWN, State.REFUSED),
        "drop": (State.PLANNED, State.NOT_APPLIED),
    }
    chosen = states.get(context.info_name or "", tuple(State))
    return references_from(_journal(context), incomplete, chosen)


def complete_state() -> list[str]:
    """The states of a debit."""
    from loyalty_cli.debits.journal.entries import State

    return list(map(str, State))


def complete_unit(context: typer.Context) -> list[str]:
    """The units of debits of the chosen profiles; without a choice, of all."""
    from loyalty_cli.config.file import text_at

    if _is_sandbox(context):
        from loyalty_cli.sandbox import APIS

        units: Iterable[str | None] = (api.debit.unit for api in APIS.values() if api.debit)
    else:
        path = profile_path(context)
        names = context.params.get("profile") or complete_profile(context)
        units = (text_at(path, "profiles", name, "debit", "unit") for name in names if path)
    return [unit for unit in dict.fromkeys(units) if unit]


def complete_auth(context: typer.Context) -> list[str]:
    """The ways to sign in of the provider that is named."""
    return [auth.name for each in _named_provider(context) for auth in each.auths]


def complete_setting(context: typer.Context) -> list[tuple[str, str]]:
    """The keys that a profile of the provider that is named can have."""
    return [
        (f"{prefix}{each.name}=", each.help)
        for provider in _named_provider(context)
        for prefix, parameters in {"": provider.settings, "options.": provider.options}.items()
        for each in parameters
    ] + [("base_url=", "the platform's address")]


def _named_provider(context: typer.Context) -> "list[Provider]":
    return loaded_providers(context, filter(None, [context.params.get("provider")]))


def _journal(context: typer.Context) -> Path:
    from loyalty_cli.config.folders import state_folder

    if _is_sandbox(context):
        from loyalty_cli.sandbox.embedded import JOURNAL

        return state_folder() / JOURNAL
    return _named(context, "journal") or state_folder() / "journal.db"


def _people(context: typer.Context) -> Path:
    from loyalty_cli.config.folders import data_folder

    if _is_sandbox(context):
        from loyalty_cli.sandbox.embedded import PEOPLE

        return data_folder() / PEOPLE
    return _named(context, "people") or data_folder() / "people.db"


def _named(context: typer.Context, key: str) -> Path | None:
    """The database that the profile file names, if it does.

    Raises an error if it is at a server, or if the file is missing or wrong.
    """
    from loyalty_cli.config.file import read, text_at
    from loyalty_cli.config.folders import expanded
    from loyalty_cli.config.journal_place import is_url

    path = profile_path(context)
    if path is None:
        raise ValueError("no profile file")
    read(path)
    place = text_at(path, key)
    if place and is_url(place):
        raise ValueError("at a server")
    return path.parent / expanded(place) if place else None


def _is_sandbox(context: typer.Context) -> bool:
    return bool(context.find_root().params.get("sandbox"))
