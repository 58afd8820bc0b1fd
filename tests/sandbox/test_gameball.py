"""The sandbox's Gameball."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import Answer, Ask, Debits, Sandbox

BALANCE = "/gameball/api/v4.0/integrations/customers/C-1001/balance"
REDEEM = "/gameball/api/v4.0/integrations/transactions/redeem"
TRANSACTIONS = "/gameball/api/v4.0/integrations/transactions"
Redeem = Callable[..., Answer]


def test_gameball_in_the_sandbox_answers_as_its_reference(platforms: Sandbox) -> None:
    assert platforms.balance("gameball", "C-1001").json == {
        "totalPointsBalance": 1500,
        "totalPointsValue": 75,
        "availablePointsBalance": 1200,
        "availablePointsValue": 60,
        "pendingPoints": 300,
        "pendingPointsValue": 15,
        "currency": "USD",
        "pointsName": "Reward Points",
        "nextExpiringPointsAmount": 200,
        "nextExpiringPointsValue": 10,
        "nextExpiringPointsDate": "2024-12-01T00:00:00",
        "totalEarnedPoints": 2500,
    }
    sparse = {"availablePointsBalance": 75, "pendingPoints": None}
    assert platforms.balance("gameball", "C-1008").json == sparse


@pytest.mark.parametrize(
    ("expand", "added"),
    [
        ("tier", {"tier": {"name": "Silver"}}),
        ("tier,referrals", {"tier": {"name": "Silver"}, "referrals": {"count": 3}}),
        ("wings", {}),
    ],
    ids=["one", "two", "unknown"],
)
def test_gameball_in_the_sandbox_adds_what_it_is_to_expand(
    platforms: Sandbox, expand: str, added: Mapping[str, Any]
) -> None:
    plain = platforms.balance("gameball", "C-1001").json

    assert platforms.balance("gameball", "C-1001", expand=expand).json == {**plain, **added}


def test_gameball_in_the_sandbox_has_two_versions(platforms: Sandbox) -> None:
    signed = platforms.signed("gameball")
    old, new, unknown = (
        platforms.ask("GET", BALANCE.replace("v4.0", version), signed)
        for version in ("v4.0", "v4.1", "v3.0")
    )

    assert old.json == new.json
    assert unknown.status == 404


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"secretkey": "sandbox-gameball-secret"}, 401, 1000),
        ({"apikey": "wrong", "secretkey": "sandbox-gameball-secret"}, 401, 1000),
        ({"apikey": "sandbox-gameball-key"}, 401, 1001),
        ({"apikey": "sandbox-gameball-key", "secretkey": "wrong"}, 403, 1002),
    ],
    ids=["no key", "wrong key", "no secret", "wrong secret"],
)
def test_gameball_in_the_sandbox_needs_both_keys(
    ask: Ask, headers: Mapping[str, str], status: int, code: int
) -> None:
    answer = ask("GET", BALANCE, headers)

    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.fixture
def redeem(platforms: Sandbox) -> Redeem:
    usual = {
        "customerId": "C-1001",
        "transactionId": "order 7",
        "transactionTime": "2026-11-20T05:00:00.123Z",
    }
    path = REDEEM.removeprefix("/gameball/")
    return lambda **changes: platforms.post("gameball", path, usual | changes)


def test_points_redeemed_in_the_sandbox_are_gone(platforms: Sandbox, redeem: Redeem) -> None:
    answer = redeem(points=200)

    assert answer.status == 200
    assert answer.json == {
        "customerId": "C-1001",
        "gameballTransactionId": "1",
        "transactionId": "order 7",
        "redeemAmount": 10,
        "redeemEquivalentPoints": 200,
    }
    again = redeem(points=200)
    assert (again.status, again.json["code"]) == (422, 9004)
    balance = platforms.balance("gameball", "C-1001").json
    assert balance["availablePointsBalance"] == 1000
    assert balance["availablePointsValue"] == 50
    assert balance["totalPointsBalance"] == 1300
    assert balance["totalEarnedPoints"] == 2500


def test_points_are_redeemed_by_number_or_value_and_no_more_than_there_are(
    redeem: Redeem,
) -> None:
    answer = redeem(amount=10.5)
    refused = redeem(points=991, transactionId="order 8")
    rest = redeem(points=990, transactionId="order 9")

    assert answer.json["redeemEquivalentPoints"] == 210
    assert answer.json["redeemAmount"] == Decimal("10.5")
    assert (refused.status, refused.json["code"]) == (422, 9008)
    assert rest.status == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"points": 1, "customerId": "C-9999"}, 404, 7000),
        ({"points": 1, "amount": 1}, 422, 3003),
        ({}, 422, 3003),
        ({"points": 0}, 422, 3003),
        ({"points": -5}, 422, 3003),
        ({"points": 1.5}, 422, 3003),
        ({"points": "1"}, 422, 3003),
        ({"points": True}, 422, 3003),
        ({"amount": 0.001}, 422, 3003),
        ({"amount": 1, "customerId": "C-1006"}, 422, 3003),
        ({"points": 1, "transactionId": None}, 422, 3003),
        ({"points": 1, "transactionTime": "yesterday"}, 422, 3003),
        ({"amount": 10**30}, 422, 9008),
    ],
    ids=str,
)
def test_an_order_for_points_that_makes_no_sense_is_refused(
    redeem: Redeem, changes: Mapping[str, Any], status: int, code: int
) -> None:
    answer = redeem(**changes)

    assert (answer.status, answer.json["code"]) == (status, code)


def test_an_order_for_points_needs_both_keys_and_a_body(platforms: Sandbox) -> None:
    unsigned = platforms.ask("POST", REDEEM, body=b"{}")
    empty = platforms.ask("POST", REDEEM, platforms.signed("gameball"))

    assert unsigned.status == 401
    assert (empty.status, empty.json["code"]) == (400, 3016)


def test_gameballs_transactions_come_in_pages(platforms: Sandbox) -> None:
    debits = Debits(platforms, "gameball")
    for number in range(3):
        debits("C-1001", amount=10, reference=f"order {number}")

    def page(**query: str) -> Any:
        target = f"{TRANSACTIONS}?{urlencode({'customerId': 'C-1001', **query})}"
        return platforms.ask("GET", target, platforms.signed("gameball")).json

    first, rest = page(limit="2"), page(startAfter="2")
    assert (first["count"], first["hasMore"]) == (2, True)
    assert (rest["count"], rest["hasMore"]) == (1, False)
    (last,) = rest["transactions"]
    assert (last["transactionId"], last["points"]) == ("order 2", 10)
    assert (last["pointsBalanceBefore"], last["pointsBalanceAfter"]) == (1180, 1170)
    assert page(direction="+")["transactions"] == []
    assert page(limit="x")["count"] == 3
