"""Identifiers that make every platform misbehave, each of them in the same way."""

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from loyalty_cli.sandbox.api import Trouble
from loyalty_cli.sandbox.server import Reply

PREFIX = "E-"
ON_DEBITS = ("E-insufficient", "E-lost-reply", "E-late")
"""Those that misbehave on debits alone."""

SLOW = 30.0
LATE = 3.0
RETRY_AFTER = {"Retry-After": "1"}

_PAGE = b"<!DOCTYPE html><title>Maintenance</title><h1>We will be back soon</h1>"


def behave(
    identifier: str, error: Callable[[Trouble], Reply], answer: Callable[[], Reply]
) -> Reply:
    """Answer for a customer, unless the identifier says how to misbehave."""
    match identifier:
        case "E-401":
            return error(Trouble.SIGN_IN)
        case "E-429":
            return replace(error(Trouble.TOO_OFTEN), headers=RETRY_AFTER)
        case "E-500":
            return error(Trouble.BROKEN)
        case "E-html":
            return Reply(body=_PAGE, content_type="text/html; charset=utf-8")
        case "E-slow":
            return replace(answer(), delay=SLOW)
        case "E-reset":
            return Reply(reset=True)
        case _ if identifier.startswith(PREFIX) and identifier not in ON_DEBITS:
            return error(Trouble.NO_CUSTOMER)
        case _:
            return answer()


def behave_on_debit(
    identifier: str,
    error: Callable[[Trouble], Reply],
    too_little: Callable[[], Reply],
    take: Callable[[float], Reply],
) -> Reply:
    """Take from a customer, unless the identifier says how to misbehave.

    `take` takes after so many seconds, and answers at once. What is slow is taken before the wait.
    """
    match identifier:
        case "E-insufficient":
            return too_little()
        case "E-lost-reply":
            return _lost(take(0.0))
        case "E-late":
            return _lost(take(LATE))
        case _:
            return behave(identifier, error, partial(take, 0.0))


def _lost(reply: Reply) -> Reply:
    """Nobody hears that something was taken; a refusal is heard."""
    return Reply(reset=True) if reply.status == 200 else reply
