"""The sandbox's Capillary."""

import json
from hashlib import md5
from typing import Any

import pytest

from loyalty_cli.model.amount import Amount
from loyalty_cli.providers.contract import basic
from loyalty_cli.sandbox import APIS, capillary
from tests.sandbox.conftest import Answer, Ask, Sandbox

BALANCE = "/capillary/v2/customers/C-1001/points/balance"
TOKEN = "/capillary/v3/oauth/token/generate"


def test_capillary_in_the_sandbox_answers_as_its_reference(platforms: Sandbox) -> None:
    answer = platforms.balance("capillary", "C-1003")

    assert b'"totalPoints":450.500,"mainPoints":300.000,"promisedPoints":150.500' in answer.body
    assert answer.json["promisedPointsBreakup"] == {
        "delayedAccrualPoints": Amount("120.500"),
        "externalTriggerBasedPoints": Amount("30.000"),
    }
    assert (answer.json["entityId"], answer.json["entityType"]) == ("C-1003", "CUSTOMER")
    by_number = platforms.balance("capillary", "565000103").json
    assert by_number == {**answer.json, "entityId": 565000103}
    assert answer.json["warnings"] == []
    warned = platforms.balance("capillary", "C-1007")
    assert (warned.status, len(warned.json["warnings"])) == (200, 1)
    assert warned.json["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("query", "points", "program"),
    [
        ("", "8500.000", 1),
        ("?programId=42", "120.000", 42),
        ("?programId=7", "0.000", 7),
        ("?fetchDataForAllPrograms=false&programId=42", "120.000", 42),
        ("?fetchDataForAllPrograms=true", "8620.000", None),
        ("?fetchDataForAllPrograms=true&programId=42", "8620.000", None),
    ],
)
def test_capillary_in_the_sandbox_answers_for_the_programme_asked_about(
    platforms: Sandbox, query: str, points: str, program: int | None
) -> None:
    target = BALANCE + query
    answer = platforms.ask("GET", target, platforms.signed("capillary"))

    assert str(answer.json["mainPoints"]) == points
    assert answer.json.get("programId") == program

    for wrong in ("?programId=x", "?fetchDataForAllPrograms=yes"):
        refused = platforms.ask("GET", BALANCE + wrong, platforms.signed("capillary"))
        assert refused.status == 400
        assert refused.json["errors"][0]["status"] is False


def test_capillary_in_the_sandbox_wants_the_digest_of_the_password(ask: Ask) -> None:
    credentials = APIS["capillary"].credentials
    user, password = credentials["username"], credentials["password"]
    digest = md5(password.encode()).hexdigest()

    assert ask("GET", BALANCE, basic(user, digest)).status == 200
    assert ask("GET", BALANCE, basic(user, digest.upper())).status == 401
    assert ask("GET", BALANCE, basic(user, password)).status == 401


def with_token(ask: Ask, token: str) -> Answer:
    return ask("GET", BALANCE, {"X-CAP-API-OAUTH-TOKEN": token})


def test_capillary_in_the_sandbox_takes_only_tokens_that_it_gave(ask: Ask) -> None:
    credentials = APIS["capillary"].credentials
    client = {"key": credentials["client_key"], "secret": credentials["client_secret"]}

    given, wrong, nonsense = (
        ask("POST", TOKEN, body=body)
        for body in (
            json.dumps(client).encode(),
            json.dumps({**client, "secret": "guessed"}).encode(),
            b"key=1",
        )
    )

    assert given.json["errors"] is None
    assert given.json["data"]["ttlSeconds"] == 3600
    assert with_token(ask, given.json["data"]["accessToken"]).status == 200
    assert (wrong.status, nonsense.status) == (401, 400)
    assert wrong.json["errors"]
    assert nonsense.json["errors"]

    assert with_token(ask, capillary.new_token(60)).status == 200
    for token in (capillary.new_token(-1), "made-up", ""):
        assert with_token(ask, token).status == 401


LOOK_UP = "/capillary/v2/customers/lookup/points/balance?source=INSTORE"


@pytest.mark.parametrize("customer", ["C-1001", "C-1010"])
@pytest.mark.parametrize("name", capillary.IDENTIFIERS)
def test_capillary_in_the_sandbox_finds_a_customer_by_another_identifier(
    platforms: Sandbox, name: str, customer: str
) -> None:
    value = capillary.IDENTIFIERS[name](customer)
    target = f"{LOOK_UP}&identifierName={name}&identifierValue={value}"

    found = platforms.ask("GET", target, platforms.signed("capillary"))

    assert found.json == platforms.balance("capillary", customer).json


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("identifierName=mobile&identifierValue=1", 404, 8015),
        ("identifierName=mobile&identifierValue=C-1001", 404, 8015),
        ("identifierName=mobile&identifierValue=c-1001@example.com", 404, 8015),
        ("identifierName=mobile", 404, 8015),
        ("identifierName=mobile&identifierValue=E-404", 404, 8015),
        ("identifierName=email&identifierValue=E-500", 500, 500),
        ("identifierName=cardNumber&identifierValue=E-429", 429, 429),
        ("identifierName=shoe&identifierValue=1", 400, 1632),
        ("", 400, 1632),
    ],
)
def test_capillary_in_the_sandbox_refuses_an_identifier_that_it_does_not_know(
    platforms: Sandbox, query: str, status: int, code: int
) -> None:
    refused = platforms.ask("GET", f"{LOOK_UP}&{query}", platforms.signed("capillary"))

    assert (refused.status, refused.json["errors"][0]["code"]) == (status, code)
    assert (
        platforms.ask("GET", f"{LOOK_UP}&identifierName=mobile&identifierValue=E-404").status == 401
    )


