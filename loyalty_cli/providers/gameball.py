"""Gameball: a customer's points and what they are worth."""

from datetime import UTC
from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import (
    NOT_A_BALANCE,
    Amount,
    Answer,
    Auth,
    Balance,
    Debit,
    DebitProvider,
    DebitReceipt,
    ErrorCode,
    Evidence,
    Limit,
    NextExpiry,
    Parameter,
    PlatformError,
    Query,
    Reading,
    Redemption,
    Refusal,
    Request,
    Value,
    json_text,
    matching,
    parse_as,
    parse_as_or_none,
    time_or_none,
)

VERSION = "v4.0"
REQUEST_IN_PROGRESS = "2001"
REPEATED_TRANSACTION = "9004"
LONGEST_PAGE = 200
CODES = {
    "1000": (ErrorCode.CREDENTIAL_REFUSED, Refusal.NOT_NOW),
    "1001": (ErrorCode.CREDENTIAL_REFUSED, Refusal.NOT_NOW),
    "1002": (ErrorCode.CREDENTIAL_REFUSED, Refusal.NOT_NOW),
    REQUEST_IN_PROGRESS: (ErrorCode.RATE_LIMITED, Refusal.NOT_NOW),
    "5000": (ErrorCode.SERVER_ERROR, Refusal.UNCLEAR),
    "5003": (ErrorCode.SERVER_ERROR, Refusal.UNCLEAR),
    "7000": (ErrorCode.NOT_FOUND, Refusal.FOR_GOOD),
    "8000": (ErrorCode.REFUSED, Refusal.NOT_NOW),  # the feature is not available
    "9003": (ErrorCode.RATE_LIMITED, Refusal.NOT_NOW),  # a repeated time
    REPEATED_TRANSACTION: (None, Refusal.UNCLEAR),
    "9007": (ErrorCode.REFUSED, Refusal.NOT_NOW),  # a wrong time
    "9008": (None, Refusal.FOR_GOOD),
}
"""The meaning of each error code (None: the status decides), and its meaning for a debit."""


class CustomerBalance(Struct, rename="camel"):
    """The 200 of getCustomerBalance; every property is optional."""

    total_points_balance: Amount | None = None
    total_points_value: Amount | None = None
    available_points_balance: Amount | None = None
    available_points_value: Amount | None = None
    pending_points: Amount | None = None
    pending_points_value: Amount | None = None
    currency: str | None = None
    points_name: str | None = None
    next_expiring_points_amount: Amount | None = None
    next_expiring_points_value: Amount | None = None
    next_expiring_points_date: str | None = None
    total_earned_points: Amount | None = None


KNOWN = CustomerBalance.__struct_encode_fields__


class RedeemAnswer(Struct, rename="camel"):
    """The 200 of redeem."""

    transaction_id: str
    redeem_equivalent_points: Any
    gameball_transaction_id: str | int | None = None


class Transaction(Struct, rename="camel"):
    """One transaction of list-transactions; without a time zone in its time."""

    points: Amount
    transaction_id: str | None = None
    gameball_transaction_id: str | int | None = None
    customer_id: str | None = None
    type: str | None = None
    status: str | None = None
    transaction_time: Any = None
    points_balance_before: Amount | None = None
    points_balance_after: Amount | None = None


class Transactions(Struct, rename="camel"):
    """The 200 of list-transactions."""

    transactions: list[Transaction]
    has_more: bool | None = None


class Error(Struct, rename="camel"):
    """An error; `type` is not read, because it has several spellings."""

    code: int | str
    message: str | None = None
    request_id: Any = None


def _path(query: Query, *steps: str) -> tuple[str, ...]:
    """A path of the API in the version that the account needs."""
    return ("api", query.settings.get("api_version", VERSION), "integrations", *steps)


