"""What a description of a platform says, checked and typed; it is read from YAML elsewhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Kind
from loyalty_cli.providers.contract import Parameter

Place = tuple[str, ...]
"""A place in JSON: one key below the other, in a list a number from 0."""

MoneyOrPoints = Literal["money_or_points"]
"""The kind of a line that is money if its unit is a currency, and points otherwise."""

AMOUNTS = ("available", "pending", "total", "earned", "redeemed", "expired", "cancelled", "count")
VALUE_AMOUNTS = ("available", "pending", "total")
EXPIRY_AMOUNTS = ("amount", "value")

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Template(Struct, frozen=True):
    """A text with `{name}` in the place of each value."""

    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its values."""
        return tuple(_PLACEHOLDER.findall(self.text))

    def around(self, mark: str) -> str:
        """The text with a mark in the place of each value."""
        return _PLACEHOLDER.sub(lambda _: mark, self.text)

    def fill(self, values: Mapping[str, str]) -> str | None:
        """The text with the values; None if one of them is not given."""
        if any(name not in values for name in self.names):
            return None
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)


class TextSource(Struct, frozen=True):
    """Where a text comes from: the first of several places that holds one, or `default`.

    With one place, anything but text there is an error; of several, others are passed over.
    Without a place, the text is `default`.
    """

    places: tuple[Place, ...] = ()
    default: str | None = None
    is_required: bool = False


class AmountSource(Struct, frozen=True):
    """Where an amount comes from.

    An amount of money has `decimals` decimals, or as many as the setting of that name says.
    """

    place: Place
    is_required: bool = False
    decimals: int | str | None = None


Amounts = Mapping[str, AmountSource]


class ValueSource(Struct, frozen=True):
    """Where the worth of a line comes from."""

    currency: TextSource
    amounts: Amounts


class ExpirySource(Struct, frozen=True):
    """Where the next expiry of a line comes from."""

    at: TextSource
    amounts: Amounts


class Line(Struct, frozen=True, kw_only=True):
    """A balance line; `doubt` is what its number leaves open, told whenever it is shown."""

    name: TextSource
    kind: Kind | MoneyOrPoints
    unit: TextSource
    amounts: Amounts
    value: ValueSource | None = None
    next_expiry: ExpirySource | None = None
    includes_pending: bool | None = None
    sum_of: tuple[str, ...] | None = None
    doubt: str | None = None

    def amount_sources(self) -> Iterator[tuple[str, AmountSource]]:
        """Each amount by its key, such as `available` and `value.total`."""
        yield from self.amounts.items()
        if self.value:
            yield from ((f"value.{key}", each) for key, each in self.value.amounts.items())
        if self.next_expiry:
            amounts = self.next_expiry.amounts
            yield from ((f"next_expiry.{key}", each) for key, each in amounts.items())

    def text_sources(self) -> Iterator[tuple[str, TextSource]]:
        """Each text by its key."""
        yield "name", self.name
        yield "unit", self.unit
        if self.value:
            yield "value.currency", self.value.currency
        if self.next_expiry:
            yield "next_expiry.at", self.next_expiry.at


class SignIn(Struct, frozen=True):
    """A way to sign in: its credentials, and headers, or user and password of HTTP Basic."""

    name: str
    credentials: tuple[str, ...]
    headers: Mapping[str, Template] = {}
    basic: tuple[Template, Template] | None = None


class LookUp(Struct, frozen=True, kw_only=True):
    """The request for one way to name a customer, and where its answer has the customer.

    With `is_list`, at that place is a list with no customer or one.
    """

    help: str
    path: tuple[Template, ...]
    query: Mapping[str, Template] = {}
    at: Place = ()
    is_list: bool = False

    def whole(self, place: Place) -> Place:
        """A place of the customer, from the top of the answer."""
        return (*self.at, *(("0",) if self.is_list else ()), *place)


class ErrorShape(Struct, frozen=True):
    """A form of the platform's errors: the message, its code, and what the codes mean.

    It is such an error if there is a message and, where the shape has one, a code, and if
    something stands in each place of `needs`.
    """

    message: tuple[Place, ...]
    code: Place | None = None
    needs: tuple[Place, ...] = ()
    codes: Mapping[str, ErrorCode] = {}


class Example(Struct, frozen=True, kw_only=True):
    """An answer of the platform, and what must come of it: available amounts, or an error."""

    line: int
    customer: str
    by: str
    status: int
    body: bytes
    available: tuple[str | None, ...] | None = None
    error: ErrorCode | None = None
    settings: Mapping[str, str] = {}
    options: Mapping[str, str] = {}


class Description(Struct, frozen=True, kw_only=True):
    """A platform, for look-ups; `choices` are the words of settings and options with a list."""

    name: str
    title: str
    auths: tuple[SignIn, ...]
    look_up: Mapping[str, LookUp]
    lines: tuple[Line, ...]
    pages: tuple[str, ...] = ()
    base_url: str | None = None
    settings: tuple[Parameter, ...] = ()
    options: tuple[Parameter, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = {}
    headers: Mapping[str, Template] = {}
    impossible_customer: str | None = None
    platform_customer: TextSource | None = None
    details: tuple[Place, ...] = ()
    errors: tuple[ErrorShape, ...] = ()
    not_found: frozenset[int] = frozenset()
    examples: tuple[Example, ...] = ()
