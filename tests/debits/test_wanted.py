"""What the profiles allow to be debited, and what is on record already."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.order import Order
from loyalty_cli.debits.rows import Row
from loyalty_cli.debits.wanted import (
    check_known,
    check_limits,
    check_sum,
    makes_once,
    order_of,
    orders_of,
    require_reference,
)
from loyalty_cli.errors import ErrorCode, LoyaltyError
from loyalty_cli.journal.store import new_entry
from loyalty_cli.profile import DebitRules, Profile
from loyalty_cli.sandbox.profiles import sandbox_profiles

PROFILES = sandbox_profiles("http://127.0.0.1:1")
OPEN_RULES = DebitRules(allow=True, unit="CENTS")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def profile(rules: DebitRules = OPEN_RULES, provider: str = "saasquatch") -> Profile:
    return replace(PROFILES[provider], debit=rules)


def row(number: int = 2, amount: int = 100, **values: str) -> Row:
    reference = values.pop("reference", f"ref-{number}")
    return Row(number, values.pop("customer", "C-1"), amount, reference, **values)


def orders(amounts: Sequence[int], rules: DebitRules = OPEN_RULES) -> list[Order]:
    rows = [row(number, amount) for number, amount in enumerate(amounts, start=2)]
    return orders_of(rows, lambda _: profile(rules), None)


def refused(code: ErrorCode, check: Callable[..., object], *arguments: object) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught:
        check(*arguments)
    assert caught.value.code is code
    return caught.value


@pytest.mark.parametrize("provider", ["imprint", "capillary", "omneo"])
def test_a_platform_that_cannot_debit_is_refused_with_those_that_can(provider: str) -> None:
    error = refused(ErrorCode.REFUSED, order_of, row(), profile(provider=provider), None)

    assert "cannot debit" in error.message
    assert error.hint == "These can: gameball, saasquatch."


def test_a_profile_allows_nothing_until_it_says_so() -> None:
    error = refused(ErrorCode.REFUSED, order_of, row(), profile(DebitRules()), None)

    assert error.message == "the profile 'saasquatch' does not allow debits."
    assert "debit: {allow: true}" in str(error.hint)


def test_the_unit_is_the_rows_or_the_command_lines_or_the_profiles() -> None:
    units = [
        order_of(row(unit="A"), profile(), "B").unit,
        order_of(row(), profile(), "B").unit,
        order_of(row(), profile(), None).unit,
    ]

    assert units == ["A", "B", "CENTS"]


def test_without_any_unit_it_is_refused() -> None:
    error = refused(ErrorCode.USAGE, order_of, row(), profile(DebitRules(allow=True)), None)

    assert error.message == "no unit for the debit 'ref-2'."


def test_a_debit_may_be_as_large_as_the_profile_says_and_no_larger() -> None:
    rules = DebitRules(allow=True, unit="CENTS", max_amount=100)

    assert order_of(row(amount=100), profile(rules), None).amount == 100
    error = refused(ErrorCode.REFUSED, order_of, row(amount=101), profile(rules), None)
    assert "of 101 is more than the profile's debit.max_amount 100" in error.message


def test_every_row_that_is_not_allowed_is_named_at_once() -> None:
    rules = DebitRules(allow=True, unit="CENTS", max_amount=100)
    with pytest.raises(LoyaltyError) as caught:
        orders([1, 101, 2, 999], rules)

    assert caught.value.code is ErrorCode.REFUSED
    assert caught.value.message == "2 debits cannot be made as they are asked for."
    assert [each.split(" is more")[0] for each in caught.value.details] == [
        "the debit 'ref-3' of 101",
        "the debit 'ref-5' of 999",
    ]


def test_what_is_wrong_with_the_profile_is_said_once() -> None:
    with pytest.raises(LoyaltyError) as caught:
        orders([1, 2, 3], DebitRules())

    assert caught.value.message == "the profile 'saasquatch' does not allow debits."
    assert caught.value.details == ()


def test_the_sum_of_a_file_must_be_the_expected_one() -> None:
    check_sum(orders([100, 50]), 150)
    error = refused(ErrorCode.USAGE, check_sum, orders([100, 50]), 151)

    assert error.message == "the amounts add up to 150, not to 151."


def test_a_run_takes_no_more_than_the_profile_allows() -> None:
    rules = DebitRules(allow=True, unit="CENTS", max_total=150)

    check_limits(orders([100, 50], rules))
    error = refused(ErrorCode.REFUSED, check_limits, orders([100, 51], rules))
    assert "above its debit.max_total 150" in error.message


def test_each_profile_has_a_limit_of_its_own() -> None:
    rules = DebitRules(allow=True, unit="CENTS", max_total=150)
    other = replace(profile(rules), name="other")

    check_limits([*orders([150], rules), order_of(row(amount=150), other, None)])


def test_a_reference_on_record_for_another_debit_is_refused_for_each_of_them() -> None:
    before = orders([100, 100, 100])
    known = {order.key: new_entry(order.planned, NOW) for order in before}
    now = [before[0], replace(before[1], amount=101), replace(before[2], customer="C-9")]

    check_known(before, known)
    check_known(before, {})
    error = refused(ErrorCode.REFERENCE_TAKEN, check_known, now, known)
    assert [each.split(" is on record")[0] for each in error.details] == [
        "the reference 'ref-3'",
        "the reference 'ref-4'",
    ]


def test_one_reference_on_record_is_said_with_both_debits() -> None:
    (before,) = orders([100])
    known = {before.key: new_entry(before.planned, NOW)}

    error = refused(ErrorCode.REFERENCE_TAKEN, check_known, [replace(before, unit="EUR")], known)

    assert "100 CENTS of 'C-1', planned; asked for now: 100 EUR of 'C-1'" in error.message


def test_gameball_makes_a_debit_once_and_saasquatch_does_not() -> None:
    assert [name for name, each in PROFILES.items() if makes_once(each)] == ["gameball"]


def test_a_person_gets_a_reference_of_their_own_and_a_job_must_bring_one() -> None:
    made = {require_reference(None, interactive=True) for _ in range(100)}

    assert len(made) == 100
    assert all(reference.startswith("loyalty-") for reference in made)
    assert require_reference("mine", interactive=False) == "mine"
    with pytest.raises(LoyaltyError) as caught:
        require_reference(None, interactive=False)
    assert caught.value.code is ErrorCode.USAGE
    assert "--reference" in caught.value.message
