"""The sandbox's Capillary: a customer's points by the id or another identifier, tokens, debits."""

import secrets
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from hashlib import md5
from typing import Any

from msgspec import Struct

from loyalty_cli.config.profile import DebitRules
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import Amount, parse_as
from loyalty_cli.sandbox.api import Api
from loyalty_cli.sandbox.ledger import Account, Ledger, NotEnoughError, RepeatedError
from loyalty_cli.sandbox.misbehaviour import behave, behave_on_debit
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
UNIT = "points"
ONE_TIME_CODE = "123456"
"""The code that the sandbox sends to every customer."""

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
BY_ENTITY_ID = {str(shopper.entity_id): name for name, shopper in SHOPPERS.items()}


class RedeemItem(Struct):
    """One debit; the customer has one identifier."""

    points_redeemed: Amount
    customer: dict[str, str]
    external_reference_number: str | None = None
    validation_code: str | None = None


class RedeemRoot(Struct):
    """The debits of a request."""

    redeem: list[RedeemItem]


class RedeemRequest(Struct):
    """The body of a debit."""

    root: RedeemRoot


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


def handle(received: Received, ledger: Ledger) -> Reply:
    """Answer get-points-balance in both forms, issue tokens, and debit."""
    match received.path:
        case ("v2", "customers", "lookup", "points", "balance"):
            method, answer = "GET", partial(_looked_up, received, ledger)
        case ("v2", "customers", customer, "points", "balance"):
            method, answer = "GET", partial(_balance, received, ledger, customer)
        case ("v3", "oauth", "token", "generate"):
            method, answer = "POST", partial(_generate_token, received)
        case ("v1.1", "points", "redeem"):
            method, answer = "POST", partial(_redeem, received, ledger)
        case ("v1.1", "points", "isredeemable"):
            method, answer = "GET", partial(_is_redeemable, received, ledger)
        case ("v1.1", "customer", "redemptions"):
            method, answer = "GET", partial(_redemptions, received, ledger)
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


def _looked_up(received: Received, ledger: Ledger) -> Reply:
    """Answer for the customer with an identifier; a wrong name for it is an error."""
    name, value = (received.query.get(f"identifier{part}", "") for part in ("Name", "Value"))
    if name not in IDENTIFIERS or received.query.get("source") != "INSTORE":
        return _error(400, 1632, "The identifier is wrong")
    return _balance(received, ledger, _customer_of(name, value))


def _customer_of(name: str, value: str) -> str:
    """The id of the customer with an identifier; one that misbehaves does so by any name."""
    known = {IDENTIFIERS[name](customer): customer for customer in SHOPPERS}
    # The other system of the company knows its customers by the sandbox's ids, too.
    is_id = value.startswith("E-") or (name == "externalId" and value in SHOPPERS)
    return known.get(value, value if is_id else "")


def _balance(received: Received, ledger: Ledger, customer: str) -> Reply:
    if not _is_signed_in(received):
        return ERRORS[401]
    program = received.query.get("programId", str(DEFAULT_PROGRAM))
    everything = received.query.get("fetchDataForAllPrograms", "false")
    if not (program.isascii() and program.isdigit() and everything in ("true", "false")):
        return _error(400, 400, "A query parameter is wrong")
    asked = None if everything == "true" else int(program)
    known = BY_ENTITY_ID.get(customer, customer)
    entity = int(customer) if customer in BY_ENTITY_ID else customer
    return behave(known, SHOPPERS, ERRORS, partial(_points, ledger, known, entity, asked))


def _account(customer: str, program: int) -> Account:
    return Account("capillary", customer, f"{UNIT} {program}")


def _points(
    ledger: Ledger, customer: str, entity: int | str, program: int | None, shopper: Shopper
) -> Reply:
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
    for key in programs if program is None else (program,):
        main = main.minus(ledger.redeemed(_account(customer, key)))
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


# The API v1.1


V1_NAMES = {
    "mobile": "mobile",
    "email": "email",
    "external_id": "externalId",
    "card_number": "cardNumber",
}


def _named(given: Mapping[str, str]) -> tuple[str, str] | None:
    """The name and the value of an identifier of the API v1.1; None unless there is one."""
    named = [(V1_NAMES[name], value) for name, value in given.items() if name in V1_NAMES]
    return named[0] if len(named) == 1 else None


def _program(received: Received) -> int | None:
    """The programme that is asked for; None if it is no number."""
    given = received.query.get("program_id", str(DEFAULT_PROGRAM))
    return int(given) if given.isascii() and given.isdecimal() else None


def _has_basic(received: Received) -> bool:
    return "x-cap-api-oauth-token" not in received.headers and _is_signed_in(received)


def _redeem(received: Received, ledger: Ledger) -> Reply:
    if not _has_basic(received):
        return V1_ERRORS[401]
    program = _program(received)
    try:
        (item,) = parse_as(decode(received.body), RedeemRequest).root.redeem
    except ValueError as wrong:
        return _failed(801, f"The body is wrong: {wrong}")
    named = _named(item.customer)
    if named is None or program is None:
        return _failed(802, "The customer needs one identifier, and the programme a number")
    if item.points_redeemed <= 0:
        return _failed(801, "There must be something to redeem")
    if received.query.get("skip_validation") == "false" and item.validation_code != ONE_TIME_CODE:
        given = item.validation_code is not None
        return _failed(808, "The code is wrong") if given else _failed(824, "There is no code")
    customer = _customer_of(*named)

    def take(shopper: Shopper, delay: float) -> Reply:
        main = Amount(shopper.programs.get(program, Points()).main)
        return _take(ledger, _account(customer, program), item, main, delay)

    return behave_on_debit(customer, SHOPPERS, V1_ERRORS, TOO_LITTLE, take)


