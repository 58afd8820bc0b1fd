"""One debit after the other: which states follow which, what is the same debit, and who waits."""

import itertools
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits import send_once as debit_module
from loyalty_cli.debits.abandoned import mark_abandoned
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import (
    TRANSITIONS,
    Baseline,
    Change,
    Entry,
    Process,
    State,
)
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.uptime import Instant, instant_now
from loyalty_cli.debits.order import DebitOrder, platform_of
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.model.exit_codes import exit_code_of
from loyalty_cli.network.platform_client import DebitAnswer
from loyalty_cli.providers.contract import Answer, Request
from tests.debits.conftest import Desk, Opens, Shop
from tests.fakes.fault_server import (
    IdempotentBank,
    Post,
    answers,
    applies_and,
    as_json,
    honest,
    once_only,
)
from tests.fakes.servers import Wire, profile_at, reply

GONE = Process(host=this_process().host, pid=1, started="0", boot=this_process().boot)
ELSEWHERE = Process(host="another", pid=1, started="0", boot="x")
LOST = applies_and(lambda wire, _: wire.reset())
NOT_APPLIED = answers(b"")


def why(settled: DebitResult) -> ErrorCode | None:
    return settled.error.code if settled.error else None


def path(journal: Journal, entry: Entry) -> list[State]:
    return [event.after for event in journal.events(entry.key)]


# States.


def test_the_states_of_a_debit_that_is_made(desk: Desk) -> None:
    settled = desk.debit()

    assert path(desk.journal, settled.entry) == ["planned", "sending", "confirmed"]
    assert settled.entry.attempt == 1
    assert settled.entry.sender == this_process()
    had = Baseline(available="10000", earned="10000", redeemed="0", last_event=0)
    assert settled.entry.baseline == had
    assert settled.entry.balance_after == "9950"


def test_no_step_can_be_taken_that_is_not_one(desk: Desk) -> None:
    for before, after in itertools.product(State, State):
        if after not in TRANSITIONS[before]:
            entry = replace(desk.plan(desk.order()), state=before)
            with pytest.raises(AssertionError):
                desk.journal.change(entry, after, Change("a defect"))

    steps = {(before, after) for before in State for after in TRANSITIONS[before]}
    assert steps == {
        *(("planned", each) for each in ("sending", "dropped")),
        *(("sending", each) for each in ("confirmed", "refused", "not_applied")),
        *(("sending", each) for each in ("planned", "unknown")),
        *(("unknown", each) for each in ("confirmed", "not_applied")),
        *(("not_applied", each) for each in ("planned", "dropped")),
        ("refused", "not_applied"),
    }


def test_the_claim_is_in_the_journal_before_the_platform_sees_anything(
    desk: Desk, tmp_path: Path
) -> None:
    seen: list[State] = []

    def debit(wire: Wire, post: Post) -> None:
        another = Desk(desk.bank, open_journal(str(tmp_path / "journal.db")))
        seen.append(another.present().state)
        post.apply()
        wire.send(as_json(post.yes))

    desk.bank.debit = debit
    desk.debit()

    assert seen == [State.SENDING]


def test_too_little_credit_sends_and_claims_nothing(desk: Desk) -> None:
    settled = desk.debit(desk.order(amount=10_001))

    assert (why(settled), settled.entry.state) == (ErrorCode.REFUSED, State.PLANNED)
    assert desk.bank.posts == []
    assert path(desk.journal, settled.entry) == ["planned", "planned"]
    *_, last = desk.journal.events(settled.entry.key)
    assert last.why.startswith("not begun: 'C-1' has 10000 CENTS available")


def test_all_there_is_can_be_taken(desk: Desk) -> None:
    assert desk.debit(desk.order(amount=10_000)).entry.state is State.CONFIRMED


def test_a_unit_that_the_account_does_not_have_is_not_sent(desk: Desk) -> None:
    settled = desk.debit(replace(desk.order(), unit="cents"))

    assert settled.error is not None
    assert settled.error.code is ErrorCode.REFUSED
    assert settled.error.hint == (
        "It has: CENTS. Nothing was sent. For another unit the debit needs another reference."
    )
    assert desk.bank.posts == []


