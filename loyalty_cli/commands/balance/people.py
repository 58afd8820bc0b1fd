"""The customers that a person is, one at each profile."""

from collections.abc import Iterator, Mapping, Sequence

from loyalty_cli.balances.customer_list import ListedCustomer
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.records import Failure


def customers_of(
    session: Session, chosen: Globals, keys: Sequence[str], named: Sequence[str]
) -> list[ListedCustomer]:
    """The customers of these people at the named profiles, or at all without a name.

    Raises LoyaltyError if nobody or more than one person has a key.
    """
    from loyalty_cli.commands.open_people import open_people
    from loyalty_cli.people.find import the_one

    profiles = session.choose(named, everything=not named)
    with open_people(session, chosen) as people:
        return [
            each
            for key in keys
            for each in _customers(key, the_one(people, key).identifiers, profiles)
        ]


def _customers(
    key: str, identifiers: Mapping[str, str], profiles: Sequence[Profile]
) -> Iterator[ListedCustomer]:
    from loyalty_cli.people.find import no_id

    for profile in profiles:
        identifier = identifiers.get(profile.name)
        if identifier is None:
            why = Failure.of(no_id(key, profile.name))
            yield ListedCustomer(key, profile.name, profile.by, no_id=why)
        else:
            yield ListedCustomer(identifier, profile.name, profile.by)
