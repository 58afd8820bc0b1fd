"""The contract of a provider: it builds a platform's requests, and reads the answers.

A provider has only pure functions. Its callers do the rest: sockets, clocks, the profile file and
the keyring. The module of a provider, in this package or another one, imports only this module of
the program; `__all__` is what it may use.
"""

import re
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr

from loyalty_cli.model.amount import Amount, decode_amount, encode_amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, NextExpiry, Value, WarningCode, WarningRecord
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.currencies import is_currency
from loyalty_cli.providers.first_decode import learn
from loyalty_cli.providers.parameters import (
    Parameter,
    boolean,
    decimals,
    header_value,
    integer,
    matching,
    one_of,
    segment,
    text,
)

__all__ = [
    "ID",
    "NOT_A_BALANCE",
    "Amount",
    "Answer",
    "Attempt",
    "Auth",
    "Balance",
    "Debit",
    "DebitProvider",
    "DebitReceipt",
    "DebitSteps",
    "ErrorCode",
    "Evidence",
    "Exchange",
    "Headers",
    "Limit",
    "NextExpiry",
    "NoCustomerError",
    "Parameter",
    "PlatformError",
    "Provider",
    "Query",
    "Question",
    "Reading",
    "Redemption",
    "Refusal",
    "Request",
    "Secrets",
    "SeveralCustomersError",
    "Steps",
    "Token",
    "UnknownCustomerError",
    "Value",
    "WarningCode",
    "WarningRecord",
    "Way",
    "WrongCustomerError",
    "basic",
    "bearer",
    "boolean",
    "decimals",
    "header_value",
    "integer",
    "is_currency",
    "json_text",
    "matching",
    "one_of",
    "parse_as",
    "parse_as_or_none",
    "segment",
    "text",
    "time_or_none",
]

Headers = Mapping[str, str]
Secrets = Mapping[str, str]
Body = TypeVar("Body")
Made = TypeVar("Made")

NOT_A_BALANCE = "it has none of the fields of a balance"
"""Why an answer cannot be read in which everything is missing."""
_UUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
LONGEST_ID = 100
"""A longer id in an answer is described, and not shown."""


class Request(Struct, frozen=True):
    """One HTTP request below a profile's base URL.

    `path` holds unquoted segments: an identifier is one segment, and reaches the platform byte for
    byte. A segment that is empty, `.` or `..`, or has a control character, is never sent.

    A query parameter that is None is not sent. The body is `json` or `form`. `method` is GET, or
    POST with a body, unless it is given. `base_url` is another host of the same platform, over
    https or on loopback; it gets the credentials, too. The sandbox stands for all hosts.
    """

    path: tuple[str, ...]
    query: Mapping[str, str | None] = {}
    headers: Headers = {}
    json: Mapping[str, object] | None = None
    form: Mapping[str, str] | None = None
    method: Literal["GET", "POST", "PUT", ""] = ""
    base_url: str | None = None

    def __post_init__(self) -> None:
        if not self.method:
            has_body = self.json is not None or self.form is not None
            force_setattr(self, "method", "POST" if has_body else "GET")

    def __repr__(self) -> str:  # without headers and body: they contain secrets
        return f"Request({self.method} {'/'.join(self.path)})"


class Limit(Struct, frozen=True):
    """A rate limit of a platform: at most `requests` in any period of `seconds`."""

    requests: int
    seconds: float


class Answer(Struct, frozen=True, dict=True):
    """An answer: the status, the headers (names in lower case) and the body as bytes.

    The JSON is parsed once, when it is first needed.
    """

    status: int
    headers: Headers
    body: bytes

    def __repr__(self) -> str:  # without the body: it may be a token
        return f"Answer({self.status})"

    def json(self) -> Any:
        """The body as JSON, or None if it is not JSON."""
        return self._read[0]

    def read_json(self) -> Any:
        """The body as JSON; raise ValueError, with a text for the user, if it is not JSON."""
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
    """An access token that a platform issued for credentials, valid for `lifetime` seconds."""

    value: str
    lifetime: float

    def __repr__(self) -> str:
        return f"Token(lifetime={self.lifetime})"


