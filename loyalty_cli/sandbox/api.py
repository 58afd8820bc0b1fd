"""The description of one platform in the sandbox."""

from collections.abc import Callable, Mapping
from enum import Enum, auto

from msgspec import Struct

from loyalty_cli.config.profile import DebitRules
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Received, Reply


class Trouble(Enum):
    """An error that every platform has, each in a different form."""

    SIGN_IN = auto()
    NO_CUSTOMER = auto()
    TOO_OFTEN = auto()
    BROKEN = auto()


Errors = Mapping[Trouble, Reply]


class Api(Struct, frozen=True):
    """One platform of the sandbox, and what a profile needs to use it.

    `credentials` holds the made-up value of every credential field, `settings` the profile keys
    that only this provider has. `handle` gets requests as the platform would, without the path
    prefix of the sandbox.
    """

    credentials: Mapping[str, str]
    handle: Callable[[Received, Ledger], Reply]
    errors: Errors
    settings: Mapping[str, str] = {}
    debit: DebitRules = DebitRules()
