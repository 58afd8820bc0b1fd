"""The journal's store, on both databases: what it takes, what it keeps, and what it refuses."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from loyalty_cli.debits.journal.database import DuplicateError, JournalError
from loyalty_cli.debits.journal.entries import (
    OPEN,
    TRANSITIONS,
    Change,
    Entry,
    Key,
    Process,
    State,
)
from loyalty_cli.debits.journal.locks import release_lock, take_lock
from loyalty_cli.debits.journal.store import DAY, Filter, Journal
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from tests.debits.journal.conftest import BASELINE, SENDER, Open, changed, claimed, plan, planned


def at_once(number: int, function: Callable[[int], object]) -> Sequence[object]:
    """Call a function in that many threads, all at the same moment."""
    barrier = Barrier(number)

    def begin(each: int) -> object:
        barrier.wait(20)
        return function(each)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begin, range(number)))


def test_what_was_planned_is_there(journal: Journal) -> None:
    asked = [planned("b"), planned("a", sandbox=True, amount=10**15), planned("c", unit="¢")]

    entries = journal.plan(asked)

    assert [entry.key.reference for entry in entries] == ["b", "a", "c"]
    assert {entry.state for entry in entries} == {State.PLANNED}
    assert {entry.attempt for entry in entries} == {0}
    assert entries[1].sandbox is True
    assert entries[1].amount == 10**15
    assert [journal.get(entry.key) for entry in entries] == entries


def test_a_debit_that_is_there_already_is_given_as_it_stands(journal: Journal) -> None:
    first = claimed(journal, plan(journal, "a"))

    known, fresh = journal.plan([planned("a"), planned("b")])

    assert known == first
    assert fresh.state is State.PLANNED
    assert [event.after for event in journal.events(first.key)] == ["planned", "sending"]


@pytest.mark.parametrize(
    "other", [{"customer": "C-2"}, {"unit": "POINTS"}, {"amount": 501}], ids=str
)
def test_another_debit_under_the_same_reference_leaves_the_whole_plan_unwritten(
    journal: Journal, other: dict[str, object]
) -> None:
    plan(journal, "a")

    with pytest.raises(LoyaltyError) as raised:
        journal.plan([planned("new"), planned("a", **other), planned("newer")])

    assert raised.value.code is ErrorCode.REFERENCE_TAKEN
    assert not isinstance(raised.value, JournalError)
    assert [entry.key.reference for entry in journal.find(Filter())] == ["a"]
    assert journal.events(Key("shop", "new")) == []


def test_the_same_reference_at_another_account_is_another_debit(journal: Journal) -> None:
    plan(journal, "a")

    other = plan(journal, "a", platform="gameball https://example.com:443", amount=7)

    assert other.amount == 7
    assert len(list(journal.find(Filter(reference="a")))) == 2


@pytest.mark.parametrize(
    "reference", ["'; DROP TABLE debits; --", "Größe ¢ 店", "%", "_", "a" * 200, "\\x00", "NULL"]
)
def test_a_reference_is_kept_as_it_is(journal: Journal, reference: str) -> None:
    plan(journal, reference)

    found = journal.get(Key("shop", reference))

    assert found is not None
    assert found.key.reference == reference


def test_ten_thousand_debits_are_planned_quickly_once_and_again(journal: Journal) -> None:
    asked = [planned(f"order-{number}") for number in range(10_000)]
    began = time.monotonic()

    first = journal.plan(asked)
    again = journal.plan(asked)

    assert time.monotonic() - began < 20
    assert again == first
    assert [entry.key for entry in first] == [each.key for each in asked]


def test_planners_of_the_same_debits_at_once_agree(
    journal: Journal, open_it: Open, place: str
) -> None:
    del journal
    asked = [planned(f"order-{number}") for number in range(1200)]
    orders = [asked, asked[::-1], asked[600:] + asked[:600], asked[::2] + asked[1::2]]
    journals = [open_it(place) for _ in orders]

    at_once(len(orders), lambda each: journals[each].plan(orders[each]))

    entries = list(journals[0].find(Filter()))
    assert len(entries) == 1200
    assert all(len(journals[0].events(entry.key)) == 1 for entry in entries[::100])


def test_a_debit_is_claimed_by_one_of_many(journal: Journal, open_it: Open, place: str) -> None:
    entries = [plan(journal, f"order-{number}") for number in range(10)]
    journals = [journal, open_it(place), open_it(place)]

    for entry in entries:

        def claim(at: int, entry: Entry = entry) -> Entry | None:
            return journals[at % 3].claim(entry, SENDER, BASELINE)

        claims = at_once(12, claim)
        assert sum(claim is not None for claim in claims) == 1
        assert [event.after for event in journal.events(entry.key)] == ["planned", "sending"]


def test_one_of_many_debits_of_an_account_is_claimed(
    journal: Journal, open_it: Open, place: str
) -> None:
    entries = [plan(journal, f"order-{number}", customer="C-1") for number in range(12)]
    journals = [journal, open_it(place)]

    def claim(each: int) -> object:
        try:
            return journals[each % 2].claim(entries[each], SENDER, BASELINE)
        except LoyaltyError as error:
            return error.code

    outcomes = at_once(12, claim)
    assert outcomes.count(ErrorCode.ACCOUNT_BUSY) == 11
    assert len(list(journal.find(Filter(states=OPEN)))) == 1


def test_what_a_claim_says_is_kept(journal: Journal) -> None:
    entry = claimed(journal, plan(journal, "a"))

    assert (entry.state, entry.attempt) == (State.SENDING, 1)
    assert (entry.sender, entry.baseline) == (SENDER, BASELINE)
    assert journal.get(entry.key) == entry


@pytest.mark.parametrize("state", OPEN, ids=str)
def test_an_account_with_an_open_debit_is_busy(journal: Journal, state: State) -> None:
    first = claimed(journal, plan(journal, "a", customer="C-1"))
    if state is State.UNKNOWN:
        changed(journal, first, State.UNKNOWN)
    second = plan(journal, "b", customer="C-1")

    with pytest.raises(LoyaltyError, match="another open debit") as raised:
        journal.claim(second, SENDER, BASELINE)

    assert raised.value.code is ErrorCode.ACCOUNT_BUSY
    assert journal.get(second.key) == second
    assert len(journal.events(second.key)) == 1
    claimed(journal, plan(journal, "c", customer="C-2"))
    claimed(journal, plan(journal, "d", customer="C-1", platform="gameball elsewhere"))


@pytest.mark.parametrize(
    "path",
    [
        (State.CONFIRMED,),
        (State.REFUSED,),
        (State.NOT_APPLIED,),
        (State.PLANNED,),
        (State.UNKNOWN, State.CONFIRMED),
        (State.UNKNOWN, State.NOT_APPLIED),
    ],
    ids=str,
)
def test_an_account_is_free_again_once_its_debit_is_settled(
    journal: Journal, path: tuple[State, ...]
) -> None:
    first = claimed(journal, plan(journal, "a", customer="C-1"))
    for state in path:
        first = changed(journal, first, state)

    claimed(journal, plan(journal, "b", customer="C-1"))


@pytest.mark.parametrize("before", State, ids=str)
def test_only_the_transitions_of_the_rules_are_made(journal: Journal, before: State) -> None:
    steps = {
        State.PLANNED: [],
        State.SENDING: [],
        State.CONFIRMED: [State.CONFIRMED],
        State.REFUSED: [State.REFUSED],
        State.UNKNOWN: [State.UNKNOWN],
        State.NOT_APPLIED: [State.UNKNOWN, State.NOT_APPLIED],
        State.DROPPED: [State.DROPPED],
    }
    entry = plan(journal, "a")
    if before not in (State.PLANNED, State.DROPPED):
        entry = claimed(journal, entry)
    for state in steps[before]:
        entry = changed(journal, entry, state)
    assert entry.state is before

    for after in set(State) - TRANSITIONS[before]:
        with pytest.raises(AssertionError):
            journal.change(entry, after, Change("no"))

    assert journal.get(entry.key) == entry


def test_a_change_of_what_has_changed_meanwhile_is_not_made(journal: Journal) -> None:
    stale = claimed(journal, plan(journal, "a"))
    present = changed(journal, stale, State.CONFIRMED)

    assert journal.change(stale, State.UNKNOWN, Change("late")) is None
    assert journal.get(stale.key) == present
    assert [event.after for event in journal.events(stale.key)][-1] == "confirmed"


def test_a_change_meant_for_an_earlier_attempt_is_not_made(journal: Journal) -> None:
    first = claimed(journal, plan(journal, "a"))
    second = claimed(journal, changed(journal, first, State.PLANNED))

    assert second.attempt == 2
    assert journal.change(first, State.CONFIRMED, Change("late")) is None
    assert journal.get(first.key) == second


def test_a_claim_of_what_was_claimed_and_given_back_is_not_made(journal: Journal) -> None:
    stale = plan(journal, "a")
    back = changed(journal, claimed(journal, stale), State.PLANNED)

    assert journal.claim(stale, SENDER, BASELINE) is None
    assert journal.get(stale.key) == back


def test_every_change_leaves_an_event_and_none_ever_changes(journal: Journal) -> None:
    entry = plan(journal, "a")
    before = journal.events(entry.key)
    steps: list[Callable[[Entry], Entry]] = [
        lambda entry: claimed(journal, entry),
        lambda entry: changed(journal, entry, State.UNKNOWN, "reset"),
        lambda entry: changed(journal, entry, State.NOT_APPLIED, "looked twice"),
        lambda entry: changed(journal, entry, State.PLANNED, "again"),
        lambda entry: claimed(journal, entry),
        lambda entry: changed(journal, entry, State.CONFIRMED, "HTTP 200"),
    ]
    for step in steps:
        entry = step(entry)
        events = journal.events(entry.key)
        assert events[:-1] == before
        last = events[-1]
        assert (last.before, last.after) == (before[-1].after, entry.state)
        assert (last.at, last.attempt) == (entry.changed_at, entry.attempt)
        assert last.actor.startswith("uid ")
        before = events

    assert [event.why for event in before] == [
        *("planned", "claimed", "reset", "looked twice", "again", "claimed", "HTTP 200")
    ]
    assert entry.attempt == 2


def test_a_note_is_an_event_without_a_change(journal: Journal) -> None:
    entry = changed(journal, claimed(journal, plan(journal, "a")), State.UNKNOWN)

    journal.note(entry, "looked")

    assert journal.get(entry.key) == entry
    last = journal.events(entry.key)[-1]
    assert (last.before, last.after, last.why) == (State.UNKNOWN, State.UNKNOWN, "looked")


def test_a_note_tells_the_state_that_others_have_brought_the_debit_to(journal: Journal) -> None:
    read = plan(journal, "a")
    changed(journal, claimed(journal, read), State.CONFIRMED)

    journal.note(read, "not begun")

    last = journal.events(read.key)[-1]
    assert (last.before, last.after, last.attempt) == (State.CONFIRMED, State.CONFIRMED, 0)


def test_what_a_change_says_is_kept(journal: Journal) -> None:
    change = Change("ok", balance_after="8500.000", provider_reference="n", error="{}")

    after = journal.change(claimed(journal, plan(journal, "a")), State.CONFIRMED, change)

    assert after is not None
    assert journal.get(after.key) == after
    assert (after.balance_after, after.provider_reference, after.error) == ("8500.000", "n", "{}")
    assert (after.sender, after.baseline) == (SENDER, BASELINE)


def test_finding_by_each_filter_and_by_several(journal: Journal) -> None:
    first = plan(journal, "a")
    second = claimed(journal, plan(journal, "b", profile="other"))
    third = changed(journal, claimed(journal, plan(journal, "c")), State.UNKNOWN)

    def found(**chosen: Any) -> str:
        entries = journal.find(Filter(**chosen))
        return "".join(entry.key.reference for entry in entries)

    assert found() == "abc"
    assert found(states=(State.SENDING,)) == "b"
    assert found(states=OPEN) == "bc"
    assert found(profile="other") == "b"
    assert found(reference="c") == "c"
    assert found(since=second.created_at) == "bc"
    assert found(until=third.created_at) == "ab"
    assert found(since=second.created_at, until=third.created_at) == "b"
    assert found(states=OPEN, profile="shop") == "c"
    assert found(reference="none") == ""
    assert found(customer=" c-B") == "b"
    assert [each.key.reference for each in journal.find(Filter(), newest=True)] == ["c", "b", "a"]
    assert found(until=first.created_at.astimezone()) == ""


def test_times_are_in_utc_and_now(journal: Journal) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)

    entry = claimed(journal, plan(journal, "a"))

    moments = [journal.now(), entry.created_at, entry.changed_at, journal.events(entry.key)[0].at]
    for moment in moments:
        assert moment.utcoffset() == timedelta(0)
        assert before <= moment <= datetime.now(UTC) + timedelta(seconds=2)
    with journal.database.reading() as transaction:
        (written,) = transaction.execute("SELECT created_at FROM debits").fetchone()
    assert written == entry.created_at.isoformat(timespec="microseconds")
    assert written.endswith("+00:00")


def test_a_reader_who_pauses_keeps_nobody_from_writing(journal: Journal) -> None:
    names = [f"order-{number:04}" for number in range(1500)]
    journal.plan([planned(name) for name in names])
    found = journal.find(Filter())
    first = next(found)

    claimed(journal, first)
    rest = list(found)

    assert [each.key.reference for each in (first, *rest)] == names
    assert first.state is State.PLANNED
    backwards = [each.key.reference for each in journal.find(Filter(), newest=True)]
    assert backwards == names[::-1]


def test_debits_with_one_time_and_one_name_at_many_accounts_are_all_found(
    journal: Journal,
) -> None:
    platforms = [f"shop-{number:04}" for number in range(1100)]
    journal.plan([planned("a", platform=each) for each in platforms])

    assert [each.key.platform for each in journal.find(Filter())] == platforms


def test_a_key_that_nobody_planned_is_none(journal: Journal) -> None:
    assert journal.get(Key("shop", "none")) is None
    assert journal.events(Key("shop", "none")) == []
    assert journal.known([]) == {}


def test_the_database_itself_refuses_a_second_open_debit_of_an_account(journal: Journal) -> None:
    first = claimed(journal, plan(journal, "a", customer="C-1"))
    plan(journal, "b", customer="C-1")

    with pytest.raises(DuplicateError), journal.database.writing() as transaction:
        transaction.execute("UPDATE debits SET state = 'unknown'")

    assert journal.get(first.key) == first


def test_a_lock_is_one_holder_s_until_it_is_let_go_or_left(journal: Journal) -> None:
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


def test_of_many_who_want_a_lock_at_once_one_gets_it(journal: Journal) -> None:
    def take(number: int) -> bool:
        holder = Process("host", number, "1", "boot")
        return take_lock(journal.database, "work", holder, lambda *_: False)

    assert at_once(6, take).count(True) == 1
