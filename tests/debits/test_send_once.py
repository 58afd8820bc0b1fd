"""One debit after the other: which states follow which, what is the same debit, and who waits."""

import itertools
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits import send_once as debit_module
from loyalty_cli.debits.abandoned import mark_abandoned
from loyalty_cli.debits.journal.entries import (
    TRANSITIONS,
    Baseline,
    Change,
    Entry,
    Process,
    State,
)
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
from tests.debits.conftest import CliWith, CommandLine, DebitMaker
from tests.fakes.faulty_platform import (
    LOST,
    NEVER,
    IdempotentPlatform,
    Post,
    answers,
    as_json,
    honest,
    once_only,
)
from tests.fakes.servers import Wire, profile_at, reply

GONE = replace(this_process(), started="0")
ELSEWHERE = Process(host="another", pid=1, started="0", boot="x")


def why(settled: DebitResult) -> ErrorCode | None:
    return settled.error.code if settled.error else None


def path(journal: Journal, entry: Entry) -> list[State]:
    return [event.after for event in journal.events(entry.key)]


# States.


def test_a_debit_that_is_made_goes_through_planned_sending_and_confirmed(maker: DebitMaker) -> None:
    seen: list[State] = []

    def debit(wire: Wire, post: Post) -> None:
        seen.append(maker.another().present().state)
        honest(wire, post)

    maker.platform.debit = debit
    settled = maker.debit()

    assert seen == [State.SENDING]  # before the platform saw anything
    assert path(maker.journal, settled.entry) == ["planned", "sending", "confirmed"]
    assert settled.entry.attempt == 1
    assert settled.entry.sender == this_process()
    had = Baseline(available="10000", earned="10000", redeemed="0", last_event=0)
    assert settled.entry.baseline == had
    assert settled.entry.balance_after == "9950"


def test_the_steps_between_states_are_those_of_the_rules() -> None:
    steps = {(before, after) for before in State for after in TRANSITIONS[before]}
    assert steps == {
        *(("planned", each) for each in ("sending", "dropped")),
        *(("sending", each) for each in ("confirmed", "refused", "not_applied")),
        *(("sending", each) for each in ("planned", "unknown")),
        *(("unknown", each) for each in ("confirmed", "not_applied")),
        *(("not_applied", each) for each in ("planned", "dropped")),
        ("refused", "not_applied"),
    }


def test_too_little_credit_leaves_a_debit_planned_and_just_enough_makes_it(
    maker: DebitMaker,
) -> None:
    settled = maker.debit(maker.order(amount=10_001))

    assert (why(settled), settled.entry.state) == (ErrorCode.REFUSED, State.PLANNED)
    assert maker.platform.posts == []
    assert path(maker.journal, settled.entry) == ["planned", "planned"]
    *_, last = maker.journal.events(settled.entry.key)
    assert last.why.startswith("not begun: 'C-1' has 10000 CENTS available")
    assert maker.debit(maker.order("r-2", amount=10_000)).entry.state is State.CONFIRMED


def test_a_debit_in_a_unit_that_the_account_lacks_is_not_sent(maker: DebitMaker) -> None:
    settled = maker.debit(replace(maker.order(), unit="cents"))

    assert settled.error is not None
    assert settled.error.code is ErrorCode.REFUSED
    assert settled.error.hint == (
        "Nothing was sent. Add `--unit CENTS`, and a new --reference if you gave one."
    )
    assert maker.platform.posts == []


def test_a_balance_without_an_available_amount_is_not_debited(maker: DebitMaker) -> None:
    maker.platform.more = {"totalRedeemedCredit": None}

    settled = maker.debit()

    assert settled.error is not None
    assert settled.error.code is ErrorCode.REFUSED
    assert settled.error.message == (
        "the platform does not say how many CENTS 'C-1' has available."
    )
    assert maker.platform.posts == []


