"""The sandbox's Omneo: `GET /api/v3/profiles/{profile}/balances`."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from msgspec import Struct

from loyalty_cli.providers.contract import Amount
from loyalty_cli.sandbox.api import Api
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.misbehaviour import behave
from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.sandbox.sign_in import bearer

TOKEN = "sandbox-omneo-token"  # noqa: S105 - made up, and in the documentation
OWN_CURRENCY = "AUD"
RATES = {OWN_CURRENCY: "1", "NZD": "1.1", "USD": "0.65", "EUR": "0.6", "GBP": "0.5"}
"""The value of one unit of OWN_CURRENCY in each currency."""

_PAGE = b"<!DOCTYPE html><title>Not Found</title><h1>404</h1>"
_CREATED = "2024-01-01T00:00:00Z"


class Holder(Struct, frozen=True):
    """A customer's points and their value, rewards, credit and benefits.

    With `guide_shape`, the answer is as in Omneo's guide: numbers for strings, and fewer keys.
    `currency` may be text, or an empty list like `localised`, in place of an object.
    """

    points: str
    points_value: str
    rewards: str
    credit: str
    benefits: int = 0
    guide_shape: bool = False
    currency: Literal["object", "text", "list"] = "object"


HOLDERS = {
    "C-1001": Holder("1200", "120.00", "25.00", "0.00"),
    "C-1002": Holder("0", "0.00", "0.00", "0.00"),
    "C-1003": Holder("90", "9.00", "5.00", "12.50"),
    "C-1004": Holder("3100", "310.00", "40.00", "15.00", benefits=2),
    "C-1005": Holder("640", "64.00", "0.00", "200.00", benefits=1, currency="text"),
    "C-1006": Holder("9007199254740993", "900719925474099.30", "0.10", "0.20"),
    "C-1007": Holder("199.5", "19.95", "7.35", "0.05", guide_shape=True),
    "C-1008": Holder("75", "7.50", "10.00", "0.00"),
    "C-1009": Holder("15000", "1500.00", "150.00", "75.00", benefits=5),
    "C-1010": Holder("1", "0.01", "0.00", "0.01", currency="list"),
}


def handle(received: Received, _: Ledger) -> Reply:
    """Answer readProfileBalances."""
    match received.path:
        case ("api", "v3", "profiles", profile, "balances"):
            pass
        case _:
            return ERRORS[404]
    if received.method != "GET":
        return Reply(405, {"message": "This resource takes only GET"})
    if bearer(received) != TOKEN:
        return ERRORS[401]
    currency = received.query.get("currency", OWN_CURRENCY)
    if currency not in RATES:
        wrong = {"currency": [f"It must be one of {', '.join(RATES)}"]}
        return Reply(422, {"message": "The request is wrong", "errors": wrong})
    return behave(profile, HOLDERS, ERRORS, lambda holder: _balances(holder, currency))


def _balances(holder: Holder, currency: str) -> Reply:
    combined = str(Decimal(holder.rewards) + Decimal(holder.points_value))
    if holder.guide_shape:
        as_in_the_guide = {
            "reward_balance": Amount(holder.rewards),
            "point_balance": Amount(holder.points),
            "point_balance_dollars": Amount(holder.points_value),
            "combined_balance_dollars": Amount(combined),
        }
        return Reply(body={"data": as_in_the_guide})
    data: dict[str, Any] = {
        "reward_balance": holder.rewards,
        "credit_balance": holder.credit,
        "point_balance": holder.points,
        "point_balance_dollars": holder.points_value,
        "benefit_balance": str(holder.benefits),
        "combined_balance_dollars": combined,
        "localised": {
            "reward_balance": _converted(holder.rewards, currency),
            "point_balance_dollars": _converted(holder.points_value, currency),
            "combined_balance_dollars": _converted(combined, currency),
        },
        "currency": {
            "id": list(RATES).index(currency) + 1,
            "from": OWN_CURRENCY,
            "to": currency,
            "rate": Amount(RATES[currency]),
            "is_system": currency == OWN_CURRENCY,
            "created_at": _CREATED,
            "updated_at": _CREATED,
        },
    }
    if holder.currency == "text":
        data["currency"] = OWN_CURRENCY
    if holder.currency == "list":
        data |= {"localised": [], "currency": []}
    return Reply(body={"data": data})


def _converted(amount: str, currency: str) -> str:
    exact = Decimal(amount) * Decimal(RATES[currency])
    return f"{exact.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"


ERRORS = {
    401: Reply(401, {"message": "Unauthenticated."}),
    404: Reply(404, _PAGE, content_type="text/html; charset=utf-8"),
    429: Reply(429, {"message": "There were too many requests"}),
    500: Reply(500, {"message": "Something broke"}),
}
API = Api({"api_token": TOKEN}, handle, ERRORS)
