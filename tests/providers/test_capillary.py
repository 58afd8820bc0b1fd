"""Capillary: what its reference says, its two ways of signing in, and its errors at any status."""

import json
from decimal import Decimal
from typing import Any

import pytest

from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.testing import DebitCases, Step, WayCases
from tests.conftest import Outcome
from tests.providers.contract import CUSTOMER, Cases, CasesPlatform, Fails, Reads, no_answer, warned


def errors(*items: Any) -> dict[str, Any]:
    return {"errors": list(items), "warnings": []}


def error(code: Any, message: Any = "In its own words") -> dict[str, Any]:
    return {"status": False, "code": code, "message": message}


def told(status: int, code: Any, exit_code: int, meaning: str) -> Fails:
    requests = 3 if status in (461, 500, 503, 521) else 1
    words = f"(HTTP {status}, {code}: In its own words)"
    return Fails(status, errors(error(code)), exit_code, meaning, str(code), words, requests)


def unreadable(item: Any, words: str) -> Fails:
    return Fails(200, errors(item), 6, "refused", words=f"(HTTP 200, {words}).")


def by(identifier: str, customer: str) -> WayCases:
    """The look-up by one of Capillary's identifiers."""
    query = {"source": "INSTORE", "identifierName": identifier, "identifierValue": "{}"}
    return WayCases(customer, ("v2", "customers", "lookup", "points", "balance"), query)


def frame(success: Any, code: Any = None, message: Any = None) -> dict[str, Any]:
    return {"response": {"status": {"success": success, "code": code, "message": message}}}


def another(words: str, **entity: Any) -> Fails:
    words = f"Capillary answered about another customer: {words}."
    return Fails(200, {"mainPoints": 5, **entity}, 7, "wrong_customer", words=words)


FINAL = (
    "801 802 803 804 805 806 807 808 809 813 816 818 819 820 821 822 823 824 825 826 828 859 878"
    " 881 888 895 899 686 1632 3045 3316"
)
LATER = "521 815 886 887 889 894 896 898"


def framed(points: Any, success: Any = "true", code: Any = 200) -> dict[str, Any]:
    """An answer of the API v1.1 to a debit."""
    status = {"success": success, "code": code, "message": "SUCCESS"}
    return {"response": {"status": status, "responses": {"points": points}}}


def failed(code: Any, **more: Any) -> dict[str, Any]:
    status = {"success": "false", "code": code, "message": "In its own words"}
    item = {"points_redeemed": "1", "redemption_id": "", "balance": "", "item_status": status}
    return framed({**item, **more}, "false", 500)