class Exchange(Struct, frozen=True):
    """How credentials are exchanged for an access token: the request, and reading the answer.

    `read` gets the answer's JSON and raises ValueError if it has no token.
    """

    request: Callable[[Secrets], Request]
    read: Callable[[Any], Token]


class Attempt(Struct, frozen=True):
    """One attempt to send a request, for a platform whose requests are signed.

    `path` and `query` are percent-encoded, as they are sent; `at` is the time in UTC, and `nonce`
    a new random text of 32 hexadecimal digits.
    """

    method: str
    path: str
    query: str
    body: bytes
    at: datetime
    nonce: str


def _no_headers(_: Secrets, __: Attempt) -> Headers:
    return {}


class Auth(Struct, frozen=True):
    """One way to sign in: its credential fields, and the headers that are made from them.

    `sign` makes headers that depend on the request, again for each attempt. With an `exchange`,
    both get `{"token": …}` in place of the credentials. Headers that depend on them are not shown.
    With `for_one_customer`, the platform refuses these credentials for all other customers.
    """

    name: str
    fields: tuple[str, ...]
    headers: Callable[[Secrets], Headers]
    exchange: Exchange | None = None
    sign: Callable[[Secrets, Attempt], Headers] = _no_headers
    for_one_customer: bool = False


def basic(user: str, password: str) -> Headers:
    """HTTP Basic, in UTF-8."""
    pair = b64encode(f"{user}:{password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {pair}"}


def bearer(token: str) -> Headers:
    """HTTP Bearer."""
    return {"Authorization": f"Bearer {token}"}


ID = "id"


def _any_identifier(identifier: str) -> None:
    """Accept any identifier."""


class Way(Struct, frozen=True):
    """A way to name a customer, such as `email`; `check` raises ValueError for what cannot be one.

    Every identifier is checked before that: it is not empty, and can be sent unchanged.
    """

    name: str
    help: str
    check: Callable[[str], None] = _any_identifier


class Query(Struct, frozen=True):
    """A query: the customer, the profile's settings, the query options, and the way to name it."""

    customer: str
    settings: Mapping[str, str] = {}
    options: Mapping[str, str] = {}
    by: str = ID


class Reading(Struct, frozen=True):
    """The content of the answers: balance lines, details, and warnings for the user.

    `platform_customer` is the customer's id at the platform, if the answer names the customer.
    """

    balances: tuple[Balance, ...]
    details: Mapping[str, Any] | None = None
    warnings: tuple[WarningRecord, ...] = ()
    platform_customer: str | None = None


Steps = Generator[Request, Answer, Made]
"""Yields requests, one after the other; gets an answer for each, and returns what they make."""


class UnknownCustomerError(ValueError):
    """A good answer that says: there is no such customer; its text, if it has one, is why."""


class SeveralCustomersError(ValueError):
    """A good answer with several customers for one identifier; its text is their ids, if known."""


class WrongCustomerError(ValueError):
    """An answer about another customer than the one asked for."""


class NoCustomerError(ValueError):
    """An answer that does not say whose balance it is, and must; its text is what is wrong.

    `--raw` does not show it either.
    """


class PlatformError(Struct, frozen=True):
    """The platform's own error.

    `code` is None if the HTTP status decides the code. `status` is an HTTP status that the body
    itself contains.
    """

    message: str
    provider_code: str | None = None
    code: ErrorCode | None = None
    status: int | None = None


