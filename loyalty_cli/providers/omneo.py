"""Omneo: a customer's points, rewards, credit and benefits."""

from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import (
    Amount,
    Answer,
    Auth,
    Balance,
    Parameter,
    PlatformError,
    Provider,
    Query,
    Reading,
    Request,
    Value,
    bearer,
    parse_as,
    parse_as_or_none,
)


class Currency(Struct, rename={"code": "from"}):
    """The currency of the amounts of money."""

    code: str | None = None


class Balances(Struct):
    """The `data` of readProfileBalances; strings or numbers, and some may be left out."""

    reward_balance: Amount | None = None
    credit_balance: Amount | None = None
    point_balance: Amount | None = None
    point_balance_dollars: Amount | None = None
    benefit_balance: Amount | None = None
    combined_balance_dollars: Amount | None = None
    localised: dict[str, Any] | None = None
    currency: Currency | None = None


class BalancesAnswer(Struct):
    """The 200 of readProfileBalances."""

    data: Balances


class Error(Struct):
    """A sign-in or server error, and a validation error that has a message."""

    message: str


class ValidationError(Struct):
    """A 422: the mistakes in each field."""

    errors: dict[str, list[str]]
    message: str | None = None


class Omneo(Provider):
    """`GET /api/v3/profiles/{profile}/balances`, from the API reference."""

    name = "omneo"
    title = "Omneo"
    pages = ("https://docs.omneo.io/api-reference/profile-balance/read-profile-balances",)
    auths = (Auth("bearer", ("api_token",), lambda secrets: bearer(secrets["api_token"])),)
    options = (
        Parameter("currency", "the currency to convert to, such as NZD", sent_as="currency"),
    )
    numbers = {
        "points": "point_balance, worth point_balance_dollars in currency.from",
        "rewards": "reward_balance",
        "credit": "credit_balance",
        "benefits": "benefit_balance",
        "combined": "combined_balance_dollars: the sum of points and rewards, not more money",
        "details": "localised, currency",
    }

    def request(self, query: Query) -> Request:
        """Ask for the balances."""
        path = ("api", "v3", "profiles", query.customer, "balances")
        return Request(path, self.query_parameters(query))

    def normalize(self, body: Any, query: Query) -> Reading:  # noqa: ARG002 - the contract's
        """One line for each balance that the platform sent."""
        data = parse_as(body, BalancesAnswer).data
        kept = ("localised", "currency")
        details = {key: body["data"][key] for key in kept if body["data"].get(key) is not None}
        return Reading(tuple(_lines(data)), details or None)

    def read_error(self, body: Any) -> PlatformError | None:
        """Read a message, the mistakes in each field, or both."""
        if found := parse_as_or_none(body, ValidationError):
            wrong = [f"{name}: {' '.join(texts)}" for name, texts in found.errors.items()]
            return PlatformError("; ".join(([found.message] if found.message else []) + wrong))
        error = parse_as_or_none(body, Error)
        return PlatformError(error.message) if error else None

    def is_not_found(self, answer: Answer) -> bool:
        """A 404 means an unknown customer, with any body."""
        return answer.status == 404


def _lines(data: Balances) -> list[Balance]:
    currency = data.currency.code if data.currency else None
    worth = data.point_balance_dollars
    candidates = [
        Balance(
            name="points",
            kind="points",
            unit="points",
            available=data.point_balance,
            value=None if worth is None else Value(currency=currency, available=worth),
        ),
        Balance(name="rewards", kind="money", unit=currency, available=data.reward_balance),
        Balance(name="credit", kind="credit", unit=currency, available=data.credit_balance),
        Balance(name="benefits", kind="other", available=data.benefit_balance),
        # A sum of points and rewards: only a total, so that nobody adds it again.
        Balance(name="combined", kind="money", unit=currency, total=data.combined_balance_dollars),
    ]
    return [line for line in candidates if (line.available, line.total, line.value) != (None,) * 3]
