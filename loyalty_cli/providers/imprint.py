"""Imprint: the rewards balance of a co-branded card's customer."""

from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import (
    NOT_A_BALANCE,
    Amount,
    Auth,
    Balance,
    ErrorCode,
    Parameter,
    PlatformError,
    Provider,
    Query,
    Reading,
    Request,
    WarningCode,
    WarningRecord,
    basic,
    bearer,
    decimals,
    header_value,
    is_currency,
    json_text,
    parse_as,
    parse_as_or_none,
)

NO_CUSTOMER = "CUSTOMER_NOT_FOUND_ERROR"
MERCHANT = "x-imprint-merchant-key"
UNIT_UNKNOWN = "Whole {symbol} or cents? Imprint does not say. Set minor_units in the profile."


class RewardsBalance(Struct):
    """The 200 of getRewardsBalance, which has a customer_id, too."""

    reward_balance: Amount
    reward_symbol: str
    reward_description: str | None = None


class Error(Struct):
    """An error as the reference describes it, flat."""

    type: str
    message: str | None = None
    param: Any = None


class NestedError(Struct):
    """An error one level down."""

    error: Error


class GatewayError(Struct):
    """An error of the gateway in front of the API: `error` is text."""

    status: int
    error: str
    path: str
    details: list[Any] | None = None


class Imprint(Provider):
    """`GET /v2/customers/{customer_id}/rewards_balance`, from the API reference."""

    name = "imprint"
    title = "Imprint"
    pages = (
        "https://docs.imprint.co/api-reference",
        "https://docs.imprint.co/api-reference/data-types",
        "https://docs.imprint.co/authentication",
    )
    base_url = "https://dev.imprint.co"
    auths = (
        Auth("bearer", ("api_key",), lambda secrets: bearer(secrets["api_key"])),
        Auth("basic", ("api_key",), lambda secrets: basic(secrets["api_key"], "")),
    )
    impossible_customer = "00000000-0000-4000-8000-000000000000"
    settings = (
        Parameter(
            "minor_units",
            "how many decimals a balance of money has: 2 if it is in cents; without it, unchanged",
            decimals,
        ),
        Parameter(
            "merchant_key",
            f"the product that is asked about, if you have several; the header {MERCHANT}",
            header_value,
        ),
    )
    numbers = {
        "name": "reward_description",
        "unit": "reward_symbol",
        "available": "reward_balance; money is divided by 10^minor_units if the profile has that",
        "platform_customer": "customer_id, compared with the customer asked for",
    }

    def request(self, query: Query) -> Request:
        """Ask for the rewards balance."""
        merchant = query.settings.get("merchant_key")
        return Request(
            ("v2", "customers", query.customer, "rewards_balance"),
            headers={MERCHANT: merchant} if merchant else {},
        )

    def normalize(self, body: Any, query: Query) -> Reading:
        """One line; no page states whether a `$` balance is in dollars or cents."""
        sent = body.get("customer_id") if isinstance(body, dict) else None
        if sent is None and not (isinstance(body, dict) and "reward_balance" in body):
            raise ValueError(f"{NOT_A_BALANCE} - at 'customer_id'")
        customer = self.named_customer(sent, query, "customer_id")
        answer = parse_as(body, RewardsBalance)
        symbol, balance = answer.reward_symbol, answer.reward_balance
        minor_units = query.settings.get("minor_units")
        is_money = is_currency(symbol)
        is_doubtful = is_money and minor_units is None
        if is_money and minor_units:
            balance = balance.shifted(-int(minor_units))
        line = Balance(
            name=answer.reward_description or "rewards",
            kind="money" if is_money else "points",
            unit=symbol,
            basis="scale_unknown" if is_doubtful else "stated",
            available=balance,
        )
        doubt = UNIT_UNKNOWN.format(symbol=symbol)
        warnings = (WarningRecord(WarningCode.SCALE_UNKNOWN, doubt),) if is_doubtful else ()
        return Reading((line,), warnings=warnings, platform_customer=customer)

    def read_error(self, body: Any) -> PlatformError | None:
        """Read any of the three error shapes that the documentation shows."""
        nested = parse_as_or_none(body, NestedError)
        error = nested.error if nested else parse_as_or_none(body, Error)
        code = ErrorCode.NOT_FOUND if error and error.type == NO_CUSTOMER else None
        if error and (code or error.message is not None):
            words = [(error.message or "").rstrip(".")]
            if error.param is not None:
                words.append(f"param {json_text(error.param)}")
            return PlatformError(", ".join(filter(None, words)), error.type, code)
        if gateway := parse_as_or_none(body, GatewayError):
            details = "; ".join(map(json_text, gateway.details or ()))
            return PlatformError(f"{gateway.error}: {details}" if details else gateway.error)
        return None
