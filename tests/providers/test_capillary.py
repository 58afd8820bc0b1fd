"""Capillary: what its reference says, its two ways of signing in, and its errors at any status."""

from decimal import Decimal
from typing import Any

import pytest

from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.testing import WayCases
from tests.conftest import Outcome
from tests.providers.contract import Cases, CasesPlatform, Fails, Reads, no_answer, warned


def errors(*items: Any) -> dict[str, Any]:
    return {"errors": list(items), "warnings": []}


def error(code: Any, message: str = "In its own words") -> dict[str, Any]:
    return {"status": False, "code": code, "message": message}


def told(status: int, code: Any, exit_code: int, meaning: str) -> Fails:
    requests = 3 if status in (461, 500, 503, 521) else 1
    words = f"(HTTP {status}, {code}: In its own words)"
    return Fails(status, errors(error(code)), exit_code, meaning, str(code), words, requests)


def unreadable(item: Any) -> Fails:
    return Fails(200, errors(item), 6, "refused", words=str(item))


def by(identifier: str, customer: str) -> WayCases:
    """The look-up by one of Capillary's identifiers."""
    query = {"source": "INSTORE", "identifierName": identifier, "identifierValue": "{}"}
    return WayCases(customer, ("v2", "customers", "lookup", "points", "balance"), query)


LINE = {"name": "points", "kind": "points", "unit": "points"}
NOTHING = {"balances": [LINE], "details": None, "warnings": []}
BREAKUP = {"delayedAccrualPoints": 60, "externalTriggerBasedPoints": 40}
DETAILS = {
    "promisedPointsBreakup": {"delayedAccrualPoints": "1.50", "new": [None]},
    "delayedAccrualPoints": 7,
    "programId": 42,
}
ODD: tuple[Any, ...] = ("broken", {"odd": 1}, None, 5, {"code": 8015})
NO_LISTS: tuple[Any, ...] = ("text", {"a": 1}, 5)
IGNORED = "program_id was ignored because of all_programs."
CASES = Cases(
    provider="capillary",
    answer={
        "entityId": 565039505,
        "entityType": "CUSTOMER",
        "totalPoints": 8600,
        "mainPoints": 8500,
        "promisedPoints": 100,
        "promisedPointsBreakup": BREAKUP,
        "warnings": [],
    },
    balances=[{**LINE, "available": 8500, "pending": 100, "total": 8600}],
    details={"promisedPointsBreakup": BREAKUP},
    amounts={
        "mainPoints": "points.available",
        "promisedPoints": "points.pending",
        "totalPoints": "points.total",
    },
    path=("v2", "customers", "{}", "points", "balance"),
    ways={
        "mobile": by("mobile", "+61400000001"),
        "email": by("email", "ada+1@example.com"),
        "external_id": by("externalId", "crm/0042"),
        "card_number": by("cardNumber", "6011 0000"),
    },
    options={
        "program_id": ("42", {"programId": "42"}),
        "all_programs": ("true", {"fetchDataForAllPrograms": "true"}),
    },
    credentials={
        "username": "till-1",
        "password": "capillary-s3cret",
        "client_key": "capillary-k3y",
        "client_secret": "capillary-cl1ent",
    },
    signs_in={
        # base64 of till-1:bc2f527a7a1436c09b222eaf8da4f12f, the MD5 of the password
        "basic": {
            "authorization": "Basic dGlsbC0xOmJjMmY1MjdhN2ExNDM2YzA5YjIyMmVhZjhkYTRmMTJm",
            "accept": "application/json",
        },
        "oauth": {"x-cap-api-oauth-token": "t0ken-1", "accept": "application/json"},
    },
    token={"data": {"accessToken": "t0ken-1", "ttlSeconds": 3600}, "errors": None},
    not_found=Reply(200, errors(error(8015, "Customer not found"))),
    refused=Reply(401, {"errors": [error(401, "No")]}),
    throttled=Reply(429, {"errors": [error(429, "Slow down")]}),
    reads={
        "digits": Reads(
            b'{"mainPoints": 8500.000, "totalPoints": "8500.000", "promisedPoints": 0.000,'
            b' "promisedPointsBreakup": {"delayedAccrualPoints": 0.000}}',
            {
                "balances": [
                    {
                        **LINE,
                        "available": Decimal("8500.000"),
                        "total": Decimal("8500.000"),
                        "pending": Decimal("0.000"),
                    }
                ],
                "details": {"promisedPointsBreakup": {"delayedAccrualPoints": Decimal("0.000")}},
            },
        ),
        "nothing": Reads({}, NOTHING),
        "details": Reads(DETAILS, {"balances": [LINE], "details": DETAILS}),
        "details that are null": Reads(
            {"promisedPointsBreakup": None, "delayedAccrualPoints": 0, "programId": None},
            {"details": {"delayedAccrualPoints": 0}},
        ),
        "empty lists": Reads({"errors": [], "warnings": []}, NOTHING),
        "null lists": Reads({"errors": None, "warnings": None}, NOTHING),
        "warnings": Reads(
            {
                "mainPoints": 1,
                "warnings": [
                    error(1, "Points expire soon"),
                    error(None, "Ask again"),
                    {"odd": 1},
                    "text",
                ],
            },
            {
                "balances": [{**LINE, "available": 1}],
                "warnings": warned(
                    "platform", "Points expire soon", "Ask again", "{'odd': 1}", "text"
                ),
            },
        ),
        "other keys of any type": Reads({"entityId": "x", "entityType": 5}, NOTHING),
        "all programmes and one": Reads(
            {},
            {"warnings": warned("option_ignored", IGNORED)},
            ("-O", "all_programs=true", "-O", "program_id=42"),
        ),
        "one programme and not all": Reads(
            {}, {"warnings": []}, ("-O", "all_programs=false", "-O", "program_id=42")
        ),
    },
    fails={
        **{
            f"{code!r} with {status}": told(status, code, exit_code, meaning)
            for status in (200, 400, 404, 500)
            for code, exit_code, meaning in (
                (8015, 5, "not_found"),
                ("8015", 5, "not_found"),
                (1212, 6, "refused"),
                (1632, 6, "refused"),
            )
        },
        "an unknown code with 200": told(200, 77777, 6, "refused"),
        "an unknown code with 400": told(400, 77777, 6, "refused"),
        "an unknown code with 401": told(401, 77777, 4, "credential_refused"),
        "an unknown code with 403": told(403, 77777, 4, "credential_refused"),
        "an unknown code with 404": told(404, 77777, 5, "not_found"),
        "an unknown code with 500": told(500, 77777, 7, "server_error"),
        **{
            f"an unknown code with {status}": told(status, 77777, 7, "server_error")
            for status in (461, 521, 503)
        },
        **{
            f"{status} with {body!r}": Fails(status, body, 7, "server_error", requests=3)
            for status in (461, 521, 503)
            for body in (b"busy", errors())
        },
        "errors beside a balance": Fails(
            200,
            {"mainPoints": 8500, **errors(error(8015), error(5, "and more"))},
            5,
            "not_found",
            "8015",
            "In its own words; and more",
        ),
        **{f"an error that is {item!r}": unreadable(item) for item in ODD},
        **{
            f"{place} that are {value!r}": no_answer({"mainPoints": 1, place: value})
            for place in ("errors", "warnings")
            for value in NO_LISTS
        },
    },
)
EXCHANGE = ("v3", "oauth", "token", "generate")