REDEEMED: dict[str, Any] = {
    "response": {
        "status": {"success": "true"},
        "responses": {
            "points": {"points_redeemed": "50", "item_status": {"success": "true", "code": 800}}
        },
    }
}
DEBITS = DebitCases(
    unit="points",
    codes={
        **dict.fromkeys(FINAL.split(), "refused"),
        **dict.fromkeys(LATER.split(), "not_applied"),
        **dict.fromkeys(("817", "903"), "unknown"),
    },
    refuses=lambda code: Reply(400, failed(code)),
    success=REDEEMED,
    requests={
        name: (
            Step(
                ("v1.1", "points", "redeem"),
                query={"format": "json"},
                method="POST",
                sends={
                    "root": {
                        "redeem": [
                            {
                                "points_redeemed": 50,
                                "customer": {name: "{}"},
                                "external_reference_number": "r-1",
                            }
                        ]
                    }
                },
            ),
        )
        for name in ("mobile", "email", "external_id", "card_number")
    },
    evidence={
        "response": {
            "status": {"success": "true", "code": 200},
            "customer": {
                "redemptions": {
                    "points": {
                        "point": [
                            {"points_redeemed": "50", "external_reference_number": "r-1"},
                        ]
                    }
                }
            },
        }
    },
)
LINE = {"name": "points", "kind": "points", "unit": "points", "includes_pending": True}
NOT_STATED = warned("not_stated", "points: Capillary does not say how much is available.")
ONE = {"balances": [{**LINE, "available": 1}], "details": None, "warnings": []}
BREAKUP = {"delayedAccrualPoints": 60, "externalTriggerBasedPoints": 40}
DETAILS = {
    "promisedPointsBreakup": {"delayedAccrualPoints": "1.50", "new": [None]},
    "delayedAccrualPoints": 7,
    "programId": 42,
}
ODD = {
    '"broken"': "broken",
    "null": "null",
    "5": "5",
    '{"code": []}': '{"code":[]}',
    '{"message": 5}': '{"message":5}',
}
"""An error that is no status, and what is said of it."""
NO_LISTS: tuple[Any, ...] = ("text", {"a": 1}, 5)
NO_IDS: tuple[Any, ...] = (True, [], {})
IGNORED = "program_id was ignored because of all_programs."
CASES = Cases(
    provider="capillary",
    answer={
        "entityId": "{}",
        "entityType": "CUSTOMER",
        "totalPoints": 8600,
        "mainPoints": 8500,
        "promisedPoints": 100,
        "promisedPointsBreakup": BREAKUP,
        "warnings": [],
    },
    balances=[{**LINE, "available": 8500, "pending": 100, "total": 8600}],
    details={"promisedPointsBreakup": BREAKUP},
    platform_customer="{}",
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
    debits=DEBITS,
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
        "details alone": Reads(
            DETAILS, {"balances": [LINE], "details": DETAILS, "warnings": NOT_STATED}
        ),
        "details that are null": Reads(
            {"promisedPointsBreakup": None, "delayedAccrualPoints": 0, "programId": None},
            {"details": {"delayedAccrualPoints": 0}},
        ),
        "empty lists": Reads({"mainPoints": 1, "errors": [], "warnings": []}, ONE),
        "null lists": Reads({"mainPoints": 1, "errors": None, "warnings": None}, ONE),
        "the customer": Reads(
            {"entityId": "{}", "entityType": "CUSTOMER", "mainPoints": 1},
            {**ONE, "platform_customer": CUSTOMER},
        ),
        "no customer": Reads(
            {"entityId": None, "entityType": None, "mainPoints": 1},
            {**ONE, "platform_customer": None},
        ),
        "the customer alone": Reads(
            {"entityId": "{}"}, {"balances": [LINE], "warnings": NOT_STATED}
        ),
        "warnings": Reads(
            {
                "mainPoints": 1,
                "warnings": [
                    error(1, "Points expire soon"),
                    error(None, "Ask again"),
                    {"odd": None},
                    {"code": 7},
                    "text",
                    None,
                ],
            },
            {
                "balances": [{**LINE, "available": 1}],
                "warnings": warned(
                    "platform",
                    *("Points expire soon", "Ask again", '{"odd":null}', '{"code":7}', "text"),
                    "null",
                ),
            },
        ),
        "all programmes and one": Reads(
            {"mainPoints": 1},
            {"warnings": warned("option_ignored", IGNORED)},
            ("-O", "all_programs=true", "-O", "program_id=42"),
        ),
        "one programme and not all": Reads(
            {"mainPoints": 1}, {"warnings": []}, ("-O", "all_programs=false", "-O", "program_id=42")
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
        **{
            f"an error that is {item}": unreadable(json.loads(item), words)
            for item, words in ODD.items()
        },
        "an error with digits": Fails(
            200, b'{"errors": [{"odd": [1.50]}]}', 6, "refused", words='{"odd":[1.50]}'
        ),
        **{
            f"a code alone with {status}": Fails(
                status, errors({"code": 8015}), 5, "not_found", "8015", f"(HTTP {status}, 8015)."
            )
            for status in (200, 400)
        },
        "errors beside odd warnings": Fails(
            200, {"errors": [{"code": 8015}], "warnings": "text"}, 5, "not_found", "8015"
        ),
        "a code and a null message": Fails(
            404, errors(error(1212, None)), 6, "refused", "1212", "(HTTP 404, 1212)."
        ),
        "the last of several errors decides": Fails(
            200,
            errors("odd", error(77, "first"), {"code": 78}, error(1632, "second"), error("8015")),
            5,
            "not_found",
            "8015",
            "(HTTP 200, 8015: In its own words; odd; first; 78; second).",
        ),
        "the first error with a code decides": Fails(
            400, errors({"message": "no code"}, error(77, "a"), error(78, "b")), 6, "refused", "77"
        ),
        **{
            f"a frame with {status} and success {success!r}": Fails(
                status,
                frame(success, "500", "In its own words"),
                6,
                "refused",
                "500",
                f"(HTTP {status}, 500: In its own words).",
            )
            for status in (200, 400)
            for success in ("false", False, "FALSE")
        },
        "a frame with a known code": Fails(
            200, frame("false", 8015), 5, "not_found", "8015", "(HTTP 200, 8015)."
        ),
        "a frame with 401": Fails(
            401, frame("false", 401, "No"), 4, "credential_refused", "401", "401: No"
        ),
        "a frame of a success": no_answer(frame("true", 200, "SUCCESS")),
        "a frame without a status": no_answer({"response": {"status": "bad"}}),
        "nothing": no_answer({}),
        "nothing but lists": no_answer({"errors": [], "warnings": []}),
        "nothing but nulls": no_answer({"entityId": None, "mainPoints": None, "programId": 1}),
        "another customer": another("'C-1002', not 'C-1001'", entityId="C-1002"),
        "another customer, as a number": another("'565039505', not 'C-1001'", entityId=565039505),
        "no customer's id": another("'', not 'C-1001'", entityId=""),
        "another entity": another(
            "its entityType is not CUSTOMER", entityId="{}", entityType="USER_GROUP"
        ),
        "another customer, and points of a wrong type": Fails(
            200, {"entityId": "C-1002", "mainPoints": "many"}, 7, "wrong_customer"
        ),
        **{
            f"an entityId that is {sent!r}": no_answer({"mainPoints": 1, "entityId": sent})
            for sent in NO_IDS
        },
        "an entityType that is a number": no_answer({"mainPoints": 1, "entityType": 5}),
        **{
            f"{place} that are {value!r}": no_answer({"mainPoints": 1, place: value})
            for place in ("errors", "warnings")
            for value in NO_LISTS
        },
    },
)
NUMBER = "565039505"


