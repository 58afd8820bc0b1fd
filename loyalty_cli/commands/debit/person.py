"""The debit of a person: which customer that is."""

from msgspec.structs import replace

from loyalty_cli.commands.debit.request import DebitRequest
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_people import open_people
from loyalty_cli.commands.session import Session
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import messages
from loyalty_cli.people.find import no_id, the_one


def of_person(session: Session, chosen: Globals, request: DebitRequest, key: str) -> DebitRequest:
    """The request with the customer that this person is, and say which; raise LoyaltyError if none.

    As the person takes the place of CUSTOMER, the only argument is AMOUNT.
    """
    if request.file is not None:
        usage_error("--from takes the debits from the file.", "Leave -P out.")
    if request.amount is not None:
        usage_error("-P names a person, in place of CUSTOMER.", "Leave CUSTOMER out, or -P.")
    named = [] if request.profile is None else [request.profile]
    (profile,) = session.choose(named, everything=False)
    with open_people(session, chosen) as people:
        person = the_one(people, key)
    customer = person.identifiers.get(profile.name)
    if customer is None:
        raise no_id(key, profile.name)
    messages.note(f"{person} is {customer!r} at {profile.name}.")
    return replace(request, customer=customer, amount=request.customer)
