"""The customers that a person is, one at each profile."""

from contextlib import ExitStack
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from loyalty_cli.balances.customer_list import ListedCustomer
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Failure

if TYPE_CHECKING:
    from loyalty_cli.people.person import Person
    from loyalty_cli.people.store import People

_OF_THE_KEY = (ErrorCode.NOT_FOUND, ErrorCode.USAGE)
"""The errors of a key that nobody has, or several people."""


class NamedPeople:
    """The people whom look-ups name; their database is opened for the first of them."""

    def __init__(self, session: Session, chosen: Globals) -> None:
        self._session = session
        self._chosen = chosen
        self._stack = ExitStack()
        self.find = lru_cache(maxsize=1)(self._find)  # a list asks for it at each profile
        self.by_customer: dict[tuple[str, str], str] = {}
        """Each person of the command line, by a profile and the customer there."""

    def close(self) -> None:
        """Close the database, if it was opened."""
        self._stack.close()

    @cached_property
    def _people(self) -> "People | None":
        from loyalty_cli.commands.open_people import open_people

        return self._stack.enter_context(open_people(self._session, self._chosen))

    def _find(self, key: str) -> "Person":
        """The person with a key; raise LoyaltyError for nobody, or several."""
        from loyalty_cli.people.find import the_one

        return the_one(self._people, key)

    def customer_at(self, named: ListedCustomer, profile: Profile) -> ListedCustomer:
        """The customer that a named person is at a profile, or why there is none."""
        from loyalty_cli.people.find import no_id

        try:
            person = self.find(named.customer)
        except LoyaltyError as error:
            if error.code not in _OF_THE_KEY:
                raise
            return replace(named, no_id=Failure.of(error))
        identifier = person.identifiers.get(profile.name)
        if named.line is None:
            self.by_customer[profile.name, identifier or named.customer] = str(person)
        if identifier is None:
            return replace(named, no_id=Failure.of(no_id(named.customer, profile.name)))
        return replace(named, customer=identifier)