class Gameball(DebitProvider):
    """`GET /api/{version}/integrations/customers/{customerId}/balance`, from the API reference."""

    name = "gameball"
    title = "Gameball"
    pages = ("https://developer.gameball.co/api-reference/customers/progress/get-customer-balance",)
    base_url = "https://api.gameball.co"
    read_limits = (Limit(100, 1), Limit(1200, 30))
    debit_codes = {code: refusal for code, (_, refusal) in CODES.items()}
    success_keys = frozenset({"gameballTransactionId", "redeemAmount", "redeemEquivalentPoints"})
    debit_limits = (Limit(30, 1), Limit(360, 30))
    idempotent = True
    auths = (
        Auth(
            "keys",
            ("api_key", "secret_key"),
            lambda secrets: {"apikey": secrets["api_key"], "secretkey": secrets["secret_key"]},
        ),
    )
    settings = (
        Parameter(
            "api_version",
            f"the version of the API that your account needs; without it {VERSION}",
            matching(r"v[0-9]{1,3}\.[0-9]{1,3}", "a version such as v4.1"),
        ),
    )
    options = (
        Parameter(
            "expand",
            "what else to ask for: tier, referrals, or both with a comma",
            matching(
                "tier|referrals|tier,referrals|referrals,tier",
                "tier, referrals, or both with a comma",
            ),
            sent_as="expand",
        ),
    )
    errors_at_200 = True
    numbers = {
        "name": "pointsName",
        "available": "availablePointsBalance",
        "pending": "pendingPoints",
        "total": "totalPointsBalance, with the pending ones in it",
        "earned": "totalEarnedPoints",
        "value": "availablePointsValue, pendingPointsValue, totalPointsValue in currency",
        "next_expiry": "nextExpiringPointsAmount, …Value, …Date (no time zone is given)",
        "details": "the fields that expand adds",
    }

    def request(self, query: Query) -> Request:
        """Ask for the balance."""
        path = _path(query, "customers", query.customer, "balance")
        return Request(path, self.query_parameters(query))

    def normalize(self, body: Any, query: Query) -> Reading:  # noqa: ARG002 - the contract's
        """One line of points; what `expand` adds is not documented and goes into the details.

        The totals are "including pending points", says the reference.
        """
        answer = parse_as(body, CustomerBalance)
        if answer == CustomerBalance():
            raise ValueError(NOT_A_BALANCE)
        expires = answer.next_expiring_points_date, answer.next_expiring_points_amount
        value = Value(
            currency=answer.currency,
            available=answer.available_points_value,
            pending=answer.pending_points_value,
            total=answer.total_points_value,
        )
        line = Balance(
            name=answer.points_name or "points",
            kind="points",
            unit="points",
            includes_pending=True,
            available=answer.available_points_balance,
            pending=answer.pending_points,
            total=answer.total_points_balance,
            earned=answer.total_earned_points,
            value=None if value == Value() else value,
            next_expiry=None
            if expires == (None, None)
            else NextExpiry(
                amount=answer.next_expiring_points_amount,
                value=answer.next_expiring_points_value,
                at=answer.next_expiring_points_date,
            ),
        )
        details = {key: value for key, value in body.items() if key not in KNOWN}
        return Reading((line,), details or None, self.not_stated(line))

    def read_error(self, body: Any) -> PlatformError | None:
        """Read an error by its code, at any HTTP status, even 200.

        An unknown code and a message beside a balance are no error.
        """
        error = parse_as_or_none(body, Error)
        if error is None:
            return None
        number = str(error.code)
        is_balance = any(body.get(key) is not None for key in KNOWN)
        if number not in CODES and (is_balance or error.message is None):
            return None
        words = [(error.message or "").rstrip(".")]
        if error.request_id is not None:
            words.append(f"request {json_text(error.request_id)}")
        message = ", ".join(filter(None, words))
        code, _ = CODES.get(number, (None, None))
        return PlatformError(message, number, code)

    def debit_request(self, query: Query, debit: Debit) -> Request:
        """`POST /api/{version}/integrations/transactions/redeem`; transactionId de-duplicates."""
        at = debit.at.astimezone(UTC).isoformat(timespec="milliseconds")
        body = {
            "customerId": debit.customer,
            "transactionId": debit.reference,
            "transactionTime": at.replace("+00:00", "Z"),
            "points": debit.amount,
        }
        return Request(_path(query, "transactions", "redeem"), json=body)

    def read_debit(self, body: Any, debit: Debit) -> DebitReceipt:
        """Confirm only this transaction, with exactly the points."""
        answer = parse_as(body, RedeemAnswer)
        points = answer.redeem_equivalent_points
        if isinstance(points, str):
            raise ValueError("redeemEquivalentPoints is text")  # noqa: TRY004 - as all of these
        if answer.transaction_id != debit.reference or Amount.convert(points) != debit.amount:
            raise ValueError(f"it redeemed {points} points as {answer.transaction_id!r}")
        number = answer.gameball_transaction_id
        return DebitReceipt(provider_reference=None if number is None else str(number))

    def evidence_request(self, query: Query, debit: Debit) -> Request:  # noqa: ARG002 - the contract's
        """`GET …/transactions`: up to 200 of the customer's deductions."""
        path = _path(query, "transactions")
        asked = {"customerId": query.customer, "direction": "-", "limit": str(LONGEST_PAGE)}
        return Request(path, asked)

    def read_evidence(self, body: Any, debit: Debit) -> Evidence:
        """Read the page; it is all there is unless it says so, or is full."""
        page = parse_as(body, Transactions)
        listed = tuple(_redemption(each, debit) for each in page.transactions)
        has_more = len(listed) >= LONGEST_PAGE if page.has_more is None else page.has_more
        return Evidence(listed, not has_more)

    def is_repeat(self, error: PlatformError) -> bool:
        """A transaction with this id was made before, in Gameball's own words."""
        return error.provider_code == REPEATED_TRANSACTION and bool(error.message)

    def is_busy(self, answer: Answer) -> bool:
        """Another request for this customer is in progress."""
        error = parse_as_or_none(answer.json(), Error)
        return error is not None and str(error.code) == REQUEST_IN_PROGRESS


def _redemption(transaction: Transaction, debit: Debit) -> Redemption:
    """A transaction as a debit: what it changed, and why it may be another kind of transaction."""
    before, after = transaction.points_balance_before, transaction.points_balance_after
    points = Amount(abs(transaction.points))
    number = transaction.gameball_transaction_id
    doubts = {
        f"its customer is {transaction.customer_id!r}": (
            transaction.customer_id not in (None, debit.customer)
        ),
        f"its type is {transaction.type}": (transaction.type or "Redeem").lower()[:4] != "rede",
        f"its status is {transaction.status}": (transaction.status or "Active") != "Active",
        f"it changed the balance from {before} to {after}": (
            before is not None and after is not None and before.minus(after) != points
        ),
    }
    return Redemption(
        amount=points,
        unit="points",
        reference=transaction.transaction_id,
        at=time_or_none(transaction.transaction_time),
        provider_reference=None if number is None else str(number),
        doubt=next((doubt for doubt, is_so in doubts.items() if is_so), None),
    )
