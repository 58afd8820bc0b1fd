"""Omneo: strings or numbers, and a combined figure that nobody must add again."""

from decimal import Decimal
from typing import Any

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.providers.contract import HTML, Cases, Platform, changed, digits, full

CURRENCY = {"id": 3, "from": "AUD", "to": "NZD", "rate": 1, "is_system": False}
LOCALISED = {"reward_balance": "27.50", "combined_balance_dollars": "159.50"}
CASES = Cases(
    provider="omneo",
    answer={
        "data": {
            "reward_balance": "25.00",
            "credit_balance": "0.00",
            "point_balance": "1200",
            "point_balance_dollars": "120.00",
            "benefit_balance": "0",
            "combined_balance_dollars": "145.00",
            "localised": LOCALISED,
            "currency": CURRENCY,
        }
    },
    balances=[
        {
            "name": "points",
            "kind": "points",
            "unit": "points",
            "available": 1200,
            "value": {"currency": "AUD", "available": 120},
        },
        {"name": "rewards", "kind": "money", "unit": "AUD", "available": 25},
        {"name": "credit", "kind": "credit", "unit": "AUD", "available": 0},
        {"name": "benefits", "kind": "other", "available": 0},
        {"name": "combined", "kind": "money", "unit": "AUD", "total": 145},
    ],
    details={"localised": LOCALISED, "currency": CURRENCY},
    amounts={
        "data.point_balance": "points.available",
        "data.point_balance_dollars": "points.value.available",
        "data.reward_balance": "rewards.available",
        "data.credit_balance": "credit.available",
        "data.benefit_balance": "benefits.available",
        "data.combined_balance_dollars": "combined.total",
    },
    texts=("data.currency.from",),
    required=("data",),
    home="data",
    not_answers=(None, "text", 5, True, [], {}, {"data": []}, {"data": "x"}),
    path=("api", "v3", "profiles", "{}", "balances"),
    options={"currency": ("NZD", {"currency": "NZD"})},
    credentials={"api_token": "omneo-t0ken"},
    signs_in={"bearer": {"authorization": "Bearer omneo-t0ken"}},
    not_found=Reply(404, {"message": "No query results for model [Profile]."}),
    refused=Reply(401, {"message": "Unauthenticated."}),
    throttled=Reply(429, {"message": "Too Many Attempts."}),
    foreign_404=5,
)


def test_numbers_mean_the_same_as_strings(platform: Platform) -> None:
    data = dict(CASES.answer["data"])
    for name in CASES.amounts:
        key = name.removeprefix("data.")
        data[key] = int(Decimal(data[key]))

    record = platform.replies({"data": data}).reads()

    assert record["balances"] == CASES.full_balances()


def test_a_line_that_was_not_sent_is_left_out(platform: Platform) -> None:
    record = platform.replies(
        {"data": {"reward_balance": 25, "point_balance": 1200, "combined_balance_dollars": 145}}
    ).reads()

    assert record["balances"] == [
        full({"name": "points", "kind": "points", "unit": "points", "available": 1200}),
        full({"name": "rewards", "kind": "money", "available": 25}),
        full({"name": "combined", "kind": "money", "total": 145}),
    ]
    assert record["details"] is None


def test_no_data_at_all_is_no_lines(platform: Platform) -> None:
    assert platform.replies({"data": {}}).reads()["balances"] == []


def test_points_whose_worth_alone_is_known_are_a_line(platform: Platform) -> None:
    (line,) = platform.replies({"data": {"point_balance_dollars": "1.20"}}).reads()["balances"]

    assert (line["name"], line["available"]) == ("points", None)
    assert line["value"] == {"currency": None, "available": 1, "pending": None, "total": None} | {
        "available": Decimal("1.20")
    }


def test_combined_is_a_total_and_never_available(platform: Platform) -> None:
    *_, combined = platform.reads()["balances"]

    assert (combined["name"], combined["available"], combined["total"]) == ("combined", None, 145)


@pytest.mark.parametrize("currency", [..., None, {}, {"from": None}, {"to": "NZD"}], ids=str)
def test_without_a_currency_the_units_are_unknown(platform: Platform, currency: Any) -> None:
    record = platform.replies(changed(CASES.answer, "data.currency", currency)).reads()

    money = [line for line in record["balances"] if line["name"] != "points"]
    assert [line["unit"] for line in money] == [None] * 4
    assert record["balances"][0]["unit"] == "points"
    assert record["balances"][0]["value"]["currency"] is None


@pytest.mark.parametrize("place", ["data.localised", "data.currency"])
@pytest.mark.parametrize("value", [[], "AUD", 5])
def test_an_object_that_is_none_makes_a_bad_answer(
    platform: Platform, place: str, value: Any
) -> None:
    told = platform.replies(changed(CASES.answer, place, value)).tells()

    assert told.code == "bad_response"


def test_details_keep_their_digits(platform: Platform) -> None:
    done = platform.replies(
        b'{"data": {"localised": {"reward_balance": "27.50", "x": 27.50},'
        b' "currency": {"rate": 1.10}}}'
    ).run()

    assert digits(done)["details"] == {
        "localised": {"reward_balance": "27.50", "x": "27.50"},
        "currency": {"rate": "1.10"},
    }


def test_a_sign_in_refused_is_told_in_omneos_words(platform: Platform) -> None:
    told = platform.replies(CASES.refused).tells()

    assert (told.exit_code, told.provider_code) == (4, None)
    assert told.message.endswith("(HTTP 401, Unauthenticated).")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": {"currency": ["is unknown.", "is odd."]}}, "currency: is unknown. is odd"),
        (
            {"message": "The given data was invalid.", "errors": {"a": ["x"], "b": ["y"]}},
            "The given data was invalid.; a: x; b: y",
        ),
        ({"message": "The given data was invalid."}, "The given data was invalid"),
        ({"message": "Invalid.", "errors": []}, "Invalid"),
        ({"message": None, "errors": {"a": ["x"]}}, "a: x"),
    ],
)
def test_a_422_says_what_is_wrong_with_which_field(
    platform: Platform, body: Any, words: str
) -> None:
    told = platform.replies(Reply(422, body)).tells()

    assert (told.exit_code, told.code) == (6, "refused")
    assert told.message == f"Omneo refused the request (HTTP 422, {words})."


@pytest.mark.parametrize("body", [HTML, b"", b"null", b"[]", b'{"a": NaN}', b"\xff"])
def test_a_404_is_the_profile_whatever_its_body(platform: Platform, body: bytes) -> None:
    told = platform.replies(Reply(404, body)).tells()

    assert (told.exit_code, told.code) == (5, "not_found")
    assert told.message == "Omneo has no customer 'C-1001' (HTTP 404)."


@pytest.mark.parametrize("body", [b"", {"errors": {"a": "x"}}, {"errors": ["x"]}, {"oops": 1}])
def test_a_422_of_no_known_shape_is_not_omneo_speaking(platform: Platform, body: Any) -> None:
    assert platform.replies(Reply(422, body)).tells().code == "bad_response"


def test_a_message_beside_a_balance_is_no_error(platform: Platform) -> None:
    record = platform.replies({**CASES.answer, "message": "OK"}).reads()

    assert record["balances"] == CASES.full_balances()


def test_an_error_with_status_200_is_no_balance(platform: Platform) -> None:
    told = platform.replies({"message": "Unauthenticated."}).tells()

    assert (told.exit_code, told.code) == (7, "bad_response")
