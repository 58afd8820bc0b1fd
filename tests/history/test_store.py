"""The history in a database: the same in a file and in PostgreSQL."""

from collections.abc import Callable

import pytest

from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.history.lookups import Line
from loyalty_cli.history.periods import Sighting, Whose
from loyalty_cli.history.store import SCHEMA, History
from loyalty_cli.model.amount import Amount

ADA, BOB = Whose("points", "id", "ada"), Whose("points", "id", "bob")


@pytest.fixture
def history(customer_data: Callable[[Schema], CustomerData]) -> History:
    return History(customer_data(SCHEMA))


def seen(whose: Whose, day: int, amount: str, name: str = "Points") -> Sighting:
    line = Line(name, "points", "points", sum_of=("a",), available=Amount(amount))
    return Sighting(whose, "gameball", (line,), f"2026-11-{day:02}T05:00:00Z", f"user {day}")


def told(history: History, customer: str) -> list[str]:
    """The periods of a customer, each in one text."""
    return [
        f"{whose.profile} {whose.by} {each.first_at[8:10]}-{each.last_at[8:10]}"
        f" {each.first_by} {each.last_by} {each.lines[0].available}"
        for whose, _, periods in history.of_customer(customer)
        for each in periods
    ]


def test_sightings_are_kept_as_periods(history: History) -> None:
    assert history.is_empty()

    assert history.add([seen(ADA, 1, "1200.00"), seen(BOB, 1, "5")]) == 2
    assert history.add([seen(ADA, 2, "1200"), seen(BOB, 2, "6")]) == 1
    assert history.add([seen(ADA, 3, "700")]) == 1

    assert not history.is_empty()
    assert told(history, "ada") == [
        "points id 01-02 user 1 user 2 1200.00",
        "points id 03-03 user 3 user 3 700",
    ]
    assert told(history, "bob") == [
        "points id 01-01 user 1 user 1 5",
        "points id 02-02 user 2 user 2 6",
    ]
    assert told(history, "BOB") == []


def test_everything_of_a_line_comes_back(history: History) -> None:
    sighting = seen(ADA, 1, "12345678901234567890.000", "Ünits \x00 \"'")
    history.add([sighting])

    ((whose, provider, (period,)),) = history.of_customer("ada")
    assert (whose, provider, period.lines) == (ADA, "gameball", sighting.lines)
    assert str(period.lines[0].available) == "12345678901234567890.000"


def test_the_same_sightings_again_change_nothing(history: History) -> None:
    sightings = [seen(ADA, 1, "5"), seen(ADA, 2, "5"), seen(ADA, 2, "6"), seen(ADA, 4, "7")]
    history.add(sightings)
    before = told(history, "ada")

    assert history.add(sightings) == 0
    assert [history.add([each]) for each in sightings] == [0, 0, 0, 0]
    assert told(history, "ada") == before


def test_older_sightings_find_their_place(history: History) -> None:
    for day, amount in ((8, "5"), (2, "4"), (6, "5"), (4, "4"), (7, "9"), (1, "5")):
        history.add([seen(ADA, day, amount)])

    assert [each.split()[2] + " " + each.split()[-1] for each in told(history, "ada")] == [
        "01-01 5",
        "02-04 4",
        "06-06 5",
        "07-07 9",
        "08-08 5",
    ]


def test_two_periods_become_one_in_the_database(history: History) -> None:
    history.add([seen(ADA, 1, "5"), seen(ADA, 9, "6")])
    history.add([seen(ADA, 5, "6"), seen(ADA, 3, "5")])
    assert len(told(history, "ada")) == 2

    with history.database.writing() as transaction:
        transaction.execute(
            "UPDATE balance_periods SET lines = (SELECT lines FROM balance_periods"
            " WHERE number = 1)"
        )
    history.add([seen(ADA, 4, "5")])

    assert told(history, "ada") == ["points id 01-09 user 1 user 9 5"]


def test_profiles_and_ways_are_kept_apart(history: History) -> None:
    store, mail = Whose("store", "id", "ada"), Whose("points", "email", "ada")
    history.add([seen(ADA, 1, "1"), seen(store, 1, "2"), seen(mail, 1, "3")])

    assert [each.split()[:2] + each.split()[-1:] for each in told(history, "ada")] == [
        ["points", "email", "3"],
        ["points", "id", "1"],
        ["store", "id", "2"],
    ]


def test_prune_deletes_what_was_last_seen_before_a_time(history: History) -> None:
    history.add([seen(ADA, 1, "5"), seen(ADA, 3, "6"), seen(ADA, 5, "6")])

    assert history.prune("2026-11-03T00:00:00Z") == 1
    assert told(history, "ada") == ["points id 03-05 user 3 user 5 6"]
    assert history.prune("2026-11-06T00:00:00Z") == 1
    assert history.is_empty()


def test_those_who_were_looked_up_by_another_way_than_the_id_are_found(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.history.store.READ_AT_ONCE", 2)
    others = [Whose("points", "email", each) for each in ("a", "b", "B", "c")]
    history.add([seen(each, day, str(day)) for each in (ADA, *others) for day in (1, 2)])

    assert set(history.by_other_ways()) == set(others)


def test_a_customer_is_forgotten_at_each_profile_in_every_way(history: History) -> None:
    others = [seen(BOB, 1, "1"), seen(Whose("store", "id", "ada"), 1, "1")]
    history.add([seen(ADA, 1, "1"), seen(Whose("points", "email", "ada"), 1, "1"), *others])

    history.forget([("points", "ada"), ("card", "bob")])

    assert (len(told(history, "ada")), len(told(history, "bob"))) == (1, 1)