# The API v1.1


def v1(platforms: Sandbox, method: str, target: str, body: Any = None) -> tuple[int, Any, Any]:
    """The status of an answer, the code of its item, and all of it."""
    content = None if body is None else json.dumps(body).encode()
    headers = platforms.signed("capillary")
    answer = platforms.ask(method, f"/capillary/v1.1/{target}", headers, content)
    response = answer.json["response"]
    points = response.get("responses", response).get("points", {})
    item = points.get("redeemable", points).get("item_status", response["status"])
    return answer.status, item["code"], response


def redeem(platforms: Sandbox, query: str = "", **item: Any) -> tuple[int, Any, Any]:
    usual = {"points_redeemed": 100, "customer": {"mobile": "15550001001"}}
    body = {"root": {"redeem": [usual | item]}}
    return v1(platforms, "POST", f"points/redeem?format=json{query}", body)


def test_a_redemption_in_the_sandbox_is_of_one_programme(platforms: Sandbox) -> None:
    status, code, response = redeem(platforms, "&program_id=42", external_reference_number="a")

    points = response["responses"]["points"]
    assert (status, code, str(points["balance"])) == (200, 800, "20.000")
    assert (points["points_redeemed"], points["redemption_id"]) == ("100", "1")
    left = [
        str(platforms.balance("capillary", "C-1001", **options).json["mainPoints"])
        for options in ({}, {"program_id": "42"}, {"all_programs": "true"})
    ]
    assert left == ["8500.000", "20.000", "8520.000"]
    asked = "customer/redemptions?format=json&email=c-1001@example.com"
    for query, found in [("", 0), ("&program_id=42", 1), ("&external_reference_number=b", 0)]:
        listed = v1(platforms, "GET", asked + query)[2]["customer"]
        assert listed["points_count"] == len(listed["redemptions"]["points"]["point"]) == found


@pytest.mark.parametrize(
    ("query", "item", "code"),
    [
        ("", {"points_redeemed": 8501}, 818),
        ("", {"points_redeemed": 0}, 801),
        ("", {"points_redeemed": "x"}, 801),
        ("", {"customer": {}}, 802),
        ("", {"customer": {"id": "C-1001"}}, 802),
        ("", {"customer": {"mobile": "1", "email": "2"}}, 802),
        ("", {"customer": {"mobile": "C-1001"}}, 816),
        ("&program_id=x", {}, 802),
        ("&program_id=7", {}, 818),
        ("&skip_validation=false", {}, 824),
        ("&skip_validation=false", {"validation_code": "1"}, 808),
    ],
    ids=str,
)
def test_a_redemption_that_the_sandbox_refuses_takes_nothing(
    platforms: Sandbox, query: str, item: dict[str, Any], code: int
) -> None:
    assert redeem(platforms, query, **item)[:2] == (400, code)
    balance = platforms.balance("capillary", "C-1001", all_programs="true").json
    assert str(balance["mainPoints"]) == "8620.000"


def test_a_reference_is_redeemed_once_in_the_sandbox(platforms: Sandbox) -> None:
    other: dict[str, Any] = {"customer": {"email": "c-1003@example.com"}, "points_redeemed": 1}

    codes = [
        redeem(platforms, "", **more, external_reference_number="a")[1] for more in ({}, {}, other)
    ]

    assert codes == [800, 903, 903]


@pytest.mark.parametrize("asked", ["id=565000101", "id=C-1001", "mobile=15550001001"])
def test_redemptions_in_the_sandbox_are_listed_by_the_customers_id_too(
    platforms: Sandbox, asked: str
) -> None:
    redeem(platforms, external_reference_number="a")

    customer = v1(platforms, "GET", f"customer/redemptions?{asked}")[2]["customer"]

    name, _, value = asked.partition("=")
    assert (customer[name], customer["points_count"]) == (value, 1)


def test_redemptions_in_the_sandbox_are_not_listed_by_a_card(platforms: Sandbox) -> None:
    assert v1(platforms, "GET", "customer/redemptions?card_number=4000000000001001")[1] == 802


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("mobile=15550001001&points=8500", 200, 800),
        ("external_id=C-1001&points=8501", 400, 818),
        ("external_id=E-insufficient&points=1", 400, 818),
        ("external_id=E-lost-reply&points=1", 200, 800),
        ("mobile=1&points=1", 400, 816),
        ("mobile=15550001001&points=0", 400, 801),
        ("points=1", 400, 801),
    ],
)
def test_the_sandbox_says_whether_points_are_redeemable(
    platforms: Sandbox, query: str, status: int, code: int
) -> None:
    assert v1(platforms, "GET", f"points/isredeemable?{query}")[:2] == (status, code)


def test_the_api_v1_in_the_sandbox_takes_no_token(ask: Ask) -> None:
    headers = {"X-CAP-API-OAUTH-TOKEN": capillary.new_token(60)}
    for method, target in [
        ("POST", "points/redeem"),
        ("GET", "points/isredeemable"),
        ("GET", "customer/redemptions"),
    ]:
        answer = ask(method, f"/capillary/v1.1/{target}", headers)
        assert (answer.status, answer.json["response"]["status"]["success"]) == (401, "false")