def test_a_balance_that_does_not_say_what_is_there_is_not_debited(desk: Desk) -> None:
    desk.bank.more = {"totalRedeemedCredit": None}

    assert why(desk.debit()) is ErrorCode.REFUSED
    assert desk.bank.posts == []


def test_a_balance_that_cannot_be_read_leaves_it_planned(desk: Desk) -> None:
    def broken(wire: Wire) -> bool:
        wire.send(reply(b"<html>"))
        return True

    desk.bank.on_read = broken

    settled = desk.debit()

    assert (why(settled), settled.entry.state) == (ErrorCode.BAD_RESPONSE, State.PLANNED)


# The same debit, asked for again.


def test_the_same_reference_gives_the_recorded_outcome_and_sends_nothing(shop: Shop) -> None:
    first = shop.debit()
    again = shop.debit()

    assert (first.code, again.code) == (0, 0)
    assert again.record == first.record | {"replayed": True}
    assert (len(shop.bank.posts), shop.bank.reads) == (1, 1)


@pytest.mark.parametrize(
    "other", [{"amount": 51}, {"customer": "C-2"}, {"unit": "points"}], ids=str
)
def test_the_same_reference_for_another_debit_is_refused(other: dict[str, Any], shop: Shop) -> None:
    shop.debit()
    unit = [f"--unit={other.pop('unit')}"] if "unit" in other else []

    done = shop.debit(*unit, **other)

    assert done.code == 6
    assert "'r-1'" in done.err
    assert len(shop.bank.posts) == 1
    assert shop.bank.taken() == 50


SPELLINGS = [
    ("https://Bank.example", "https://bank.example:443/"),
    ("https://bank.example.", "https://bank.example"),
    ("https://bank.example/a%7eb/", "https://bank.example/a~b"),
    ("https://bank.example/%c3%a4", "https://bank.example/%C3%A4"),
    ("https://[::1]", "https://[0:0:0:0:0:0:0:1]:443"),
    ("http://localhost", "http://localhost:80"),
]
OTHERS = [
    ("https://bank.example", "https://bank.example:444"),
    ("https://bank.example", "https://bank.example/a"),
    ("https://bank.example/a/b", "https://bank.example/a%2Fb"),
    ("https://bank.example/A", "https://bank.example/a"),
    ("https://bank.example", "https://bank2.example"),
]


def platform(url: str, tenant: str = "acme", name: str = "card") -> str:
    return platform_of(profile_at(url, "saasquatch", settings={"tenant": tenant}, name=name))


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_an_address_is_the_same_however_it_is_spelt(one: str, other: str) -> None:
    assert platform(one, name="one") == platform(other, name="other")


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_address_is_another_account(one: str, other: str) -> None:
    assert platform(one) != platform(other)


def test_another_tenant_is_another_account() -> None:
    assert platform("https://bank.example", "a") != platform("https://bank.example", "b")


def test_another_name_of_the_profile_is_the_same_debit(desk: Desk) -> None:
    desk.debit()
    other = Desk(desk.bank, desk.journal, url=f"{desk.bank.url}/", name="renamed")

    assert other.debit().replayed
    assert len(desk.bank.posts) == 1


def test_at_another_tenant_it_is_another_debit(desk: Desk) -> None:
    desk.debit()

    other = Desk(desk.bank, desk.journal, settings={"tenant": "other"})

    assert not other.debit().replayed
    assert len(desk.bank.posts) == 2


def test_an_unknown_debit_is_never_sent_again(desk: Desk) -> None:
    desk.bank.debit = LOST

    for _ in range(3):
        settled = desk.debit()

    assert (settled.entry.state, settled.replayed) == (State.UNKNOWN, True)
    assert (len(desk.bank.posts), desk.bank.taken()) == (1, 50)


