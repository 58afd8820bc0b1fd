"""Summaries: exact numbers of each profile and unit, however they come, in little memory."""

import statistics
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.balances.summary import Summary
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, Expiring, Failure, Lookup, NextExpiry, SummaryRecord

NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)
FAILURE = Failure(code=ErrorCode.NOT_FOUND, message="no such customer.")

# One float stands nearest to all of the first, and to all of the last; to some of them exactly.
NEIGHBOURS = st.integers(-4, 4).map(lambda step: Amount("0.1").minus(Amount(step).shifted(-20)))
AMOUNTS = (
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,6})?", fullmatch=True).map(Amount)
    | NEIGHBOURS
    | st.sampled_from(
        [
            *("1e400", "-1e400", f"1{'0' * 399}1", "1e-400", "-1e-400", "-0", "-0.00", "1e23"),
            *("9007199254740992", "9007199254740993", "9007199254740992.5", "1e16"),
        ]
    ).map(Amount)
)


def line(available: object = None, **values: Any) -> Balance:
    known: dict[str, Any] = {"name": "points", "kind": "points", "unit": "points"}
    amount = None if available is None else Amount(str(available))
    return Balance(**(known | values), available=amount)


def lookup(*lines: Balance, **values: Any) -> Lookup:
    known: dict[str, Any] = {
        "profile": "points",
        "provider": "gameball",
        "customer": "C-1001",
        "sandbox": False,
        "asked": {"by": "id"},
        "retrieved_at": "2026-11-20T05:00:00Z",
        "balances": lines,
    }
    return Lookup(**(known | values))


def summary(*lookups: Lookup, now: datetime = NOW) -> list[SummaryRecord]:
    counted = Summary(now)
    for each in lookups:
        counted.add(each)
    return counted.records()


def of(amounts: Sequence[object]) -> SummaryRecord:
    (record,) = summary(*(lookup(line(amount)) for amount in amounts))
    return record


def expiring(*expiries: NextExpiry | None, now: datetime = NOW) -> Expiring | None:
    (record,) = summary(*(lookup(line(1, next_expiry=each)) for each in expiries), now=now)
    return record.expiring


def expiry(amount: object, at: str | None) -> NextExpiry:
    return NextExpiry(amount=None if amount is None else Amount(str(amount)), at=at)


def numbers(record: SummaryRecord) -> list[str]:
    """Total, median and largest, as they are written."""
    return [str(each) for each in (record.total, record.median, record.largest)]


def bins(record: SummaryRecord) -> list[tuple[str | None, str, int]]:
    return [
        (None if each.at_least is None else str(each.at_least), str(each.below), each.customers)
        for each in record.histogram
    ]


@given(st.lists(AMOUNTS, min_size=1, max_size=40) | st.lists(NEIGHBOURS, min_size=1, max_size=9))
def test_the_total_the_median_and_the_largest_amount_are_exact(amounts: list[Amount]) -> None:
    record = of(amounts)

    with localcontext(prec=2000):
        assert record.total == sum(amounts)
        assert record.median == statistics.median(amounts)
        assert record.largest == max(amounts)
    assert record.found == len(amounts)


@given(st.lists(AMOUNTS, min_size=1, max_size=40))
def test_every_customer_is_in_one_of_the_bins_which_leave_no_gap(
    amounts: list[Amount],
) -> None:
    histogram = of(amounts).histogram

    for each in histogram:
        above = [x for x in amounts if each.at_least is None or x >= each.at_least]
        assert each.customers == sum(amount < each.below for amount in above)
    assert sum(each.customers for each in histogram) == len(amounts)
    assert all(lower.below == upper.at_least for lower, upper in pairwise(histogram))
    assert all(each.at_least is None or each.at_least < each.below for each in histogram)
    assert histogram[0].customers
    assert histogram[-1].customers
    assert all(lower.customers or upper.customers for lower, upper in pairwise(histogram))


@given(st.lists(AMOUNTS, min_size=1, max_size=20), st.randoms())
def test_the_order_of_look_ups_does_not_change_a_summary(
    amounts: list[Amount], random: Any
) -> None:
    shuffled = list(amounts)
    random.shuffle(shuffled)

    assert of(shuffled) == of(amounts)


