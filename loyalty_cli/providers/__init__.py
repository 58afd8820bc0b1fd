"""The registry of providers; a provider is loaded when it is needed, not before."""

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from loyalty_cli.model.errors import nearest, setup_error

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from loyalty_cli.providers.contract import Provider

ENTRY_POINTS = "loyalty_cli.providers"

BUILT_IN = {
    "imprint": "loyalty_cli.providers.imprint:Imprint",
    "gameball": "loyalty_cli.providers.gameball:Gameball",
    "capillary": "loyalty_cli.providers.capillary:Capillary",
    "omneo": "loyalty_cli.providers.omneo:Omneo",
    "saasquatch": "loyalty_cli.providers.saasquatch:SaaSquatch",
}


def names() -> list[str]:
    """Every provider: the built-in ones first, then those of other installed packages."""
    return list(dict.fromkeys([*BUILT_IN, *(point.name for point in _entry_points())]))


def load(name: str, others: Iterable[str] = ()) -> "Provider":
    """Load one provider; raise LoyaltyError if the name is unknown or it cannot be loaded.

    `others` are names that might have been meant, too.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        provider: type[Provider] = getattr(import_module(module), attribute)
        return provider()
    point = next((each for each in _entry_points() if each.name == name), None)
    if point is None:
        setup_error(f"there is no provider {name!r}.", nearest(name, (*names(), *others)))
    from loyalty_cli.providers.packages import load_from

    return load_from(point)


def _entry_points() -> "list[EntryPoint]":
    # Reading the metadata of all installed packages takes longer than the rest of a start-up.
    from importlib.metadata import entry_points

    return sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
