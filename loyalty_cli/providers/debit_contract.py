"""The contract of a provider that can debit."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any, ClassVar

from msgspec import Struct

from loyalty_cli.model.amount import Amount
from loyalty_cli.providers.contract import Limit, PlatformError, Provider, Query, Request


class Debit(Struct, frozen=True):
    """A debit as a provider sends it: `amount` in whole units of `unit`, `at` in UTC."""

    customer: str
    unit: str
    amount: int
    reference: str
    at: datetime


class DebitReceipt(Struct, frozen=True):
    """What a platform says of a debit it made."""

    balance_after: Amount | None = None
    provider_reference: str | None = None


class Refusal(Enum):
    """What an error of the platform says of the debit that it answers.

    `FOR_GOOD`: nothing was done, and this debit will never be made as it is. `NOT_NOW`: nothing was
    done, and a later attempt may succeed. `UNCLEAR`: the debit may have been made.
    """

    FOR_GOOD = auto()
    NOT_NOW = auto()
    UNCLEAR = auto()


class DebitProvider(Provider):
    """A provider that can debit."""

    idempotent: ClassVar[bool] = False
    """Whether the platform itself makes a debit with the same reference but once."""

    debit_codes: ClassVar[Mapping[str, Refusal]] = {}
    """What each code of the platform says of a debit; all that its documentation names.

    An error whose code is not here is `NOT_NOW` where it is one of the sign-in, the account or a
    rate limit, by its own code or its HTTP status, and else `FOR_GOOD`.
    """

    success_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys that a success alone has; an error with one of them may have taken something."""

    error_keys: ClassVar[frozenset[str]] = frozenset({"code", "error", "errors", "message"})
    """Keys that an error alone has; a success with one of them confirms nothing."""

    debit_limits: ClassVar[tuple[Limit, ...]] = ()
    """How often the platform says that it takes debits; empty where it does not say."""

    @abstractmethod
    def debit_request(self, query: Query, debit: Debit) -> Request:
        """The request that makes a debit, not yet signed."""

    @abstractmethod
    def read_debit(self, body: Any, debit: Debit) -> DebitReceipt:
        """Read the JSON of a success; raise ValueError where it does not confirm exactly this."""

    def is_repeat(self, platform_error: PlatformError) -> bool:
        """Whether an error says that a debit with this reference was made before."""
        del platform_error
        return False
