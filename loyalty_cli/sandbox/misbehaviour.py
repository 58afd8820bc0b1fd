"""Identifiers that make every platform misbehave in the same way."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from loyalty_cli.sandbox.api import Errors
from loyalty_cli.sandbox.server import Reply

LIKE = "C-1001"
"""Identifiers that misbehave have the balance of this customer, if they have one."""
ON_DEBITS = ("E-insufficient", "E-lost-reply", "E-late")
"""Identifiers that misbehave only on debits."""

SLOW_SECONDS = 30.0
LATE_SECONDS = 3.0
RETRY_AFTER = {"Retry-After": "1"}

_PAGE = b"<!DOCTYPE html><title>Maintenance</title><h1>We will be back soon</h1>"

Known = TypeVar("Known")


def behave(
    identifier: str,
    customers: Mapping[str, Known],
    errors: Errors,
    answer: Callable[[Known], Reply],
) -> Reply:
    """Return the answer for a customer, or misbehave as the identifier demands."""
    match identifier:
        case "E-401":
            return errors[401]
        case "E-429":
            return replace(errors[429], headers=RETRY_AFTER)
        case "E-500":
            return errors[500]
        case "E-html":
            return Reply(body=_PAGE, content_type="text/html; charset=utf-8")
        case "E-reset":
            return Reply(reset=True)
        case "E-slow":
            return replace(answer(customers[LIKE]), delay=SLOW_SECONDS)
    known = customers.get(LIKE if identifier in ON_DEBITS else identifier)
    return errors[404] if known is None else answer(known)


def behave_on_debit(
    identifier: str,
    customers: Mapping[str, Known],
    errors: Errors,
    too_little: Reply,
    take: Callable[[Known, float], Reply],
) -> Reply:
    """Redeem from a customer, or misbehave as the identifier demands.

    `take` redeems after a delay in seconds, and answers at once. For E-slow the answer is late.
    """
    match identifier:
        case "E-insufficient":
            return too_little
        case "E-lost-reply":
            return _lost(take(customers[LIKE], 0.0))
        case "E-late":
            return _lost(take(customers[LIKE], LATE_SECONDS))
        case _:
            return behave(identifier, customers, errors, lambda known: take(known, 0.0))


def _lost(reply: Reply) -> Reply:
    """Lose the answer of a debit that was made; a refusal is sent."""
    return Reply(reset=True) if reply.status == 200 else reply
