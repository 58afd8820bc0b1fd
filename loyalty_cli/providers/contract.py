"""What a provider is: how to ask one loyalty platform for a balance, and how to read its answer.

A provider says; it does not do. It builds requests and reads answers, both pure; sockets, clocks,
the profile file and the keyring belong to those who call it. A provider's module imports this one
module of the program; `__all__` is what it may use, in this package and in those of other people.
"""

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum, auto
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from msgspec import Struct

from loyalty_cli.model.amount import Amount, decode_amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, NextExpiry, Value
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.currencies import is_currency
from loyalty_cli.providers.first_decode import learn
from loyalty_cli.providers.parameters import (
    Parameter,
    boolean,
    decimals,
    integer,
    one_of,
    segment,
    text,
)

__all__ = [
    "Amount",
    "Answer",
    "Auth",
    "Balance",
    "Debit",
    "DebitProvider",
    "DebitReceipt",
    "ErrorCode",
    "Exchange",
    "Headers",
    "Limit",
    "NextExpiry",
    "Parameter",
    "PlatformError",
    "Provider",
    "Query",
    "Reading",
    "Refusal",
    "Request",
    "Secrets",
    "Token",
    "Value",
    "basic",
    "bearer",
    "boolean",
    "decimals",
    "integer",
    "is_currency",
    "one_of",
    "parse_as",
    "parse_as_or_none",
    "segment",
    "text",
]

Headers = Mapping[str, str]
Secrets = Mapping[str, str]
Body = TypeVar("Body")


class Request(Struct, frozen=True):
    """One HTTP request below a profile's base URL.

    `path` holds its segments as they are, unquoted: an identifier goes in whole and reaches the
    platform byte for byte. A query parameter that is None is left out.
    """

    path: tuple[str, ...]
    query: Mapping[str, str | None] = {}
    headers: Headers = {}
    json: Mapping[str, object] | None = None

    def __repr__(self) -> str:  # without headers and body: there are secrets in them
        return f"Request({self.method} {'/'.join(self.path)})"

    @property
    def method(self) -> str:
        """GET, or POST with a JSON body."""
        return "GET" if self.json is None else "POST"


class Limit(Struct, frozen=True):
    """What a platform takes: at most so many `requests` in any time of so many `seconds`."""

    requests: int
    seconds: float


class Answer(Struct, frozen=True, dict=True):
    """What came back: the status, the headers (names in lower case) and the body as bytes.

    Its JSON is read once, when it is first asked for.
    """

    status: int
    headers: Headers
    body: bytes

    def __repr__(self) -> str:  # without the body: it may be a token
        return f"Answer({self.status})"

    def json(self) -> Any:
        """The body as JSON, or None where it is not."""
        return self._read[0]

    def read_json(self) -> Any:
        """The body as JSON; raise ValueError, in words for a user, where it is not."""
        tree, fault = self._read
        if fault is not None:
            raise ValueError(fault)
        return tree

    @cached_property
    def _read(self) -> tuple[Any, str | None]:
        try:
            return decode(self.body), None
        except ValueError as error:
            return None, str(error)


class Token(Struct, frozen=True):
    """A token that a platform gave in exchange for credentials, good for `lifetime` seconds."""

    value: str
    lifetime: float

    def __repr__(self) -> str:
        return f"Token(lifetime={self.lifetime})"


class Exchange(Struct, frozen=True):
    """How credentials become a token: the request for one, and where it stands in the answer.

    `read` gets the answer's JSON and raises ValueError where there is no token in it.
    """

    request: Callable[[Secrets], Request]
    read: Callable[[Any], Token]


class Auth(Struct, frozen=True):
    """One way to sign in: the credential fields it needs, and the headers they become.

    With an `exchange`, `headers` gets `{"token": …}` in place of the credentials.
    """

    name: str
    fields: tuple[str, ...]
    headers: Callable[[Secrets], Headers]
    exchange: Exchange | None = None


def basic(user: str, password: str) -> Headers:
    """HTTP Basic, in UTF-8."""
    pair = b64encode(f"{user}:{password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {pair}"}


