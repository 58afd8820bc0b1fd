"""Imprint: what its reference says, and what it leaves open."""

from typing import Any

import pytest

from loyalty_cli.providers.contract import basic
from loyalty_cli.providers.currencies import ISO_4217, is_currency
from loyalty_cli.sandbox.server import Reply
from tests.providers.contract import (
    CUSTOMER,
    Cases,
    CasesPlatform,
    Fails,
    Reads,
    at,
    changed,
    digits,
    no_answer,
    warned,
    with_raw,
)

DOUBT = "Whole A$ or cents? Imprint does not say. Set minor_units in the profile."
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
    return {"customer_id": "{}", "reward_balance": 120000, "reward_symbol": symbol, **more}


def unnamed(**more: Any) -> Reads:
    return Reads(balance("points", **more), {"balances": [REWARDS], "warnings": []})


def unknown(status: int, *, nested: bool) -> Fails:
    error = {"type": NOT_FOUND, "message": "No such customer", "param": None}
    words = f"{NOT_FOUND}: No such customer)."
    return Fails(status, {"error": error} if nested else error, 5, "not_found", NOT_FOUND, words)


def invalid(body: Any, param: str = "") -> Fails:
    words = (
        "Imprint refused the request"
        f" (HTTP 400, INVALID_REQUEST_ERROR: customer_id is malformed{param})."
    )
    return Fails(400, body, 6, "refused", "INVALID_REQUEST_ERROR", words)


def another(customer: str) -> Fails:
    words = f"Imprint answered about another customer: {customer!r}, not 'C-1001'."
    return Fails(200, balance("$", customer_id=customer), 7, "wrong_customer", words=words)


def by_gateway(details: Any, words: str) -> Fails:
    return Fails(400, {**GATEWAY, "details": details}, 6, "refused", words=words)


