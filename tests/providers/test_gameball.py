"""Gameball: what its reference says, and what it leaves open."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from loyalty_cli.providers.contract import Debit, DebitReceipt, PlatformError, Query
from loyalty_cli.providers.gameball import Gameball
from loyalty_cli.sandbox.server import Reply
from tests.providers.contract import Cases, DebitCases, Fails, Reads, no_answer

LINE = {"name": "points", "kind": "points", "unit": "points"}
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
]
"""A status, a code, and what it means; those that may be over soon are tried again."""


def error(status: int, code: int, exit_code: int, meaning: str) -> Fails:
    body = {"code": code, "type": "any_spelling", "message": "In its own words."}
    words = f"(HTTP {status}, {code}: In its own words)"
    is_busy = status >= 500 or (status, code) == (422, 2001)
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
        "nothing": Reads({}, {"balances": [LINE], "details": None, "warnings": []}),
        "a currency alone": Reads(
            {"currency": "EUR"}, {"balances": [{**LINE, "value": {"currency": "EUR"}}]}
        ),
        "an expiry that is null": expiring(
            None, nextExpiringPointsDate=None, nextExpiringPointsAmount=None
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
            EXPANDED, {"balances": [LINE], "details": EXPANDED}, ("-O", "expand=tier")
        ),
        "digits in what expand adds": Reads(
            f'{{"tier": [8500.000, -0, 1e2, {"1" * 60}]}}'.encode(),
            {"details": {"tier": [Decimal("8500.000"), Decimal("-0"), 100, int("1" * 60)]}},
        ),
    },
    fails={
        **{f"{row[1]} with {row[0]}": error(*row) for row in ERRORS},
        "a code as text": Fails(
            404, {"code": "7000", "type": "any", "message": "No."}, 5, "not_found", "7000"
        ),
        "a code alone": no_answer({"code": 7000}, 404),
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
        success={"transactionId": "r-1", "redeemEquivalentPoints": 50},
    ),
)


# Debits


def debit_at(at: datetime) -> Debit:
    return Debit("a/b ä?", "points", 50, "r-1", at)


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
