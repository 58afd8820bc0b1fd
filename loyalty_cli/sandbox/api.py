"""The description of one platform in the sandbox."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from loyalty_cli.config.profile import DebitRules
from loyalty_cli.providers.contract import ID
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Received, Reply

Errors = Mapping[int, Reply]
"""A platform's answers for the errors that all have, by status (401, 404, 429, 500)."""


class Api(Struct, frozen=True):
    """One platform of the sandbox, and what a profile needs to use it.

    `credentials` holds the made-up value of every credential field, `settings` the profile keys
    that only this provider has, and `by` is how the profile names customers. `handle` gets requests
    as the platform would, without the path prefix of the sandbox. `debit_errors` are the answers to
    a debit, if they differ from `errors`.
    """

    credentials: Mapping[str, str]
    handle: Callable[[Received, Ledger], Reply]
    errors: Errors
    settings: Mapping[str, str] = {}
    debit: DebitRules = DebitRules()
    by: str = ID
    debit_errors: Errors | None = None