def test_after_not_applied_the_same_reference_is_a_second_attempt(desk: Desk) -> None:
    desk.bank.debit = NOT_APPLIED
    unknown = desk.debit().entry
    desk.journal.change(unknown, State.NOT_APPLIED, Change("the bank says so"))
    desk.bank.debit = applies_and(lambda wire, post: wire.send(as_json(post.yes)))

    settled = desk.debit()

    assert (settled.entry.state, settled.entry.attempt) == (State.CONFIRMED, 2)
    assert (len(desk.bank.posts), desk.bank.taken()) == (2, 50)
    assert path(desk.journal, settled.entry) == [
        *("planned", "sending", "unknown", "not_applied"),
        *("planned", "sending", "confirmed"),
    ]


# One open debit for each account.


def test_an_account_with_an_open_debit_is_busy_for_others(desk: Desk, tmp_path: Path) -> None:
    desk.bank.debit = LOST
    desk.debit()
    another = Desk(desk.bank, open_journal(str(tmp_path / "journal.db")))

    busy = another.debit(another.order("r-2"))
    free = another.debit(another.order("r-3", customer="C-2"))

    assert (why(busy), busy.entry.state) == (ErrorCode.ACCOUNT_BUSY, State.PLANNED)
    assert exit_code_of(ErrorCode.ACCOUNT_BUSY) == 6
    assert free.entry.state is State.UNKNOWN
    assert len(desk.bank.posts) == 2


def test_an_account_that_another_process_is_debiting_is_waited_for(
    desk: Desk, tmp_path: Path
) -> None:
    """Two who share a file share its accounts, too: neither fails for the other."""
    arrived, go_on = Event(), Event()

    def debit(wire: Wire, post: Post) -> None:
        if not arrived.is_set():
            arrived.set()
            assert go_on.wait(30)
        honest(wire, post)

    desk.bank.debit = debit
    another = Desk(desk.bank, open_journal(str(tmp_path / "journal.db")))
    first = Thread(target=desk.debit)
    first.start()
    assert arrived.wait(30)
    second: list[DebitResult] = []
    waiting = Thread(target=lambda: second.append(another.debit(another.order("r-2"))))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()

    go_on.set()
    first.join()
    waiting.join()

    assert [each.entry.state for each in second] == [State.CONFIRMED]
    assert len(desk.bank.posts) == 2


def test_a_busy_account_is_free_once_the_open_debit_is_settled(desk: Desk) -> None:
    desk.bank.debit = NOT_APPLIED
    unknown = desk.debit().entry
    desk.journal.change(unknown, State.NOT_APPLIED, Change("the bank says so"))
    desk.bank.debit = applies_and(lambda wire, post: wire.send(as_json(post.yes)))

    assert desk.debit(desk.order("r-2")).entry.state is State.CONFIRMED
    assert desk.debit().entry.state is State.CONFIRMED
    assert desk.bank.taken() == 100


# A debit that somebody is sending.


def sending(desk: Desk, sender: Process) -> Entry:
    claimed = desk.journal.claim(desk.plan(desk.order()), sender, Baseline(redeemed="0"))
    assert claimed is not None
    return claimed


def test_one_whose_process_is_gone_becomes_unknown_and_is_not_sent(desk: Desk) -> None:
    sending(desk, GONE)

    settled = desk.debit()

    assert (settled.entry.state, why(settled)) == (State.UNKNOWN, ErrorCode.OUTCOME_UNKNOWN)
    assert desk.bank.posts == []


def test_one_whose_process_lives_is_waited_for_and_not_touched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = sending(desk, this_process())
    monkeypatch.setattr(debit_module, "POLL_SECONDS", 0.01)
    seconds = itertools.count(step=5.0)

    settled = desk.debit(clock=lambda: Instant("boot", next(seconds)))

    assert settled.entry == claimed
    assert (settled.replayed, why(settled)) == (True, ErrorCode.OUTCOME_UNKNOWN)
    assert desk.bank.posts == []


