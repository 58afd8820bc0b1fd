"""Smile.io: a customer's points, and debits of them.

Facts are from https://dev.smile.io/api. Its page on errors promises an error object and does not
show one, and it documents no error codes.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import (
    ID,
    Amount,
    Auth,
    Balance,
    Debit,
    DebitProvider,
    DebitReceipt,
    DebitSteps,
    Evidence,
    Limit,
    PlatformError,
    Query,
    Reading,
    Redemption,
    Request,
    SeveralCustomersError,
    Steps,
    UnknownCustomerError,
    Way,
    WrongCustomerError,
    bearer,
    integer,
    parse_as,
    parse_as_or_none,
)

UNIT = "points"
LARGEST_PAGE = 250
LIMITS = (Limit(10, 1),)
"""Of each token, for look-ups and debits together (page "Rate limits")."""


class Customer(Struct):
    """The customer object; the page does not say which fields can be missing."""

    id: int
    points_balance: Amount
    email: str | None = None
    state: str | None = None
    vip_status: dict[str, Any] | None = None


class CustomerAnswer(Struct):
    """The 200 of "Get a customer"."""

    customer: Customer


class Customers(Struct):
    """The 200 of "List customers"."""

    customers: list[Customer]


class Transaction(Struct):
    """The points transaction object: added points are positive, deducted ones negative."""

    customer_id: int
    points_change: Amount
    internal_note: str | None = None
    id: int | None = None
    created_at: str | None = None


class TransactionAnswer(Struct):
    """The 201 of "Create a points transaction"."""

    points_transaction: Transaction


class Pages(Struct):
    """Where the next page of a list is; empty on the last page."""

    next_cursor: str | None = None


class Transactions(Struct):
    """The 200 of "List points transactions"."""

    points_transactions: list[Transaction]
    metadata: Pages


class Message(Struct):
    """An error with a message."""

    message: str


class ErrorAnswer(Struct):
    """The error object: the page does not show its shape, so a text will do, too."""

    error: Message | str


def number(customer: str) -> None:
    """Refuse what is no customer id."""
    integer(customer)


def address(customer: str) -> None:
    """Refuse what is no e-mail address."""
    if "@" not in customer:
        raise ValueError("it has no @")


def found(email: str) -> Steps[Customer]:
    """`GET /v1/customers?email=`: several customers may have one address, as the page says.

    It leaves open how addresses are compared.
    """
    answer = yield Request(("v1", "customers"), {"email": email})
    customers = parse_as(answer.json(), Customers).customers
    if not customers:
        raise UnknownCustomerError
    if len(customers) > 1:
        raise SeveralCustomersError(", ".join(str(each.id) for each in customers[:10]))
    (customer,) = customers
    if (customer.email or "").casefold() != email.casefold():
        raise WrongCustomerError(f"{customer.email}, not {email}")
    return customer


class Smile(DebitProvider):
    """`GET /v1/customers/{id}`, from the API reference."""

    name = "smile"
    title = "Smile.io"
    pages = (
        "https://dev.smile.io/api/resources/customers/customer-object",
        "https://dev.smile.io/api/resources/customers/list-customers",
        "https://dev.smile.io/api/resources/points-transactions/create-points-transaction",
        "https://dev.smile.io/api/resources/points-transactions/list-points-transactions",
    )
    base_url = "https://api.smile.io"
    impossible_customer = "2147483647"
    auths = (Auth("bearer", ("api_key",), lambda secrets: bearer(secrets["api_key"])),)
    ways = (
        Way(ID, "the customer's id at Smile.io, a number", number),
        Way("email", "the e-mail address", address),
    )
    numbers = {"available": "points_balance", "details": "state, vip_status"}
    read_limits = LIMITS

    def look_up(self, query: Query) -> Steps[Reading]:
        """A list of customers has the same objects, so each way takes one request."""
        if query.by == "email":
            return reading((yield from found(query.customer)))
        answer = yield Request(("v1", "customers", query.customer))
        return reading(parse_as(answer.json(), CustomerAnswer).customer)

    def is_customer(self, named: str, asked: str) -> bool:
        """Ids are numbers: 0042 is 42."""
        return int(named) == int(asked)

    def read_error(self, body: Any) -> PlatformError | None:
        """Read the error object; the HTTP status says what it means."""
        answer = parse_as_or_none(body, ErrorAnswer)
        if answer is None:
            return None
        return PlatformError(
            answer.error if isinstance(answer.error, str) else answer.error.message
        )

    # Debits: not idempotent, as no page says anything about repeated requests.

    debit_ways = (ID, "email")
    debit_limits = LIMITS
    success_keys = frozenset({"points_transaction"})

    def debit_steps(self, query: Query, debit: Debit) -> DebitSteps:
        """By e-mail, the customer's id must be found first."""
        if query.by == ID:
            return self.debit_request(query, debit)
        customer = yield from found(query.customer)
        return deduction(customer.id, debit)

    def debit_request(self, query: Query, debit: Debit) -> Request:
        """The debit of a customer whose id is known."""
        return deduction(int(query.customer), debit)

    def read_debit(self, body: Any, debit: Debit) -> DebitReceipt:
        """Confirm only a deduction of exactly these points, with our reference as its note."""
        made = parse_as(body, TransactionAnswer).points_transaction
        if made.points_change != -debit.amount or made.internal_note != debit.reference:
            raise ValueError(f"it changed {made.points_change} points, with {made.internal_note!r}")
        if debit.customer.isdigit() and made.customer_id != int(debit.customer):
            raise ValueError(f"it changed the points of the customer {made.customer_id}")
        return DebitReceipt(provider_reference=None if made.id is None else str(made.id))

    def evidence_request(self, query: Query, debit: Debit) -> Request | None:  # noqa: ARG002 - the contract's
        """`GET /v1/points_transactions?customer_id=`, newest first; it needs the id."""
        if query.by != ID:
            return None
        page = {"customer_id": query.customer, "limit": str(LARGEST_PAGE)}
        return Request(("v1", "points_transactions"), page)

    def read_evidence(self, body: Any, debit: Debit) -> Evidence:  # noqa: ARG002 - the contract's
        """Every deduction with a note, since each of ours has one."""
        page = parse_as(body, Transactions)
        redemptions = (
            Redemption(
                Amount(0).minus(each.points_change),
                UNIT,
                each.internal_note,
                None if each.created_at is None else datetime.fromisoformat(each.created_at),
                None if each.id is None else str(each.id),
            )
            for each in page.points_transactions
            if each.points_change < 0 and each.internal_note
        )
        return Evidence(tuple(redemptions), is_complete=not page.metadata.next_cursor)


def reading(customer: Customer) -> Reading:
    """One line of points; the state and the VIP status are details."""
    line = Balance(name="points", kind="points", unit=UNIT, available=customer.points_balance)
    details = {"state": customer.state, "vip_status": customer.vip_status}
    known = {key: value for key, value in details.items() if value is not None}
    return Reading((line,), known or None, platform_customer=str(customer.id))


def deduction(customer_id: int, debit: Debit) -> Request:
    """`POST /v1/points_transactions`: rejected if the balance would become negative.

    The customer sees the description, and the merchant alone the internal note.
    """
    transaction = {
        "customer_id": customer_id,
        "points_change": -debit.amount,
        "description": "Points redeemed",
        "internal_note": debit.reference,
    }
    return Request(("v1", "points_transactions"), json={"points_transaction": transaction})