# The programme


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ([], {}),
        (
            ["-O", "all_programs=false", "-O", "program_id=42"],
            {"fetchDataForAllPrograms": "false", "programId": "42"},
        ),
    ],
    ids=["none", "one"],
)
def test_capillary_is_asked_for_a_programme_where_an_option_names_one(
    platform: CasesPlatform, arguments: list[str], query: dict[str, str]
) -> None:
    platform.reads(*arguments)

    assert platform.received[0].query == query


@pytest.mark.parametrize(
    "option", ["program_id=x", "program_id=1.5", "program_id=-1", "all_programs=yes"]
)
def test_capillary_options_of_a_wrong_type_are_refused_before_anything_is_sent(
    platform: CasesPlatform, option: str
) -> None:
    done = platform.run("-O", option)

    assert (done.code, platform.received) == (2, [])
    assert option.partition("=")[0] in done.err


# Signing in


def over_oauth(platform: CasesPlatform, exchange: Reply) -> tuple[Outcome, list[Received]]:
    """Look a customer up at a platform that answers the exchange so; what else it was asked."""
    asked: list[Received] = []

    def handle(received: Received) -> Reply:
        asked.append(received)
        return exchange if received.path == EXCHANGE else Reply(body=CASES.answer)

    platform.script = handle
    platform.profile(auth="oauth")
    return platform.run(), asked


def token(lifetime: Any = 3600, value: Any = "t0ken-1") -> Reply:
    data = {"accessToken": value, "ttlSeconds": lifetime}
    return Reply(body={"data": data, "errors": None})


@pytest.mark.parametrize("lifetime", [3600, -5, "1e300", 10**300])
def test_capillary_credentials_are_exchanged_for_a_token_of_any_lifetime(
    platform: CasesPlatform, lifetime: Any
) -> None:
    done, (exchange, read) = over_oauth(platform, token(lifetime))

    assert done.code == 0
    assert (exchange.method, exchange.path) == ("POST", EXCHANGE)
    assert exchange.body == b'{"key":"capillary-k3y","secret":"capillary-cl1ent"}'
    assert exchange.headers["content-type"] == "application/json"
    assert exchange.headers["accept"] == "application/json"
    assert "authorization" not in exchange.headers
    assert read.headers["x-cap-api-oauth-token"] == "t0ken-1"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"data": None, **errors(error(77777))}),
        Reply(400, errors(error(77777))),
        Reply(404, errors(error(77777))),
    ],
    ids=lambda reply: str(reply.status),
)
def test_an_exchange_that_capillary_refuses_is_a_refused_sign_in(
    platform: CasesPlatform, reply: Reply
) -> None:
    done, asked = over_oauth(platform, reply)

    assert (done.code, done.record["error"]["code"]) == (4, "credential_refused")
    assert {received.path for received in asked} == {EXCHANGE}
    assert "Traceback" not in done.err
    assert "capillary-cl1ent" not in done.out + done.err


@pytest.mark.parametrize(
    "reply",
    [
        *map(Reply, [200] * 4, (b"<html>", {"data": None}, [], {"data": {"accessToken": "x"}})),
        *(token(value=value) for value in (5, "", " x", "a\r\nX-Other: b", "\u20ac")),
        *(token(lifetime) for lifetime in ("NaN", True)),
    ],
    ids=lambda reply: str(reply.body),
)
def test_an_exchange_without_a_token_is_a_bad_response(
    platform: CasesPlatform, reply: Reply
) -> None:
    done, asked = over_oauth(platform, reply)

    assert (done.code, done.record["error"]["code"]) == (7, "bad_response")
    assert len(done.err.splitlines()) <= 2
    assert {received.path for received in asked} == {EXCHANGE}