def bearer(token: str) -> Headers:
    """HTTP Bearer."""
    return {"Authorization": f"Bearer {token}"}


class Query(Struct, frozen=True):
    """What is asked: a customer, the profile's own settings, and the query options in force."""

    customer: str
    settings: Mapping[str, str] = {}
    options: Mapping[str, str] = {}


class Reading(Struct, frozen=True):
    """What an answer says: balance lines, what else it holds, and what the user should know."""

    balances: tuple[Balance, ...]
    details: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()


class PlatformError(Struct, frozen=True):
    """An error in the platform's own words.

    `code` is None where those words decide nothing and the HTTP status does. `status` is an HTTP
    status that stands in the body itself.
    """

    message: str
    provider_code: str | None = None
    code: ErrorCode | None = None
    status: int | None = None


class Provider(ABC):
    """One loyalty platform."""

    name: ClassVar[str]
    title: ClassVar[str]
    pages: ClassVar[tuple[str, ...]]
    """The platform's own pages that the numbers come from."""
    base_url: ClassVar[str | None] = None
    """Where the platform answers; None where it depends on the customer of the platform."""
    auths: ClassVar[tuple[Auth, ...]]
    """The ways to sign in; the first is what a profile without `auth` uses."""
    settings: ClassVar[tuple[Parameter, ...]] = ()
    """Profile keys of this provider alone."""
    options: ClassVar[tuple[Parameter, ...]] = ()
    """Query options: `options:` in the profile, `-O` on the command line."""
    numbers: ClassVar[Mapping[str, str]]
    """Where each number comes from: our key to the platform's field, for people to read."""
    read_limits: ClassVar[tuple[Limit, ...]] = ()
    """How often the platform says that a balance may be asked for; empty where it does not say."""
    busy_statuses: ClassVar[frozenset[int]] = frozenset()
    """Statuses of this platform alone after which a read may be tried again."""
    errors_at_200: ClassVar[bool] = False
    """Whether this platform sends errors that have no code of ours with status 200, too."""

    @abstractmethod
    def request(self, query: Query) -> Request:
        """The request for a customer's balance, not yet signed."""

    @abstractmethod
    def normalize(self, body: Any, query: Query) -> Reading:
        """Read the JSON of a balance; raise ValueError for what the platform never sends."""

    @abstractmethod
    def read_error(self, body: Any) -> PlatformError | None:
        """Read the JSON of an error; None for what is not this platform's own error."""

    def is_busy(self, answer: Answer) -> bool:
        """Whether a read may be tried again for a reason only this platform has."""
        return answer.status in self.busy_statuses

    def is_not_found(self, answer: Answer) -> bool:
        """Whether this 404 means the customer, though its body is not the platform's own error."""
        del answer
        return False

    def query_parameters(self, query: Query) -> Mapping[str, str | None]:
        """The query options under the names the platform knows them by."""
        return {option.sent_as: query.options.get(option.name) for option in self.options}

    def auth(self, name: str | None) -> Auth | None:
        """The way to sign in called `name`, the first one for None; None if there is no such."""
        if name is None:
            return self.auths[0]
        return next((auth for auth in self.auths if auth.name == name), None)

    def credential_fields(self) -> tuple[str, ...]:
        """Every credential field of every way to sign in."""
        return tuple(dict.fromkeys(name for auth in self.auths for name in auth.fields))


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

    def is_repeat(self, error: PlatformError) -> bool:
        """Whether an error says that a debit with this reference was made before."""
        del error
        return False


def parse_as(body: Any, kind: type[Body]) -> Body:
    """Check a JSON tree against a record type.

    Unknown keys are ignored; ValueError names the path of what is missing or of the wrong type.
    """
    import msgspec

    learn(kind)
    try:
        return msgspec.convert(body, kind, dec_hook=decode_amount)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("`", "'").replace("$.", "")) from None


def parse_as_or_none(body: Any, kind: type[Body]) -> Body | None:
    """The same for a shape that may well not be there: None instead of an error."""
    try:
        return parse_as(body, kind)
    except ValueError:
        return None
