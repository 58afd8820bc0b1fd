"""What must hold when a debit is claimed, on both databases."""

from threading import Barrier, Thread

import pytest

from loyalty_cli.debits.journal.conflicts import BalanceChangedError
from loyalty_cli.debits.journal.entries import (
    Baseline,
    Change,
    ClaimTerms,
    Entry,
    Key,
    Planned,
    State,
)
from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from tests.debits.journal.conftest import SENDER, Open, plan

LIMIT = ClaimTerms(max_total_per_day=100)


def claim(journal: Journal, entry: Entry, terms: ClaimTerms = LIMIT) -> Entry:
    claimed = journal.claim(entry, SENDER, Baseline(), terms)
    assert claimed is not None
    return claimed


def test_of_claims_made_at_once_only_as_many_as_fit_are_made(place: str, open_it: Open) -> None:
    first = open_it(place, create=True)
    journals = [first, *(open_it(place) for _ in range(3))]
    entries = [plan(first, f"r-{each}", amount=60) for each in range(4)]
    barrier = Barrier(4)
    outcomes: list[ErrorCode | State] = []

    def begin(journal: Journal, entry: Entry) -> None:
        barrier.wait(20)
        try:
            outcomes.append(claim(journal, entry).state)
        except LoyaltyError as error:
            outcomes.append(error.code)

    threads = [Thread(target=begin, args=pair) for pair in zip(journals, entries, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(outcomes) == ["refused", "refused", "refused", "sending"]
    assert first.taken_in_a_day("shop") == 60


def test_what_was_taken_back_leaves_room(journal: Journal) -> None:
    claimed = claim(journal, plan(journal, "a", amount=60))
    journal.change(claimed, State.REFUSED, Change("no"))

    assert claim(journal, plan(journal, "b", amount=60)).state is State.SENDING


@pytest.mark.parametrize("customer", ["C-1", " c-1 ", "\uff23-1"], ids=ascii)
def test_a_balance_that_was_read_before_the_account_changed_is_no_good(
    customer: str, journal: Journal
) -> None:
    entry, other = (
        plan(journal, "a", customer="C-1", amount=60),
        plan(journal, "b", customer=customer, amount=60),
    )
    seen = ClaimTerms(last_event=journal.last_event(entry))
    journal.change(claim(journal, other), State.CONFIRMED, Change("yes"))

    with pytest.raises(BalanceChangedError):
        claim(journal, entry, seen)

    present = journal.get(entry.key)
    assert present == entry
    assert claim(journal, entry, ClaimTerms(last_event=journal.last_event(entry))).attempt == 1


def test_what_changed_nothing_at_the_platform_leaves_a_balance_good(journal: Journal) -> None:
    entry = plan(journal, "a", customer="C-1", amount=60)
    seen = ClaimTerms(last_event=journal.last_event(entry))
    journal.note(plan(journal, "b", customer="C-1", amount=60), "not begun: too little")
    stranger = plan(journal, "c", customer="C-2", amount=60)
    journal.change(claim(journal, stranger, ClaimTerms()), State.CONFIRMED, Change("yes"))

    assert claim(journal, entry, seen).state is State.SENDING


def test_other_debits_of_an_account_are_those_that_may_have_been_made(journal: Journal) -> None:
    first = claim(journal, plan(journal, "a", customer="C-1", amount=60), ClaimTerms())
    before = journal.events(first.key)[-1].number
    plan(journal, "b", customer="C-1", amount=60)
    claim(journal, plan(journal, "c", customer="c-1", amount=60), ClaimTerms())
    claim(journal, plan(journal, "d", customer="C-2", amount=60), ClaimTerms())

    assert journal.others_since(first, before) == ["c"]


def test_so_are_those_that_were_open_before_and_still_are(journal: Journal) -> None:
    earlier = claim(journal, plan(journal, "a", customer="c-1", amount=60), ClaimTerms())
    earlier_yet = claim(journal, plan(journal, "b", customer="C-1 ", amount=60), ClaimTerms())
    journal.change(earlier_yet, State.CONFIRMED, Change("yes"))
    entry = plan(journal, "c", customer="C-1", amount=60)
    before = journal.last_event(entry)
    first = claim(journal, entry, ClaimTerms())

    assert journal.others_since(first, before) == ["a"]

    made = journal.change(earlier, State.CONFIRMED, Change("yes"))
    assert made is not None
    assert journal.others_since(first, before) == ["a"]


def test_what_is_only_noted_of_another_debit_has_changed_nothing(journal: Journal) -> None:
    other = claim(journal, plan(journal, "a", customer="C-1", amount=60), ClaimTerms())
    made = journal.change(other, State.CONFIRMED, Change("yes"))
    assert made is not None
    entry = plan(journal, "b", customer="C-1", amount=60)
    before = journal.last_event(entry)
    first = claim(journal, entry, ClaimTerms())

    journal.note(made, "attempt 1 turned out confirmed")

    assert journal.others_since(first, before) == []


def test_a_claim_names_its_profile_and_its_time(journal: Journal) -> None:
    claimed = claim(journal, plan(journal, "a", amount=60), ClaimTerms(profile="other"))

    assert claimed.profile == "other"
    assert claimed.claimed_at == claimed.changed_at
    assert journal.get(claimed.key) == claimed


def test_an_account_with_a_name_adopts_what_its_profile_debited_without_one(
    journal: Journal,
) -> None:
    entry = claim(journal, plan(journal, "a", amount=60), ClaimTerms(profile="eu"))
    stranger = plan(journal, "b", amount=60)

    journal.adopt("shop", "shop account=eu", "eu")

    found = {each.key.reference: each.key.platform for each in journal.find(Filter())}
    assert found == {"a": "shop account=eu", stranger.key.reference: "shop"}
    events = journal.events(Key("shop account=eu", entry.key.reference))
    assert [each.after for each in events] == [State.PLANNED, State.SENDING]


def test_a_reference_that_the_name_has_already_is_not_adopted(journal: Journal) -> None:
    claim(journal, plan(journal, "a", amount=60), ClaimTerms(profile="eu"))
    named = Planned(Key("shop account=eu", "a"), "eu", "saasquatch", "C-9", "CENTS", 1)
    journal.plan([named])

    journal.adopt("shop", "shop account=eu", "eu")

    assert {each.key.platform for each in journal.find(Filter())} == {"shop", "shop account=eu"}