def test_the_median_of_many_amounts_is_the_one_that_sorting_finds() -> None:
    amounts = [number * 7919 % 10_007 for number in range(10_006)]

    assert of(amounts).median == statistics.median(amounts)


def test_the_median_is_exact_among_amounts_that_are_equal_as_floats() -> None:
    amounts = ["0.1000000000000000001", "0.1", "0.0999999999999999999", "0.1", "5"]

    assert str(of(amounts).median) == "0.1000000000000000000"
    assert str(of(amounts[:3]).median) == "0.1000000000000000000"
    assert str(of([amounts[0], *amounts[3:]]).median) == "0.1000000000000000001"


@pytest.mark.parametrize(
    ("amounts", "total", "median", "largest"),
    [
        (["1200"], "1200", "1200", "1200"),
        (["8500.000", "120.000"], "8620.000", "4310.000", "8500.000"),
        (["25.00", "0"], "25.00", "12.50", "25.00"),
        (["1", "2"], "3", "1.5", "2"),
        (["0.01", "0.02"], "0.03", "0.015", "0.02"),
        (["-350", "0", "100"], "-250", "0", "100"),
        (["-7", "-3.5"], "-10.5", "-5.25", "-3.5"),
        (["-0", "-0.00"], "0.00", "0.00", "0.00"),
        (["1e5", "1e23"], "100000000000000000100000", "50000000000000000050000", f"1{'0' * 23}"),
        (["12345678901234567890"] * 3, "37037036703703703670", *["12345678901234567890"] * 2),
    ],
    ids=str,
)
def test_the_figures_of_a_summary_have_the_decimals_of_the_amounts(
    amounts: list[str], total: str, median: str, largest: str
) -> None:
    assert numbers(of(amounts)) == [total, median, largest]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["0"], [("0", "1", 1)]),
        (["1", "9"], [("1", "10", 2)]),
        (["9", "10", "99"], [("1", "10", 1), ("10", "100", 2)]),
        (["-5", "0", "7"], [(None, "0", 1), ("0", "1", 1), ("1", "10", 1)]),
        (["-5", "7"], [(None, "0", 1), ("0", "1", 0), ("1", "10", 1)]),
        (["0.5"], [("0.1", "1.0", 1)]),
        (["0", "0.01", "0.99"], [("0.00", "0.01", 1), ("0.01", "1.00", 2)]),
        (["9.99", "10.00"], [("1.00", "10.00", 1), ("10.00", "100.00", 1)]),
        (["3", "70000"], [("1", "10", 1), ("10", "10000", 0), ("10000", "100000", 1)]),
    ],
    ids=str,
)
def test_bins_are_negative_zero_and_one_for_each_power_of_ten(
    amounts: list[str], expected: list[tuple[str | None, str, int]]
) -> None:
    assert bins(of(amounts)) == expected


def test_an_amount_far_from_the_others_adds_few_bins() -> None:
    assert len(of(["1e-400", "1", "1e400"]).histogram) == 4


def test_balances_of_one_unit_are_one_amount_of_a_customer() -> None:
    rewards, credit = (
        line("25.00", kind="money", unit="AUD"),
        line("10.5", kind="credit", unit="AUD"),
    )

    (record,) = summary(lookup(credit, rewards), lookup(rewards))

    assert (record.unit, record.kinds) == ("AUD", ("money", "credit"))
    assert (record.customers, record.found) == (2, 2)  # though it is the same one
    assert numbers(record) == ["60.50", "30.25", "35.50"]
    assert record.expiring is None


