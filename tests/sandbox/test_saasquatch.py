"""The sandbox's SaaSquatch."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from loyalty_cli.providers.contract import basic
from loyalty_cli.sandbox import APIS
from tests.sandbox.conftest import Answer, Ask, Sandbox

BALANCE = "/saasquatch/api/v1/sandbox/reward/balance?accountId=C-1001"
REDEEM = "/saasquatch/api/v1/sandbox/credit/bulkredeem"
GRAPHQL = "api/v1/sandbox/graphql"
Redeem = Callable[..., Answer]


def test_saasquatch_in_the_sandbox_answers_as_its_reference(platforms: Sandbox) -> None:
    assert platforms.balance("saasquatch", "C-1008").json == [
        {
            "type": "CREDIT",
            "unit": "CENTS",
            "count": 6,
            "totalAssignedCredit": 5000,
            "totalRedeemedCredit": 1000,
            "totalPendingCredit": 0,
            "totalExpiredCredit": 700,
            "totalCancelledCredit": 300,
        }
    ]
    assert platforms.balance("saasquatch", "C-1002").json == []
    # Older servers answer in other shapes.
    assert platforms.balance("saasquatch", "C-1009").json["totalDiscountPercent"] == 20
    wrapped = platforms.balance("saasquatch", "C-1010").json["rewardBalances"]
    assert wrapped[0]["totalAssignedCredit"] == "4000"


@pytest.mark.parametrize(
    ("options", "units"),
    [
        ({}, ["CENTS", "points", "%", "freemb"]),
        ({"reward_type": "CREDIT"}, ["CENTS", "points"]),
        ({"reward_type": "FUELTANK"}, ["freemb"]),
        ({"user_id": "U-2"}, ["%", "freemb"]),
        ({"user_id": "C-1004"}, ["CENTS", "points"]),
        ({"user_id": "U-2", "reward_type": "PCT_DISCOUNT"}, ["%"]),
    ],
    ids=str,
)
def test_saasquatch_in_the_sandbox_answers_for_the_user_and_type_asked_about(
    platforms: Sandbox, options: Mapping[str, str], units: list[str]
) -> None:
    answer = platforms.balance("saasquatch", "C-1004", **options)

    assert [reward["unit"] for reward in answer.json] == units


@pytest.mark.parametrize(
    ("target", "status", "rs_code"),
    [
        ("api/v1/elsewhere/reward/balance?accountId=C-1001", 404, "RS015"),
        ("api/v1/sandbox/reward/balance?accountId=C-9999", 404, "RS041"),
        ("api/v1/sandbox/reward/balance?accountId=C-1001&userId=U-9", 404, "RS042"),
        ("api/v1/sandbox/reward/balance", 400, None),
        ("api/v1/sandbox/reward/balance?accountId=C-1001&rewardTypeFilter=COAL", 400, None),
        ("api/v1/sandbox/rewards", 404, None),
    ],
)
def test_saasquatch_in_the_sandbox_says_what_is_wrong_with_a_request(
    platforms: Sandbox, target: str, status: int, rs_code: str | None
) -> None:
    answer = platforms.ask("GET", f"/saasquatch/{target}", platforms.signed("saasquatch"))

    assert answer.status == answer.json["statusCode"] == status
    assert answer.json["rsCode"] == rs_code
    assert answer.json["message"]


def test_saasquatch_in_the_sandbox_takes_no_user_beside_its_key(ask: Ask) -> None:
    key = APIS["saasquatch"].credentials["api_key"]

    assert ask("GET", BALANCE, basic("", key)).status == 200
    assert ask("GET", BALANCE, basic(key, "")).status == 401


@pytest.fixture
def redeem(platforms: Sandbox) -> Redeem:
    usual = {"accountId": "C-1001", "unit": "CENTS", "amount": 500}
    path = REDEEM.removeprefix("/saasquatch/")
    return lambda **changes: platforms.post("saasquatch", path, usual | changes)


def test_credit_redeemed_in_the_sandbox_is_gone(platforms: Sandbox, redeem: Redeem) -> None:
    answer = redeem()

    assert answer.status == 200
    assert answer.json == {"creditRedeemed": 500, "creditAvailable": 9500, "unit": "CENTS"}
    assert redeem().json["creditAvailable"] == 9000
    (balance,) = platforms.balance("saasquatch", "C-1001").json
    assert balance["totalRedeemedCredit"] == 3500
    assert balance["totalAssignedCredit"] == 12500
    long = redeem(accountId="C-1006", amount=1)
    assert long.json["creditAvailable"] == 98765432109876543209


def test_more_credit_than_there_is_cannot_be_redeemed(redeem: Redeem) -> None:
    assert redeem(amount=10001).status == 400
    assert redeem(amount=10000).json["creditAvailable"] == 0
    assert redeem(amount=1).status == 400


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"unit": "cents"}, 400),
        ({"unit": " CENTS"}, 400),
        ({"accountId": "C-1009", "unit": "%"}, 400),
        ({"accountId": "C-1010", "unit": "GIFTCARD"}, 400),
        ({"accountId": "C-9999"}, 404),
        ({"amount": 0}, 400),
        ({"amount": -1}, 400),
        ({"amount": 1.0}, 400),
        ({"amount": True}, 400),
        ({"amount": "1"}, 400),
        ({"amount": None}, 400),
    ],
    ids=str,
)
def test_an_order_for_credit_that_makes_no_sense_is_refused(
    redeem: Redeem, changes: Mapping[str, Any], status: int
) -> None:
    answer = redeem(**changes)

    assert answer.status == answer.json["statusCode"] == status


def test_an_order_for_credit_needs_a_sign_in_a_tenant_and_a_body(platforms: Sandbox) -> None:
    signed = platforms.signed("saasquatch")

    unsigned = platforms.ask("POST", REDEEM, body=b"{}")
    elsewhere = platforms.ask("POST", REDEEM.replace("sandbox", "x"), signed, b"{}")
    empty = platforms.ask("POST", REDEEM, signed)

    assert (unsigned.status, elsewhere.json["rsCode"], empty.status) == (401, "RS015", 400)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {"query": "{rewardRedemptionTransactions}", "variables": {"account": "C-1001"}},
            "INVALID_REQUEST",
        ),
        ({"query": "{me}", "variables": {"account": "C-1001", "user": "C-1001"}}, "errors"),
        (
            {
                "query": "{rewardRedemptionTransactions}",
                "variables": {"account": "C-1001", "user": "U-2"},
            },
            '{"data":{"user":null}}',
        ),
    ],
    ids=["no user", "another query", "another user"],
)
def test_the_sandbox_knows_one_graphql_query(
    platforms: Sandbox, body: dict[str, Any], answer: str
) -> None:
    assert answer in platforms.post("saasquatch", GRAPHQL, body).body.decode()
