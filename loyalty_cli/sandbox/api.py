"""What the sandbox's side of a platform is."""

from collections.abc import Callable, Mapping
from enum import Enum, auto

from msgspec import Struct

from loyalty_cli.config.profile import DebitRules
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Received, Reply


class Trouble(Enum):
    """An error that every platform has, each in its own shape."""

    SIGN_IN = auto()
    NO_CUSTOMER = auto()
    TOO_OFTEN = auto()
    BROKEN = auto()


Errors = Mapping[Trouble, Reply]


class Api(Struct, frozen=True):
    """One platform as the sandbox plays it, and what a profile needs to be its customer.

    `credentials` holds the made-up value of every credential field, `settings` the profile keys of
    this provider alone. `handle` gets requests as the platform would: without the prefix that the
    sandbox serves it under.
    """

    credentials: Mapping[str, str]
    handle: Callable[[Received, Ledger], Reply]
    errors: Errors
    settings: Mapping[str, str] = {}
    debit: DebitRules = DebitRules()