class Provider(ABC):
    """Our description of one loyalty platform."""

    name: ClassVar[str]
    title: ClassVar[str]
    pages: ClassVar[tuple[str, ...]]
    """The pages of the platform's documentation that describe the numbers."""
    base_url: ClassVar[str | None] = None
    """The platform's address; None if every profile must set it."""
    auths: ClassVar[tuple[Auth, ...]]
    """The ways to sign in; a profile without `auth` uses the first."""
    ways: ClassVar[tuple[Way, ...]] = (Way(ID, "the customer's id at the platform"),)
    """The ways to name a customer; without `by` it is the first, which is the id."""
    impossible_customer: ClassVar[str] = "loyalty-no-such-customer"
    """An id that no customer has, of the platform's form: to ask whether it takes credentials."""
    settings: ClassVar[tuple[Parameter, ...]] = ()
    """Profile keys that only this provider has."""
    options: ClassVar[tuple[Parameter, ...]] = ()
    """Query options: `options:` in the profile, `-O` on the command line."""
    numbers: ClassVar[Mapping[str, str]]
    """The source of each number, for people: our key, and the platform's field."""
    read_limits: ClassVar[tuple[Limit, ...]] = ()
    """The published rate limits of look-ups; empty if the platform publishes none."""
    busy_statuses: ClassVar[frozenset[int]] = frozenset()
    """More statuses after which a look-up is retried, only for this platform."""
    errors_at_200: ClassVar[bool] = False
    """Whether a platform error without a `code` may come with status 200."""

    def request(self, query: Query) -> Request:
        """The request for a customer's balance, not yet signed."""
        raise NotImplementedError

    def normalize(self, body: Any, query: Query) -> Reading:
        """Read the JSON of a balance; raise ValueError if the platform never sends such JSON."""
        raise NotImplementedError

    def look_up(self, query: Query) -> Steps[Reading]:
        """Ask for a balance in one request; a provider that needs several replaces this.

        Each answer is a good one with JSON: an error of the platform ends the look-up. A ValueError
        means that the platform never sends such an answer. All requests, at most ten, have one
        deadline; the generator is closed if one of them fails.
        """
        answer = yield self.request(query)
        return self.normalize(answer.json(), query)

    def is_customer(self, named: str, asked: str) -> bool:
        """Whether the id in an answer is the one asked for; UUIDs are compared without case."""
        return named == asked or _is_same_uuid(named, asked)

    @abstractmethod
    def read_error(self, body: Any) -> PlatformError | None:
        """Read the JSON of an error; None if it is not this platform's own error."""

    def is_busy(self, answer: Answer) -> bool:
        """Whether a look-up may be retried, for a reason that only this platform has."""
        return answer.status in self.busy_statuses

    def is_not_found(self, answer: Answer) -> bool:
        """Whether an error may mean an unknown customer, without a code that the provider knows."""
        del answer
        return False

    def check_customer(self, named: str, query: Query) -> None:
        """Raise WrongCustomerError if an answer names another customer than the one asked for.

        Without a call, an id in a `Reading` is checked, too. A provider calls this first, so that
        another customer's answer is refused even if the rest of it cannot be read.
        """
        if query.by == ID and not self.is_customer(named, query.customer):
            shown = f"an id of {len(named)} characters" if len(named) > LONGEST_ID else repr(named)
            raise WrongCustomerError(f"{shown}, not {query.customer!r}")

    def named_customer(self, sent: Any, query: Query, place: str) -> str:
        """The id in an answer as text, checked by `check_customer`; a number is its digits.

        Raise NoCustomerError if it is neither, or missing: then nobody knows whose balance it is.
        """
        if isinstance(sent, bool) or not isinstance(sent, str | int | Amount):
            raise NoCustomerError(f"it does not say whose balance it is at {place!r}")
        if isinstance(sent, str):
            named = sent
        else:
            number = Amount.convert(sent)
            named = str(int(number) if number == int(number) else number)
        self.check_customer(named, query)
        return named

    def not_stated(self, *lines: Balance) -> tuple[WarningRecord, ...]:
        """A warning for each line of which the platform does not say how much is available."""
        return tuple(
            WarningRecord(
                WarningCode.NOT_STATED,
                f"{line.name}: {self.title} does not say how much is available.",
            )
            for line in lines
            if line.available is None
        )

    def query_parameters(self, query: Query) -> Mapping[str, str | None]:
        """The query options with the platform's names."""
        return {option.sent_as: query.options.get(option.name) for option in self.options}

    def profile_options(self) -> tuple[Parameter, ...]:
        """What a profile may have in `options`."""
        return self.options

    def auth(self, name: str | None) -> Auth | None:
        """The way to sign in called `name`, or the first for None; None if `name` is unknown."""
        return next((auth for auth in self.auths if name in (None, auth.name)), None)

    def way(self, name: str) -> Way | None:
        """The way to name a customer called `name`, or None."""
        return next((way for way in self.ways if way.name == name), None)

    def credential_fields(self) -> tuple[str, ...]:
        """Every credential field of every way to sign in."""
        return tuple(dict.fromkeys(name for auth in self.auths for name in auth.fields))


