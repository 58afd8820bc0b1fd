"""Gameball: what its reference says, and what it leaves open."""

from typing import Any

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.providers.contract import Cases, DebitCases, Platform, changed, digits, full

CASES = Cases(
    provider="gameball",
    answer={
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
    },
    balances=[
        {
            "name": "Reward Points",
            "kind": "points",
            "unit": "points",
            "available": 1200,
            "pending": 300,
            "total": 1500,
            "earned": 2500,
            "value": {"currency": "USD", "available": 60, "pending": 15, "total": 75},
            "next_expiry": {"amount": 200, "value": 10, "at": "2024-12-01T00:00:00"},
        }
    ],
    amounts={
        "availablePointsBalance": "Reward Points.available",
        "pendingPoints": "Reward Points.pending",
        "totalPointsBalance": "Reward Points.total",
        "totalEarnedPoints": "Reward Points.earned",
        "availablePointsValue": "Reward Points.value.available",
        "pendingPointsValue": "Reward Points.value.pending",
        "totalPointsValue": "Reward Points.value.total",
        "nextExpiringPointsAmount": "Reward Points.next_expiry.amount",
        "nextExpiringPointsValue": "Reward Points.next_expiry.value",
    },
    texts=("currency", "pointsName", "nextExpiringPointsDate"),
    path=("api", "v4.0", "integrations", "customers", "{}", "balance"),
    options={"expand": ("tier,referrals", {"expand": "tier,referrals"})},
    credentials={"api_key": "gameball-k3y", "secret_key": "gameball-s3cret"},
    signs_in={"keys": {"apikey": "gameball-k3y", "secretkey": "gameball-s3cret"}},
    not_found=Reply(404, {"code": 7000, "type": "NotFound", "message": "Customer not found"}),
    refused=Reply(401, {"code": 1001, "type": "Unauthorized", "message": "Bad key"}),
    throttled=Reply(429, {"code": 9999, "type": "TooMany", "message": "Slow down"}),
    debits=DebitCases(
        unit="points",
        codes={
            **dict.fromkeys(("1000", "1001", "1002"), "not_applied"),
            **dict.fromkeys(("2001", "8000", "9003", "9007"), "not_applied"),
            **dict.fromkeys(("7000", "9008"), "refused"),
            **dict.fromkeys(("5000", "5003", "9004"), "unknown"),
        },
        refuses=lambda code: Reply(422, {"code": int(code), "type": "Any", "message": "No."}),
    ),
)


def test_an_answer_that_says_nothing_is_a_line_of_nothing(platform: Platform) -> None:
    record = platform.replies({}).reads()

    assert record["balances"] == [full({"name": "points", "kind": "points", "unit": "points"})]
    assert (record["details"], record["warnings"]) == (None, [])


def test_a_currency_alone_is_a_value_without_amounts(platform: Platform) -> None:
    (line,) = platform.replies({"currency": "EUR"}).reads()["balances"]

    assert line["value"] == {"currency": "EUR", "available": None, "pending": None, "total": None}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({}, None),
        ({"nextExpiringPointsDate": None, "nextExpiringPointsAmount": None}, None),
        ({"nextExpiringPointsValue": 10}, None),
        (
            {"nextExpiringPointsAmount": 5},
            {"amount": 5, "value": None, "at": None},
        ),
        (
            {"nextExpiringPointsDate": "2024-12-01T00:00:00"},
            {"amount": None, "value": None, "at": "2024-12-01T00:00:00"},
        ),
        (
            {"nextExpiringPointsAmount": 0, "nextExpiringPointsDate": "soon"},
            {"amount": 0, "value": None, "at": "soon"},
        ),
    ],
)
def test_the_next_expiry_is_null_without_a_date_and_without_an_amount(
    platform: Platform, sent: dict[str, Any], shown: dict[str, Any] | None
) -> None:
    (line,) = platform.replies(sent).reads()["balances"]

    assert line["next_expiry"] == shown


def test_what_expand_adds_is_kept_as_it_came(platform: Platform) -> None:
    added = {"tier": {"name": "Gold", "points": [1, "2", None, True]}, "referrals": []}

    record = platform.replies({**CASES.answer, **added}).reads("-O", "expand=tier")

    assert record["details"] == added
    assert record["balances"] == CASES.full_balances()


def test_numbers_in_the_details_keep_their_digits(platform: Platform) -> None:
    long = "1" * 60
    done = platform.replies(f'{{"tier": [8500.000, -0, 1e2, {long}]}}'.encode()).run()

    assert digits(done)["details"] == {"tier": ["8500.000", "-0", "100", long]}


ERRORS = [
    (401, 1000, 4, "credential_refused"),
    (401, 1001, 4, "credential_refused"),
    (403, 1002, 4, "credential_refused"),
    (404, 7000, 5, "not_found"),
    (422, 2001, 7, "rate_limited"),
    (500, 5000, 7, "server_error"),
    (503, 5003, 7, "server_error"),
    (422, 1234, 6, "refused"),
    (400, 1234, 6, "refused"),
]


@pytest.mark.parametrize(("status", "code", "exit_code", "meaning"), ERRORS)
def test_an_error_is_told_by_its_code(
    platform: Platform, status: int, code: int, exit_code: int, meaning: str
) -> None:
    for spelling in (code, str(code)):
        body = {"code": spelling, "type": "any_spelling", "message": "In its own words."}

        told = platform.replies(Reply(status, body)).tells()

        assert (told.exit_code, told.code) == (exit_code, meaning)
        assert told.provider_code == str(code)
        assert f"(HTTP {status}, {code}: In its own words)" in told.message


@pytest.mark.parametrize("status", [400, 422])
def test_the_code_decides_whatever_the_status(platform: Platform, status: int) -> None:
    body = {"code": 7000, "message": "Customer not found"}

    assert platform.replies(Reply(status, body)).tells().exit_code == 5


def test_another_request_in_progress_is_waited_for(platform: Platform) -> None:
    busy = Reply(422, {"code": 2001, "type": "Conflict", "message": "In progress"})

    record = platform.replies(busy, busy, CASES.answer).reads()

    assert record["balances"] == CASES.full_balances()
    assert len(platform.received) == 3


def test_another_request_in_progress_is_waited_for_three_times_at_most(
    platform: Platform,
) -> None:
    platform.replies(Reply(422, {"code": 2001, "message": "In progress"})).tells()

    assert len(platform.received) == 3


def test_that_code_with_another_status_is_not_tried_again(platform: Platform) -> None:
    told = platform.replies(Reply(400, {"code": 2001, "message": "In progress"})).tells()

    assert (told.exit_code, len(platform.received)) == (7, 1)


@pytest.mark.parametrize("code", [9004, 1234, "2002"])
def test_another_422_is_not_tried_again(platform: Platform, code: Any) -> None:
    platform.replies(Reply(422, {"code": code, "message": "No"})).tells()

    assert len(platform.received) == 1


@pytest.mark.parametrize("body", [{"code": 7000}, {"message": "no"}, {"code": [], "message": "x"}])
def test_an_error_without_code_and_message_is_not_gameball_speaking(
    platform: Platform, body: Any
) -> None:
    assert platform.replies(Reply(404, body)).tells().code == "bad_response"


def test_the_date_is_kept_as_the_text_it_is(platform: Platform) -> None:
    answer = changed(CASES.answer, "nextExpiringPointsDate", "2024-12-01T00:00:00.0000000")

    (line,) = platform.replies(answer).reads()["balances"]

    assert line["next_expiry"]["at"] == "2024-12-01T00:00:00.0000000"
