"""Imprint: what its reference says, and what it leaves open."""

from base64 import b64decode
from typing import Any

import pytest

from loyalty_cli.providers.currencies import ISO_4217
from loyalty_cli.sandbox.server import Reply
from tests.providers.contract import Cases, Platform, at, digits, with_raw

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
    not_found=Reply(
        404,
        {
            "type": "CUSTOMER_NOT_FOUND_ERROR",
            "message": "Customer not found",
            "param": "customer_id",
        },
    ),
    refused=Reply(401, {"error": {"type": "AUTHENTICATION_ERROR", "message": "Bad key"}}),
    throttled=Reply(429, {"error": {"type": "RATE_LIMIT_ERROR", "message": "Slow down"}}),
)
DOUBT = (
    "Imprint does not say whether {} is in whole or minor units (dollars or cents);"
    " set minor_units in the profile once you know."
)


def balance(symbol: str, **more: Any) -> dict[str, Any]:
    return {"reward_balance": 120000, "reward_symbol": symbol, **more}


def test_a_line_without_a_description_is_called_rewards(platform: Platform) -> None:
    for more in ({}, {"reward_description": None}, {"reward_description": ""}):
        record = platform.replies(balance("points", **more)).reads()

        assert record["balances"][0]["name"] == "rewards"


@pytest.mark.parametrize("symbol", ["$", "€", "£", "A$", "₹", "USD", "EUR", "JPY", "XAF"])
def test_money_is_shown_as_it_came_with_a_warning(platform: Platform, symbol: str) -> None:
    record = platform.replies(balance(symbol)).reads()

    (line,) = record["balances"]
    assert (line["kind"], line["unit"], line["available"]) == ("money", symbol, 120000)
    assert record["warnings"] == [DOUBT.format(f"120000 {symbol}")]


@pytest.mark.parametrize("symbol", ["points", "miles", "usd", "pts", "XX", "USDollars", "%", ""])
def test_what_is_not_money_is_points_without_a_warning(platform: Platform, symbol: str) -> None:
    record = platform.replies(balance(symbol)).reads()

    (line,) = record["balances"]
    assert (line["kind"], line["unit"], line["available"]) == ("points", symbol, 120000)
    assert record["warnings"] == []


def test_currency_codes_are_three_capital_letters() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in ISO_4217)
    assert {"USD", "EUR", "GBP", "JPY", "NZD", "AUD"} <= ISO_4217
    assert not {"XXX", "XTS", "XAU"} & ISO_4217


@pytest.mark.parametrize(
    ("minor_units", "sent", "shown"),
    [
        ("0", "120000", "120000"),
        ("2", "120000", "1200.00"),
        ("3", "120000", "120.000"),
        ("2", "5", "0.05"),
        ("2", "-5", "-0.05"),
        ("2", "0", "0.00"),
        ("9", "1", "0.000000001"),
        ("2", "1" * 60, f"{'1' * 58}.11"),
        ("2", '"120000"', "1200.00"),
    ],
)
@pytest.mark.parametrize("symbol", ["$", "points"])
def test_minor_units_move_the_point_and_end_the_doubt(
    platform: Platform, minor_units: str, sent: str, shown: str, symbol: str
) -> None:
    platform.profile(minor_units=minor_units)
    platform.replies(with_raw(balance(symbol), {"reward_balance": sent}))

    done = platform.run()

    assert at(digits(done), "rewards.available") == shown
    assert done.record["warnings"] == []


@pytest.mark.parametrize("value", ["-1", "1.5", "two", "10", "999999999999999999", "\u0662", ""])
def test_minor_units_that_cannot_be_meant_are_a_mistake_in_the_file(
    platform: Platform, value: str
) -> None:
    platform.profile(minor_units=value)

    done = platform.run()

    assert (done.code, done.out) == (3, "")
    assert "profiles.main.minor_units" in done.err
    assert platform.received == []


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("nested", [False, True])
def test_not_found_is_told_by_its_type(platform: Platform, status: int, nested: bool) -> None:
    error = {"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "No such customer", "param": None}

    told = platform.replies(Reply(status, {"error": error} if nested else error)).tells()

    assert (told.exit_code, told.provider_code) == (5, "CUSTOMER_NOT_FOUND_ERROR")


@pytest.mark.parametrize("nested", [False, True])
def test_another_type_is_refused_in_its_own_words(platform: Platform, nested: bool) -> None:
    error = {"type": "INVALID_REQUEST_ERROR", "message": "customer_id is malformed."}

    told = platform.replies(Reply(400, {"error": error} if nested else error)).tells()

    assert (told.exit_code, told.code) == (6, "refused")
    assert told.provider_code == "INVALID_REQUEST_ERROR"
    assert told.message == (
        "Imprint refused the request (HTTP 400, INVALID_REQUEST_ERROR: customer_id is malformed)."
    )


@pytest.mark.parametrize(
    ("details", "words"),
    [(["bad id", "bad day"], "Bad Request: bad id; bad day"), ([], "Bad Request"), (None, "Bad")],
)
def test_an_error_may_be_text(platform: Platform, details: list[str] | None, words: str) -> None:
    body = {
        "timestamp": "2026-01-01T00:00:00Z",
        "status": 400,
        "error": "Bad Request",
        "path": "/v2/customers/C-1001/rewards_balance",
        "details": details,
    }

    told = platform.replies(Reply(400, body)).tells()

    assert (told.exit_code, told.code, told.provider_code) == (6, "refused", None)
    assert words in told.message


@pytest.mark.parametrize(
    "body", [{"error": "Bad Request"}, {"message": "no"}, {"error": {"type": "X"}}, [], None]
)
def test_an_error_of_no_known_shape_is_not_imprint_speaking(platform: Platform, body: Any) -> None:
    assert platform.replies(Reply(400, body)).tells().code == "bad_response"


def test_a_key_is_utf_8_inside_basic(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_MAIN_API_KEY", "cl\u00e9")
    platform.profile(auth="basic")
    platform.reads()

    _, _, pair = platform.received[0].headers["authorization"].partition(" ")
    assert b64decode(pair) == b"cl\xc3\xa9:"