def _is_same_uuid(one: str, other: str) -> bool:
    return bool(_UUID.fullmatch(one)) and one.lower() == other.lower()


class Debit(Struct, frozen=True):
    """A debit as a provider sends it: `amount` in whole units of `unit`, `at` in UTC.

    `failures` counts the earlier attempts of which the platform itself said that they failed, up to
    one that may have been made: from then on the number of the attempt must not change.
    """

    customer: str
    unit: str
    amount: int
    reference: str
    at: datetime
    failures: int = 0


class Question(Struct, frozen=True):
    """What only a person at a terminal can answer, such as a one-time code."""

    text: str


DebitSteps = Generator[Request | Question, Any, Request]
"""As `Steps`, for what comes before a debit; a `Question` gets the text that was typed."""


class Redemption(Struct, frozen=True):
    """A debit that the platform lists; None where it does not say.

    `at` has a time zone only if the platform states it. `doubt` is why it may not be a debit, or no
    longer one, such as "it was reversed".
    """

    amount: Amount
    unit: str | None = None
    reference: str | None = None
    at: datetime | None = None
    provider_reference: str | None = None
    doubt: str | None = None


class Evidence(Struct, frozen=True):
    """The customer's debits that the platform lists.

    `is_complete` if the list has every debit that can be the one asked for.
    """

    redemptions: tuple[Redemption, ...]
    is_complete: bool = False


class DebitReceipt(Struct, frozen=True):
    """The platform's answer for a debit that it made; `note` is what the user must know of it."""

    balance_after: Amount | None = None
    provider_reference: str | None = None
    note: str | None = None


class Refusal(Enum):
    """What an error of the platform means for the debit.

    `FOR_GOOD`: nothing was done, and this debit will never be made as it is. `NOT_NOW`: nothing was
    done, and a later attempt may succeed. `UNCLEAR`: the debit may have been made.
    """

    FOR_GOOD = auto()
    NOT_NOW = auto()
    UNCLEAR = auto()