@pytest.mark.parametrize(
    ("kinds", "units", "sums"),
    [
        (["credit", "credit", "credit"], ["CENTS", "cents", "points"], ["5", "6", "7"]),
        (["credit", "percent"], ["u", "u"], ["5", "6"]),
        (["credit", "codes"], ["u", "u"], ["5", "6"]),
        (["credit", "other"], ["u", "u"], ["5", "6"]),
        (["money", "credit", "other"], [None, None, None], ["5", "6", "7"]),
    ],
    ids=["units spelt otherwise", "percentages", "codes", "others", "no unit"],
)
def test_each_unit_and_kind_of_balance_is_summed_up_by_itself(
    kinds: list[str], units: list[str | None], sums: list[str]
) -> None:
    lines = [
        line(amount, kind=kind, unit=unit)
        for amount, kind, unit in zip((5, 6, 7), kinds, units, strict=False)
    ]

    records = summary(lookup(*lines))

    assert [each.unit for each in records] == units
    assert [kind for each in records for kind in each.kinds] == kinds
    assert [str(each.largest) for each in records] == sums


def test_a_line_that_is_a_sum_of_others_is_not_added_again() -> None:
    points, rewards = line(5), line(3, kind="money", unit="AUD")
    both = line(8, kind="money", unit="AUD", sum_of=("points", "rewards"))
    at = expiry(8, "2026-12-01")

    records = summary(
        lookup(points, rewards, both),
        lookup(line(8, kind="money", unit="NZD", sum_of=("a",), next_expiry=at)),
    )

    assert [(each.unit, str(each.total), each.found) for each in records] == [
        ("points", "5", 1),
        ("AUD", "3", 1),
    ]


def test_amounts_of_unknown_scale_are_a_sum_of_their_own() -> None:
    stated, unknown = (
        line(number, kind="money", unit="$", basis=basis)
        for number, basis in (("5.00", "stated"), (700, "scale_unknown"))
    )

    records = summary(lookup(stated), lookup(unknown), lookup(unknown))

    assert [(each.unit, each.basis, str(each.total)) for each in records] == [
        ("$", "stated", "5.00"),
        ("$", "scale_unknown", "1400"),
    ]


def test_a_sum_is_computed_if_any_amount_in_it_is() -> None:
    (record,) = summary(lookup(line(1)), lookup(line(2, basis="computed")), lookup(line(3)))

    assert (record.basis, str(record.total)) == ("computed", "6")


def test_percentages_are_not_added_up() -> None:
    ten, twenty = (
        line(number, kind="percent", unit="%", next_expiry=expiry(5, "2026-12-01"))
        for number in (10, 20)
    )

    (record,) = summary(lookup(ten, twenty), lookup(ten))

    assert numbers(record) == ["None", "15", "20"]
    assert bins(record) == [("10", "100", 2)]
    assert record.expiring is not None
    assert (record.expiring.amount, record.expiring.customers) == (None, 2)


def test_a_failed_look_up_is_counted_at_its_profile_in_every_unit() -> None:
    records = summary(
        lookup(line(1), line(2, kind="money", unit="AUD")),
        lookup(error=FAILURE),
        lookup(line(3)),
    )

    assert [(each.unit, each.customers, each.found, each.failed) for each in records] == [
        ("points", 3, 2, 1),
        ("AUD", 3, 1, 1),
    ]


def test_a_profile_where_nothing_was_found_says_so() -> None:
    (record,) = summary(lookup(error=FAILURE), lookup())

    assert record == SummaryRecord(
        profile="points", provider="gameball", sandbox=False, customers=2, failed=1
    )
    assert (record.unit, record.found, record.total, record.histogram) == (None, 0, None, ())


def test_a_balance_without_an_available_amount_does_not_count_as_found() -> None:
    combined = Balance(name="combined", kind="money", unit="AUD", total=Amount(9))

    (record,) = summary(lookup(line(None), combined), lookup(line(4), combined))

    assert (record.unit, record.customers, record.found) == ("points", 2, 1)
    assert record.total == 4


def test_an_expiring_amount_counts_though_no_available_one_is_known() -> None:
    (record,) = summary(lookup(line(None, next_expiry=expiry(5, "2026-12-01"))))

    assert (record.unit, record.found, record.median, record.histogram) == ("points", 0, None, ())
    assert record.expiring is not None
    assert record.expiring.amount == 5


def test_a_summary_has_profiles_and_units_in_the_order_of_the_look_ups() -> None:
    records = summary(
        lookup(line(1), profile="b"),
        lookup(line(2), profile="a", provider="omneo", sandbox=True),
        lookup(line(3, unit="miles"), profile="b"),
    )

    assert [(each.profile, each.unit, each.provider, each.sandbox) for each in records] == [
        ("b", "points", "gameball", False),
        ("b", "miles", "gameball", False),
        ("a", "points", "omneo", True),
    ]


