"""Imprint: the rewards balance of a co-branded card's customer."""

from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import (
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
    is_currency,
    parse_as,
    parse_as_or_none,
)

UNIT_UNKNOWN = (
    "Imprint does not say whether {balance} {symbol} is in whole or minor units"
    " (dollars or cents); set minor_units in the profile once you know."
)


class RewardsBalance(Struct):
    """The 200 of getRewardsBalance."""

    reward_balance: Amount
    reward_symbol: str
    reward_description: str | None = None


class Error(Struct):
    """An error as the reference describes it, flat."""

    type: str
    message: str


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
    pages = ("https://docs.imprint.co/api-reference", "https://docs.imprint.co/authentication")
    base_url = "https://dev.imprint.co"
    auths = (
        Auth("bearer", ("api_key",), lambda secrets: bearer(secrets["api_key"])),
        Auth("basic", ("api_key",), lambda secrets: basic(secrets["api_key"], "")),
    )
    settings = (
        Parameter(
            "minor_units",
            "how many decimals the balance has: 2 if it is in cents; without it, unchanged",
            decimals,
        ),
    )
    numbers = {
        "name": "reward_description",
        "unit": "reward_symbol",
        "available": "reward_balance, divided by 10^minor_units if the profile has that",
    }

    def request(self, query: Query) -> Request:
        """Ask for the rewards balance."""
        return Request(("v2", "customers", query.customer, "rewards_balance"))

    def normalize(self, body: Any, query: Query) -> Reading:
        """One line; no page states whether a `$` balance is in dollars or cents."""
        answer = parse_as(body, RewardsBalance)
        symbol, balance = answer.reward_symbol, answer.reward_balance
        money = is_currency(symbol)
        warnings: tuple[WarningRecord, ...] = ()
        if minor_units := query.settings.get("minor_units"):
            balance = balance.shifted(-int(minor_units))
        elif money:
            doubt = UNIT_UNKNOWN.format(balance=balance, symbol=symbol)
            warnings = (WarningRecord(WarningCode.SCALE_UNKNOWN, doubt),)
        line = Balance(
            name=answer.reward_description or "rewards",
            kind="money" if money else "points",
            unit=symbol,
            available=balance,
        )
        return Reading((line,), warnings=warnings)

    def read_error(self, body: Any) -> PlatformError | None:
        """Read any of the three error shapes that the documentation shows."""
        nested = parse_as_or_none(body, NestedError)
        if error := nested.error if nested else parse_as_or_none(body, Error):
            not_found = error.type == "CUSTOMER_NOT_FOUND_ERROR"
            return PlatformError(
                error.message, error.type, ErrorCode.NOT_FOUND if not_found else None
            )
        if gateway := parse_as_or_none(body, GatewayError):
            details = "; ".join(str(detail) for detail in gateway.details or ())
            return PlatformError(f"{gateway.error}: {details}" if details else gateway.error)
        return None
