"""SaaSquatch: three shapes of an answer, three kinds of reward, and what assigned may include."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_cli.sandbox.server import Reply
from tests.conftest import Run
from tests.providers.contract import CUSTOMER, Cases, DebitCases, Platform, digits, full

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
CASES = Cases(
    provider="saasquatch",
    settings={"tenant": "acme"},
    answer=[CREDIT, DISCOUNT, FUELTANK],
    balances=[
        {
            "name": "credit CENTS",
            "kind": "credit",
            "unit": "CENTS",
            "available": 3500,
            "pending": 250,
            "earned": 5000,
            "redeemed": 1500,
            "expired": 0,
            "cancelled": 0,
            "count": 3,
        },
        {"name": "discount %", "kind": "percent", "unit": "%", "available": 15, "count": 2},
        {"name": "fuel tank freemb", "kind": "codes", "unit": "freemb", "available": 4},
    ],
    details={"discount %": {"referredDiscountPercent": 5, "referrerDiscountPercent": 10}},
    amounts={
        "0.totalAssignedCredit": "credit CENTS.earned",
        "0.totalRedeemedCredit": "credit CENTS.redeemed",
        "0.totalPendingCredit": "credit CENTS.pending",
        "0.totalExpiredCredit": "credit CENTS.expired",
        "0.totalCancelledCredit": "credit CENTS.cancelled",
        "0.count": "credit CENTS.count",
        "1.totalDiscountPercent": "discount %.available",
        "2.totalFuelTankCodes": "fuel tank freemb.available",
    },
    texts=("0.type", "0.unit"),
    required=("0.type",),
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
    not_found=Reply(
        404,
        {
            "statusCode": 404,
            "message": "No account",
            "apiErrorCode": "ACCOUNT_NOT_FOUND",
            "rsCode": "RS041",
        },
    ),
    refused=Reply(401, {"statusCode": 401, "message": "No", "rsCode": "RS032"}),
    throttled=Reply(429, {"statusCode": 429, "message": "Slow down", "rsCode": "RS033"}),
    debits=DebitCases(
        unit="CENTS",
        codes={
            **dict.fromkeys(("RS006", "RS032", "RS045"), "not_applied"),
            **dict.fromkeys(("RS015", "RS038", "RS033"), "not_applied"),
            **dict.fromkeys(("RS041", "RS042"), "refused"),
        },
        refuses=lambda code: Reply(400, {"statusCode": 400, "message": "No.", "rsCode": code}),
    ),
)


def as_text(item: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in item.items()}


# The shapes


@pytest.mark.parametrize(
    "answer",
    [
        [CREDIT],
        {"rewardBalances": [CREDIT]},
        CREDIT,
        [as_text(CREDIT)],
        {"rewardBalances": [as_text(CREDIT)]},
        as_text(CREDIT),
    ],
    ids=["list", "wrapped", "bare", "list, text", "wrapped, text", "bare, text"],
)
def test_the_same_balance_comes_in_three_shapes_and_two_spellings(
    platform: Platform, answer: Any
) -> None:
    assert platform.replies(answer).reads()["balances"] == [full(CASES.balances[0])]


@pytest.mark.parametrize("answer", [[], {"rewardBalances": []}])
def test_no_rewards_yet_is_an_empty_list_and_the_table_says_so(
    platform: Platform, answer: Any, loyalty: Run
) -> None:
    record = platform.replies(answer).reads()

    assert (record["balances"], record["details"], record["error"]) == ([], None, None)

    table = loyalty("balance", CUSTOMER)
    assert (table.code, table.err) == (0, "")
    assert "nothing yet" in table.out


@pytest.mark.parametrize(
    "answer",
    [[CREDIT, {"unit": "x"}], [CREDIT, 5], [[CREDIT]], {"rewardBalances": [None]}, {"data": []}],
    ids=["no type", "a number", "two deep", "null", "another key"],
)
def test_one_item_that_makes_no_sense_spoils_the_answer(platform: Platform, answer: Any) -> None:
    assert platform.replies(answer).tells().code == "bad_response"


# The lines


@pytest.mark.parametrize("unit", ["CENTS", "cents", "points", "freemb", "Ünits", "a b"])
def test_a_unit_keeps_its_case(platform: Platform, unit: str) -> None:
    (line,) = platform.replies([{**CREDIT, "unit": unit}]).reads()["balances"]

    assert (line["name"], line["unit"]) == (f"credit {unit}", unit)


def test_units_that_differ_in_case_are_two_lines(platform: Platform) -> None:
    record = platform.replies([CREDIT, {**CREDIT, "unit": "cents"}]).reads()

    assert [line["unit"] for line in record["balances"]] == ["CENTS", "cents"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("CREDIT", "credit"), ("PCT_DISCOUNT", "discount"), ("FUELTANK", "fuel tank")],
)
def test_a_line_without_a_unit_is_named_by_its_type(
    platform: Platform, kind: str, name: str
) -> None:
    (line,) = platform.replies([{"type": kind, "unit": None}]).reads()["balances"]

    assert line["name"] == name
    assert line["available"] is None
    assert line["unit"] == ("%" if kind == "PCT_DISCOUNT" else None)


def test_the_parts_of_a_discount_that_are_not_there_are_left_out(platform: Platform) -> None:
    parts = {"type": "PCT_DISCOUNT", "unit": "%", "totalDiscountPercent": 5}

    assert platform.replies([parts]).reads()["details"] is None
    record = platform.replies([{**parts, "referrerDiscountPercent": "5.50"}]).reads()
    assert digits(platform.run())["details"] == {"discount %": {"referrerDiscountPercent": "5.50"}}
    assert record["balances"][0]["available"] == 5


def test_a_type_that_the_reference_does_not_name_is_shown_with_a_warning(
    platform: Platform,
) -> None:
    item = {"type": "MILES", "unit": "km", "totalAssignedCredit": 7, "totalRedeemedCredit": 1}

    record = platform.replies([item]).reads()

    (line,) = record["balances"]
    assert (line["name"], line["kind"], line["available"]) == ("MILES km", "other", None)
    assert (line["earned"], line["redeemed"]) == (7, 1)
    assert record["warnings"] == [
        "MILES km: this type of reward is not one the reference names; --raw shows it."
    ]


# Available credit


@pytest.mark.parametrize("missing", ["totalAssignedCredit", "totalRedeemedCredit"])
def test_available_needs_both_assigned_and_redeemed(platform: Platform, missing: str) -> None:
    (line,) = platform.replies([{**CREDIT, missing: None}]).reads()["balances"]

    assert line["available"] is None


@pytest.mark.parametrize(
    ("assigned", "redeemed", "available"),
    [
        ("5000", "1500", "3500"),
        ("0", "0", "0"),
        ("1500", "5000", "-3500"),
        ("10.00", "2.5", "7.50"),
        ("9" * 60, "1", f"{'9' * 59}8"),
        ("1" + "0" * 59, f"0.{'0' * 58}1", f"{'9' * 59}.{'9' * 59}"),
        ("-5", "-5.000", "0.000"),
    ],
)
def test_available_is_assigned_less_redeemed(
    platform: Platform, assigned: str, redeemed: str, available: str
) -> None:
    item = {**CREDIT, "totalAssignedCredit": assigned, "totalRedeemedCredit": redeemed}

    (line,) = digits(platform.replies([item]).run())["balances"]

    assert (line["earned"], line["redeemed"]) == (assigned, redeemed)
    assert line["available"] == available


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-(10**60), 10**60),
    st.integers(-(10**60), 10**60),
    st.integers(0, 60),
    st.booleans(),
)
def check_difference(
    platform: Platform, assigned: int, redeemed: int, places: int, quoted: bool
) -> None:
    sent = [_shifted(number, places) for number in (assigned, redeemed)]
    quote = '"' if quoted else ""
    body = (
        f'[{{"type": "CREDIT", "totalAssignedCredit": {quote}{sent[0]}{quote},'
        f' "totalRedeemedCredit": {quote}{sent[1]}{quote}}}]'
    )
    (line,) = digits(platform.replies(body.encode()).run())["balances"]

    assert line["available"] == _shifted(assigned - redeemed, places)


def _shifted(number: int, places: int) -> str:
    """Decimal digits by hand, so that nothing under test takes part in what is expected."""
    sign, text = ("-" if number < 0 else ""), str(abs(number)).rjust(places + 1, "0")
    whole, fraction = text[: len(text) - places], text[len(text) - places :]
    return f"{sign}{whole}.{fraction}" if places else f"{sign}{whole}"


def test_the_difference_is_exact_at_any_length(platform: Platform) -> None:
    check_difference(platform)


@pytest.mark.parametrize(
    ("expired", "cancelled"), [(5, 0), (0, 7), (5, 7), ("5", None), (None, "0.01"), (-1, 0)]
)
def test_what_expired_or_was_cancelled_makes_available_doubtful(
    platform: Platform, expired: Any, cancelled: Any
) -> None:
    item = {**CREDIT, "totalExpiredCredit": expired, "totalCancelledCredit": cancelled}

    record = platform.replies([item]).reads()

    assert record["balances"][0]["available"] == 3500
    (warning,) = record["warnings"]
    assert warning == (
        "credit CENTS: SaaSquatch does not say whether assigned still includes what expired"
        f" ({expired or 0}) or was cancelled ({cancelled or 0}), so less may be available."
    )


@pytest.mark.parametrize(
    ("expired", "cancelled"), [(0, 0), ("0.00", "-0"), (None, None), (0, None)]
)
def test_nothing_expired_and_nothing_cancelled_is_no_doubt(
    platform: Platform, expired: Any, cancelled: Any
) -> None:
    item = {**CREDIT, "totalExpiredCredit": expired, "totalCancelledCredit": cancelled}

    assert platform.replies([item]).reads()["warnings"] == []


# The errors


@pytest.mark.parametrize(
    ("rs_code", "exit_code", "meaning"),
    [
        ("RS041", 5, "not_found"),
        ("RS042", 5, "not_found"),
        ("RS015", 3, "setup"),
        ("RS038", 3, "setup"),
        ("RS032", 4, "credential_refused"),
        ("RS006", 4, "credential_refused"),
        ("RS045", 4, "credential_refused"),
        ("RS033", 7, "rate_limited"),
        ("RS999", 6, "refused"),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_an_error_is_told_by_its_rs_code(
    platform: Platform, status: int, rs_code: str, exit_code: int, meaning: str
) -> None:
    body = {
        "statusCode": status,
        "message": "In its own words.",
        "apiErrorCode": "SOMETHING",
        "rsCode": rs_code,
    }

    told = platform.replies(Reply(status, body)).tells()

    assert (told.exit_code, told.code, told.provider_code) == (exit_code, meaning, rs_code)
    assert f"(HTTP {status}, {rs_code}: In its own words)" in told.message
    assert len(platform.received) == (3 if rs_code == "RS033" else 1)


def test_an_unknown_tenant_points_to_the_profile(platform: Platform) -> None:
    body = {"statusCode": 404, "message": "No tenant", "rsCode": "RS015"}

    done = platform.replies(Reply(404, body)).run()

    assert done.code == 3
    assert "Hint: Check tenant in the profile file." in done.err


@pytest.mark.parametrize(
    ("status", "exit_code"), [(400, 6), (401, 4), (403, 4), (404, 5), (429, 7), (500, 7)]
)
def test_an_error_without_an_rs_code_is_told_by_its_status(
    platform: Platform, status: int, exit_code: int
) -> None:
    body = {"statusCode": str(status), "message": "Oops", "apiErrorCode": "OOPS", "rsCode": None}

    told = platform.replies(Reply(status, body)).tells()

    assert (told.exit_code, told.provider_code) == (exit_code, "OOPS")


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Not Found"},
        {"message": "Not Found", "rsCode": "RS999"},
        {"statusCode": 404, "rsCode": "RS999"},
        {"statusCode": 404, "message": None, "rsCode": None},
        {"statusCode": 404, "message": ["x"], "rsCode": "RS041"},
        {"error": {"statusCode": 404, "message": "x", "rsCode": "RS041"}},
    ],
    ids=str,
)
def test_an_error_without_message_and_status_code_is_not_saasquatch_speaking(
    platform: Platform, body: Any
) -> None:
    assert platform.replies(Reply(404, body)).tells().code == "bad_response"


@pytest.mark.parametrize(
    "body",
    [
        {"rsCode": "RS041"},
        {"statusCode": 404, "rsCode": "RS041"},
        {"message": None, "statusCode": None, "rsCode": "RS041", "apiErrorCode": 7},
    ],
    ids=str,
)
def test_a_known_rs_code_alone_is_saasquatch_speaking(platform: Platform, body: Any) -> None:
    told = platform.replies(Reply(404, body)).tells()

    assert (told.exit_code, told.provider_code) == (5, "RS041")


@pytest.mark.parametrize(("field", "code"), [("rsCode", 41), ("apiErrorCode", 41)])
def test_a_code_may_be_a_number(platform: Platform, field: str, code: int) -> None:
    body = {"statusCode": 400, "message": "Oops", field: code}

    told = platform.replies(Reply(400, body)).tells()

    assert (told.exit_code, told.provider_code) == (6, "41")


# The tenant and the options


@pytest.mark.parametrize("tenant", ["a/b", "50%", "ä", "..."])
def test_a_tenant_stays_in_its_segment(platform: Platform, tenant: str) -> None:
    platform.profile(tenant=tenant)
    platform.reads()

    assert platform.received[0].path == ("api", "v1", tenant, "reward", "balance")


@pytest.mark.parametrize("tenant", [None, "", "  ", ".", "..", "a\x7fb"])
def test_a_tenant_that_cannot_be_meant_is_a_mistake_in_the_file(
    platform: Platform, tenant: str | None
) -> None:
    platform.profile(tenant=tenant)

    done = platform.run()

    assert (done.code, done.out) == (3, "")
    assert "Traceback" not in done.err
    assert platform.received == []


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("CREDIT", "CREDIT"),
        ("credit", "CREDIT"),
        ("Pct_Discount", "PCT_DISCOUNT"),
        ("fueltank", "FUELTANK"),
    ],
)
def test_a_reward_type_is_sent_as_the_platform_spells_it(
    platform: Platform, given: str, sent: str
) -> None:
    platform.reads("-O", f"reward_type={given}")

    assert platform.received[0].query == {"accountId": CUSTOMER, "rewardTypeFilter": sent}


def test_a_reward_type_that_there_is_not_is_refused_before(platform: Platform) -> None:
    done = platform.run("-O", "reward_type=CREDITS")

    assert (done.code, done.out) == (2, "")
    assert "(did you mean CREDIT?)" in done.err
    assert platform.received == []