CASES = Cases(
    provider="imprint",
    answer={
        "customer_id": "{}",
        "reward_balance": 120000,
        "reward_symbol": "points",
        "reward_description": "Club points",
    },
    balances=[{"name": "Club points", "kind": "points", "unit": "points", "available": 120000}],
    platform_customer="{}",
    amounts={"reward_balance": "Club points.available"},
    texts=("reward_symbol", "reward_description"),
    required=("customer_id", "reward_balance", "reward_symbol"),
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
                "balances": [
                    {
                        **REWARDS,
                        "kind": "money",
                        "unit": "A$",
                        "available": 120000,
                        "basis": "scale_unknown",
                    }
                ],
                "warnings": warned("scale_unknown", DOUBT),
            },
        ),
        "the customer": Reads(balance("points"), {"platform_customer": CUSTOMER}),
    },
    fails={
        "no customer, 400": unknown(400, nested=False),
        "no customer, 404": unknown(404, nested=False),
        "no customer, 400, one level down": unknown(400, nested=True),
        "no customer, 404, one level down": unknown(404, nested=True),
        "another type": invalid(INVALID),
        "another type, one level down": invalid({"error": INVALID}),
        "a param": invalid({**INVALID, "param": "customer_id"}, ", param customer_id"),
        "a param that is a list": invalid({**INVALID, "param": ["a", 1]}, ', param ["a",1]'),
        "another customer": another("C-1002"),
        "another customer, in another case": another("c-1001"),
        "no customer": another(""),
        "another customer, with a line break": another("x\ny"),
        "another customer, and a balance of a wrong type": Fails(
            200, balance("$", customer_id="C-1002", reward_balance="many"), 7, "wrong_customer"
        ),
        "a very long customer": Fails(
            200,
            balance("$", customer_id="x" * 9999),
            7,
            "wrong_customer",
            words="about another customer: an id of 9999 characters, not 'C-1001'.",
        ),
        "another customer, as a number": Fails(
            200, balance("$", customer_id=777), 7, "wrong_customer", words="'777', not 'C-1001'"
        ),
        "a gateway with details": by_gateway(["bad id", "bad day"], "Bad Request: bad id; bad day"),
        "a gateway with odd details": by_gateway(
            ["bad id", {"at": None}], 'Bad Request: bad id; {"at":null}'
        ),
        "a gateway without details": by_gateway([], "Bad Request)."),
        "a gateway whose details are null": by_gateway(None, "Bad Request)."),
        "an error of text alone": no_answer({"error": "Bad Request"}, 400),
        "a message alone": no_answer({"message": "no"}, 400),
        "a type alone": no_answer({"error": {"type": "X"}}, 400),
        **{
            f"no customer without a message, {shape}": Fails(
                status, body, 5, "not_found", NOT_FOUND, f"(HTTP {status}, {NOT_FOUND})."
            )
            for status in (400, 404)
            for shape, body in (
                ("flat", {"type": NOT_FOUND}),
                ("null", {"type": NOT_FOUND, "message": None}),
                ("one level down", {"error": {"type": NOT_FOUND}}),
            )
        },
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
@pytest.mark.parametrize("symbol", ["$", "USD"])
def test_minor_units_move_the_point_of_money_without_a_warning(
    platform: CasesPlatform, minor_units: str, sent: str, shown: str, symbol: str
) -> None:
    platform.profile(minor_units=minor_units)
    platform.replies(with_raw(balance(symbol), {"reward_balance": sent}))

    done = platform.run()

    assert at(digits(done), "rewards.available") == shown
    assert at(digits(done), "rewards.basis") == "stated"
    assert done.record["warnings"] == []


def test_minor_units_leave_points_as_they_are(platform: CasesPlatform) -> None:
    platform.profile(minor_units="2")

    (line,) = platform.replies(balance("points")).reads()["balances"]

    assert (line["available"], line["basis"]) == (120000, "stated")


@pytest.mark.parametrize("value", ["-1", "1.5", "two", "10", "999999999999999999", "\u0662", ""])
def test_impossible_minor_units_are_a_mistake_in_the_profile_file(
    platform: CasesPlatform, value: str
) -> None:
    platform.profile(minor_units=value)

    done = platform.run()

    assert (done.code, done.out) == (3, "")
    assert "profiles.main.minor_units" in done.err
    assert platform.received == []


@pytest.mark.parametrize("customer", ["2ee24580-b97b-4949-a65c-929ccb9b9b8d", "a/b ä"])
def test_the_customer_that_imprint_names_may_be_a_uuid_in_another_case(
    platform: CasesPlatform, customer: str
) -> None:
    named = customer.upper() if customer[0] == "2" else customer
    platform.replies(balance("points", customer_id=named))

    record = platform.run(customer=customer).record

    assert (record["error"], record["platform_customer"]) == (None, named)


@pytest.mark.parametrize("output", [[], ["--raw"]], ids=["read", "raw"])
@pytest.mark.parametrize("named", [None, True, [], {"id": CUSTOMER}, ...], ids=str)
def test_a_balance_is_not_shown_if_imprint_does_not_say_whose_it_is(
    platform: CasesPlatform, output: list[str], named: Any
) -> None:
    platform.replies(changed({**CASES.answer, "reward_balance": 987654}, "customer_id", named))

    done = platform.run(*output)

    assert (done.code, done.record["error"]["code"]) == (7, "bad_response")
    assert "'customer_id'" in done.err
    assert "987654" not in done.out + done.err


def test_imprint_may_name_its_customer_as_a_number(platform: CasesPlatform) -> None:
    platform.replies({**CASES.answer, "customer_id": 777})

    record = platform.run(customer="777").record

    assert (record["error"], record["platform_customer"]) == (None, "777")


@pytest.mark.parametrize("output", [["-o", "json"], ["-o", "table"], ["--raw"]])
def test_no_output_shows_the_balance_of_another_customer(
    platform: CasesPlatform, output: list[str]
) -> None:
    for amount in (987654, "a text, 987654"):
        platform.replies(balance("$", customer_id="C-1002", reward_balance=amount))

        done = platform.run(*output)

        assert done.code == 7
        assert "987654" not in done.out + done.err
        assert "another customer: 'C-1002', not 'C-1001'." in done.err
        assert len(done.err.splitlines()) == 2


def test_the_key_of_a_merchant_is_sent_as_a_header(platform: CasesPlatform) -> None:
    platform.reads()
    assert "x-imprint-merchant-key" not in platform.received[0].headers

    platform.profile(merchant_key="m-1 x")
    platform.reads()
    assert platform.received[0].headers["x-imprint-merchant-key"] == "m-1 x"


@pytest.mark.parametrize("value", ["", " ", " m", "m ", "ä", "m\xa0x", "m\u202ex"])
def test_a_merchant_key_that_no_header_can_carry_is_a_mistake_in_the_profile_file(
    platform: CasesPlatform, value: str
) -> None:
    platform.profile(merchant_key=value)

    done = platform.run()

    assert (done.code, done.out, platform.received) == (3, "", [])
    assert "profiles.main.merchant_key" in done.err


def test_an_imprint_key_is_sent_as_utf_8_inside_basic() -> None:
    assert basic("cl\u00e9", "") == {"Authorization": "Basic Y2zDqTo="}
