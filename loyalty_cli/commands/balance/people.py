"""The customers that a person is, one at each profile."""

from msgspec.structs import replace

from loyalty_cli.balances.customer_list import ListedCustomer
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.named_people import NamedPeople
from loyalty_cli.commands.session import Session
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Failure

_OF_THE_KEY = (ErrorCode.NOT_FOUND, ErrorCode.USAGE)
"""The errors of a key that nobody has, or several people."""


class AskedPeople(NamedPeople):
    """The people whom look-ups name."""

    def __init__(self, session: Session, chosen: Globals) -> None:
        super().__init__(session, chosen)
        self.by_customer: dict[tuple[str, str], str] = {}
        """Each person of the command line, by a profile and the customer there."""

    def customer_at(self, named: ListedCustomer, profile: Profile) -> ListedCustomer:
        """The customer that a named person is at a profile, or why there is none."""
        try:
            person = self.find(named.customer)
            customer = person.identifiers.get(profile.name, named.customer)
            if named.line is None:
                self.by_customer[profile.name, customer] = str(person)
            return replace(named, customer=self.identifier(named.customer, profile))
        except LoyaltyError as error:
            if error.code not in _OF_THE_KEY:
                raise
            return replace(named, no_id=Failure.of(error))
