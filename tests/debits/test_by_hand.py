"""What a person may do with a debit: settle it, let it be tried again, or withdraw it."""

from contextlib import closing

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.processes import this_process
from tests.conftest import Outcome
from tests.debits.conftest import Desk, Shop
from tests.fakes.fault_server import NEVER, answers, as_json

NO = answers(as_json({"statusCode": 400, "message": "no", "rsCode": "RS001"}, "400 No"))


def by_hand(shop: Shop, command: str, *more: str) -> Outcome:
    return shop.loyalty("journal", command, "r-1", "--why", "ticket 4711", "-o", "json", *more)


def planned(shop: Shop) -> Entry:
    """A debit that was written down, and not made for want of credit."""
    shop.bank.more = {"totalAssignedCredit": 0}
    assert shop.debit().code == 6
    shop.bank.more = {}
    return shop.entry()


def sending(shop: Shop, *, started: str) -> None:
    with closing(open_journal(str(shop.place))) as journal:
        desk = Desk(shop.bank, journal)
        desk.claimed(desk.order(), replace(this_process(), started=started))


def test_a_planned_debit_can_be_dropped_and_stays_on_record(shop: Shop) -> None:
    planned(shop)
    assert "not begun: 'C-1' has 0 CENTS available, less than 50." in shop.events()[-1].why
    for wrong in ([], ["--why", " "]):
        assert shop.loyalty("journal", "drop", "r-1", *wrong).code == 2
    assert shop.entry().state is State.PLANNED

    done = by_hand(shop, "drop")

    assert (done.code, done.record["state"]) == (0, "dropped")
    assert shop.events()[-1].why == "by hand: ticket 4711"
    again = shop.debit()
    assert (again.code, again.record["state"], again.record["replayed"]) == (6, "dropped", True)
    assert "was dropped: ticket 4711" in again.record["error"]["message"]
    assert shop.debit(amount=60).code == 6
    assert shop.bank.posts == []


def test_a_debit_that_was_not_applied_can_be_dropped(shop: Shop) -> None:
    shop.bank.debit = NEVER
    shop.debit()
    by_hand(shop, "resolve", "--not-applied")

    assert by_hand(shop, "drop").record["state"] == "dropped"


@pytest.mark.parametrize("state", ["confirmed", "refused", "unknown", "sending"])
def test_a_debit_that_was_or_may_have_been_made_is_not_dropped(state: str, shop: Shop) -> None:
    if state == "sending":
        sending(shop, started=this_process().started)
    else:
        if state != "confirmed":
            shop.bank.debit = NO if state == "refused" else NEVER
        shop.debit()
    assert shop.entry().state == state

    done = by_hand(shop, "drop")

    assert done.code == 6
    assert f"the debit 'r-1' is {state}, not planned." in done.err
    if state == "sending":
        assert by_hand(shop, "resolve", "--not-applied").code == 6
    assert shop.entry().state == state


@pytest.mark.parametrize("profile", ["shop", "another"], ids=["there", "gone"])
def test_a_debit_whose_process_is_gone_can_be_resolved_by_a_person(
    profile: str, shop: Shop
) -> None:
    sending(shop, started="0")
    shop.configure("shop", profile)

    done = by_hand(shop, "resolve", "--not-applied")

    assert (done.code, done.record["state"]) == (0, "not_applied")
    assert [event.after for event in shop.events()][-2:] == [State.UNKNOWN, State.NOT_APPLIED]
