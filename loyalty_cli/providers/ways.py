"""The ways to name a customer: whether a provider has one, and what can be named so."""

from loyalty_cli.model.errors import nearest
from loyalty_cli.providers.contract import Provider

LONGEST_SHOWN = 80


def no_such_way(provider: Provider, name: str) -> tuple[str, str] | None:
    """Why a provider finds no customer by `name`, and a hint; None if it can."""
    if provider.way(name):
        return None
    ways = [way.name for way in provider.ways]
    return f"{provider.title} finds no customer by {name[:LONGEST_SHOWN]!r}", nearest(name, ways)


def wrong_for(provider: Provider, by: str, customer: str) -> str | None:
    """Why an identifier cannot name a customer in this way; None if it can."""
    way = provider.way(by)
    assert way is not None
    try:
        way.check(customer)
    except ValueError as error:
        why = str(error).rstrip(".")
        return f"{customer[:LONGEST_SHOWN]!r} cannot be a customer's {by}: {why}."
    return None
