"""The journal's store, on both databases: what it takes, what it keeps, and what it refuses."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.database.user import user_name
from loyalty_cli.debits.journal.conflicts import BalanceChangedError
from loyalty_cli.debits.journal.database import DuplicateError, JournalError
from loyalty_cli.debits.journal.entries import OPEN, TRANSITIONS, Change, Key, Process, State
from loyalty_cli.debits.journal.locks import release_lock, take_lock
from loyalty_cli.debits.journal.store import DAY, Filter, Journal
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from tests.debits.journal.conftest import (
    BASELINE,
    SENDER,
    Open,
    brought,
    changed,
    claimed,
    history,
    plan,
    planned,
)

SENDING, UNKNOWN, CONFIRMED = State.SENDING, State.UNKNOWN, State.CONFIRMED
PLANNED, REFUSED, NOT_APPLIED = State.PLANNED, State.REFUSED, State.NOT_APPLIED
ODD = ["'; DROP TABLE debits; --", "Größe ¢ 店", "%", "_", "a" * 200, "\\x00", "NULL"]


def at_once(number: int, function: Callable[[int], object]) -> Sequence[object]:
    """Call a function in that many threads, all at the same moment."""
    barrier = Barrier(number)

    def begin(each: int) -> object:
        barrier.wait(20)
        try:
            return function(each)
        except LoyaltyError as error:
            return error.code

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begin, range(number)))


def found(journal: Journal, **chosen: Any) -> list[str]:
    return [entry.key.reference for entry in journal.find(Filter(**chosen))]


def test_a_planned_debit_is_recorded_as_it_was_asked_for(journal: Journal) -> None:
    asked = [planned("b"), planned("a", sandbox=True, amount=10**15), planned("c", unit="¢")]
    asked += [planned(reference) for reference in ODD]

    entries = journal.plan(asked)

    assert [entry.key for entry in entries] == [each.key for each in asked]
    assert {(entry.state, entry.attempt) for entry in entries} == {(PLANNED, 0)}
    assert [entry.sandbox for entry in entries[:3]] == [False, True, False]
    assert [entry.amount for entry in entries[:3]] == [1, 10**15, 1]
    assert [journal.present(entry) for entry in entries] == entries
    assert journal.known([Key("shop", "none")]) == {}
    assert journal.events(Key("shop", "none")) == []
    assert journal.known([]) == {}


def test_planning_a_debit_on_record_gives_it_as_it_stands(journal: Journal) -> None:
    first = claimed(journal)

    known, fresh = journal.plan([planned("a"), planned("b")])
    elsewhere = plan(journal, "a", platform="gameball https://example.com:443", amount=7)

    assert known == first
    assert fresh.state is PLANNED
    assert history(journal, first) == ["planned", "sending"]
    assert elsewhere.amount == 7
    assert found(journal, reference="a") == ["a", "a"]


@pytest.mark.parametrize(
    "other", [{"customer": "C-2"}, {"unit": "POINTS"}, {"amount": 501}], ids=str
)
def test_another_debit_under_the_same_reference_leaves_the_whole_plan_unwritten(
    journal: Journal, other: dict[str, Any]
) -> None:
    plan(journal, "a")

    with pytest.raises(LoyaltyError) as raised:
        journal.plan([planned("new"), planned("a", **other), planned("newer")])

    assert raised.value.code is ErrorCode.REFERENCE_TAKEN
    assert not isinstance(raised.value, JournalError)
    assert found(journal) == ["a"]
    assert journal.events(Key("shop", "new")) == []


def test_ten_thousand_debits_are_planned_quickly_the_second_time_too(journal: Journal) -> None:
    asked = [planned(f"order-{number}") for number in range(10_000)]
    began = time.monotonic()

    first = journal.plan(asked)
    again = journal.plan(asked)

    assert time.monotonic() - began < 20
    assert again == first
    assert [entry.key for entry in first] == [each.key for each in asked]


def test_processes_that_plan_the_same_debits_at_once_agree(
    journal: Journal, open_it: Open, place: str
) -> None:
    asked = [planned(f"order-{number}") for number in range(1200)]
    orders = [asked, asked[::-1], asked[600:] + asked[:600], asked[::2] + asked[1::2]]
    journals = [open_it(place) for _ in orders]

    at_once(len(orders), lambda each: journals[each].plan(orders[each]))

    entries = list(journal.find(Filter()))
    assert len(entries) == 1200
    assert all(len(journal.events(entry.key)) == 1 for entry in entries[::100])


def test_a_debit_that_many_processes_claim_is_claimed_by_one(
    journal: Journal, open_it: Open, place: str
) -> None:
    journals = [journal, open_it(place), open_it(place)]
    for number in range(10):
        entry = plan(journal, f"order-{number}")

        claims = at_once(12, lambda at: journals[at % 3].claim(entry, SENDER, BASELINE))  # noqa: B023 - called at once

        assert claims.count(None) == 11
        assert history(journal, entry) == ["planned", "sending"]


def test_of_many_debits_of_an_account_one_is_claimed_at_a_time(
    journal: Journal, open_it: Open, place: str
) -> None:
    entries = [plan(journal, f"order-{number}", customer="C-1") for number in range(12)]
    journals = [journal, open_it(place)]

    outcomes = at_once(12, lambda at: journals[at % 2].claim(entries[at], SENDER, BASELINE))

    assert outcomes.count(ErrorCode.ACCOUNT_BUSY) == 11
    assert len(found(journal, states=OPEN)) == 1


def test_claims_made_at_once_do_not_pass_the_limit_together(
    journal: Journal, open_it: Open, place: str
) -> None:
    journals = [journal, *(open_it(place) for _ in range(3))]
    entries = [plan(journal, f"r-{each}", amount=60) for each in range(4)]

    outcomes = at_once(4, lambda at: claimed(journals[at], entries[at], day_limit=100))

    assert outcomes.count(ErrorCode.REFUSED) == 3
    assert journal.taken_in_a_day("shop") == 60
    (sent,) = journal.find(Filter(states=OPEN))
    changed(journal, sent, REFUSED)
    again = claimed(journal, plan(journal, "later", amount=60), day_limit=100)
    assert again.state is SENDING


def test_all_that_a_claim_and_a_result_say_is_recorded(journal: Journal) -> None:
    result = Change("ok", balance_after="8500.000", provider_reference="n", error="{}")

    claim = claimed(journal, replace(plan(journal), profile="other"))
    assert (claim.state, claim.attempt, claim.profile) == (SENDING, 1, "other")
    assert (claim.sender, claim.baseline) == (SENDER, BASELINE)
    assert claim.claimed_at == claim.changed_at
    assert journal.present(claim) == claim

    after = journal.change(claim, CONFIRMED, result)
    assert after is not None
    assert (after.balance_after, after.provider_reference, after.error) == ("8500.000", "n", "{}")
    assert (after.sender, after.baseline) == (SENDER, BASELINE)
    assert journal.present(after) == after


@pytest.mark.parametrize("states", [[SENDING], [SENDING, UNKNOWN]], ids=str)
def test_an_account_with_an_open_debit_is_busy(journal: Journal, states: list[State]) -> None:
    brought(journal, plan(journal, "a", customer="C-1"), *states)
    second = plan(journal, "b", customer="C-1")

    with pytest.raises(LoyaltyError, match="another open debit") as raised:
        claimed(journal, second)

    assert raised.value.code is ErrorCode.ACCOUNT_BUSY
    assert journal.present(second) == second
    assert history(journal, second) == ["planned"]
    claimed(journal, plan(journal, "c", customer="C-2"))
    claimed(journal, plan(journal, "d", customer="C-1", platform="gameball elsewhere"))


def test_an_account_is_free_again_once_its_debit_is_settled(journal: Journal) -> None:
    settled = [(CONFIRMED,), (REFUSED,), (NOT_APPLIED,), (PLANNED,)]
    for number, states in enumerate([*settled, (UNKNOWN, CONFIRMED), (UNKNOWN, NOT_APPLIED)]):
        brought(journal, plan(journal, f"r-{number}", customer="C-1"), SENDING, *states)

    claimed(journal, plan(journal, "last", customer="C-1"))


@pytest.mark.parametrize(
    "states",
    [
        (PLANNED,),
        (SENDING,),
        (SENDING, CONFIRMED),
        (SENDING, REFUSED),
        (SENDING, UNKNOWN),
        (SENDING, UNKNOWN, NOT_APPLIED),
        (State.DROPPED,),
    ],
    ids=lambda states: states[-1],
)
def test_only_the_steps_of_the_rules_change_a_state(
    journal: Journal, states: tuple[State, ...]
) -> None:
    entry = brought(journal, plan(journal), *(each for each in states if each is not PLANNED))

    for after in set(State) - TRANSITIONS[states[-1]]:
        with pytest.raises(AssertionError):
            journal.change(entry, after, Change("no"))

    assert entry.state is states[-1]
    assert journal.present(entry) == entry


def test_a_debit_that_changed_meanwhile_is_neither_claimed_nor_changed(journal: Journal) -> None:
    read = plan(journal)
    first = claimed(journal, read)
    back = changed(journal, first, PLANNED)
    assert journal.claim(read, SENDER, BASELINE) is None

    second = claimed(journal, back)
    assert second.attempt == 2
    assert journal.change(first, CONFIRMED, Change("of an earlier attempt")) is None

    made = changed(journal, second, CONFIRMED)
    assert journal.change(second, UNKNOWN, Change("late")) is None
    assert journal.present(read) == made
    assert history(journal, read) == ["planned", "sending", "planned", "sending", "confirmed"]


def test_every_change_of_a_debit_leaves_an_event_that_never_changes(journal: Journal) -> None:
    entry = plan(journal)
    before = journal.events(entry.key)
    for state in (SENDING, UNKNOWN, NOT_APPLIED, PLANNED, SENDING, CONFIRMED):
        entry = brought(journal, entry, state)
        events = journal.events(entry.key)
        assert events[:-1] == before
        last = events[-1]
        assert (last.before, last.after) == (before[-1].after, entry.state)
        assert (last.at, last.attempt) == (entry.changed_at, entry.attempt)
        assert last.actor.startswith(f"{user_name()} on ")
        before = events

    reasons = ["planned", "claimed", *["because"] * 3, "claimed", "because"]
    assert [event.why for event in before] == reasons
    assert entry.attempt == 2


def test_a_note_is_an_event_with_the_present_state_of_the_debit(
    journal: Journal,
) -> None:
    read = plan(journal)
    made = brought(journal, read, SENDING, CONFIRMED)

    journal.note(read, "not begun")

    assert journal.present(read) == made
    last = journal.events(read.key)[-1]
    assert (last.before, last.after, last.attempt) == (CONFIRMED, CONFIRMED, 0)
    assert last.why == "not begun"


def test_debits_are_found_by_each_filter_and_by_several(journal: Journal) -> None:
    first = plan(journal, "a")
    second = claimed(journal, plan(journal, "b", profile="other"))
    third = brought(journal, plan(journal, "c"), SENDING, UNKNOWN)

    for chosen, expected in (
        ({}, "abc"),
        ({"states": (SENDING,)}, "b"),
        ({"states": OPEN}, "bc"),
        ({"profile": "other"}, "b"),
        ({"reference": "c"}, "c"),
        ({"reference": "none"}, ""),
        ({"customer": " c-B"}, "b"),
        ({"since": second.created_at}, "bc"),
        ({"until": third.created_at}, "ab"),
        ({"until": first.created_at.astimezone()}, ""),
        ({"since": second.created_at, "until": third.created_at}, "b"),
        ({"states": OPEN, "profile": "shop"}, "c"),
    ):
        assert "".join(found(journal, **chosen)) == expected, chosen


def test_the_times_of_the_journal_are_in_utc_and_now(journal: Journal) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)

    entry = claimed(journal)

    moments = [journal.now(), entry.created_at, entry.changed_at, journal.events(entry.key)[0].at]
    for moment in moments:
        assert moment.utcoffset() == timedelta(0)
        assert before <= moment <= datetime.now(UTC) + timedelta(seconds=2)
    with journal.database.reading() as transaction:
        (written,) = transaction.execute("SELECT created_at FROM debits").fetchone()
    assert written == entry.created_at.isoformat(timespec="microseconds")
    assert written.endswith("+00:00")


def test_a_reader_of_the_journal_who_pauses_keeps_nobody_from_writing(journal: Journal) -> None:
    names = [f"order-{number:04}" for number in range(1500)]
    journal.plan([planned(name) for name in names])
    reading = journal.find(Filter())
    first = next(reading)

    claimed(journal, first)
    rest = list(reading)

    assert [each.key.reference for each in (first, *rest)] == names
    assert first.state is PLANNED
    backwards = [each.key.reference for each in journal.find(Filter(), newest=True)]
    assert backwards == names[::-1]


def test_debits_with_the_same_time_and_reference_at_many_accounts_are_all_found(
    journal: Journal,
) -> None:
    platforms = [f"shop-{number:04}" for number in range(1100)]
    journal.plan([planned("a", platform=each) for each in platforms])

    assert [each.key.platform for each in journal.find(Filter())] == platforms


def test_the_database_refuses_a_second_open_debit_of_an_account(journal: Journal) -> None:
    first = claimed(journal, plan(journal, "a", customer="C-1"))
    plan(journal, "b", customer="C-1")

    with pytest.raises(DuplicateError), journal.database.writing() as transaction:
        transaction.execute("UPDATE debits SET state = 'unknown'")

    assert journal.present(first) == first


@pytest.mark.parametrize("customer", ["C-1", " c-1 ", "\uff23-1"], ids=ascii)
def test_a_claim_needs_a_balance_read_after_the_last_change_of_the_account(
    customer: str, journal: Journal
) -> None:
    entry, other = plan(journal, "a", customer="C-1"), plan(journal, "b", customer=customer)
    seen = journal.last_event(entry)
    brought(journal, other, SENDING, CONFIRMED)

    with pytest.raises(BalanceChangedError):
        claimed(journal, entry, last_event=seen)

    assert journal.present(entry) == entry
    seen = journal.last_event(entry)
    journal.note(plan(journal, "c", customer="C-1"), "not begun: too little")
    brought(journal, plan(journal, "d", customer="C-2"), SENDING, CONFIRMED)
    assert claimed(journal, entry, last_event=seen).attempt == 1


def test_other_debits_since_a_claim_are_those_that_may_have_been_made(
    journal: Journal,
) -> None:
    was_open = claimed(journal, plan(journal, "open before", customer="c-1"))
    made = brought(journal, plan(journal, "made before", customer="C-1 "), SENDING, CONFIRMED)
    entry = plan(journal, "mine", customer="C-1")
    before = journal.last_event(entry)
    mine = claimed(journal, entry)
    journal.note(made, "attempt 1 turned out confirmed")
    plan(journal, "planned since", customer="C-1")
    claimed(journal, plan(journal, "another account's", customer="C-2"))

    assert journal.others_since(mine, before) == ["open before"]
    changed(journal, was_open, CONFIRMED)
    assert journal.others_since(mine, before) == ["open before"]
    claimed(journal, plan(journal, "claimed since", customer=" C-1"))
    assert journal.others_since(mine, before) == ["claimed since", "open before"]


def test_the_others_of_an_account_are_those_sent_since_and_those_with_an_id(
    journal: Journal,
) -> None:
    mine = plan(journal, "mine", customer="C-1")
    before = claimed(journal, plan(journal, "before", customer="C-1"))
    journal.change(before, CONFIRMED, Change("yes", provider_reference="71"))
    since = journal.now()
    claimed(journal, plan(journal, "since", customer=" c-1"))
    plan(journal, "planned since", customer="C-1")
    claimed(journal, plan(journal, "another account's", customer="C-2"))
    claimed(journal, plan(journal, "elsewhere", platform="another shop", customer="C-1"))

    def others(*ids: str) -> list[str]:
        return [each.key.reference for each in journal.others_sent(mine, since, ids)]

    assert others() == ["since"]
    assert others("70", "71", "72") == ["since", "before"]


def test_the_options_of_the_balance_before_a_claim_are_kept(journal: Journal) -> None:
    had = replace(BASELINE, asked={"program_id": "42"})
    entry = journal.claim(plan(journal, "a"), SENDER, had)

    assert entry is not None
    assert journal.present(entry).baseline == had


def test_an_account_that_gets_a_name_adopts_its_profiles_earlier_debits(
    journal: Journal,
) -> None:
    mine = claimed(journal, plan(journal, "a", profile="eu"))
    claimed(journal, plan(journal, "taken", profile="eu"))
    plan(journal, "a stranger's")
    plan(journal, "taken", platform="shop account=eu", customer="C-9")

    journal.adopt("shop", "shop account=eu", "eu")

    keys = {(each.key.reference, each.key.platform) for each in journal.find(Filter())}
    assert keys == {
        ("a", "shop account=eu"),
        ("taken", "shop"),
        ("taken", "shop account=eu"),
        ("a stranger's", "shop"),
    }
    events = journal.events(Key("shop account=eu", mine.key.reference))
    assert [each.after for each in events] == [PLANNED, SENDING]


def test_a_lock_has_one_holder_until_it_is_released_or_abandoned(journal: Journal) -> None:
    def never(_: Process, __: timedelta) -> bool:
        return False

    other = Process("host", 18, "4712", "boot")

    assert take_lock(journal.database, "work", SENDER, never)
    assert not take_lock(journal.database, "work", other, never)
    assert take_lock(journal.database, "other work", other, never)
    release_lock(journal.database, "work", other)
    assert not take_lock(journal.database, "work", other, never)

    assert take_lock(
        journal.database, "work", other, lambda holder, age: (holder, age < DAY) == (SENDER, True)
    )
    release_lock(journal.database, "work", other)
    assert take_lock(journal.database, "work", SENDER, never)


def test_of_many_processes_that_want_a_lock_one_gets_it(journal: Journal) -> None:
    def take(number: int) -> bool:
        holder = Process("host", number, "1", "boot")
        return take_lock(journal.database, "work", holder, lambda *_: False)

    assert at_once(6, take).count(True) == 1


def test_the_planner_of_a_debit_is_the_actor_of_its_first_event(journal: Journal) -> None:
    brought(journal, plan(journal, "a"), SENDING, UNKNOWN)
    first = journal.events(plan(journal, "b").key)[0].actor

    found = journal.planners([planned("a").key, planned("b").key, planned("none").key])

    assert found == {planned("a").key: first, planned("b").key: first}


def test_debits_are_counted_and_added_up_by_profile_state_and_unit(journal: Journal) -> None:
    large = 10**15
    journal.plan([planned(str(each), amount=large, sandbox=True) for each in range(20)])
    journal.plan([planned("p", unit="points", amount=7)])
    brought(journal, plan(journal, "u", amount=5), SENDING, UNKNOWN)
    other = replace(planned("o", unit="points", amount=9), profile="another", provider="gameball")
    journal.plan([other])

    def sums(**chosen: Any) -> list[tuple[str, str, int, int]]:
        found = journal.sums(Filter(**chosen), newest=True)
        return [(each.state, each.unit, each.debits, each.total) for each in found]

    planned_points, unknown = ("planned", "points", 1, 7), ("unknown", "CENTS", 1, 5)
    elsewhere = ("planned", "points", 1, 9)
    assert sums() == [elsewhere, ("planned", "CENTS", 20, 20 * large), planned_points, unknown]
    assert sums(profile="another") == [elsewhere]
    assert sums(customer="C-P") == [planned_points]
    assert sums(states=OPEN) == [unknown]
    assert sums(states=(CONFIRMED,)) == []
    (first,) = journal.sums(Filter(), limit=3)
    assert (first.debits, first.total, first.sandbox) == (3, 3 * large, True)
    newest = journal.sums(Filter(), newest=True, limit=2)
    assert [each.state for each in newest] == ["planned", "unknown"]