def test_a_balance_that_cannot_be_read_leaves_a_debit_planned(maker: DebitMaker) -> None:
    def broken(wire: Wire) -> bool:
        wire.send(reply(b"<html>"))
        return True

    maker.platform.on_read = broken
    settled = maker.debit()
    maker.platform.on_read = lambda _: False

    assert (why(settled), settled.entry.state) == (ErrorCode.BAD_RESPONSE, State.PLANNED)
    assert maker.debit().entry.state is State.CONFIRMED


# The same debit, asked for again.


def platform_key(url: str, tenant: str = "acme", name: str = "card") -> str:
    return platform_of(profile_at(url, "saasquatch", settings={"tenant": tenant}, name=name))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://Bank.example", "https://bank.example:443/"),
        ("https://bank.example.", "https://bank.example"),
        ("https://bank.example/a%7eb/", "https://bank.example/a~b"),
        ("https://bank.example/%c3%a4", "https://bank.example/%C3%A4"),
        ("https://[::1]", "https://[0:0:0:0:0:0:0:1]:443"),
        ("http://localhost", "http://localhost:80"),
    ],
)
def test_a_platforms_address_is_the_same_in_every_spelling(one: str, other: str) -> None:
    assert platform_key(one, name="one") == platform_key(other, name="other")


@pytest.mark.parametrize(
    "other",
    [
        platform_key("https://bank.example:444/a/b"),
        platform_key("https://bank.example/a"),
        platform_key("https://bank.example/a%2Fb"),
        platform_key("https://bank.example/A/b"),
        platform_key("https://bank2.example/a/b"),
        platform_key("https://bank.example/a/b", "other"),
    ],
)
def test_another_address_or_tenant_is_another_account(other: str) -> None:
    assert other != platform_key("https://bank.example/a/b")


def test_a_renamed_profile_has_the_same_debits_and_another_tenant_has_not(
    maker: DebitMaker,
) -> None:
    maker.debit()
    renamed = DebitMaker(
        maker.platform, maker.journal, url=f"{maker.platform.url}/", name="renamed"
    )
    other = DebitMaker(maker.platform, maker.journal, settings={"tenant": "other"})

    assert [each.debit().replayed for each in (renamed, other)] == [True, False]
    assert len(maker.platform.posts) == 2


def test_after_not_applied_a_debit_is_made_by_a_second_attempt(
    maker: DebitMaker,
) -> None:
    maker.platform.debit = NEVER
    unknown = maker.debit().entry
    maker.journal.change(unknown, State.NOT_APPLIED, Change("the platform says so"))
    maker.platform.debit = honest

    other, settled = maker.debit(maker.order("r-2")), maker.debit()

    assert other.entry.state is State.CONFIRMED
    assert (settled.entry.state, settled.entry.attempt) == (State.CONFIRMED, 2)
    assert (len(maker.platform.posts), maker.platform.taken()) == (3, 100)
    assert path(maker.journal, settled.entry) == [
        *("planned", "sending", "unknown", "not_applied"),
        *("planned", "sending", "confirmed"),
    ]


# One open debit for each account.


def test_an_account_with_an_open_debit_is_busy_for_other_debits(maker: DebitMaker) -> None:
    maker.platform.debit = LOST
    maker.debit()
    another = maker.another()

    busy = another.debit(another.order("r-2"))
    free = another.debit(another.order("r-3", customer="C-2"))

    assert (why(busy), busy.entry.state) == (ErrorCode.ACCOUNT_BUSY, State.PLANNED)
    assert exit_code_of(ErrorCode.ACCOUNT_BUSY) == 6
    assert free.entry.state is State.UNKNOWN
    assert len(maker.platform.posts) == 2


def test_an_account_that_another_process_is_debiting_is_waited_for(maker: DebitMaker) -> None:
    """Two who share a file share its accounts, too: neither fails for the other."""
    arrived, go_on = Event(), Event()

    def debit(wire: Wire, post: Post) -> None:
        if not arrived.is_set():
            arrived.set()
            assert go_on.wait(30)
        honest(wire, post)

    maker.platform.debit = debit
    another = maker.another()
    first = Thread(target=maker.debit)
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
    assert len(maker.platform.posts) == 2


