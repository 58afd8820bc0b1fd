"""What is different in two exports: exact, line by line, and an error is no loss."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import convert

from loyalty_cli.history.diff import Diff
from loyalty_cli.history.lookups import Line, PastLookup
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import DiffRecord, Lookup
from tests.history.exported import TIMED_OUT, failed, line, looked_up


def past(record: Lookup) -> PastLookup:
    asked = dict(record.asked)
    return PastLookup(
        schema_version=record.schema_version,
        profile=record.profile,
        provider=record.provider,
        customer=record.customer,
        sandbox=record.sandbox,
        by=asked.pop("by"),
        asked=str(asked),
        retrieved_at=record.retrieved_at,
        lines=convert(record.balances, tuple[Line, ...], from_attributes=True),
        error=record.error,
    )


def compared(
    old: Sequence[Lookup], new: Sequence[Lookup], min_change: str = "0"
) -> tuple[list[DiffRecord], Diff]:
    diff = Diff(Amount(min_change))
    before, after = (
        iter(sorted(map(past, each), key=lambda each: each.key)) for each in (old, new)
    )
    return list(diff.records(before, after)), diff


def differences(old: Sequence[Lookup], new: Sequence[Lookup]) -> list[tuple[Any, ...]]:
    """What each difference says, its amounts as text."""
    return [
        (each.customer, each.name, each.what, *map(str, (each.before, each.after, each.change)))
        for each in compared(old, new)[0]
    ]


def total(old: Sequence[Lookup], new: Sequence[Lookup]) -> Any:
    """The only total there is."""
    (record,) = compared(old, new)[1].totals.records()
    return record


def test_a_change_has_both_amounts_and_is_exact() -> None:
    old = [looked_up("a", line("0.3000")), looked_up("b", line("12345678901234567890.01"))]
    new = [looked_up("b", line("12345678901234567890")), looked_up("a", line("0.10"))]

    assert differences(old, new) == [
        ("a", "Points", "changed", "0.3000", "0.10", "-0.2000"),
        ("b", "Points", "changed", "12345678901234567890.01", "12345678901234567890", "-0.01"),
    ]


def test_an_amount_that_is_only_written_differently_has_not_changed() -> None:
    records, diff = compared([looked_up("a", line("1200"))], [looked_up("a", line("1200.000"))])

    assert records == []
    assert (diff.left_out, diff.totals.records()[0].changed) == (0, 0)


def test_a_customer_who_is_in_one_export_alone_appeared_or_vanished() -> None:
    old = [looked_up("a", 1), looked_up("b", 2), looked_up("nothing yet")]
    new = [looked_up("b", 2), looked_up("c", 3)]
    records, _ = compared(old, new)

    assert [(each.customer, each.what, each.before, each.after) for each in records] == [
        ("a", "vanished", 1, None),
        ("c", "appeared", None, 3),
        ("nothing yet", "vanished", None, None),
    ]
    assert [(each.in_old, each.in_new) for each in records] == [
        ("answered", "absent"),
        ("absent", "answered"),
        ("answered", "absent"),
    ]
    assert {each.change for each in records} == {None}


def test_a_line_that_is_in_one_answer_alone_appeared_or_vanished() -> None:
    rewards = line("5.00", name="Rewards", kind="money", unit="AUD")
    records, _ = compared(
        [looked_up("a", 1, rewards), looked_up("b")], [looked_up("a", 1), looked_up("b", rewards)]
    )

    assert [(each.name, each.what, each.in_old, each.in_new) for each in records] == [
        ("Rewards", "vanished", "answered", "answered"),
        ("Rewards", "appeared", "answered", "answered"),
    ]


def test_a_failed_look_up_is_neither_vanished_nor_zero() -> None:
    old = [looked_up("a", 5, line("6", name="more")), failed("b"), failed("c")]
    new = [failed("a"), looked_up("b", 7), failed("c")]
    records, diff = compared(old, new)

    assert [
        (each.customer, each.what, each.in_old, each.in_new, each.before, each.after)
        for each in records
    ] == [
        ("a", "failed", "answered", "failed", 5, None),
        ("a", "failed", "answered", "failed", 6, None),
        ("b", "failed", "failed", "answered", None, 7),
    ]
    assert {each.error for each in records} == {TIMED_OUT}
    (sums,) = diff.totals.records()
    assert (sums.failed, sums.vanished, sums.appeared, sums.change) == (3, 0, 0, None)


def test_a_look_up_that_found_nothing_and_failed_later_is_told_without_a_line() -> None:
    records, _ = compared([looked_up("a")], [failed("a")])

    assert [(each.what, each.name, each.in_new) for each in records] == [("failed", None, "failed")]


def test_an_amount_that_is_not_stated_any_more_is_not_zero() -> None:
    records, diff = compared([looked_up("a", 5)], [looked_up("a", line())])

    (found,) = records
    assert (found.what, str(found.before), found.after, found.change) == (
        "changed",
        "5",
        None,
        None,
    )
    assert (diff.totals.records()[0].changed, diff.totals.records()[0].compared) == (1, 0)


def test_a_line_with_a_total_alone_is_compared_by_its_total() -> None:
    old, new = (looked_up("a", line(total=Amount(total))) for total in ("5", "8"))
    (record,), _ = compared([old], [new])

    assert (record.amount, str(record.change)) == ("total", "3")


def test_an_amount_of_unknown_scale_is_not_compared_with_one_in_whole_units() -> None:
    cents = looked_up("a", line("120000", basis="scale_unknown"))
    found = differences([cents], [looked_up("a", line("1200.00"))])

    assert [each[2:] for each in found] == [
        ("vanished", "120000", "None", "None"),
        ("appeared", "None", "1200.00", "None"),
    ]


def test_lines_of_one_name_and_unit_are_paired_by_their_amounts_first() -> None:
    found = differences([looked_up("a", 1, 2, 3)], [looked_up("a", 3, 1, 7)])

    assert found == [("a", "Points", "changed", "2", "7", "5")]


@pytest.mark.parametrize(
    ("min_change", "shown"), [("0", 4), ("0.5", 4), ("0.51", 3), ("5", 2), ("5.01", 1)]
)
def test_a_smaller_change_is_left_out_of_the_records_and_not_of_the_totals(
    min_change: str, shown: int
) -> None:
    old = [looked_up("a", 10), looked_up("b", 10), looked_up("c", 10), looked_up("gone", 1)]
    new = [looked_up("a", 5), looked_up("b", line("10.5")), looked_up("c", 11)]
    records, diff = compared(old, new, min_change)

    assert (len(records), diff.left_out) == (shown, 4 - shown)
    (sums,) = diff.totals.records()
    assert (sums.changed, str(sums.change)) == (3, "-3.5")


def test_totals_add_up_only_what_both_exports_have() -> None:
    old = [looked_up("a", 10), looked_up("b", 20), looked_up("gone", 4), failed("f")]
    new = [looked_up("a", 7), looked_up("b", 20), looked_up("new", 1), looked_up("f", 99)]
    sums = total(old, new)

    assert (sums.before, sums.after, sums.change) == (30, 27, -3)
    assert (sums.compared, sums.changed, sums.failed) == (2, 1, 1)
    assert (sums.appeared, sums.appeared_sum, sums.vanished, sums.vanished_sum) == (1, 1, 1, 4)


def test_totals_are_of_a_profile_and_a_unit_and_never_of_lines_that_add_up_others() -> None:
    money = line("5", kind="money", unit="AUD")
    both = line("6", name="both", sum_of=("Points",))
    old = [
        looked_up("a", 1, money, both),
        looked_up("a", 3, profile="card"),
        failed("x", profile="z"),
    ]
    _, diff = compared(old, old)

    assert [(each.profile, each.unit, each.before) for each in diff.totals.records()] == [
        ("card", "points", 3),
        ("points", "points", 1),
        ("points", "AUD", 5),
        ("z", None, None),
    ]


def test_percentages_are_counted_and_not_added() -> None:
    old, new = (looked_up("a", line(each, kind="percent", unit="%")) for each in (10, 15))
    sums = total([old], [new])

    assert (sums.compared, sums.changed, sums.before, sums.change) == (1, 1, None, None)


def test_the_first_customer_who_was_asked_with_other_options_is_known() -> None:
    old = [looked_up("a", 1), looked_up("b", 1, asked={"by": "id", "expand": "tier"})]
    _, diff = compared(old, [looked_up("a", 1), looked_up("b", 1)])

    assert diff.asked_otherwise
    assert {each.customer for each in diff.asked_otherwise} == {"b"}
