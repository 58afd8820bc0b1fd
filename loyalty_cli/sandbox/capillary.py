"""The sandbox's Capillary: a customer's points by the id or another identifier, and tokens."""

import secrets
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from hashlib import md5
from typing import Any

from msgspec import Struct

from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import Amount, parse_as
from loyalty_cli.sandbox.api import Api
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.misbehaviour import behave
from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.sandbox.sign_in import basic

CREDENTIALS = {
    "username": "sandbox-capillary-till",
    "password": "sandbox-capillary-password",
    "client_key": "sandbox-capillary-key",
    "client_secret": "sandbox-capillary-secret",
}
TOKEN_LIFETIME_SECONDS = 3600
DEFAULT_PROGRAM = 1

_TOKENS: dict[str, float] = {}
"""The tokens of this process, with the end of each; those of another run are refused."""


class Points(Struct, frozen=True):
    """The points of one programme: available, and promised by kind."""

    main: str = "0.000"
    delayed: str = "0.000"
    external: str = "0.000"


class Shopper(Struct, frozen=True):
    """A customer, and the programmes in which the customer is."""

    entity_id: int
    programs: dict[int, Points]
    warnings: tuple[str, ...] = ()


SHOPPERS = {
    "C-1001": Shopper(565000101, {1: Points("8500.000"), 42: Points("120.000")}),
    "C-1002": Shopper(565000102, {1: Points()}),
    "C-1003": Shopper(565000103, {1: Points("300.000", "120.500", "30.000")}),
    "C-1004": Shopper(565000104, {1: Points("1040.250"), 42: Points("77.750", "10.000")}),
    "C-1005": Shopper(565000105, {1: Points("640.000", external="64.000")}),
    "C-1006": Shopper(565000106, {1: Points("12345678901234567.890", "0.001")}),
    "C-1007": Shopper(
        565000107, {1: Points("1234.567", "0.433")}, ("Two cards of this customer were merged.",)
    ),
    "C-1008": Shopper(565000108, {1: Points("75.000")}),
    "C-1009": Shopper(565000109, {42: Points("410.000")}),
    "C-1010": Shopper(565000110, {1: Points("0.001")}),
}
BY_ENTITY_ID = {str(shopper.entity_id): shopper for shopper in SHOPPERS.values()}


class Client(Struct):
    """The body of a request for a token."""

    key: str
    secret: str


IDENTIFIERS: dict[str, Callable[[str], str]] = {
    "mobile": lambda customer: f"1555000{customer[2:]}",
    "email": lambda customer: f"{customer.lower()}@example.com",
    "externalId": lambda customer: f"X-{customer[2:]}",
    "cardNumber": lambda customer: f"400000000000{customer[2:]}",
}
"""The other identifiers of a customer, made from the id."""


def handle(received: Received, _: Ledger) -> Reply:
    """Answer get-points-balance in both forms, and issue tokens."""
    match received.path:
        case ("v2", "customers", "lookup", "points", "balance"):
            method, answer = "GET", partial(_looked_up, received)
        case ("v2", "customers", customer, "points", "balance"):
            method, answer = "GET", partial(_balance, received, customer)
        case ("v3", "oauth", "token", "generate"):
            method, answer = "POST", partial(_generate_token, received)
        case _:
            return _error(404, 404, "There is no such resource")
    if received.method != method:
        return _error(405, 405, f"This resource takes only {method}")
    return answer()


def new_token(lifetime: float) -> str:
    """Issue a token that is valid for so many seconds."""
    token = secrets.token_urlsafe()
    _TOKENS[token] = time.monotonic() + lifetime
    return token


def _generate_token(received: Received) -> Reply:
    try:
        client = parse_as(decode(received.body), Client)
    except ValueError:
        return _error(400, 400, "The body must be JSON with a key and a secret")
    if (client.key, client.secret) != (CREDENTIALS["client_key"], CREDENTIALS["client_secret"]):
        return ERRORS[401]
    token = new_token(TOKEN_LIFETIME_SECONDS)
    data = {"accessToken": token, "ttlSeconds": TOKEN_LIFETIME_SECONDS}
    return Reply(body={"data": data, "errors": None})


def _is_signed_in(received: Received) -> bool:
    if (token := received.headers.get("x-cap-api-oauth-token")) is not None:
        return time.monotonic() < _TOKENS.get(token, 0.0)
    digest = md5(CREDENTIALS["password"].encode(), usedforsecurity=False).hexdigest()
    return basic(received) == (CREDENTIALS["username"], digest)


def _looked_up(received: Received) -> Reply:
    """Answer for the customer with an identifier; a wrong name for it is an error."""
    name, value = (received.query.get(f"identifier{part}", "") for part in ("Name", "Value"))
    if name not in IDENTIFIERS or received.query.get("source") != "INSTORE":
        return _error(400, 1632, "The identifier is wrong")
    known = {IDENTIFIERS[name](customer): customer for customer in SHOPPERS}
    # One that misbehaves does so by any name.
    return _balance(received, known.get(value, value if value.startswith("E-") else ""))


def _balance(received: Received, customer: str) -> Reply:
    if not _is_signed_in(received):
        return ERRORS[401]
    program = received.query.get("programId", str(DEFAULT_PROGRAM))
    everything = received.query.get("fetchDataForAllPrograms", "false")
    if not (program.isascii() and program.isdigit() and everything in ("true", "false")):
        return _error(400, 400, "A query parameter is wrong")
    asked = None if everything == "true" else int(program)
    entity = int(customer) if customer in BY_ENTITY_ID else customer
    return behave(customer, SHOPPERS | BY_ENTITY_ID, ERRORS, partial(_points, entity, asked))


def _points(entity: int | str, program: int | None, shopper: Shopper) -> Reply:
    """The points of a programme, zero if the customer is not in it; for None, of all.

    An entityId is a number at Capillary, and the sandbox takes that, too. But it must be the
    customer who was asked for, and most of its customers have an identifier like C-1001.
    """
    programs = shopper.programs if program is None else {program: Points()} | shopper.programs
    parts = [part for key, part in programs.items() if program in (None, key)]
    main, delayed, external = (
        Amount(sum(Decimal(getattr(part, kind)) for part in parts))
        for kind in ("main", "delayed", "external")
    )
    promised = delayed.plus(external)
    body = {
        "entityId": entity,
        "entityType": "CUSTOMER",
        "totalPoints": main.plus(promised),
        "mainPoints": main,
        "promisedPoints": promised,
        "promisedPointsBreakup": {
            "delayedAccrualPoints": delayed,
            "externalTriggerBasedPoints": external,
        },
        **({} if program is None else {"programId": program}),
        "warnings": [_status(0, message) for message in shopper.warnings],
    }
    return Reply(body=body)


def _error(status: int, code: int, message: str) -> Reply:
    return Reply(status, {"errors": [_status(code, message)], "warnings": []})


def _status(code: int, message: str) -> dict[str, Any]:
    return {"status": False, "code": code, "message": message}


ERRORS = {
    401: _error(401, 401, "The sign-in is missing, wrong or expired"),
    404: _error(404, 8015, "No customer has these identifiers"),
    429: _error(429, 429, "There were too many requests"),
    500: _error(500, 500, "Something broke"),
}
API = Api(CREDENTIALS, handle, ERRORS)