def test_a_busy_account_is_waited_for_once_in_a_run(
    maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker.claimed(maker.order(), this_process())
    waited = itertools.count()
    monkeypatch.setattr("time.sleep", lambda _: next(waited))
    seconds = itertools.count(step=1.0)
    debits = maker.debits(clock=lambda: Instant("boot", next(seconds)))
    orders = [maker.order(f"other-{number}") for number in range(5)]

    settled = [debits.run(order, maker.plan(order)) for order in orders]

    assert [why(each) for each in settled] == [ErrorCode.ACCOUNT_BUSY] * 5
    assert 1 <= next(waited) <= maker.profile.timeout


# A debit that somebody is sending.


def test_a_debit_whose_process_is_gone_becomes_unknown_and_is_not_sent(maker: DebitMaker) -> None:
    maker.claimed(maker.order(), GONE)

    settled = maker.debit()

    assert (settled.entry.state, why(settled)) == (State.UNKNOWN, ErrorCode.OUTCOME_UNKNOWN)
    assert maker.platform.posts == []


def test_a_debit_that_a_living_process_sends_is_waited_for_and_left_alone(
    maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = maker.claimed(maker.order(), this_process())
    monkeypatch.setattr(debit_module, "POLL_SECONDS", 0.01)
    seconds = itertools.count(step=5.0)

    settled = maker.debit(clock=lambda: Instant("boot", next(seconds)))

    assert settled.entry == claimed
    assert (settled.replayed, why(settled)) == (True, ErrorCode.OUTCOME_UNKNOWN)
    assert maker.platform.posts == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (State.CONFIRMED, None),
        (State.REFUSED, None),
        (State.UNKNOWN, None),
        (State.PLANNED, ErrorCode.UNREACHABLE),  # it was not sent, so it is not taken for made
    ],
)
def test_the_outcome_that_another_process_records_meanwhile_is_given(
    outcome: State, code: ErrorCode | None, maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = maker.claimed(maker.order(), this_process())
    monkeypatch.setattr(
        "time.sleep", lambda _: maker.journal.change(claimed, outcome, Change("done"))
    )

    settled = maker.debit()

    assert (settled.entry.state, settled.replayed, why(settled)) == (outcome, code is None, code)
    assert maker.platform.posts == []


def test_of_two_processes_with_the_same_debit_one_sends_it(maker: DebitMaker) -> None:
    order = maker.order()
    entry = maker.plan(order)
    others = [maker.another() for _ in range(4)]
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
    assert (len(maker.platform.posts), maker.platform.taken()) == (1, 50)


@pytest.mark.parametrize("clock", ["the same", "another"])
def test_a_debit_of_another_host_is_left_alone_until_its_time_is_over(
    clock: str, maker: DebitMaker
) -> None:
    maker = DebitMaker(maker.platform, maker.journal, settle=100.0, timeout=12.0)
    claimed = maker.claimed(maker.order(), ELSEWHERE)
    began = instant_now() if clock == "the same" else Instant("here", 1_000_000)

    def at(seconds: float, profile: Profile | None = maker.profile) -> State:
        now = replace(began, seconds=began.seconds + seconds)
        return mark_abandoned(maker.journal, claimed, profile, now).state

    assert at(0) is State.SENDING  # by another clock: seen from here for the first time
    assert at(116) is State.SENDING  # 5 for the claim, 12 for the call, 100 to settle
    assert at(914, None) is State.SENDING  # its profile is gone: 900 to settle, as is usual
    assert at(118) is State.UNKNOWN


# An answer that comes after somebody else had given the debit up.


Meanwhile = Callable[..., DebitResult]


@pytest.fixture
def meanwhile(maker: DebitMaker, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Make a debit that others bring to these states between its claim and its answer."""

    def run(answer: Answer | NotSentError, *states: State) -> DebitResult:
        def debit(_: Profile, __: Request, before_first_byte: Callable[[], None]) -> DebitAnswer:
            before_first_byte()
            for state in states:
                present = maker.present()
                if state is State.SENDING:
                    assert maker.journal.claim(present, ELSEWHERE, Baseline(redeemed="0"))
                else:
                    assert maker.journal.change(present, state, Change("meanwhile"))
            if isinstance(answer, NotSentError):
                raise answer
            return DebitAnswer(answer, str)

        monkeypatch.setattr(maker.client, "debit", debit)
        return maker.debit()

    return run


YES = Answer(200, {}, b'{"creditRedeemed": 50, "creditAvailable": 1, "unit": "CENTS"}')
NO = Answer(400, {}, b'{"statusCode": 400, "message": "no"}')
ASLEEP = NotSentError(ErrorCode.TIMED_OUT, "held up")
AGAIN = (State.UNKNOWN, State.NOT_APPLIED, State.PLANNED, State.SENDING)


@pytest.mark.parametrize(
    ("answer", "states", "end"),
    [
        (YES, [State.UNKNOWN], (State.CONFIRMED, None)),
        (NO, [State.UNKNOWN], (State.NOT_APPLIED, ErrorCode.REFUSED)),
        (YES, [State.UNKNOWN, State.NOT_APPLIED], (State.NOT_APPLIED, ErrorCode.OUTCOME_UNKNOWN)),
        (ASLEEP, [State.UNKNOWN], (State.NOT_APPLIED, ErrorCode.TIMED_OUT)),
        (ASLEEP, [*AGAIN, State.CONFIRMED], (State.CONFIRMED, None)),
    ],
    ids=[
        "a late yes confirms it",
        "a late no settles it",
        "a late yes to what was held for not applied is said loudly",
        "one that wakes up proves that it did not send",
        "one that wakes up tells what another made of it",
    ],
)
def test_a_late_end_of_an_abandoned_attempt_is_taken_into_account(
    answer: Answer | NotSentError,
    states: list[State],
    end: tuple[State, ErrorCode | None],
    meanwhile: Meanwhile,
    maker: DebitMaker,
) -> None:
    settled = meanwhile(answer, *states)

    assert (settled.entry.state, why(settled)) == end
    assert settled.replayed == (answer is ASLEEP and settled.entry.state is State.CONFIRMED)
    if answer is YES:
        assert '"creditRedeemed": 50' in maker.journal.events(settled.entry.key)[-1].why


@pytest.mark.parametrize(
    ("answer", "code"),
    [(YES, ErrorCode.OUTCOME_UNKNOWN), (NO, ErrorCode.REFUSED)],
    ids=["yes", "no"],
)
def test_a_late_answer_to_one_attempt_proves_nothing_about_a_later_one(
    answer: Answer, code: ErrorCode, meanwhile: Meanwhile, maker: DebitMaker
) -> None:
    settled = meanwhile(answer, *AGAIN, State.UNKNOWN)

    assert (settled.entry.state, settled.entry.attempt) == (State.UNKNOWN, 2)
    assert why(settled) is code
    *_, last = maker.journal.events(settled.entry.key)
    assert last.why.startswith("attempt 1 turned out ")


# Gameball, which makes a transaction id but once.


@pytest.fixture
def points(cli_with: CliWith) -> CommandLine:
    cli = cli_with(IdempotentPlatform)
    cli.platform.debit = once_only
    return cli


@pytest.mark.parametrize(
    ("first", "proof"), [(LOST, "9004"), (NEVER, "HTTP 200")], ids=["9004", "200"]
)
def test_a_lost_gameball_debit_is_sent_again_and_confirmed_by_9004_or_200(
    first: Any, proof: str, points: CommandLine
) -> None:
    points.platform.debit = first
    assert points.debit().code == 8
    points.platform.debit = once_only

    done = points.debit()

    assert (done.code, done.record["state"], done.record["attempt"]) == (0, "confirmed", 1)
    assert [post.order["transactionId"] for post in points.platform.posts] == ["r-1", "r-1"]
    assert points.platform.taken() == 50
    assert proof in points.events()[-1].why


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
    ids=["9008", "1001", "another 9004", "500", "HTML", "no answer"],
)
def test_a_gameball_debit_sent_again_stays_unknown_after_any_other_answer(
    again: bytes, points: CommandLine
) -> None:
    points.platform.debit = LOST
    points.debit()
    points.platform.debit = answers(again)

    done = points.debit()

    assert (done.code, done.record["state"]) == (8, "unknown")
    assert points.events()[-1].why.startswith("sent again: ")


def test_a_9004_confirms_a_gameball_debit_that_a_person_held_for_not_applied(
    journal: Journal,
) -> None:
    with IdempotentPlatform(LOST) as platform:
        maker = DebitMaker(platform, journal)
        unknown = maker.debit().entry
        journal.change(unknown, State.NOT_APPLIED, Change("by hand, and wrong"))
        platform.debit = once_only

        settled = maker.debit()

        assert (settled.entry.state, settled.error) == (State.CONFIRMED, None)
        assert platform.taken() == 50


OURS = {"transactionId": "r-1", "points": 50, "customerId": "C-1", "gameballTransactionId": 4711}


def transactions(*listed: dict[str, Any], more: bool = False) -> bytes:
    return as_json({"transactions": [*listed], "hasMore": more})


@pytest.mark.parametrize("by", ["debit", "reconcile", "a new attempt"])
@pytest.mark.parametrize(
    ("listed", "state", "said"),
    [
        (transactions(OURS), "confirmed", "4711"),
        (transactions(), "unknown", "list of debits does not have it"),
        (transactions({**OURS, "status": "Cancelled"}), "unknown", "Cancelled"),
        (transactions({**OURS, "customerId": "C-2"}), "unknown", "C-2"),
        (transactions({**OURS, "points": 49}), "unknown", "not 50 points"),
        (transactions(more=True), "confirmed", "9004"),
        (as_json({}, "500 No"), "confirmed", "9004"),
    ],
    ids=["listed", "not listed", "cancelled", "another's", "less", "incomplete", "no list"],
)
def test_a_9004_to_a_repeat_proves_a_debit_only_if_the_list_does_not_contradict_it(
    by: str, listed: bytes, state: str, said: str, points: CommandLine
) -> None:
    points.platform.debit = LOST
    points.debit()
    points.platform.debit = once_only
    points.platform.listed = listed
    if by == "a new attempt":
        points.loyalty("journal", "resolve", "r-1", "--not-applied", "--why", "wrong")

    done = points.reconcile() if by == "reconcile" else points.debit()

    assert (done.code, done.record["state"]) == (0 if state == "confirmed" else 8, state)
    assert said in f"{points.events()[-1]} {done.record['provider_reference']} {done.record}"
    assert done.record["provider_reference"] == ("4711" if said == "4711" else None)
    assert (state == "confirmed") or "journal resolve" in done.record["error"]["hint"]
    assert points.platform.taken() == 50


DUPLICATE = {"code": 9004, "type": "DUPLICATE", "message": "Duplicate transactionId"}


@pytest.mark.parametrize("status", [200, 400, 409, 422, 500])
def test_a_9004_to_the_first_attempt_at_gameball_proves_nothing(
    status: int, points: CommandLine
) -> None:
    points.platform.debit = answers(as_json(DUPLICATE, f"{status} Hm"))

    done = points.debit()

    assert (done.code, done.record["state"]) == (8, "unknown")
    error = done.record["error"]
    assert (error["code"], error["provider_code"]) == ("outcome_unknown", "9004")
    assert "Gameball had a transaction 'r-1' before this debit was sent" in error["message"]
    assert "Look at the platform." in error["hint"]
    assert "`loyalty journal resolve --confirmed`" in error["hint"]


def test_only_a_person_settles_a_debit_whose_reference_gameball_had_before(
    points: CommandLine,
) -> None:
    points.platform.ids.add("r-1")  # type: ignore[attr-defined]  # it is an IdempotentPlatform
    assert points.debit().code == 8

    for _ in range(2):
        settled = points.reconcile()
        again = points.debit()
        assert (settled.code, settled.record["state"]) == (8, "unknown")
        assert (again.code, again.record["state"], again.record["replayed"]) == (8, "unknown", True)
        assert "journal resolve" in again.record["error"]["hint"]
    assert (len(points.platform.posts), points.platform.taken()) == (1, 0)
    done = points.loyalty("journal", "resolve", "r-1", "--confirmed", "--why", "it is this one")
    assert (done.code, points.entry().state) == (0, State.CONFIRMED)


def test_a_reference_that_gameball_had_before_proves_nothing_later_either(
    points: CommandLine,
) -> None:
    points.platform.ids.add("r-1")  # type: ignore[attr-defined]  # it is an IdempotentPlatform
    points.debit()
    points.loyalty("journal", "resolve", "r-1", "--not-applied", "--why", "of another shop")

    done = points.debit()

    assert (done.code, done.record["state"], done.record["attempt"]) == (8, "unknown", 2)
    points.platform.debit = NEVER
    points.loyalty("journal", "resolve", "r-1", "--not-applied", "--why", "of another shop")
    lost = points.debit()
    points.platform.debit = once_only
    assert (lost.code, points.debit().code, points.platform.taken()) == (8, 8, 0)


@pytest.mark.parametrize("code", [1001, 2001])
@pytest.mark.parametrize("lost", [False, True], ids=["none lost", "one lost"])
def test_a_9004_after_a_refusal_confirms_only_a_later_lost_attempt(
    code: int, lost: bool, points: CommandLine
) -> None:
    points.platform.debit = answers(as_json({"code": code, "message": "No."}, "422 No"))
    assert points.debit().record["state"] == "not_applied"
    if lost:
        points.platform.debit = LOST
        assert points.debit().code == 8
    points.platform.debit = answers(as_json(DUPLICATE, "422 No"))

    done = points.debit()

    assert (done.code, done.record["state"]) == ((0, "confirmed") if lost else (8, "unknown"))
    assert (done.record["attempt"], points.platform.taken()) == (2, 50 * lost)


# What fails before anything is sent.


def test_a_debit_without_its_credentials_is_not_sent(
    maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise LoyaltyError(ErrorCode.CREDENTIAL_MISSING, "no key")

    look = DebitSender.account_balance

    def then_gone(debits: DebitSender, order: DebitOrder) -> Any:
        seen = look(debits, order)
        monkeypatch.setattr(maker.client, "_credentials_of", gone)
        return seen

    monkeypatch.setattr(DebitSender, "account_balance", then_gone)

    settled = maker.debit()

    assert (settled.entry.state, why(settled)) == (State.PLANNED, ErrorCode.CREDENTIAL_MISSING)
    assert maker.platform.posts == []


def test_a_provider_that_fails_to_make_a_request_leaves_a_debit_planned(
    maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Request:
        raise KeyError("customer")

    monkeypatch.setattr(type(maker.profile.provider), "debit_request", broken)

    settled = maker.debit()

    assert (settled.entry.state, settled.entry.attempt) == (State.PLANNED, 0)
    assert why(settled) is ErrorCode.SETUP
    *_, last = maker.journal.events(settled.entry.key)
    assert "the provider 'saasquatch' has a defect: KeyError" in last.why
    assert (maker.platform.reads, maker.platform.posts) == (0, [])
