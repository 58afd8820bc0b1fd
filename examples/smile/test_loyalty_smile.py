"""Smile.io keeps the promises of every provider, and says what its pages leave open."""

from datetime import UTC, datetime
from typing import Any

from loyalty_smile import Smile

from loyalty_cli.providers.contract import Debit
from loyalty_cli.testing import (
    Cases,
    DebitCases,
    Fails,
    FakePlatform,
    ProviderContract,
    Reads,
    Reply,
    Step,
    WayCases,
)

ID = 304169228
JANE = {
    "id": ID,
    "first_name": "Jane",
    "email": "jane@doe.example",
    "state": "member",
    "points_balance": 2900,
    "vip_status": {"vip_tier_id": 426715794, "progress_value": 300},
}
POINTS = {"name": "points", "kind": "points", "unit": "points", "available": 2900}
FIND = Step(("v1", "customers"), {"customers": [JANE]}, {"email": "{}"})


def no(status: int) -> Reply:
    return Reply(status, {"error": {"message": "In its own words."}})


def transaction(**fields: Any) -> dict[str, Any]:
    return {"customer_id": ID, "points_change": -50, "internal_note": "r-1", **fields}


def transactions(*listed: dict[str, Any], cursor: str = "") -> dict[str, Any]:
    return {"points_transactions": listed, "metadata": {"next_cursor": cursor}}


DEBIT = Step(
    ("v1", "points_transactions"), method="POST", sends={"points_transaction": transaction()}
)
CASES = Cases(
    provider="smile",
    customer=str(ID),
    answer={"customer": JANE},
    platform_customer=str(ID),
    balances=[POINTS],
    details={"state": "member", "vip_status": JANE["vip_status"]},
    amounts={"customer.points_balance": "points.available"},
    texts=("customer.state", "customer.email"),
    required=("customer", "customer.id", "customer.points_balance"),
    home="customer",
    not_answers=(None, "text", 5, True, [], {}, {"customers": [JANE]}),
    path=("v1", "customers", "{}"),
    ways={
        "email": WayCases(
            "jane@doe.example",
            ("v1", "customers"),
            {"email": "{}"},
            answer={"customers": [JANE]},
            unknown={"customers": []},
        )
    },
    credentials={"api_key": "smile-k3y"},
    signs_in={"bearer": {"authorization": "Bearer smile-k3y"}},
    not_found=no(404),
    refused=no(401),
    throttled=no(429),
    reads={
        "no details": Reads({"customer": {"id": ID, "points_balance": 0}}, {"details": None}),
        "an address in capitals": Reads(
            {"customers": [{**JANE, "email": "Jane@Doe.example"}]},
            {"balances": [POINTS]},
            ("--by", "email"),
        ),
    },
    fails={
        "an error of text": Fails(404, {"error": "Not found"}, 5, "not_found", words="Not found"),
        "a refusal": Fails(422, {"error": {"message": "No."}}, 6, "refused", words="422, No"),
        "no permission": Fails(403, {"error": {"message": "No."}}, 4, "credential_refused"),
        "two customers with one address": Fails(
            200,
            {"customers": [JANE, {**JANE, "id": 7}]},
            2,
            "usage",
            words="several customers 'jane@doe.example': 304169228, 7",
            arguments=("--by", "email"),
        ),
        "another address": Fails(
            200,
            {"customers": [{**JANE, "email": "john@doe.example"}]},
            7,
            "wrong_customer",
            arguments=("--by", "email"),
        ),
    },
    debits=DebitCases(
        unit="points",
        success={"points_transaction": transaction()},
        requests={"id": (DEBIT,), "email": (FIND, DEBIT)},
        codes={},
        refuses=lambda _: no(422),
        evidence=transactions(transaction(id=825673452, created_at="2024-12-07T20:15:27.893Z")),
    ),
)


class TestSmile(ProviderContract):
    cases = CASES


def test_too_few_points_refuse_a_debit_and_a_wrong_key_does_not() -> None:
    with FakePlatform(CASES) as platform:
        states = [str(platform.replies(no(status)).debit("id").state) for status in (422, 401, 429)]

    assert states == ["refused", "not_applied", "unknown"]


def test_additions_and_transactions_without_a_note_are_no_evidence() -> None:
    listed = transactions(
        transaction(points_change=50),
        transaction(internal_note=None),
        transaction(id=1),
        cursor="x",
    )
    debit = Debit(str(ID), "points", 50, "r-1", datetime(2026, 11, 20, tzinfo=UTC))

    evidence = Smile().read_evidence(listed, debit)

    assert [each.provider_reference for each in evidence.redemptions] == ["1"]
    assert not evidence.is_complete
