"""The sandbox's Capillary."""

import hmac
import secrets
import time
from functools import partial
from hashlib import md5
from typing import Any

from msgspec import Struct

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import parse_as
from loyalty_cli.sandbox.api import Api, Trouble
from loyalty_cli.sandbox.customers import CUSTOMERS, DEFAULT_PROGRAM, Points, Shopper
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
TOKEN_LIFETIME = 3600

# A token says until when it is good, and this process alone can sign it: what another run gave
# out is as unknown here as it would be to the platform.
_SIGNING_KEY = secrets.token_bytes(32)


class Client(Struct):
    """What a token is given for."""

    key: str
    secret: str


def handle(received: Received, _: Ledger) -> Reply:
    """Answer get-points-balance, and give tokens."""
    match received.path:
        case ("v2", "customers", customer, "points", "balance"):
            method, answer = "GET", partial(_balance, received, customer)
        case ("v3", "oauth", "token", "generate"):
            method, answer = "POST", partial(_generate_token, received)
        case _:
            return _error(404, 404, "There is no such resource")
    if received.method != method:
        return _error(405, 405, f"This resource takes {method} alone")
    return answer()


def error(trouble: Trouble) -> Reply:
    """Capillary's words for a trouble."""
    match trouble:
        case Trouble.SIGN_IN:
            return _error(401, 401, "The sign-in is missing, wrong or over")
        case Trouble.NO_CUSTOMER:
            return _error(404, 8015, "No customer has these identifiers")
        case Trouble.TOO_OFTEN:
            return _error(429, 429, "There were too many requests")
        case Trouble.BROKEN:
            return _error(500, 500, "Something broke")


def token_until(ends: int) -> str:
    """A token that is good until `ends` (Unix time)."""
    return f"{ends}.{hmac.new(_SIGNING_KEY, str(ends).encode(), 'sha256').hexdigest()}"


def _error(status: int, code: int, message: str) -> Reply:
    return Reply(status, {"errors": [_status(code, message)], "warnings": []})


def _status(code: int, message: str) -> dict[str, Any]:
    return {"status": False, "code": code, "message": message}


def _generate_token(received: Received) -> Reply:
    try:
        client = parse_as(decode(received.body), Client)
    except ValueError:
        return _error(400, 400, "The body must be JSON with a key and a secret")
    if (client.key, client.secret) != (CREDENTIALS["client_key"], CREDENTIALS["client_secret"]):
        return error(Trouble.SIGN_IN)
    token = token_until(int(time.time()) + TOKEN_LIFETIME)
    data = {"accessToken": token, "ttlSeconds": TOKEN_LIFETIME}
    return Reply(body={"data": data, "errors": None})


def _is_signed_in(received: Received) -> bool:
    token = received.headers.get("x-cap-api-oauth-token")
    if token is not None:
        return _is_good(token)
    digest = md5(CREDENTIALS["password"].encode(), usedforsecurity=False).hexdigest()
    return basic(received) == (CREDENTIALS["username"], digest)


def _is_good(token: str) -> bool:
    ends = token.partition(".")[0]
    if not (ends.isascii() and ends.isdigit() and len(ends) < 20):
        return False
    return token == token_until(int(ends)) and time.time() < int(ends)


def _balance(received: Received, customer: str) -> Reply:
    if not _is_signed_in(received):
        return error(Trouble.SIGN_IN)
    program = received.query.get("programId", str(DEFAULT_PROGRAM))
    everything = received.query.get("fetchDataForAllPrograms", "false")
    if not (program.isascii() and program.isdigit() and everything in ("true", "false")):
        return _error(400, 400, "A query parameter is wrong")
    asked = None if everything == "true" else program
    return behave(customer, error, partial(_points, customer, asked))


def _points(customer: str, program: str | None) -> Reply:
    if customer not in CUSTOMERS:
        return error(Trouble.NO_CUSTOMER)
    shopper = CUSTOMERS[customer].capillary
    points = _in_programs(shopper, program)
    promised = Amount(points.delayed + points.external)
    body = {
        "entityId": shopper.entity_id,
        "entityType": "CUSTOMER",
        "totalPoints": Amount(points.main + promised),
        "mainPoints": points.main,
        "promisedPoints": promised,
        "promisedPointsBreakup": {
            "delayedAccrualPoints": points.delayed,
            "externalTriggerBasedPoints": points.external,
        },
        **({} if program is None else {"programId": int(program)}),
        "warnings": [_status(0, message) for message in shopper.warnings],
    }
    return Reply(body=body)


def _in_programs(shopper: Shopper, program: str | None) -> Points:
    """The points of a programme, zero where the customer is not in it; for None, of all of them."""
    if program is not None:
        return shopper.programs.get(int(program), Points(Amount("0.000")))
    parts = shopper.programs.values()
    return Points(
        Amount(sum(part.main for part in parts)),
        Amount(sum(part.delayed for part in parts)),
        Amount(sum(part.external for part in parts)),
    )


API = Api("capillary", CREDENTIALS, handle, error)
