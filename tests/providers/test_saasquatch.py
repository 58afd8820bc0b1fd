"""SaaSquatch: three shapes of an answer, three kinds of reward, and what assigned may include."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from loyalty_cli.providers.contract import Amount, Debit, DebitReceipt, Query
from loyalty_cli.providers.saasquatch import SaaSquatch
from loyalty_cli.sandbox.server import Reply
from loyalty_cli.testing import Step
from tests.providers.contract import (
    CUSTOMER,
    Cases,
    CasesPlatform,
    DebitCases,
    Fails,
    Reads,
    no_answer,
    warned,
)

CREDIT = {
    "type": "CREDIT",
    "unit": "CENTS",
    "count": 3,
    "totalAssignedCredit": 5000,
    "totalRedeemedCredit": 1500,
    "totalPendingCredit": 250,
    "totalExpiredCredit": 0,
    "totalCancelledCredit": 0,
}
DISCOUNT = {
    "type": "PCT_DISCOUNT",
    "unit": "%",
    "count": 2,
    "totalDiscountPercent": 15,
    "referredDiscountPercent": 5,
    "referrerDiscountPercent": 10,
}
FUELTANK = {"type": "FUELTANK", "unit": "freemb", "totalFuelTankCodes": 4}
UNITS = ("CENTS", "cents", "Ünits", "a b")
BALANCE = {
    "name": "credit CENTS",
    "kind": "credit",
    "unit": "CENTS",
    "basis": "computed",
    "available": 3500,
    "pending": 250,
    "earned": 5000,
    "redeemed": 1500,
    "expired": 0,
    "cancelled": 0,
    "count": 3,
}
TEXT = {key: str(value) for key, value in CREDIT.items()}
MILES = {"type": "MILES", "unit": "km", "totalAssignedCredit": 7, "totalRedeemedCredit": 1}
BODY = {"statusCode": 422, "message": "In its own words.", "apiErrorCode": "SOMETHING"}
RS_CODES = [
    ("RS041", 5, "not_found"),
    ("RS042", 5, "not_found"),
    ("RS015", 3, "setup"),
    ("RS038", 3, "setup"),
    ("RS032", 4, "credential_refused"),
    ("RS006", 4, "credential_refused"),
    ("RS045", 4, "credential_refused"),
    ("RS033", 7, "rate_limited"),
    ("RS999", 6, "refused"),
]
STATUSES = [
    (400, 6, "refused", 1),
    (401, 4, "credential_refused", 1),
    (403, 4, "credential_refused", 1),
    (404, 5, "not_found", 1),
    (429, 7, "rate_limited", 3),
    (500, 7, "server_error", 3),
]


DISCOUNT_LINE = {
    "name": "discount %",
    "kind": "percent",
    "unit": "%",
    "available": 15,
    "count": 2,
}
FUELTANK_LINE = {"name": "fuel tank freemb", "kind": "codes", "unit": "freemb", "available": 4}
PARTS = {"referredDiscountPercent": 5, "referrerDiscountPercent": 10}


def odd(*items: Any, why: str) -> Reads:
    """What becomes of a credit among items that cannot be read."""
    told = (
        f"SaaSquatch sent {len(items)} of {len(items) + 1} balances that cannot be read ({why});"
        " they are in details."
    )
    return Reads(
        [items[0], CREDIT, *items[1:]],
        {
            "balances": [BALANCE],
            "details": {"unreadable": list(items)},
            "warnings": warned("unreadable", told),
        },
    )


def without_unit(reward_type: str, **line: Any) -> Reads:
    return Reads([{"type": reward_type, "unit": None}], {"balances": [line]})


def credit(assigned: str, redeemed: str, available: str) -> Reads:
    item = {"type": "CREDIT", "totalAssignedCredit": assigned, "totalRedeemedCredit": redeemed}
    amounts = {"earned": assigned, "redeemed": redeemed, "available": available}
    line = {"name": "credit", "kind": "credit", "basis": "computed"}
    return Reads(
        [item], {"balances": [{**line, **{key: Decimal(text) for key, text in amounts.items()}}]}
    )


def doubt(expired: Any, cancelled: Any, words: str) -> Reads:
    warning = (
        "credit CENTS: SaaSquatch does not say whether assigned still includes expired"
        f" {words} credit, so less may be available."
    )
    item = {**CREDIT, "totalExpiredCredit": expired, "totalCancelledCredit": cancelled}
    return Reads([item], {"warnings": warned("may_be_less", warning) if words else []})


def by_rs_code(rs_code: str, exit_code: int, meaning: str) -> Fails:
    words = f"(HTTP 422, {rs_code}: In its own words)"
    requests = 3 if rs_code == "RS033" else 1
    return Fails(422, {**BODY, "rsCode": rs_code}, exit_code, meaning, rs_code, words, requests)


CASES = Cases(
    provider="saasquatch",
    settings={"tenant": "acme"},
    answer=[CREDIT],
    balances=[BALANCE],
    amounts={
        "0.totalAssignedCredit": "credit CENTS.earned",
        "0.totalRedeemedCredit": "credit CENTS.redeemed",
        "0.totalPendingCredit": "credit CENTS.pending",
        "0.totalExpiredCredit": "credit CENTS.expired",
        "0.totalCancelledCredit": "credit CENTS.cancelled",
        "0.count": "credit CENTS.count",
    },
    texts=("0.type", "0.unit"),
    home="0",
    not_answers=(None, "text", 5, True, {}, {"rewardBalances": None}, {"rewardBalances": {}}),
    path=("api", "v1", "acme", "reward", "balance"),
    query={"accountId": "{}"},
    options={
        "user_id": ("u/1", {"userId": "u/1"}),
        "reward_type": ("credit", {"rewardTypeFilter": "CREDIT"}),
    },
    credentials={"api_key": "saasquatch-k3y", "user_token": "eyJh.eyJz.s3cret"},
    signs_in={
        "api_key": {"authorization": "Basic OnNhYXNxdWF0Y2gtazN5"},
        "user_token": {"x-saasquatch-user-token": "eyJh.eyJz.s3cret"},
    },
    not_found=Reply(404, {"statusCode": 404, "message": "No account", "rsCode": "RS041"}),
    refused=Reply(401, {"statusCode": 401, "message": "No", "rsCode": "RS032"}),
    throttled=Reply(429, {"statusCode": 429, "message": "Slow down", "rsCode": "RS033"}),
    reads={
        "nothing": Reads([], {"balances": [], "details": None, "warnings": []}),
        "every type": Reads(
            [CREDIT, DISCOUNT, FUELTANK],
            {
                "balances": [BALANCE, DISCOUNT_LINE, FUELTANK_LINE],
                "details": {"discount %": PARTS},
                "warnings": [],
            },
        ),
        "digits of a discount and of codes": Reads(
            b'[{"type": "PCT_DISCOUNT", "totalDiscountPercent": 15.50,'
            b' "referredDiscountPercent": "5.50"},'
            b' {"type": "FUELTANK", "totalFuelTankCodes": "12345678901234567890"}]',
            {
                "balances": [
                    {
                        "name": "discount",
                        "kind": "percent",
                        "unit": "%",
                        "available": Decimal("15.50"),
                    },
                    {"name": "fuel tank", "kind": "codes", "available": 12345678901234567890},
                ],
                "details": {"discount": {"referredDiscountPercent": Decimal("5.50")}},
            },
        ),
        "three discounts": Reads(
            [
                DISCOUNT,
                {**DISCOUNT, "referredDiscountPercent": 6},
                {**DISCOUNT, "referredDiscountPercent": 7},
            ],
            {
                "balances": [DISCOUNT_LINE] * 3,
                "details": {
                    "discount %": PARTS,
                    "discount % (2)": {**PARTS, "referredDiscountPercent": 6},
                    "discount % (3)": {**PARTS, "referredDiscountPercent": 7},
                },
            },
        ),
        "discounts whose names clash": Reads(
            [{**DISCOUNT, "unit": "% (2)"}, DISCOUNT, DISCOUNT],
            {
                "details": {
                    "discount % (2)": PARTS,
                    "discount %": PARTS,
                    "discount % (3)": PARTS,
                }
            },
        ),
        "no type": Reads(
            [CREDIT, {"unit": "km", "totalAssignedCredit": 5}],
            {
                "balances": [
                    BALANCE,
                    {"name": "reward km", "kind": "other", "unit": "km", "earned": 5},
                ],
                "warnings": warned(
                    "type_unknown",
                    "reward km: SaaSquatch does not say of which type this is; --raw shows it.",
                ),
            },
        ),
        "no type at all": Reads(
            {"type": None, "count": 1},
            {"balances": [{"name": "reward", "kind": "other", "count": 1}]},
        ),
        "a wrong type of value": odd(
            {**CREDIT, "totalAssignedCredit": True},
            why="expected a number, got bool - at 'totalAssignedCredit'",
        ),
        "a type that is a number": odd(
            {"type": 5}, why="Expected 'str | null', got 'int' - at 'type'"
        ),
        "a number in the list": odd(5, why="Expected 'object', got 'int'"),
        "no field that is known": odd(
            {"odd": [1]}, {}, why="it has none of the fields of a balance"
        ),
        "several odd items": odd(None, "text", [CREDIT], why="Expected 'object', got 'null'"),
        "an odd item, wrapped": Reads({"rewardBalances": [None, CREDIT]}, {"balances": [BALANCE]}),
        "a credit without amounts": Reads(
            [{"type": "CREDIT"}],
            {
                "warnings": warned(
                    "not_stated", "credit: SaaSquatch does not say how much is available."
                )
            },
        ),
        "nothing, wrapped": Reads({"rewardBalances": []}, {"balances": []}),
        "wrapped": Reads({"rewardBalances": [CREDIT]}, {"balances": [BALANCE]}),
        "bare": Reads(CREDIT, {"balances": [BALANCE]}),
        "a list of text": Reads([TEXT], {"balances": [BALANCE]}),
        "wrapped text": Reads({"rewardBalances": [TEXT]}, {"balances": [BALANCE]}),
        "bare text": Reads(TEXT, {"balances": [BALANCE]}),
        "odd units, and two that differ in case": Reads(
            [{"type": "CREDIT", "unit": unit} for unit in UNITS],
            {
                "balances": [
                    {
                        "name": f"credit {unit}",
                        "kind": "credit",
                        "unit": unit,
                        "basis": "computed",
                    }
                    for unit in UNITS
                ]
            },
        ),
        "credit without a unit": without_unit(
            "CREDIT", name="credit", kind="credit", basis="computed"
        ),
        "a discount without a unit": without_unit(
            "PCT_DISCOUNT", name="discount", kind="percent", unit="%"
        ),
        "codes without a unit": without_unit("FUELTANK", name="fuel tank", kind="codes"),
        "a discount without its parts": Reads(
            [{"type": "PCT_DISCOUNT", "unit": "%", "totalDiscountPercent": 5}],
            {
                "balances": [
                    {"name": "discount %", "kind": "percent", "unit": "%", "available": 5}
                ],
                "details": None,
            },
        ),
        "a discount with one part": Reads(
            [{"type": "PCT_DISCOUNT", "unit": "%", "referrerDiscountPercent": "5.50"}],
            {"details": {"discount %": {"referrerDiscountPercent": Decimal("5.50")}}},
        ),
        "an unknown type": Reads(
            [MILES],
            {
                "balances": [
                    {"name": "MILES km", "kind": "other", "unit": "km", "earned": 7, "redeemed": 1}
                ],
                "warnings": warned(
                    "type_unknown",
                    "MILES km: SaaSquatch does not document this type of reward; --raw shows it.",
                ),
            },
        ),
        "redeemed alone": Reads(
            [{**CREDIT, "totalAssignedCredit": None}],
            {"balances": [{**BALANCE, "available": None, "earned": None}]},
        ),
        "assigned alone": Reads(
            [{**CREDIT, "totalRedeemedCredit": None}],
            {"balances": [{**BALANCE, "available": None, "redeemed": None}]},
        ),
        "more redeemed than assigned": credit("1500", "5000", "-3500"),
        "decimals": credit("10.00", "2.5", "7.50"),
        "sixty digits and sixty decimals": credit(
            "1" + "0" * 59, f"0.{'0' * 58}1", f"{'9' * 59}.{'9' * 59}"
        ),
        "expired": doubt(5, 0, "(5) and cancelled (0)"),
        "cancelled": doubt(0, 7, "(0) and cancelled (7)"),
        "both": doubt(5, 7, "(5) and cancelled (7)"),
        "cancelled text": doubt(None, "0.01", "(0) and cancelled (0.01)"),
        "neither, as text": doubt("0.00", "-0", ""),
        "neither, as null": doubt(None, None, ""),
    },
    fails={
        "nothing but odd items": no_answer([{"type": "CREDIT", "unit": 5}, 7]),
        "nothing but an empty item": no_answer([{}]),
        "nothing but an unknown type": no_answer({"type": "about:blank", "title": "Maintenance"}),
        "a list two deep": no_answer([[CREDIT]]),
        "null in the list": no_answer({"rewardBalances": [None]}),
        "another key": no_answer({"data": []}),
        **{
            f"{rs_code} with 422": by_rs_code(rs_code, code, word)
            for rs_code, code, word in RS_CODES
        },
        **{
            f"{status} without an rsCode": Fails(
                status,
                {**BODY, "statusCode": str(status), "rsCode": None},
                exit_code,
                meaning,
                "SOMETHING",
                requests=requests,
            )
            for status, exit_code, meaning, requests in STATUSES
        },
        "a message alone": no_answer({"message": "Not Found"}, 404),
        "a message and an unknown rsCode": no_answer({"message": "x", "rsCode": "RS999"}, 404),
        "a status and an unknown rsCode": no_answer({"statusCode": 404, "rsCode": "RS999"}, 404),
        "a status alone": no_answer({"statusCode": 404, "message": None, "rsCode": None}, 404),
        "a message in a list": no_answer(
            {"statusCode": 404, "message": ["x"], "rsCode": "RS041"}, 404
        ),
        "an error one level down": no_answer(
            {"error": {"statusCode": 404, "message": "x", "rsCode": "RS041"}}, 404
        ),
        "a known rsCode alone": Fails(404, {"rsCode": "RS041"}, 5, "not_found", "RS041"),
        "a known rsCode among nulls": Fails(
            404,
            {"message": None, "statusCode": None, "rsCode": "RS041", "apiErrorCode": 7},
            5,
            "not_found",
            "RS041",
        ),
        **{
            f"an rsCode that is {sent!r}": Fails(400, {**BODY, "rsCode": sent}, *wanted)
            for sent, wanted in (
                (41, (5, "not_found", "RS041")),
                ("41", (5, "not_found", "RS041")),
                (999, (6, "refused", "RS999")),
            )
        },
        "a rate limit by a number": Fails(
            422, {**BODY, "rsCode": 33}, 7, "rate_limited", "RS033", requests=3
        ),
        **{
            f"a statusCode of {sent!r} with 200": Fails(
                200, {"message": "Token expired", "statusCode": sent}, exit_code, meaning
            )
            for sent, exit_code, meaning in (
                (401, 4, "credential_refused"),
                ("403", 4, "credential_refused"),
                (404, 5, "not_found"),
                (422, 6, "refused"),
                (500, 7, "server_error"),
            )
        },
        "an apiErrorCode that is a number": Fails(
            400, {**BODY, "apiErrorCode": 41}, 6, "refused", "41"
        ),
    },
    debits=DebitCases(
        unit="CENTS",
        codes={
            **dict.fromkeys(("RS006", "RS032", "RS045"), "not_applied"),
            **dict.fromkeys(("RS015", "RS038", "RS033"), "not_applied"),
            **dict.fromkeys(("RS041", "RS042"), "refused"),
        },
        refuses=lambda code: Reply(400, {"statusCode": 400, "message": "No.", "rsCode": code}),
        requests={
            "id": (
                Step(
                    ("api", "v1", "acme", "credit", "bulkredeem"),
                    method="POST",
                    sends={"accountId": "{}", "unit": "CENTS", "amount": 50},
                ),
            )
        },
        success={"creditRedeemed": 50, "unit": "CENTS"},
        evidence={
            "data": {
                "user": {
                    "rewardRedemptionTransactions": {
                        "data": [{"id": "a", "creditRedeemed": 50, "unit": "CENTS"}]
                    }
                }
            }
        },
    ),
)


def test_the_error_of_an_unknown_tenant_points_to_the_profile(platform: CasesPlatform) -> None:
    body = {"statusCode": 404, "message": "No tenant", "rsCode": "RS015"}

    done = platform.replies(Reply(404, body)).run()

    assert done.code == 3
    assert "Hint: Check tenant in the profile file." in done.err


# The tenant and the options


@pytest.mark.parametrize("tenant", ["a/b", "50% ä", "..."])
def test_a_tenant_stays_one_segment_of_the_path(platform: CasesPlatform, tenant: str) -> None:
    platform.profile(tenant=tenant)
    platform.reads()

    assert platform.received[0].path == ("api", "v1", tenant, "reward", "balance")


@pytest.mark.parametrize("tenant", [None, "", "  ", ".", "..", "a\x7fb"])
def test_an_impossible_tenant_is_a_mistake_in_the_profile_file(
    platform: CasesPlatform, tenant: str | None
) -> None:
    platform.profile(tenant=tenant)

    done = platform.run()

    assert (done.code, done.out, platform.received) == (3, "", [])
    assert "tenant" in done.err


@pytest.mark.parametrize("given", ["CREDIT", "credit", "Pct_Discount", "fueltank"])
def test_a_reward_type_is_sent_as_the_platform_spells_it(
    platform: CasesPlatform, given: str
) -> None:
    platform.reads("-O", f"reward_type={given}")

    sent = {"accountId": CUSTOMER, "rewardTypeFilter": given.upper()}
    assert platform.received[0].query == sent

    wrong = platform.run("-O", "reward_type=CREDITS")

    assert (wrong.code, wrong.out, platform.received) == (2, "", [])
    assert "(did you mean CREDIT?)" in wrong.err


# Debits


DEBIT = Debit("a/b ä?", "CENTS", 50, "r-1", datetime(2026, 11, 20, tzinfo=UTC))


def receipt(**more: Any) -> DebitReceipt:
    assert CASES.debits
    return SaaSquatch().read_debit({**CASES.debits.success, **more}, DEBIT)


def test_a_saasquatch_debit_has_account_unit_and_amount() -> None:
    request = SaaSquatch().debit_request(Query("ignored", {"tenant": "acme"}), DEBIT)

    assert (request.method, request.path) == (
        "POST",
        ("api", "v1", "acme", "credit", "bulkredeem"),
    )
    assert request.json == {"accountId": "a/b ä?", "unit": "CENTS", "amount": 50}
    assert (request.query, request.headers) == ({}, {})
    assert not SaaSquatch().idempotent


@pytest.mark.parametrize("same", ["50", Amount("50.0"), Amount("50.00"), Amount("5e1")], ids=repr)
def test_a_saasquatch_receipt_may_spell_the_amount_in_another_way(same: Any) -> None:
    assert receipt(creditRedeemed=same) == DebitReceipt()


@pytest.mark.parametrize(
    ("sent", "told"),
    [(950, "950"), ("much", None), (None, None), (True, None), ([1], None)],
    ids=repr,
)
def test_a_saasquatch_receipt_has_the_credit_left_if_it_is_a_number(
    sent: Any, told: str | None
) -> None:
    left = receipt(creditAvailable=sent).balance_after

    assert (None if left is None else str(left)) == told


def redemptions(data: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"data": {"user": {"rewardRedemptionTransactions": {"data": data, **more}}}}


REDEMPTION = {"id": "a", "creditRedeemed": 50, "unit": "CENTS"}
AT = datetime(2026, 11, 20, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "at"),
    [
        (1795150800000, AT),
        ("1795150800000", AT),
        ("2026-11-20T05:00:00Z", AT),
        ("2026-11-20T05:00:00", AT.replace(tzinfo=None)),
        ("yesterday", None),
        (10**30, None),
        (None, None),
    ],
)
def test_saasquatch_lists_redemptions_with_a_time_in_any_form(
    date: Any, at: datetime | None
) -> None:
    body = redemptions([{**REDEMPTION, "dateRedeemed": date}])
    evidence = SaaSquatch().read_evidence(body, Debit("C-1", "CENTS", 50, "r-1", AT))

    (listed,) = evidence.redemptions
    assert (listed.at, listed.provider_reference, evidence.is_complete) == (at, "a", True)


@pytest.mark.parametrize(
    ("body", "is_complete"),
    [
        (redemptions([]), True),
        (redemptions([REDEMPTION], totalCount=1), True),
        (redemptions([REDEMPTION], totalCount="2"), False),
        (redemptions([REDEMPTION] * 1000), False),
        (redemptions([REDEMPTION] * 1000, totalCount=1000), True),
        ({"data": {"user": None}}, False),
    ],
    ids=lambda value: str(value)[:60],
)
def test_saasquatchs_list_is_complete_only_if_it_says_so(body: Any, is_complete: bool) -> None:
    debit = Debit("C-1", "CENTS", 50, "r-1", AT)

    assert SaaSquatch().read_evidence(body, debit).is_complete == is_complete


def test_saasquatch_is_asked_for_the_user_with_the_accounts_id() -> None:
    query, debit = Query("C-1", {"tenant": "acme"}), Debit("C-1", "CENTS", 50, "r-1", AT)
    request = SaaSquatch().evidence_request(query, debit)

    assert request.path == ("api", "v1", "acme", "graphql")
    assert request.json is not None
    assert request.json["variables"] == {"account": "C-1", "user": "C-1", "limit": 1000}