@pytest.mark.parametrize(
    "named", ["565039505", '"565039505"', "565039505.000", "5.65039505e8"], ids=str
)
def test_capillary_may_name_its_customer_as_a_number_or_as_text(
    platform: CasesPlatform, named: str
) -> None:
    platform.replies(f'{{"entityId": {named}, "mainPoints": 5}}'.encode())

    record = platform.run(customer=NUMBER).record

    assert (record["error"], record["platform_customer"]) == (None, NUMBER)


@pytest.mark.parametrize("named", ["5650395050", '"0565039505"', "565039505.5", "-565039505"])
def test_a_number_in_capillarys_answer_is_compared_to_the_last_digit(
    platform: CasesPlatform, named: str
) -> None:
    platform.replies(f'{{"entityId": {named}, "mainPoints": 987654}}'.encode())

    for output in (["-o", "json"], ["--raw"]):
        done = platform.run(*output, customer=NUMBER)
        assert (done.code, done.record["error"]["code"]) == (7, "wrong_customer")
        assert "987654" not in done.out + done.err


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"entityId": 566, "entityType": 5}, "wrong_customer"),
        ({"entityId": 565, "entityType": 5}, "bad_response"),
        ({"entityId": 565, "entityType": "TILL"}, "wrong_customer"),
        ({"entityId": True}, "bad_response"),
        ({"entityId": [565]}, "bad_response"),
        ({"entityId": {"id": 565}}, "bad_response"),
    ],
    ids=str,
)
@pytest.mark.parametrize("raw", [[], ["--raw"]], ids=["read", "raw"])
def test_a_balance_is_not_shown_if_capillary_does_not_say_that_it_is_the_customers(
    platform: CasesPlatform, named: dict[str, Any], code: str, raw: list[str]
) -> None:
    platform.replies({**named, "mainPoints": 987654})

    done = platform.run(*raw, customer="565")

    assert (done.code, done.record["error"]["code"]) == (7, code)
    assert "987654" not in done.out + done.err


def test_leading_zeros_of_the_customer_asked_for_count(platform: CasesPlatform) -> None:
    platform.replies({"entityId": int(NUMBER), "mainPoints": 5})

    assert platform.run(customer=f"0{NUMBER}").record["error"]["code"] == "wrong_customer"


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
