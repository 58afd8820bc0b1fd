"""The sandbox's Imprint."""

from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from loyalty_cli.sandbox.api import Api, Trouble
from loyalty_cli.sandbox.customers import CUSTOMERS
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.misbehaviour import behave
from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.sandbox.sign_in import basic, bearer

KEY = "sandbox-imprint-key"


def handle(received: Received, _: Ledger) -> Reply:
    """Answer getRewardsBalance."""
    match received.path:
        case ("v2", "customers", customer, "rewards_balance"):
            pass
        case _:
            return _gateway_error(404, received)
    if received.method != "GET":
        return _gateway_error(405, received)
    if bearer(received) != KEY and basic(received) != (KEY, ""):
        return error(Trouble.SIGN_IN)
    return behave(customer, error, partial(_balance, customer))


def error(trouble: Trouble) -> Reply:
    """Imprint's words for a trouble: flat for a customer, one level down for the rest."""
    match trouble:
        case Trouble.NO_CUSTOMER:
            words = _words("CUSTOMER_NOT_FOUND_ERROR", "No customer has this ID")
            return Reply(404, words | {"param": "customer_id"})
        case Trouble.SIGN_IN:
            words = _words("AUTHENTICATION_ERROR", "The API key is missing or wrong")
            return Reply(401, {"error": words})
        case Trouble.TOO_OFTEN:
            words = _words("RATE_LIMIT_ERROR", "There were too many requests")
            return Reply(429, {"error": words})
        case Trouble.BROKEN:
            return Reply(500, {"error": _words("API_ERROR", "Something broke")})


def _words(kind: str, message: str) -> dict[str, str]:
    return {"type": kind, "message": message}


def _gateway_error(status: int, received: Received) -> Reply:
    body = {
        "timestamp": datetime.now(UTC).isoformat(),
        "status": status,
        "error": HTTPStatus(status).phrase,
        "path": received.target,
        "details": [],
    }
    return Reply(status, body)


def _balance(customer: str) -> Reply:
    if customer not in CUSTOMERS:
        return error(Trouble.NO_CUSTOMER)
    card = CUSTOMERS[customer].imprint
    body: dict[str, Any] = {
        "customer_id": customer,
        "reward_balance": card.balance,
        "reward_symbol": card.symbol,
    }
    if card.description:
        body["reward_description"] = card.description
    return Reply(body=body)


API = Api("imprint", {"api_key": KEY}, handle, error)