def _take(ledger: Ledger, account: Account, item: RedeemItem, main: Amount, delay: float) -> Reply:
    points, reference = item.points_redeemed, item.external_reference_number
    try:
        done = ledger.redeem(account, points, main, reference, delay)
    except NotEnoughError:
        return TOO_LITTLE
    except RepeatedError:  # what Capillary answers is not documented
        return _failed(903, "This reference was redeemed before")
    redeemed = {
        **item.customer,
        "redemption_id": str(done.number),
        "points_redeemed": str(points),
        "redeemed_value": str(points),
        "balance": main.minus(done.total),
        "external_reference_number": reference,
    }
    return Reply(body=_framed({"responses": {"points": {**redeemed, **_item(800, "Redeemed")}}}))


def _is_redeemable(received: Received, ledger: Ledger) -> Reply:
    """Whether a customer has so many points; a code is not sent to anybody."""
    if not _has_basic(received):
        return V1_ERRORS[401]
    named, program = _named(received.query), _program(received)
    points = Amount.convert_or_none(received.query.get("points"))
    if named is None or program is None or points is None or points <= 0:
        return _failed(801, "A query parameter is missing or wrong")
    customer = _customer_of(*named)

    def answer(shopper: Shopper, _: float) -> Reply:
        main = Amount(shopper.programs.get(program, Points()).main)
        if main.minus(ledger.redeemed(_account(customer, program))) < points:
            return TOO_LITTLE
        redeemable = {"points": str(points), "is_redeemable": "true", **_item(800, "Redeemable")}
        return Reply(body=_framed({"points": {"redeemable": redeemable}}))

    if customer in ("E-lost-reply", "E-late"):
        return answer(SHOPPERS["C-1001"], 0)
    return behave_on_debit(customer, SHOPPERS, V1_ERRORS, TOO_LITTLE, answer)


def _redeemer(given: Mapping[str, str]) -> tuple[str, str, str] | None:
    """The name and the value of an identifier, and whose it is; the list takes no card."""
    names = [name for name in ("id", *V1_NAMES) if name in given and name != "card_number"]
    if len(names) != 1:
        return None
    (name,) = names
    value = given[name]
    is_id = name == "id"
    customer = BY_ENTITY_ID.get(value, value) if is_id else _customer_of(V1_NAMES[name], value)
    return name, value, customer


def _redemptions(received: Received, ledger: Ledger) -> Reply:
    if not _has_basic(received):
        return V1_ERRORS[401]
    named, program = _redeemer(received.query), _program(received)
    if named is None or program is None:
        return _failed(802, "The customer needs one identifier, and the programme a number")
    name, value, customer = named
    reference = received.query.get("external_reference_number")

    def answer(_: Shopper) -> Reply:
        unit = _account(customer, program).unit
        listed: list[dict[str, Any]] = [
            {
                "points_redeemed": str(each.amount),
                "external_reference_number": each.reference,
                "redemption_id": str(each.number),
                "redeemed_time": f"{each.at:%Y-%m-%d %H:%M:%S}" if each.at else None,
                "reversals": [],
            }
            for each in ledger.listed("capillary", customer)
            if each.unit == unit and reference in (None, each.reference)
        ]
        points = {"points_count": len(listed), "redemptions": {"points": {"point": listed}}}
        return Reply(body=_framed({"customer": {name: value, **points}}))

    return behave(customer, SHOPPERS, V1_ERRORS, answer)


def _framed(content: Mapping[str, Any]) -> dict[str, Any]:
    status = {"success": "true", "code": 200, "message": "SUCCESS"}
    return {"response": {"status": status, **content}}


def _item(code: int, message: str, success: str = "true") -> dict[str, Any]:
    return {"item_status": {"success": success, "code": code, "message": message}}


def _failed(code: int, message: str) -> Reply:
    """An item that failed: at 400, as nothing was done."""
    status = {"success": "false", "code": 500, "message": "All requests have failed"}
    points = {"points_redeemed": "0", **_item(code, message, "false")}
    return Reply(400, {"response": {"status": status, "responses": {"points": points}}})


def _failed_whole(status: int, message: str) -> Reply:
    body = {"success": "false", "code": status, "message": message}
    return Reply(status, {"response": {"status": body}})


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
TOO_LITTLE = _failed(818, "The customer has fewer points than that")
V1_ERRORS = {
    401: _failed_whole(401, "The sign-in is missing or wrong"),
    404: _failed(816, "No customer has this identifier"),
    429: _failed_whole(429, "There were too many requests"),
    500: _failed_whole(500, "Something broke"),
}
API = Api(
    CREDENTIALS,
    handle,
    ERRORS,
    debit=DebitRules(allow=True, unit=UNIT, max_amount=5000),
    by="external_id",
    debit_errors=V1_ERRORS,
)
