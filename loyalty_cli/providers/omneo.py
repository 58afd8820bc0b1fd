"""Omneo: a customer's points, rewards, credit and benefits."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import (
    NOT_A_BALANCE,
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
    WarningCode,
    WarningRecord,
    bearer,
    parse_as,
    parse_as_or_none,
)

FIGURES = ("reward_balance", "point_balance_dollars", "combined_balance_dollars")
"""The amounts that Omneo converts to the currency that was asked for."""


class Balances(Struct):
    """The `data` of readProfileBalances; strings or numbers, and some may be left out."""

    reward_balance: Amount | None = None
    credit_balance: Amount | None = None
    point_balance: Amount | None = None
    point_balance_dollars: Amount | None = None
    benefit_balance: Amount | None = None
    combined_balance_dollars: Amount | None = None


class Localised(Struct, frozen=True):
    """The amounts in the currency that was asked for, and that currency."""

    currency: str | None = None
    reward_balance: Amount | None = None
    point_balance_dollars: Amount | None = None
    combined_balance_dollars: Amount | None = None


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
    impossible_customer = "00000000-0000-4000-8000-000000000000"
    options = (
        Parameter("currency", "the currency to convert to, such as NZD", sent_as="currency"),
    )
    numbers = {
        "points": "point_balance, worth point_balance_dollars in currency.from",
        "rewards": "reward_balance",
        "credit": "credit_balance",
        "benefits": "benefit_balance",
        "combined": "combined_balance_dollars: the sum of points and rewards, not more money",
        "value": "with the option currency: the amounts in localised, in currency.to",
        "details": "localised, currency",
    }

    def request(self, query: Query) -> Request:
        """Ask for the balances."""
        path = ("api", "v3", "profiles", query.customer, "balances")
        return Request(path, self.query_parameters(query))

    def normalize(self, body: Any, query: Query) -> Reading:
        """One line for each balance that the platform sent.

        The reference has `currency` as an object and as text. `localised` and `currency` may have
        any other shape, and are in the details as they came.
        """
        data = parse_as(body, BalancesAnswer).data
        if data == Balances():
            raise ValueError(f"{NOT_A_BALANCE} - at 'data'")
        sent = body["data"]
        asked = query.options.get("currency")
        localised = _localised(sent, asked) if asked else Localised()
        currency = _currency(sent, data, localised)
        lines = _lines(data, currency, localised)
        kept = ("localised", "currency")
        details = {key: sent[key] for key in kept if sent.get(key) is not None}
        unclear = self.not_stated(*(line for line in lines if not line.sum_of))
        ignored = _ignored(asked, localised)
        warnings = (*ignored, *_doubts(lines, currency, localised), *unclear)
        return Reading(tuple(lines), details or None, warnings)

    def read_error(self, body: Any) -> PlatformError | None:
        """Read a message, the mistakes in each field, or both."""
        if found := parse_as_or_none(body, ValidationError):
            wrong = [f"{name}: {' '.join(texts)}" for name, texts in found.errors.items()]
            return PlatformError("; ".join(([found.message] if found.message else []) + wrong))
        error = parse_as_or_none(body, Error)
        return PlatformError(error.message) if error else None

    def is_not_found(self, answer: Answer) -> bool:
        """A 404 may mean an unknown customer, with any body."""
        return answer.status == 404


def _localised(sent: Mapping[str, Any], asked: str) -> Localised:
    """What was asked for with `currency`; amounts that cannot be read are left out."""
    figures = sent.get("localised")
    if not isinstance(figures, dict):
        return Localised()
    amounts = {name: Amount.convert_or_none(figures.get(name)) for name in FIGURES}
    to, own = _code(sent.get("currency"), "to"), _own(sent)
    same = own if _is_same(own, asked) else asked
    return Localised(currency=to or same, **amounts)


def _currency(sent: Mapping[str, Any], data: Balances, localised: Localised) -> str | None:
    """The currency of what is not localised, as far as Omneo names it.

    A text may be the currency that was asked for: then amounts in two currencies differ.
    """
    code = _own(sent)
    pairs = [(getattr(localised, name), getattr(data, name)) for name in FIGURES]
    differs = any(None not in pair and pair[0] != pair[1] for pair in pairs)
    return None if differs and _is_same(code, localised.currency) else code


def _own(sent: Mapping[str, Any]) -> str | None:
    """The currency that Omneo names beside the one to convert to."""
    currency = sent.get("currency")
    return currency or None if isinstance(currency, str) else _code(currency, "from")


def _is_same(one: str | None, other: str | None) -> bool:
    """Whether two codes are one currency, in any case."""
    return one is not None and other is not None and one.lower() == other.lower()


def _ignored(asked: str | None, localised: Localised) -> list[WarningRecord]:
    """Say that the amounts are not in the currency that was asked for."""
    if asked is None:
        return []
    if all(getattr(localised, name) is None for name in FIGURES):
        told = f"Omneo converted no amount to {asked}."
    elif not _is_same(localised.currency, asked):
        told = f"Omneo converted to {localised.currency}, and not to {asked}."
    else:
        return []
    return [WarningRecord(WarningCode.OPTION_IGNORED, told)]


def _code(currency: Any, name: str) -> str | None:
    code = currency.get(name) if isinstance(currency, dict) else None
    return code if isinstance(code, str) and code else None


def _lines(data: Balances, currency: str | None, localised: Localised) -> list[Balance]:
    def value(**amounts: Amount | None) -> Value | None:
        worth = Value(currency=localised.currency, **amounts)
        return None if worth == Value(currency=localised.currency) else worth

    worth = data.point_balance_dollars
    own = None if worth is None else Value(currency=currency, available=worth)
    candidates = [
        Balance(
            name="points",
            kind="points",
            unit="points",
            available=data.point_balance,
            value=value(available=localised.point_balance_dollars) or own,
        ),
        Balance(
            name="rewards",
            kind="money",
            unit=currency,
            available=data.reward_balance,
            value=value(available=localised.reward_balance),
        ),
        Balance(name="credit", kind="credit", unit=currency, available=data.credit_balance),
        Balance(name="benefits", kind="other", available=data.benefit_balance),
        # A sum: only a total, so that nobody adds it again.
        Balance(
            name="combined",
            kind="money",
            unit=currency,
            sum_of=("points", "rewards"),
            total=data.combined_balance_dollars,
            value=value(total=localised.combined_balance_dollars),
        ),
    ]
    return [line for line in candidates if (line.available, line.total, line.value) != (None,) * 3]


def _doubts(
    lines: list[Balance], currency: str | None, localised: Localised
) -> list[WarningRecord]:
    """Say that no page states the currency of what is not localised."""
    names = [line.name for line in lines if line.kind in ("money", "credit")]
    if localised.point_balance_dollars is None:
        names += [
            f"the worth of {line.name}" for line in lines if line.kind == "points" and line.value
        ]
    if not names:
        return []
    unclear = (
        f"names {currency}, but does not say that these are in it"
        if currency
        else "does not say in which currency these are"
    )
    doubt = f"Omneo {unclear}: {', '.join(names)}."
    return [WarningRecord(WarningCode.CURRENCY_UNKNOWN, doubt)]
