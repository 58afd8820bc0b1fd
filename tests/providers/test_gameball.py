"""Gameball: what its reference says, and what it leaves open."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from loyalty_cli.providers.contract import Debit, DebitReceipt, PlatformError, Query
from loyalty_cli.providers.gameball import Gameball
from loyalty_cli.sandbox.server import Reply
from loyalty_cli.testing import Step
from tests.providers.contract import (
    Cases,
    CasesPlatform,
    DebitCases,
    Fails,
    Reads,
    no_answer,
    warned,
)

LINE = {"name": "points", "kind": "points", "unit": "points", "includes_pending": True}
NOT_STATED = warned("not_stated", "points: Gameball does not say how much is available.")
EXPANDED = {"tier": {"name": "Gold", "points": [1, "2", None, True]}, "referrals": []}
ERRORS = [
    (401, 1000, 4, "credential_refused"),
    (401, 1001, 4, "credential_refused"),
    (403, 1002, 4, "credential_refused"),
    (404, 7000, 5, "not_found"),
    (400, 7000, 5, "not_found"),
    (422, 7000, 5, "not_found"),
    (422, 2001, 7, "rate_limited"),
    (400, 2001, 7, "rate_limited"),
    (500, 5000, 7, "server_error"),
    (503, 5003, 7, "server_error"),
    (422, 1234, 6, "refused"),
    (422, 9004, 6, "refused"),
    (422, 2002, 6, "refused"),
    (400, 1234, 6, "refused"),
    (200, 1001, 4, "credential_refused"),
    (200, 7000, 5, "not_found"),
    (200, 2001, 7, "rate_limited"),
    (200, 5003, 7, "server_error"),
    (200, 8000, 6, "refused"),
    (200, 1234, 6, "refused"),
]
"""A status, a code, and what it means; those that may be over soon are tried again."""


def error(status: int, code: int, exit_code: int, meaning: str) -> Fails:
    body = {"code": code, "type": "any_spelling", "message": "In its own words."}
    words = f"(HTTP {status}, {code}: In its own words)"
    is_busy = status >= 500 or code == 2001
    return Fails(status, body, exit_code, meaning, str(code), words, 3 if is_busy else 1)


def expiring(expiry: dict[str, Any] | None, **sent: Any) -> Reads:
    return Reads(sent, {"balances": [{**LINE, **({"next_expiry": expiry} if expiry else {})}]})


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
            **LINE,
            "name": "Reward Points",
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
    reads={
        "a currency alone": Reads(
            {"currency": "EUR"},
            {"balances": [{**LINE, "value": {"currency": "EUR"}}], "warnings": NOT_STATED},
        ),
        "an available amount alone": Reads(
            {"availablePointsBalance": 0},
            {"balances": [{**LINE, "available": 0}], "details": None, "warnings": []},
        ),
        "an unknown code and a message beside a balance": Reads(
            {"code": 5, "message": "Good day", "type": "new", "totalEarnedPoints": 7},
            {
                "balances": [{**LINE, "earned": 7}],
                "details": {"code": 5, "message": "Good day", "type": "new"},
            },
        ),
        "an expiry that is null": Reads(
            {
                "availablePointsBalance": 1,
                "nextExpiringPointsDate": None,
                "nextExpiringPointsAmount": None,
            },
            {"balances": [{**LINE, "available": 1}]},
        ),
        "an expiry of a value alone": expiring(None, nextExpiringPointsValue=10),
        "an expiry without a date": expiring(
            {"amount": 5, "value": None, "at": None}, nextExpiringPointsAmount=5
        ),
        "an expiry without an amount": expiring(
            {"amount": None, "value": None, "at": "2024-12-01T00:00:00.0000000"},
            nextExpiringPointsDate="2024-12-01T00:00:00.0000000",
        ),
        "what expand adds": Reads(
            {"pendingPoints": 1, **EXPANDED},
            {"balances": [{**LINE, "pending": 1}], "details": EXPANDED},
            ("-O", "expand=tier"),
        ),
        "digits in what expand adds": Reads(
            f'{{"pendingPoints": 1, "tier": [8500.000, -0, 1e2, {"1" * 60}]}}'.encode(),
            {"details": {"tier": [Decimal("8500.000"), Decimal("-0"), 100, int("1" * 60)]}},
        ),
    },
    fails={
        **{f"{row[1]} with {row[0]}": error(*row) for row in ERRORS},
        "a code as text": Fails(
            404, {"code": "7000", "type": "any", "message": "No."}, 5, "not_found", "7000"
        ),
        "a known code beside a balance": Fails(
            200,
            {"code": 7000, "message": "No.", "availablePointsBalance": 5},
            5,
            "not_found",
            "7000",
        ),
        **{
            f"a requestId that is {sent!r}": Fails(
                404,
                {"code": 7000, "message": "No.", "requestId": sent},
                5,
                "not_found",
                "7000",
                f"(HTTP 404, 7000: {words}).",
            )
            for sent, words in (
                ("0HN:1", "No, request 0HN:1"),
                (7, "No, request 7"),
                (None, "No"),
            )
        },
        "nothing": no_answer({}),
        "nothing but nulls": no_answer({"availablePointsBalance": None, "currency": None}),
        "nothing but what expand adds": no_answer(EXPANDED),
        **{
            f"a known code with {more}": Fails(
                404, {"code": 7000, **more}, 5, "not_found", "7000", "(HTTP 404, 7000)."
            )
            for more in ({}, {"message": None})
        },
        "a known code alone with 200": Fails(200, {"code": "7000"}, 5, "not_found", "7000"),
        "an unknown code alone": no_answer({"code": 7777}, 404),
        **{
            f"a request in progress with {status}": Fails(
                status, {"code": 2001, "message": None}, 7, "rate_limited", "2001", requests=3
            )
            for status in (200, 400, 409, 422)
        },
        "a message alone": no_answer({"message": "no"}, 404),
        "a code that is a list": no_answer({"code": [], "message": "x"}, 404),
    },
    debits=DebitCases(
        unit="points",
        codes={
            **dict.fromkeys(("1000", "1001", "1002"), "not_applied"),
            **dict.fromkeys(("2001", "8000", "9003", "9007"), "not_applied"),
            **dict.fromkeys(("7000", "9008"), "refused"),
            **dict.fromkeys(("5000", "5003", "9004"), "unknown"),
        },
        refuses=lambda code: Reply(422, {"code": int(code), "type": "Any", "message": "No."}),
        requests={
            "id": (
                Step(
                    ("api", "v4.0", "integrations", "transactions", "redeem"),
                    method="POST",
                    sends={"customerId": "{}", "transactionId": "r-1", "points": 50},
                ),
            )
        },
        success={"transactionId": "r-1", "redeemEquivalentPoints": 50},
        evidence={"transactions": [{"transactionId": "r-1", "points": 50, "type": "Redemption"}]},
    ),
)


# Debits


def debit_at(at: datetime) -> Debit:
    return Debit("a/b ä?", "points", 50, "r-1", at)


@pytest.mark.parametrize("version", ["v4.0", "v4.1", "v10.12"])
def test_the_version_of_gameballs_api_is_in_every_path(
    platform: CasesPlatform, version: str
) -> None:
    platform.profile(api_version=version)
    platform.reads()
    query = Query("C-1", {"api_version": version})
    debit = debit_at(datetime.now(UTC))
    request = Gameball().debit_request(query, debit)
    evidence = Gameball().evidence_request(query, debit)

    for path in (platform.received[0].path, request.path, evidence.path):
        assert path[:3] == ("api", version, "integrations")


@pytest.mark.parametrize("version", ["4.1", "v4", "v4.1/x", "v4.", "V4.1", "v4.1 ", "v4.1.1", ""])
def test_an_impossible_version_is_a_mistake_in_the_profile_file(
    platform: CasesPlatform, version: str
) -> None:
    platform.profile(api_version=version)

    done = platform.run()

    assert (done.code, done.out, platform.received) == (3, "", [])
    assert "profiles.main.api_version: must be a version such as v4.1" in done.err


@pytest.mark.parametrize("expand", ["tier", "referrals", "tier,referrals", "referrals,tier"])
def test_gameball_is_asked_to_expand_what_it_can(platform: CasesPlatform, expand: str) -> None:
    platform.reads("-O", f"expand={expand}")

    assert platform.received[0].query == {"expand": expand}


@pytest.mark.parametrize("expand", ["wings", "tier,", "tier,tier", "tier,wings", "Tier", "tier "])
def test_gameball_is_not_asked_to_expand_anything_else(
    platform: CasesPlatform, expand: str
) -> None:
    done = platform.run("-O", f"expand={expand}")

    assert (done.code, done.out, platform.received) == (2, "", [])
    assert "the option expand must be tier, referrals, or both with a comma" in done.err


def receipt(**more: Any) -> DebitReceipt:
    assert CASES.debits
    return Gameball().read_debit({**CASES.debits.success, **more}, debit_at(datetime.now(UTC)))


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        (
            datetime(2026, 11, 20, 16, 30, 5, 123456, timezone(timedelta(hours=10, minutes=30))),
            "2026-11-20T06:00:05.123Z",
        ),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
    ],
    ids=["another time zone", "UTC"],
)
def test_a_gameball_debit_has_customer_reference_points_and_the_utc_time(
    at: datetime, sent: str
) -> None:
    request = Gameball().debit_request(Query("ignored"), debit_at(at))

    assert request.path == ("api", "v4.0", "integrations", "transactions", "redeem")
    assert request.json == {
        "customerId": "a/b ä?",
        "transactionId": "r-1",
        "transactionTime": sent,
        "points": 50,
    }


def test_a_gameball_receipt_with_points_as_text_is_refused() -> None:
    with pytest.raises(ValueError, match="is text"):
        receipt(redeemEquivalentPoints="50")


@pytest.mark.parametrize(("number", "told"), [(77, "77"), ("t-77", "t-77"), (None, None)])
def test_a_gameball_receipt_has_gameballs_own_number(number: Any, told: str | None) -> None:
    assert receipt(gameballTransactionId=number).provider_reference == told


def test_gameball_debits_are_idempotent_and_9004_alone_is_a_repeat() -> None:
    assert Gameball().idempotent
    assert Gameball().is_repeat(PlatformError("no", "9004"))
    assert not Gameball().is_repeat(PlatformError("no", "9003"))
    assert not Gameball().is_repeat(PlatformError("9004"))
