"""The sandbox's Imprint: `GET /v2/customers/{customer_id}/rewards_balance`."""

from datetime import UTC, datetime
from http import HTTPStatus

from msgspec import Struct

from loyalty_cli.sandbox.api import Api
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.misbehaviour import behave
from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.sandbox.sign_in import basic, bearer

KEY = "sandbox-imprint-key"


class Card(Struct, frozen=True):
    """A customer's card."""

    balance: int
    symbol: str
    description: str | None = None


CARDS = {
    "C-1001": Card(120000, "$", "Cash back"),
    "C-1002": Card(0, "points", "Points"),
    "C-1003": Card(4200, "points", "Summer points"),
    "C-1004": Card(2599, "$"),
    "C-1005": Card(88, "miles", "Air miles"),
    "C-1006": Card(9007199254740993, "points", "Points"),
    "C-1007": Card(1995, "€", "Guthaben"),
    "C-1008": Card(-350, "$", "Cash back"),
    "C-1009": Card(51000, "USD", "Travel credit"),
    "C-1010": Card(1, "points"),
}


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
        return ERRORS[401]
    return behave(customer, CARDS, ERRORS, lambda card: _balance(customer, card))


def _balance(customer: str, card: Card) -> Reply:
    body = {"customer_id": customer, "reward_balance": card.balance, "reward_symbol": card.symbol}
    described = {"reward_description": card.description} if card.description else {}
    return Reply(body=body | described)


def _error(status: int, kind: str, message: str) -> Reply:
    return Reply(status, {"error": {"type": kind, "message": message}})


def _gateway_error(status: int, received: Received) -> Reply:
    body = {
        "timestamp": datetime.now(UTC).isoformat(),
        "status": status,
        "error": HTTPStatus(status).phrase,
        "path": received.target,
        "details": [],
    }
    return Reply(status, body)


_NO_CUSTOMER = {
    "type": "CUSTOMER_NOT_FOUND_ERROR",
    "message": "No customer has this ID",
    "param": "customer_id",
}
ERRORS = {
    401: _error(401, "AUTHENTICATION_ERROR", "The API key is missing or wrong"),
    404: Reply(404, _NO_CUSTOMER),
    429: _error(429, "RATE_LIMIT_ERROR", "There were too many requests"),
    500: _error(500, "API_ERROR", "Something broke"),
}
API = Api({"api_key": KEY}, handle, ERRORS)
