"""Sightings become periods: unchanged ones are not repeated, and any order will do."""

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.history.lookups import Line, are_same
from loyalty_cli.history.periods import Period, Sighting, Whose, with_sighting
from loyalty_cli.model.amount import Amount

WHOSE = Whose("points", "id", "C-1")


def lines(amount: object) -> tuple[Line, ...]:
    return (Line("Points", "points", "points", available=Amount(str(amount))),)


def seen(day: int, amount: object) -> Sighting:
    return Sighting(WHOSE, "gameball", lines(amount), f"2026-11-{day:02}", f"user {day}")


def periods(*sightings: tuple[int, object]) -> list[Period]:
    found: list[Period] = []
    for day, amount in sightings:
        found = with_sighting(found, seen(day, amount))
    return found


def short(found: list[Period]) -> list[tuple[int, int, str]]:
    """The first day, the last day and the amount of each."""
    return [
        (int(each.first_at[-2:]), int(each.last_at[-2:]), str(each.lines[0].available))
        for each in found
    ]


@pytest.mark.parametrize(
    ("sightings", "expected"),
    [
        ([(1, 5)], [(1, 1, "5")]),
        ([(1, 5), (2, 5), (3, "5.00")], [(1, 3, "5")]),
        ([(1, 5), (2, 6), (3, 5)], [(1, 1, "5"), (2, 2, "6"), (3, 3, "5")]),
        ([(3, 5), (1, 5)], [(1, 3, "5")]),
        ([(3, 5), (1, 4)], [(1, 1, "4"), (3, 3, "5")]),
        ([(1, 5), (3, 5), (2, 5)], [(1, 3, "5")]),
        ([(1, 5), (3, 5), (2, 6)], [(1, 1, "5"), (2, 2, "6"), (3, 3, "5")]),
        ([(1, 5), (2, 6), (4, 5), (3, 5)], [(1, 1, "5"), (2, 2, "6"), (3, 4, "5")]),
        ([(1, 5), (1, 6), (1, 5)], [(1, 1, "5"), (1, 1, "6")]),
        ([(1, 5), (2, 5), (2, 6), (2, 5)], [(1, 2, "5"), (2, 2, "6")]),
    ],
)
def test_sightings_become_periods(
    sightings: list[tuple[int, object]], expected: list[tuple[int, int, str]]
) -> None:
    assert short(periods(*sightings)) == expected


def test_two_periods_with_one_balance_become_one_if_nothing_is_between() -> None:
    first = Period(lines(5), "2026-11-01", "a", "2026-11-02", "b", 1)
    second = Period(lines(5), "2026-11-04", "c", "2026-11-05", "d", 2)

    (joined,) = with_sighting([first, second], seen(3, 5))

    assert joined == Period(lines(5), "2026-11-01", "a", "2026-11-05", "d", 1)


def test_a_period_knows_who_saw_it_first_and_last() -> None:
    (found,) = periods((2, 5), (3, 5), (1, 5))

    assert (found.first_by, found.last_by) == ("user 1", "user 3")


SIGHTINGS = st.lists(
    st.tuples(st.integers(1, 20), st.integers(1, 3)), unique_by=lambda each: each[0], max_size=12
)


@given(SIGHTINGS)
def test_sightings_in_order_are_grouped_by_their_balance(found: list[tuple[int, int]]) -> None:
    found.sort()
    groups = [list(each) for _, each in groupby(found, lambda each: each[1])]

    assert short(periods(*found)) == [(each[0][0], each[-1][0], str(each[0][1])) for each in groups]


@given(SIGHTINGS)
def test_in_any_order_periods_begin_and_end_with_what_was_seen_and_do_not_overlap(
    found: list[tuple[int, int]],
) -> None:
    made = periods(*found)

    for first, last, amount in short(made):
        assert {(first, int(amount)), (last, int(amount))} <= set(found)
    for one, other in pairwise(made):
        assert one.last_at < other.first_at
    if found:
        assert with_sighting(made, seen(*found[-1])) == made


def test_two_balances_are_the_same_in_any_order_of_lines() -> None:
    one, other = lines(1)[0], Line("Rewards", "money", "AUD", total=Amount("2.50"))

    assert are_same([one, other], [other, one])
    assert not are_same([one, other], [one])
    assert not are_same([one], lines(2))