class DebitProvider(Provider):
    """A provider that can debit."""

    idempotent: ClassVar[bool] = False
    """Whether the platform itself makes a debit with the same reference only once."""

    debit_codes: ClassVar[Mapping[str, Refusal]] = {}
    """The meaning of each error code that the platform documents, for a debit.

    An error with another code is `NOT_NOW` if it is about the sign-in, the account or a rate limit,
    by its own code or its HTTP status; otherwise it means `other_codes`.
    """

    other_codes: ClassVar[Refusal] = Refusal.FOR_GOOD
    """The meaning of an error whose code is not among `debit_codes`."""

    refusals_at_200: ClassVar[bool] = False
    """Whether the platform refuses a debit at HTTP status 200, too; then only the code decides."""

    success_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys that only a success has; an error with one of them may have made the debit."""

    error_keys: ClassVar[frozenset[str]] = frozenset({"code", "error", "errors", "message"})
    """Keys that only an error has; a success with one of them confirms nothing."""

    debit_ways: ClassVar[tuple[str, ...]] = (ID,)
    """The ways to name the customer of a debit."""

    debit_auths: ClassVar[tuple[str, ...]] = ()
    """The ways to sign in that can debit; empty if all can."""

    debit_options: ClassVar[tuple[Parameter, ...]] = ()
    """The options of a profile that its debits have, too, and those that only debits have.

    A debit, the balance before it and its evidence get those options, and no others.
    """

    debit_limits: ClassVar[tuple[Limit, ...]] = ()
    """The published rate limits of debits; empty if the platform publishes none."""

    def profile_options(self) -> tuple[Parameter, ...]:
        """What a profile may have in `options`: also what only debits have."""
        return tuple(dict.fromkeys((*self.options, *self.debit_options)))

    def needs_person(self, query: Query) -> bool:
        """Whether a debit with these options has a `Question`."""
        del query
        return False

    def why_not(self, query: Query) -> str | None:
        """Why no debit can be made with these options, by this way; None if one can."""
        del query
        return None

    def sent_reference(self, debit: Debit) -> str:
        """The reference that the platform gets for this attempt."""
        return debit.reference

    def debit_part(self, body: Any) -> Any:
        """The part of an answer that `success_keys` and `error_keys` are about."""
        return body

    def may_have_succeeded(self, body: Any) -> bool:
        """Whether an error says that the debit was made, too, so that it proves nothing."""
        part = self.debit_part(body)
        return isinstance(part, dict) and any(part.get(key) for key in self.success_keys)

    @abstractmethod
    def debit_request(self, query: Query, debit: Debit) -> Request:
        """The request that makes a debit, not yet signed."""

    def debit_steps(self, query: Query, debit: Debit) -> DebitSteps:
        """What comes before the debit, without changing anything; returns the debit's request."""
        yield from ()
        return self.debit_request(query, debit)

    @abstractmethod
    def read_debit(self, body: Any, debit: Debit) -> DebitReceipt:
        """Read the JSON of a success; raise ValueError unless it confirms exactly this debit."""

    def evidence_request(self, query: Query, debit: Debit) -> Request | None:
        """The request for the customer's debits around `debit.at`; None if there is none."""
        del query, debit
        return None

    def read_evidence(self, body: Any, debit: Debit) -> Evidence:
        """Read the answer to `evidence_request`; raise ValueError as `normalize` does."""
        raise NotImplementedError

    def evidence_steps(self, query: Query, debit: Debit) -> Steps[Evidence | None]:
        """Ask for evidence in one request; a provider that needs several replaces this.

        As `look_up`: each answer is a good one with JSON. None means that there is no evidence.
        """
        request = self.evidence_request(query, debit)
        if request is None:
            return None
        answer = yield request
        return self.read_evidence(answer.json(), debit)

    def is_repeat(self, error: PlatformError) -> bool:
        """Whether an error means that a debit with this reference was made before."""
        del error
        return False


def parse_as(body: Any, kind: type[Body]) -> Body:
    """Check a JSON tree against a record type.

    Unknown keys are ignored. ValueError has the path of a missing key or a wrong type.
    """
    import msgspec

    learn(kind)
    try:
        return msgspec.convert(body, kind, dec_hook=decode_amount)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("`", "'").replace("$.", "")) from None


def parse_as_or_none(body: Any, kind: type[Body]) -> Body | None:
    """Parse like `parse_as`, but return None instead of raising an error."""
    try:
        return parse_as(body, kind)
    except ValueError:
        return None


YEARS = range(2000, 2100)
"""The years that can be meant: a platform fills in others where it knows no time."""


def time_or_none(sent: Any) -> datetime | None:
    """A time in ISO text, or in milliseconds since 1970, as a number or digits.

    None if it is neither, or if its year cannot be meant.
    """
    try:
        if isinstance(sent, str) and not sent.strip().isdigit():
            at = datetime.fromisoformat(sent.strip())
        elif isinstance(sent, str) or type(sent) is int:
            at = datetime.fromtimestamp(int(sent) / 1000, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.year in YEARS else None


def json_text(value: Any) -> str:
    """Part of an answer as text for the user: a text as it is, anything else as JSON."""
    import msgspec

    return (
        value
        if isinstance(value, str)
        else msgspec.json.encode(value, enc_hook=encode_amount).decode()
    )