def test_a_summary_can_be_made_before_the_last_look_up() -> None:
    counted = Summary(NOW)
    assert counted.records() == []
    for amount in (3, 1):
        counted.add(lookup(line(amount)))
    (first,) = counted.records()
    counted.add(lookup(line(8)))
    (second,) = counted.records()

    assert (first.found, numbers(first)) == (2, ["4", "2", "3"])
    assert (second.found, numbers(second)) == (3, ["12", "3", "8"])


@pytest.mark.parametrize(
    ("at", "is_soon"),
    [
        ("2026-11-20T05:00:00Z", False),
        ("2026-11-20T05:00:01Z", True),
        ("2026-11-20T06:00:00", True),
        ("2026-11-20 06:00:00", True),
        ("2026-11-20T04:59:59", False),
        ("2026-11-20T06:30:00+02:00", False),
        ("2026-11-20T04:30:00-01:00", True),
        ("2026-11-19", False),
        ("2026-11-20", True),
        ("20261201", True),
        ("2026-12-01T00:00:00.0000000Z", True),
        ("2026-12-20T05:00:00Z", True),
        ("2026-12-20T05:00:01Z", False),
        ("2026-12-19", True),
        ("2026-12-20", False),
        ("2024-12-01T00:00:00", False),
        ("0001-01-01T00:00:00", False),
        ("0001-01-01T00:00:00+23:59", False),
        ("9999-12-31", False),
        ("9999-12-31T23:59:59-23:59", False),
    ],
)
def test_an_amount_that_expires_within_thirty_days_is_counted(at: str, is_soon: bool) -> None:
    assert expiring(expiry("7.50", at)) == Expiring(
        days=30,
        until="2026-12-20T05:00:00Z",
        amount=Amount("7.50") if is_soon else Amount(0),
        customers=int(is_soon),
        unclear=0,
    )


@pytest.mark.parametrize(
    ("amount", "at", "unclear"),
    [
        *((7, at, 1) for at in (None, "", "soon", "01/12/2026", "2026-13-01", "1764547200")),
        *((None, at, 1) for at in ("2026-12-01", None)),
        *((nothing, at, 0) for nothing, at in (("0", "2026-12-01"), ("0.00", None), ("0", "soon"))),
        (None, "2027-12-01", 0),
    ],
)
def test_an_expiry_is_unclear_unless_it_is_of_nothing_or_in_more_than_thirty_days(
    amount: int | str | None, at: str | None, unclear: int
) -> None:
    for others, known in (([], ("0", 0)), ([expiry(2, "2026-12-01")], ("2", 1))):
        found = expiring(expiry(amount, at), *others)

        assert found is not None
        assert (str(found.amount), found.customers, found.unclear) == (*known, unclear)


def test_a_customer_with_several_expiring_balances_is_one_customer() -> None:
    lines = [
        line(5, next_expiry=expiry(amount, at))
        for amount, at in [("1.5", "2026-12-01"), ("2", "2026-12-02"), ("4", "soon")]
    ]

    (record,) = summary(lookup(*lines))

    assert record.expiring is not None
    assert str(record.expiring.amount) == "3.5"
    assert (record.expiring.customers, record.expiring.unclear) == (1, 1)


def test_the_end_of_the_thirty_days_is_told_in_utc() -> None:
    here = NOW.astimezone(timezone(timedelta(hours=13)))
    last = expiry(1, "2026-12-20T05:00:00")

    assert expiring(last, now=here) == expiring(last)


def test_a_summary_needs_eight_bytes_of_memory_for_a_customer() -> None:
    customers = 30_000
    counted = Summary(NOW)
    counted.add(lookup(line(0)))
    tracemalloc.start()
    try:
        for number in range(customers):
            counted.add(lookup(line(Decimal(number * 7919 % customers).scaleb(-2))))
        held, _ = tracemalloc.get_traced_memory()
        counted.records()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 10 * customers
    assert peak < 28 * customers
