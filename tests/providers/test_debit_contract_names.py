"""What the two providers that can debit send, and what of an answer they take for a yes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli import providers
from loyalty_cli.model.amount import Amount
from loyalty_cli.providers.contract import Debit, DebitProvider, DebitReceipt, PlatformError, Query

AT = datetime(2026, 11, 20, 16, 30, 5, 123456, tzinfo=timezone(timedelta(hours=10, minutes=30)))
DEBIT = Debit(customer="a/b ä?", unit="CENTS", amount=50, reference="r-1", at=AT)
YES: Mapping[str, dict[str, Any]] = {
    "saasquatch": {"creditRedeemed": 50, "creditAvailable": 950, "unit": "CENTS"},
    "gameball": {"transactionId": "r-1", "redeemEquivalentPoints": 50},
}


def redeems(name: str) -> DebitProvider:
    provider = providers.load(name)
    assert isinstance(provider, DebitProvider)
    return provider


def test_these_can_debit_and_no_others() -> None:
    able = {name for name in providers.BUILT_IN if isinstance(providers.load(name), DebitProvider)}

    assert able == {"saasquatch", "gameball"}


def test_gameball_alone_makes_a_reference_but_once() -> None:
    assert redeems("gameball").idempotent
    assert not redeems("saasquatch").idempotent


def test_saasquatch_gets_account_unit_and_amount() -> None:
    request = redeems("saasquatch").debit_request(Query("ignored", {"tenant": "acme"}), DEBIT)

    assert (request.method, request.path) == (
        "POST",
        ("api", "v1", "acme", "credit", "bulkredeem"),
    )
    assert request.json == {"accountId": "a/b ä?", "unit": "CENTS", "amount": 50}
    assert (request.query, request.headers) == ({}, {})


def test_gameball_gets_customer_reference_points_and_the_time_in_utc() -> None:
    request = redeems("gameball").debit_request(Query("ignored"), DEBIT)

    assert request.path == ("api", "v4.0", "integrations", "transactions", "redeem")
    assert request.json == {
        "customerId": "a/b ä?",
        "transactionId": "r-1",
        "transactionTime": "2026-11-20T06:00:05.123Z",
        "points": 50,
    }


def test_gameball_s_time_has_thousandths_even_where_they_are_zero() -> None:
    whole = replace(DEBIT, at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    request = redeems("gameball").debit_request(Query("x"), whole)

    assert request.json is not None
    assert request.json["transactionTime"] == "2026-01-02T03:04:05.000Z"


@pytest.mark.parametrize("name", YES)
def test_what_confirms_exactly_this_is_a_yes(name: str) -> None:
    assert isinstance(redeems(name).read_debit(YES[name], DEBIT), DebitReceipt)


@pytest.mark.parametrize("name", YES)
@pytest.mark.parametrize("amount", [0, 1, 49, 51, -50])
def test_another_amount_is_not(name: str, amount: int) -> None:
    with pytest.raises(ValueError, match="redeemed"):
        redeems(name).read_debit(YES[name], replace(DEBIT, amount=amount))


@pytest.mark.parametrize("name", YES)
@pytest.mark.parametrize("wrong", ["5O", True, None, [50], {}, 50.5, "text"], ids=repr)
def test_no_field_that_must_be_right_may_be_of_another_type(name: str, wrong: Any) -> None:
    needed = [key for key in YES[name] if key != "creditAvailable"]
    for key in needed:
        with pytest.raises(ValueError, match=r"\w"):
            redeems(name).read_debit(YES[name] | {key: wrong}, DEBIT)
        without = {each: value for each, value in YES[name].items() if each != key}
        with pytest.raises(ValueError, match="missing"):
            redeems(name).read_debit(without, DEBIT)


@pytest.mark.parametrize("same", ["50", Amount("50.0"), Amount("50.00"), Amount("5e1")], ids=repr)
def test_saasquatch_may_write_the_same_amount_in_another_way(same: Any) -> None:
    body = YES["saasquatch"] | {"creditRedeemed": same}

    assert isinstance(redeems("saasquatch").read_debit(body, DEBIT), DebitReceipt)


def test_gameball_may_not_write_its_points_as_text() -> None:
    with pytest.raises(ValueError, match="is text"):
        redeems("gameball").read_debit(YES["gameball"] | {"redeemEquivalentPoints": "50"}, DEBIT)


@pytest.mark.parametrize("name", YES)
@pytest.mark.parametrize("body", [None, [], "yes", 50, [{}]], ids=repr)
def test_what_is_no_object_is_not_a_yes(name: str, body: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        redeems(name).read_debit(body, DEBIT)


def test_what_is_left_is_told_where_it_is_a_number() -> None:
    provider = redeems("saasquatch")

    assert str(provider.read_debit(YES["saasquatch"], DEBIT).balance_after) == "950"
    for odd in ("much", None, True, [1]):
        body = YES["saasquatch"] | {"creditAvailable": odd}
        assert provider.read_debit(body, DEBIT).balance_after is None


@pytest.mark.parametrize(("number", "told"), [(77, "77"), ("t-77", "t-77"), (None, None)])
def test_gameball_s_own_number_is_told(number: Any, told: str | None) -> None:
    body = YES["gameball"] | {"gameballTransactionId": number}

    assert redeems("gameball").read_debit(body, DEBIT).provider_reference == told


def test_9004_alone_is_a_repeat_and_at_gameball_alone() -> None:
    assert redeems("gameball").is_repeat(PlatformError("no", "9004"))
    assert not redeems("gameball").is_repeat(PlatformError("no", "9003"))
    assert not redeems("gameball").is_repeat(PlatformError("9004"))
    assert not redeems("saasquatch").is_repeat(PlatformError("no", "9004"))
