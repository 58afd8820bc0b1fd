"""The debit of a person: which customer that is."""

from collections.abc import Callable
from contextlib import closing
from shlex import quote

from msgspec.structs import replace

from loyalty_cli.commands.debit.request import DebitRequest
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.named_people import NamedPeople, note_person
from loyalty_cli.commands.session import Session
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, usage_error
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.output import messages


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
    with closing(NamedPeople(session, chosen)) as people:
        person, customer = people.find(key), people.identifier(key, profile)
    messages.note(f"{person} is {customer!r} at {profile.name}.")
    return replace(request, customer=customer, amount=request.customer, person=str(person))


def telling_of_person(
    session: Session, chosen: Globals, request: DebitRequest, debit: Callable[[], int]
) -> int:
    """Make the debit; if there is no such customer, but a person has that key, say so."""
    customer = None if request.person else request.customer

    def is_person() -> bool:
        with closing(NamedPeople(session, chosen)) as people:
            return customer is not None and people.has(customer)

    try:
        code = debit()
    except LoyaltyError as error:
        if error.code is ErrorCode.NOT_FOUND and is_person():
            error.hint = f"{customer!r} is a person on file: use -P {quote(customer or '')}."
        raise
    if code == ExitCode.NOT_FOUND and is_person():
        note_person(customer or "")
    return code