@pytest.mark.parametrize("outcome", [State.CONFIRMED, State.REFUSED, State.UNKNOWN])
def test_what_comes_of_it_meanwhile_is_the_outcome(
    outcome: State, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = sending(desk, this_process())
    monkeypatch.setattr(
        "time.sleep", lambda _: desk.journal.change(claimed, outcome, Change("done"))
    )

    settled = desk.debit()

    assert (settled.entry.state, settled.replayed) == (outcome, True)
    assert desk.bank.posts == []


def test_one_that_the_other_did_not_send_after_all_is_not_taken_for_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = sending(desk, this_process())
    monkeypatch.setattr(
        "time.sleep",
        lambda _: desk.journal.change(claimed, State.PLANNED, Change("not sent")),
    )

    settled = desk.debit()

    assert settled.entry.state is State.PLANNED
    assert settled.error is not None
    assert exit_code_of(settled.error.code) == 7


def test_of_two_who_want_the_same_debit_one_sends_it(desk: Desk, tmp_path: Path) -> None:
    order = desk.order()
    entry = desk.plan(order)
    others = [Desk(desk.bank, open_journal(str(tmp_path / "journal.db"))) for _ in range(4)]
    settled: list[DebitResult] = []
    threads = [
        Thread(target=lambda each=each: settled.append(each.debits().run(order, entry)))
        for each in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [each.entry.state for each in settled] == [State.CONFIRMED] * 4
    assert [each.replayed for each in settled].count(False) == 1
    assert (len(desk.bank.posts), desk.bank.taken()) == (1, 50)


def test_another_host_s_is_left_alone_until_its_time_is_over(desk: Desk) -> None:
    desk = Desk(desk.bank, desk.journal, settle=100.0, timeout=10.0)
    claimed = sending(desk, ELSEWHERE)
    began = instant_now()

    def at(seconds: float) -> State:
        now = replace(began, seconds=began.seconds + seconds)
        return mark_abandoned(desk.journal, claimed, desk.profile, now).state

    assert at(100) is State.SENDING
    assert at(114) is State.SENDING  # 5 for the claim, 10 for the call, 100 to settle
    assert at(116) is State.UNKNOWN


def test_another_host_s_clock_says_nothing_here(desk: Desk) -> None:
    desk = Desk(desk.bank, desk.journal, settle=100.0, timeout=10.0)
    claimed = sending(desk, ELSEWHERE)

    def at(seconds: float) -> State:
        return mark_abandoned(desk.journal, claimed, desk.profile, Instant("here", seconds)).state

    assert at(1_000_000) is State.SENDING  # seen from here for the first time
    assert at(1_000_115) is State.SENDING
    assert at(1_000_116) is State.UNKNOWN


# An answer that comes after somebody else had given the debit up.


class Late:
    """A platform whose answer comes after `meanwhile` has happened."""

    def __init__(self, meanwhile: Callable[[], object], body: bytes, status: int = 200) -> None:
        self.answer = DebitAnswer(Answer(status, {}, body), str)
        self.meanwhile = meanwhile

    def __call__(
        self, profile: Profile, request: Request, before_first_byte: Callable[[], None]
    ) -> DebitAnswer:
        del profile, request
        before_first_byte()
        self.meanwhile()
        return self.answer


YES = b'{"creditRedeemed": 50, "creditAvailable": 1, "unit": "CENTS"}'
NO = b'{"statusCode": 400, "message": "no"}'


@pytest.fixture
def late(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DebitResult]:
    def run(body: bytes, status: int, *states: State) -> DebitResult:
        def meanwhile() -> None:
            for state in states:
                present = desk.present()
                if state is State.SENDING:
                    assert desk.journal.claim(present, ELSEWHERE, Baseline(redeemed="0"))
                else:
                    assert desk.journal.change(present, state, Change("meanwhile"))

        monkeypatch.setattr(desk.platforms, "debit", Late(meanwhile, body, status))
        return desk.debit()

    return run


def test_a_late_yes_confirms_what_was_unknown(late: Callable[..., DebitResult]) -> None:
    settled = late(YES, 200, State.UNKNOWN)

    assert (settled.entry.state, settled.error) == (State.CONFIRMED, None)


def test_a_late_no_settles_what_was_unknown(late: Callable[..., DebitResult]) -> None:
    settled = late(NO, 400, State.UNKNOWN)

    assert (settled.entry.state, why(settled)) == (State.NOT_APPLIED, ErrorCode.REFUSED)


@pytest.mark.parametrize(("body", "status"), [(YES, 200), (NO, 400)])
def test_a_late_answer_says_nothing_of_a_later_attempt(
    body: bytes, status: int, late: Callable[..., DebitResult], desk: Desk
) -> None:
    again = (State.UNKNOWN, State.NOT_APPLIED, State.PLANNED, State.SENDING, State.UNKNOWN)

    settled = late(body, status, *again)

    assert (settled.entry.state, settled.entry.attempt) == (State.UNKNOWN, 2)
    assert settled.error is not None
    *_, last = desk.journal.events(settled.entry.key)
    assert last.why.startswith("attempt 1 turned out ")
    assert (status == 200) == (why(settled) is ErrorCode.OUTCOME_UNKNOWN)


def test_a_late_yes_to_what_was_held_for_not_applied_is_said_loudly(
    late: Callable[..., DebitResult], desk: Desk
) -> None:
    settled = late(YES, 200, State.UNKNOWN, State.NOT_APPLIED)

    assert (settled.entry.state, why(settled)) == (State.NOT_APPLIED, ErrorCode.OUTCOME_UNKNOWN)
    *_, last = desk.journal.events(settled.entry.key)
    assert '"creditRedeemed": 50' in last.why


def test_a_process_that_wakes_up_proves_that_it_did_not_send(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asleep(_: Profile, __: Request, before_first_byte: Callable[[], None]) -> None:
        before_first_byte()
        assert desk.journal.change(desk.present(), State.UNKNOWN, Change("gone"))
        raise NotSentError(ErrorCode.TIMED_OUT, "held up")

    monkeypatch.setattr(desk.platforms, "debit", asleep)

    settled = desk.debit()

    assert (settled.entry.state, why(settled)) == (State.NOT_APPLIED, ErrorCode.TIMED_OUT)


def test_a_process_that_wakes_up_tells_what_another_made_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asleep(_: Profile, __: Request, before_first_byte: Callable[[], None]) -> None:
        before_first_byte()
        for state in (State.UNKNOWN, State.NOT_APPLIED, State.PLANNED):
            assert desk.journal.change(desk.present(), state, Change("meanwhile"))
        assert desk.journal.claim(desk.present(), ELSEWHERE, Baseline(redeemed="0"))
        assert desk.journal.change(desk.present(), State.CONFIRMED, Change("made"))
        raise NotSentError(ErrorCode.TIMED_OUT, "held up")

    monkeypatch.setattr(desk.platforms, "debit", asleep)

    settled = desk.debit()

    assert (settled.entry.state, settled.replayed, settled.error) == (State.CONFIRMED, True, None)


# Gameball, which makes a transaction id but once.


@pytest.fixture
def points(opens: Opens) -> Shop:
    shop = opens(IdempotentBank)
    shop.bank.debit = once_only
    return shop


def test_gameball_is_sent_again_under_the_same_id_and_9004_confirms(points: Shop) -> None:
    points.bank.debit = LOST
    assert points.debit().code == 8
    points.bank.debit = once_only

    done = points.debit()

    assert (done.code, done.record["state"], done.record["attempt"]) == (0, "confirmed", 1)
    assert [post.order["transactionId"] for post in points.bank.posts] == ["r-1", "r-1"]
    assert points.bank.taken() == 50
    assert "9004" in points.events()[-1].why


def test_gameball_is_sent_again_and_a_200_confirms(points: Shop) -> None:
    points.bank.debit = NOT_APPLIED
    assert points.debit().code == 8
    points.bank.debit = once_only

    assert (points.debit().code, points.bank.taken()) == (0, 50)


@pytest.mark.parametrize(
    "again",
    [
        as_json({"code": 9008, "message": "too few"}, "422 No"),
        as_json({"code": 1001, "message": "sign in"}, "401 No"),
        as_json({"code": 9004, "msg": "not its words"}, "422 No"),
        as_json({}, "500 No"),
        reply(b"<html>", "403 No"),
        b"",
    ],
)
def test_gameball_stays_unknown_after_any_other_answer(again: bytes, points: Shop) -> None:
    points.bank.debit = LOST
    points.debit()
    points.bank.debit = answers(again)

    done = points.debit()

    assert (done.code, done.record["state"]) == (8, "unknown")
    assert points.events()[-1].why.startswith("sent again: ")


def test_gameball_is_sent_again_by_reconcile(points: Shop) -> None:
    points.bank.debit = LOST
    points.debit()
    points.bank.debit = once_only

    done = points.loyalty("journal", "reconcile", "-o", "json")

    assert (done.code, done.record["state"]) == (0, "confirmed")
    assert points.bank.taken() == 50


def test_gameball_is_not_sent_again_through_another_profile(journal: Journal) -> None:
    with IdempotentBank(LOST) as bank, IdempotentBank(once_only) as other:
        Desk(bank, journal).debit()
        stranger = Desk(bank, journal, name="another-shop")

        settled = stranger.debit()

        assert (settled.entry.state, why(settled)) == (State.UNKNOWN, ErrorCode.OUTCOME_UNKNOWN)
        assert (len(bank.posts), len(other.posts)) == (1, 0)


def test_gameball_s_9004_after_a_wrong_not_applied_shows_that_it_was(journal: Journal) -> None:
    with IdempotentBank(LOST) as bank:
        desk = Desk(bank, journal)
        unknown = desk.debit().entry
        journal.change(unknown, State.NOT_APPLIED, Change("by hand, and wrong"))
        bank.debit = once_only

        settled = desk.debit()

        assert (settled.entry.state, settled.error) == (State.CONFIRMED, None)
        assert bank.taken() == 50


DUPLICATE = {"code": 9004, "type": "DUPLICATE", "message": "Duplicate transactionId"}


@pytest.mark.parametrize("status", [200, 400, 409, 422, 500])
def test_gameball_s_9004_to_the_first_attempt_proves_nothing(status: int, points: Shop) -> None:
    points.bank.debit = answers(as_json(DUPLICATE, f"{status} Hm"))

    done = points.debit()

    assert (done.code, done.record["state"]) == (8, "unknown")
    error = done.record["error"]
    assert (error["code"], error["provider_code"]) == ("outcome_unknown", "9004")
    assert "Gameball had a transaction 'r-1' before this debit was sent" in error["message"]
    assert "Look there." in error["hint"]
    assert "`loyalty journal resolve --confirmed`" in error["hint"]


def test_nothing_but_a_person_settles_a_debit_whose_id_was_in_use(points: Shop) -> None:
    points.bank.ids.add("r-1")  # type: ignore[attr-defined]  # it is an IdempotentBank
    assert points.debit().code == 8

    for _ in range(2):
        settled = points.loyalty("journal", "reconcile", "-o", "json")
        again = points.debit()
        assert (settled.code, settled.record["state"]) == (8, "unknown")
        assert (again.code, again.record["state"], again.record["replayed"]) == (8, "unknown", True)
        assert "journal resolve" in again.record["error"]["hint"]
    assert (len(points.bank.posts), points.bank.taken()) == (1, 0)
    done = points.loyalty("journal", "resolve", "r-1", "--confirmed", "--why", "it is this one")
    assert (done.code, points.entry().state) == (0, State.CONFIRMED)


def test_an_id_that_was_in_use_proves_nothing_to_a_later_attempt_either(points: Shop) -> None:
    points.bank.ids.add("r-1")  # type: ignore[attr-defined]  # it is an IdempotentBank
    points.debit()
    points.loyalty("journal", "resolve", "r-1", "--not-applied", "--why", "of another shop")

    done = points.debit()

    assert (done.code, done.record["state"], done.record["attempt"]) == (8, "unknown", 2)
    points.bank.debit = answers(b"")
    points.loyalty("journal", "resolve", "r-1", "--not-applied", "--why", "of another shop")
    lost = points.debit()
    points.bank.debit = once_only
    assert (lost.code, points.debit().code, points.bank.taken()) == (8, 8, 0)


@pytest.mark.parametrize("code", [1001, 2001])
def test_gameball_s_9004_proves_nothing_where_it_had_said_no_before(
    code: int, points: Shop
) -> None:
    points.bank.debit = answers(as_json({"code": code, "message": "No."}, "422 No"))
    assert points.debit().record["state"] == "not_applied"
    points.bank.debit = answers(as_json(DUPLICATE, "422 No"))

    done = points.debit()

    assert (done.code, done.record["state"], done.record["attempt"]) == (8, "unknown", 2)


def test_gameball_s_9004_confirms_an_attempt_that_was_lost_after_one_that_it_had_refused(
    points: Shop,
) -> None:
    points.bank.debit = answers(as_json({"code": 2001, "message": "No."}, "422 No"))
    points.debit()
    points.bank.debit = LOST
    assert points.debit().code == 8
    points.bank.debit = once_only

    done = points.debit()

    assert (done.code, done.record["state"], points.bank.taken()) == (0, "confirmed", 50)


# A journal that fails.


def failing(journal: Journal, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise JournalError(ErrorCode.SETUP, "the journal failed: disk I/O error.")

    monkeypatch.setattr(journal, method, fail)


def test_a_journal_that_fails_at_the_claim_sends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(desk.journal, monkeypatch, "claim")

    with pytest.raises(JournalError) as caught:
        desk.debit()

    assert exit_code_of(caught.value.code) == 3
    assert desk.bank.posts == []
    assert desk.present().state is State.PLANNED


def test_a_journal_that_fails_with_the_result_stays_sending_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(desk.journal, monkeypatch, "change")

    with pytest.raises(JournalError) as caught:
        desk.debit()

    assert exit_code_of(caught.value.code) == 8
    assert "'r-1' was sent (confirmed)" in caught.value.message
    assert desk.present().state is State.SENDING
    assert (len(desk.bank.posts), desk.bank.taken()) == (1, 50)


def test_where_credentials_are_gone_nothing_is_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise LoyaltyError(ErrorCode.CREDENTIAL_MISSING, "no key")

    look = DebitSender.account_balance

    def then_gone(debits: DebitSender, order: DebitOrder) -> Any:
        seen = look(debits, order)
        monkeypatch.setattr(desk.platforms, "_credentials_of", gone)
        return seen

    monkeypatch.setattr(DebitSender, "account_balance", then_gone)

    settled = desk.debit()

    assert (settled.entry.state, why(settled)) == (State.PLANNED, ErrorCode.CREDENTIAL_MISSING)
    assert desk.bank.posts == []


# What fails before anything is sent.


def test_a_provider_that_fails_to_make_its_request_leaves_it_planned_with_the_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Request:
        raise KeyError("customer")

    monkeypatch.setattr(type(desk.profile.provider), "debit_request", broken)

    settled = desk.debit()

    assert (settled.entry.state, settled.entry.attempt) == (State.PLANNED, 0)
    assert why(settled) is ErrorCode.SETUP
    *_, last = desk.journal.events(settled.entry.key)
    assert "the provider 'saasquatch' has a defect: KeyError" in last.why
    assert (desk.bank.reads, desk.bank.posts) == (0, [])


def test_a_busy_account_is_waited_for_once_in_a_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending(desk, this_process())
    waited = itertools.count()
    monkeypatch.setattr("time.sleep", lambda _: next(waited))
    seconds = itertools.count(step=1.0)
    debits = desk.debits(clock=lambda: Instant("boot", next(seconds)))
    orders = [desk.order(f"other-{number}") for number in range(5)]

    settled = [debits.run(order, desk.plan(order)) for order in orders]

    assert [why(each) for each in settled] == [ErrorCode.ACCOUNT_BUSY] * 5
    assert 1 <= next(waited) <= desk.profile.timeout
