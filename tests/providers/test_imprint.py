"""Imprint: what its reference says, and what it leaves open."""

from typing import Any

import pytest

from loyalty_cli.providers.contract import basic
from loyalty_cli.providers.currencies import ISO_4217, is_currency
from loyalty_cli.sandbox.server import Reply
from tests.providers.contract import (
    Cases,
    CasesPlatform,
    Fails,
    Reads,
    at,
    digits,
    no_answer,
    warned,
    with_raw,
)

DOUBT = (
    "Imprint does not say whether 120000 A$ is in whole or minor units (dollars or cents);"
    " set minor_units in the profile once you know."
)
REWARDS = {"name": "rewards", "kind": "points", "unit": "points", "available": 120000}
NOT_FOUND = "CUSTOMER_NOT_FOUND_ERROR"
INVALID = {"type": "INVALID_REQUEST_ERROR", "message": "customer_id is malformed."}
GATEWAY = {
    "timestamp": "2026-01-01T00:00:00Z",
    "status": 400,
    "error": "Bad Request",
    "path": "/v2/customers/C-1001/rewards_balance",
}


def balance(symbol: str, **more: Any) -> dict[str, Any]:
    return {"reward_balance": 120000, "reward_symbol": symbol, **more}


def unnamed(**more: Any) -> Reads:
    return Reads(balance("points", **more), {"balances": [REWARDS], "warnings": []})


def unknown(status: int, *, nested: bool) -> Fails:
    error = {"type": NOT_FOUND, "message": "No such customer", "param": None}
    return Fails(status, {"error": error} if nested else error, 5, "not_found", NOT_FOUND)


def invalid(body: Any) -> Fails:
    words = (
        "Imprint refused the request (HTTP 400, INVALID_REQUEST_ERROR: customer_id is malformed)."
    )
    return Fails(400, body, 6, "refused", "INVALID_REQUEST_ERROR", words)


def by_gateway(details: Any, words: str) -> Fails:
    return Fails(400, {**GATEWAY, "details": details}, 6, "refused", words=words)


CASES = Cases(
    provider="imprint",
    answer={
        "customer_id": "2EE24580",
        "reward_balance": 120000,
        "reward_symbol": "points",
        "reward_description": "Club points",
    },
    balances=[{"name": "Club points", "kind": "points", "unit": "points", "available": 120000}],
    amounts={"reward_balance": "Club points.available"},
    texts=("reward_symbol", "reward_description"),
    required=("reward_balance", "reward_symbol"),
    not_answers=(None, "text", 5, True, [], {}),
    path=("v2", "customers", "{}", "rewards_balance"),
    credentials={"api_key": "imprint-s3cret"},
    signs_in={
        "bearer": {"authorization": "Bearer imprint-s3cret"},
        "basic": {"authorization": "Basic aW1wcmludC1zM2NyZXQ6"},
    },
    not_found=Reply(404, {"type": NOT_FOUND, "message": "Customer not found", "param": "id"}),
    refused=Reply(401, {"error": {"type": "AUTHENTICATION_ERROR", "message": "Bad key"}}),
    throttled=Reply(429, {"error": {"type": "RATE_LIMIT_ERROR", "message": "Slow down"}}),
    reads={
        "no description": unnamed(),
        "a null description": unnamed(reward_description=None),
        "an empty description": unnamed(reward_description=""),
        "money": Reads(
            balance("A$"),
            {
                "balances": [{**REWARDS, "kind": "money", "unit": "A$", "available": 120000}],
                "warnings": warned("scale_unknown", DOUBT),
            },
        ),
    },
    fails={
        "no customer, 400": unknown(400, nested=False),
        "no customer, 404": unknown(404, nested=False),
        "no customer, 400, one level down": unknown(400, nested=True),
        "no customer, 404, one level down": unknown(404, nested=True),
        "another type": invalid(INVALID),
        "another type, one level down": invalid({"error": INVALID}),
        "a gateway with details": by_gateway(["bad id", "bad day"], "Bad Request: bad id; bad day"),
        "a gateway without details": by_gateway([], "Bad Request)."),
        "a gateway whose details are null": by_gateway(None, "Bad Request)."),
        "an error of text alone": no_answer({"error": "Bad Request"}, 400),
        "a message alone": no_answer({"message": "no"}, 400),
        "a type alone": no_answer({"error": {"type": "X"}}, 400),
    },
)


def test_a_unit_is_money_if_it_is_a_currencys_code_or_sign() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in ISO_4217)
    assert all(map(is_currency, ("$", "€", "£", "A$", "₹", "USD", "EUR", "JPY", "XAF")))
    assert not any(map(is_currency, ("points", "miles", "usd", "pts", "XX", "USDollars", "%", "")))
    assert not {"XXX", "XTS", "XAU"} & ISO_4217


@pytest.mark.parametrize(
    ("minor_units", "sent", "shown"),
    [
        ("0", "120000", "120000"),
        ("2", "-5", "-0.05"),
        ("9", "1", "0.000000001"),
        ("2", '"120000"', "1200.00"),
    ],
)
@pytest.mark.parametrize("symbol", ["$", "points"])
def test_minor_units_move_the_point_without_a_warning(
    platform: CasesPlatform, minor_units: str, sent: str, shown: str, symbol: str
) -> None:
    platform.profile(minor_units=minor_units)
    platform.replies(with_raw(balance(symbol), {"reward_balance": sent}))

    done = platform.run()

    assert at(digits(done), "rewards.available") == shown
    assert done.record["warnings"] == []


@pytest.mark.parametrize("value", ["-1", "1.5", "two", "10", "999999999999999999", "\u0662", ""])
def test_impossible_minor_units_are_a_mistake_in_the_profile_file(
    platform: CasesPlatform, value: str
) -> None:
    platform.profile(minor_units=value)

    done = platform.run()

    assert (done.code, done.out) == (3, "")
    assert "profiles.main.minor_units" in done.err
    assert platform.received == []


def test_an_imprint_key_is_sent_as_utf_8_inside_basic() -> None:
    assert basic("cl\u00e9", "") == {"Authorization": "Basic Y2zDqTo="}
