"""The sandbox's Omneo."""

from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from loyalty_cli.model.amount import Amount
from loyalty_cli.sandbox.api import Api, Trouble
from loyalty_cli.sandbox.customers import CUSTOMERS, Holder
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.misbehaviour import behave
from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.sandbox.sign_in import bearer

TOKEN = "sandbox-omneo-token"  # noqa: S105 - made up, and in the documentation
OWN_CURRENCY = "AUD"
RATES = {OWN_CURRENCY: "1", "NZD": "1.1", "USD": "0.65", "EUR": "0.6", "GBP": "0.5"}
"""How much of each currency one unit of the platform's own is."""

_PAGE = b"<!DOCTYPE html><title>Not Found</title><h1>404</h1>"
_CREATED = "2024-01-01T00:00:00Z"


def handle(received: Received, _: Ledger) -> Reply:
    """Answer readProfileBalances."""
    match received.path:
        case ("api", "v3", "profiles", profile, "balances"):
            pass
        case _:
            return error(Trouble.NO_CUSTOMER)
    if received.method != "GET":
        return Reply(405, {"message": "This resource takes GET alone"})
    if bearer(received) != TOKEN:
        return error(Trouble.SIGN_IN)
    currency = received.query.get("currency", OWN_CURRENCY)
    if currency not in RATES:
        wrong = {"currency": [f"It must be one of {', '.join(RATES)}"]}
        return Reply(422, {"message": "The request is wrong", "errors": wrong})
    return behave(profile, error, partial(_balances, profile, currency))


def error(trouble: Trouble) -> Reply:
    """Omneo's words for a trouble; a 404 is a page."""
    match trouble:
        case Trouble.SIGN_IN:
            return Reply(401, {"message": "Unauthenticated."})
        case Trouble.NO_CUSTOMER:
            return Reply(404, _PAGE, content_type="text/html; charset=utf-8")
        case Trouble.TOO_OFTEN:
            return Reply(429, {"message": "There were too many requests"})
        case Trouble.BROKEN:
            return Reply(500, {"message": "Something broke"})


def _balances(profile: str, currency: str) -> Reply:
    if profile not in CUSTOMERS:
        return error(Trouble.NO_CUSTOMER)
    holder = CUSTOMERS[profile].omneo
    combined = Amount(holder.rewards + holder.points_value)
    if holder.guide_shape:
        return Reply(body={"data": _as_in_the_guide(holder, combined)})
    data = {
        "reward_balance": str(holder.rewards),
        "credit_balance": str(holder.credit),
        "point_balance": str(holder.points),
        "point_balance_dollars": str(holder.points_value),
        "benefit_balance": str(holder.benefits),
        "combined_balance_dollars": str(combined),
        "localised": {
            "reward_balance": _converted(holder.rewards, currency),
            "point_balance_dollars": _converted(holder.points_value, currency),
            "combined_balance_dollars": _converted(combined, currency),
        },
        "currency": _currency(currency),
    }
    return Reply(body={"data": data})


def _as_in_the_guide(holder: Holder, combined: Amount) -> dict[str, Any]:
    return {
        "reward_balance": holder.rewards,
        "point_balance": holder.points,
        "point_balance_dollars": holder.points_value,
        "combined_balance_dollars": combined,
    }


def _converted(amount: Amount, currency: str) -> str:
    exact = amount * Decimal(RATES[currency])
    return f"{exact.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"


def _currency(code: str) -> dict[str, Any]:
    return {
        "id": list(RATES).index(code) + 1,
        "from": OWN_CURRENCY,
        "to": code,
        "rate": Amount(RATES[code]),
        "is_system": code == OWN_CURRENCY,
        "created_at": _CREATED,
        "updated_at": _CREATED,
    }


API = Api("omneo", {"api_token": TOKEN}, handle, error)
