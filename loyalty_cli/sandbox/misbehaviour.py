"""Identifiers that make every platform misbehave, each of them in the same way."""

from collections.abc import Callable

from msgspec.structs import replace

from loyalty_cli.sandbox.api import Trouble
from loyalty_cli.sandbox.server import Reply

PREFIX = "E-"
SLOW = 30.0
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
        case _ if identifier.startswith(PREFIX):
            return error(Trouble.NO_CUSTOMER)
        case _:
            return answer()
