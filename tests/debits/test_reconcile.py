"""What evidence settles, and what it does not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.account_balance import AccountBalance
from loyalty_cli.debits.journal import uptime
from loyalty_cli.debits.journal.entries import Baseline, Change, Entry, Event, State
from loyalty_cli.debits.journal.file import FileDatabase
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.uptime import Instant
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.reconcile import (
    BETWEEN_LOOKS_SECONDS,
    UNCHANGED,
    Finding,
    Reconciler,
    judge,
)
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.lists.parallel import JOBS
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance
from loyalty_cli.providers.saasquatch import SaaSquatch
from tests.debits.conftest import CliWith, CommandLine, DebitMaker
from tests.fakes.faulty_platform import (
    LOST,
    NEVER,
    IdempotentPlatform,
    ListingPlatform,
    as_json,
    honest,
    once_only,
)
from tests.fakes.servers import Wire, reply

T0 = datetime(2026, 11, 20, 5, tzinfo=UTC)
SETTLE = 900.0
BOOT = "machine boot"

# The judgement, at times of its own.


@pytest.fixture
def entry(maker: DebitMaker) -> Entry:
    baseline = Baseline(available="900", earned="1000", redeemed="100", expired="0", cancelled=None)
    return replace(maker.plan(maker.order()), state=State.UNKNOWN, attempt=1, baseline=baseline)


def event(
    after: float,
    before: State,
    state: State,
    why: str = "",
    attempt: int = 1,
    *,
    clock: str = BOOT,
) -> Event:
    return Event(T0, "me", attempt, before, state, why, Instant(clock, 5000 + after))


SENT = [event(-10, State.PLANNED, State.SENDING), event(0, State.SENDING, State.UNKNOWN)]


def look(after: float, attempt: int = 1, clock: str = BOOT) -> Event:
    return event(after, State.UNKNOWN, State.UNKNOWN, UNCHANGED, attempt, clock=clock)


def has(**amounts: int | None) -> Balance:
    line = {"redeemed": 100, "expired": 0, "cancelled": None} | amounts
    given: dict[str, Any] = {
        name: None if each is None else Amount(each) for name, each in line.items()
    }
    return Balance(name="credit", kind="credit", unit="CENTS", **given)


LATER = SETTLE + BETWEEN_LOOKS_SECONDS
JUDGED: dict[str, tuple[Balance, list[Event], float, State, str]] = {
    "moved by exactly the amount, at once": (
        *(has(redeemed=150), [], 0, State.CONFIRMED),
        "by balance: redeemed changed from 100 to 150",
    ),
    "moved by exactly the amount, much later": (
        *(has(redeemed=150), [look(SETTLE)], LATER, State.CONFIRMED),
        "by balance",
    ),
    "unchanged twice after the settle period": (
        *(has(), [look(SETTLE)], LATER, State.NOT_APPLIED),
        "seen twice",
    ),
    "unchanged for the first time": (has(), [], LATER, State.UNKNOWN, UNCHANGED),
    "unchanged twice too close together": (
        *(has(), [look(SETTLE)], LATER - 0.001, State.UNKNOWN),
        UNCHANGED,
    ),
    "unchanged, the first look before the settle period": (
        *(has(), [look(SETTLE - 0.001)], LATER, State.UNKNOWN),
        UNCHANGED,
    ),
    "unchanged, the first look at an earlier attempt": (
        *(has(), [look(SETTLE, attempt=0)], LATER, State.UNKNOWN),
        UNCHANGED,
    ),
    "unchanged within the settle period": (
        *(has(), [look(0)], SETTLE - 0.001, State.UNKNOWN),
        "may still arrive for another 1 s",
    ),
    "moved by less": (has(redeemed=149), [look(SETTLE)], LATER, State.UNKNOWN, "changed by 49"),
    "moved by more": (has(redeemed=200), [look(SETTLE)], LATER, State.UNKNOWN, "changed by 100"),
    "moved back": (has(redeemed=50), [look(SETTLE)], LATER, State.UNKNOWN, "changed by -50"),
    "moved, and some expired": (
        *(has(redeemed=150, expired=1), [look(SETTLE)], LATER, State.UNKNOWN),
        "expired or was cancelled",
    ),
    "unchanged, and some was cancelled": (
        *(has(cancelled=1), [look(SETTLE)], LATER, State.UNKNOWN),
        "expired or was cancelled",
    ),
    "expired is no longer said": (
        *(has(expired=None), [look(SETTLE)], LATER, State.UNKNOWN),
        "expired or was cancelled",
    ),
    "redeemed is not said": (
        *(has(redeemed=None), [look(SETTLE)], LATER, State.UNKNOWN),
        "does not report a redeemed total",
    ),
}


@pytest.mark.parametrize("case", JUDGED)
def test_the_verdict_on_a_debit_follows_from_the_evidence(case: str, entry: Entry) -> None:
    now_has, looks, after, state, why = JUDGED[case]

    verdict = judge(
        entry, AccountBalance(now_has, Instant(BOOT, 5000 + after)), SENT + looks, SETTLE
    )

    assert verdict.state is state
    assert why in verdict.why


def test_a_debit_without_a_baseline_stays_unknown(entry: Entry) -> None:
    late = AccountBalance(has(), Instant(BOOT, 5000 + LATER))

    assert judge(replace(entry, baseline=None), late, SENT, SETTLE).state is State.UNKNOWN


@pytest.mark.parametrize("age", ["0", "17", "x"])
@pytest.mark.parametrize("redeemed", [100, 150])
def test_a_balance_from_a_cache_is_no_evidence(age: str, redeemed: int, entry: Entry) -> None:
    cached = AccountBalance(has(redeemed=redeemed), Instant(BOOT, 5000 + LATER), age)

    verdict = judge(entry, cached, [*SENT, look(SETTLE)], SETTLE)

    assert verdict.state is State.UNKNOWN
    assert f"from a cache (Age: {age})" in verdict.why


def test_after_a_restart_of_the_machine_the_settle_period_begins_again(entry: Entry) -> None:
    def at(seconds: float, events: list[Event]) -> Finding:
        return judge(entry, AccountBalance(has(), Instant("machine next", seconds)), events, SETTLE)

    assert "another 900 s" in at(10**9, [*SENT, look(SETTLE)]).why
    seen = event(0, State.UNKNOWN, State.UNKNOWN, "seen", clock="machine next")
    since = [*SENT, look(SETTLE), seen]
    assert "another 1 s" in at(5000 + SETTLE - 1, since).why
    assert at(5000 + LATER, since).why == UNCHANGED  # the earlier look was by another clock
    looked = look(SETTLE, clock="machine next")
    assert at(5000 + LATER, [*since, looked]).state is State.NOT_APPLIED


def test_without_a_clock_that_can_be_trusted_no_debit_is_settled_by_time(entry: Entry) -> None:
    events = [
        event(-10, State.PLANNED, State.SENDING, clock=""),
        event(0, State.SENDING, State.UNKNOWN, clock=""),
        look(SETTLE, clock=""),
    ]

    verdict = judge(entry, AccountBalance(has(), Instant("", 10**9)), events, SETTLE)

    assert "may still arrive" in verdict.why


def test_the_settle_period_begins_with_the_last_attempt(entry: Entry) -> None:
    again = [
        look(SETTLE),
        event(2000, State.UNKNOWN, State.NOT_APPLIED),
        event(2001, State.PLANNED, State.SENDING, attempt=2),
        event(2002, State.SENDING, State.UNKNOWN, attempt=2),
    ]
    second = replace(entry, attempt=2)

    halfway = AccountBalance(has(), Instant(BOOT, 5000 + 2002 + SETTLE / 2))
    verdict = judge(second, halfway, SENT + again, SETTLE)

    assert (verdict.state, "may still arrive" in verdict.why) == (State.UNKNOWN, True)


# The whole way, by a clock that the test sets.


class Clock:
    """The time, by the clock of this machine that nobody can set and by the wall clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 5000.0
        monkeypatch.setattr(uptime, "seconds_awake_or_asleep", lambda: self.seconds)
        monkeypatch.setattr(FileDatabase, "now", lambda *_: T0 + timedelta(seconds=self.seconds))

    def goes(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_reconcile_does_nothing_if_no_debit_is_open(cli: CommandLine) -> None:
    cli.debit()

    done = cli.reconcile()

    assert (done.code, done.records) == (0, [])


def test_a_debit_is_not_applied_after_two_looks_past_the_settle_period(
    cli: CommandLine, clock: Clock
) -> None:
    cli.platform.debit = NEVER
    cli.debit()

    for wait, code, said in [
        (0, 8, "may still arrive"),
        (899, 8, "may still arrive"),
        (1, 8, "look again in a minute"),
        (59, 8, "look again in a minute"),
        (1, 0, None),
    ]:
        clock.goes(wait)
        done = cli.reconcile()
        assert done.code == code
        assert said is None or said in done.record["error"]["message"]
    assert done.record["state"] == "not_applied"

    cli.platform.debit = honest
    again = cli.debit()
    assert (again.code, again.record["attempt"], cli.platform.taken()) == (0, 2, 50)


def test_a_look_at_the_balance_counts_from_when_it_began(cli: CommandLine, clock: Clock) -> None:
    cli.platform.debit = NEVER
    cli.debit()

    def takes_its_time(_: Wire) -> bool:
        clock.goes(100)
        return False

    cli.platform.on_read = takes_its_time
    clock.goes(850)

    assert "may still arrive for another 50 s" in cli.reconcile().record["error"]["message"]
    assert "look again" in cli.reconcile().record["error"]["message"]
    assert cli.reconcile().record["state"] == "not_applied"


def test_the_profile_sets_the_settle_period(
    cli_with: Callable[..., CommandLine], clock: Clock
) -> None:
    cli = cli_with(rules=", settle: 2")
    cli.platform.debit = NEVER
    cli.debit()

    clock.goes(2)
    assert "look again" in cli.reconcile().record["error"]["message"]
    clock.goes(60)
    assert cli.reconcile().record["state"] == "not_applied"


def broken(wire: Wire) -> bool:
    wire.send(reply(b"<html>"))
    return True


@pytest.mark.parametrize(
    ("on_read", "more", "said"),
    [
        (broken, {}, "cannot be read"),
        (lambda _: False, {"totalExpiredCredit": 1}, "expired or was cancelled"),
        (lambda _: False, {"unit": "points"}, "has no balance in 'CENTS'"),
    ],
    ids=["unreadable", "expired credit", "another unit"],
)
def test_a_balance_that_proves_nothing_leaves_a_debit_to_a_person(
    on_read: Callable[[Wire], bool], more: dict[str, Any], said: str, cli: CommandLine, clock: Clock
) -> None:
    cli.platform.debit = NEVER
    cli.debit()
    cli.platform.on_read = on_read
    cli.platform.more = more

    for _ in range(3):
        clock.goes(10_000)
        done = cli.reconcile()
        assert (done.code, done.record["state"]) == (8, "unknown")
        assert said in done.record["error"]["message"]
        assert on_read is broken or "resolve" in done.record["error"]["hint"]


# By the platform's own list of debits.


def graphql(*debits: tuple[int, float], headers: tuple[str, ...] = ()) -> bytes:
    """SaaSquatch's list: the amount of each debit, and when it was made after the claim."""
    data = [
        {
            "id": f"redemption-{number}",
            "creditRedeemed": amount,
            "unit": "CENTS",
            "dateRedeemed": int((T0.timestamp() + 5000 + after) * 1000),
        }
        for number, (amount, after) in enumerate(debits)
    ]
    page = {"totalCount": len(data), "data": data}
    body = {"data": {"user": {"rewardRedemptionTransactions": page}}}
    return as_json(body, "200 OK", *headers)


@pytest.mark.usefixtures("clock")
def test_a_debit_that_the_platform_lists_is_confirmed_with_its_id(cli: CommandLine) -> None:
    cli.platform.debit = LOST
    cli.debit()
    cli.platform.listed = graphql((7, 1), (50, 1), (50, 5000))
    reads = cli.platform.reads

    done = cli.reconcile()

    assert (done.code, done.record["state"]) == (0, "confirmed")
    assert done.record["provider_reference"] == "redemption-1"
    assert cli.events()[-1].why.startswith("by evidence: the platform lists a debit of 50 CENTS")
    assert (cli.platform.reads, len(cli.platform.posts)) == (reads + 1, 1)


def test_a_listed_debit_from_before_the_claim_is_not_ours_if_the_total_did_not_move(
    cli: CommandLine, clock: Clock
) -> None:
    cli.platform.debit = NEVER
    cli.debit()
    cli.platform.listed = graphql((50, -25))

    early = cli.reconcile().record
    clock.goes(900)
    first = cli.reconcile().record
    clock.goes(60)

    assert (early["state"], first["state"]) == ("unknown", "unknown")
    assert "redemption-0), which is from before it" in early["error"]["message"]
    assert cli.reconcile().record["state"] == "not_applied"


@pytest.mark.parametrize("seconds", [0, 1000])
def test_a_listed_debit_from_after_the_claim_that_the_total_does_not_show_is_left_to_a_person(
    seconds: float, cli: CommandLine, clock: Clock
) -> None:
    cli.platform.debit = NEVER
    cli.debit()
    cli.platform.listed = graphql((50, 25))

    for _ in range(3):
        clock.goes(seconds)
        done = cli.reconcile()
        assert (done.code, done.record["state"]) == (8, "unknown")
        assert "but the redeemed total does not show it" in done.record["error"]["message"]
        assert "resolve" in done.record["error"]["hint"]


@pytest.mark.usefixtures("clock")
def test_a_listed_debit_is_not_confirmed_by_a_total_from_a_cache(cli: CommandLine) -> None:
    def cached(wire: Wire) -> bool:
        line = cli.platform.balance("?accountId=C-1")
        wire.send(as_json(line, "200 OK", "Age: 17"))
        return True

    cli.platform.debit = LOST
    cli.debit()
    cli.platform.listed = graphql((50, 25))
    cli.platform.on_read = cached

    assert cli.reconcile().record["state"] == "unknown"


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (None, "list of debits cannot be read (SaaSquatch"),
        (reply(b"<html>"), "list of debits cannot be read (SaaSquatch's answer"),
        (as_json({"data": None, "errors": [{"message": "no"}]}), "list of debits cannot be read"),
        (as_json({"data": {"user": None}}), "list of debits is incomplete"),
        (graphql(), "list of debits does not have it"),
        (graphql((50, 1), headers=("Age: 17",)), "came from a cache (Age: 17)"),
        (graphql((50, -600)), "which may be it"),
    ],
    ids=str,
)
def test_a_list_that_proves_nothing_is_told_and_leaves_it_to_the_totals(
    listed: bytes | None, said: str, cli: CommandLine, clock: Clock
) -> None:
    cli.platform.debit = NEVER
    cli.debit()
    cli.platform.listed = listed

    clock.goes(900)
    first = cli.reconcile().record["error"]["message"]
    clock.goes(60)

    assert "look again in a minute" in first
    assert said in first
    assert cli.reconcile().record["state"] == "not_applied"


def test_a_list_that_contradicts_the_totals_leaves_a_debit_to_a_person(
    cli: CommandLine, clock: Clock
) -> None:
    cli.platform.debit = NEVER
    cli.debit()
    cli.platform.listed = graphql((50, 1), (50, 2))

    for _ in range(3):
        clock.goes(1000)
        done = cli.reconcile()
        assert (done.code, done.record["state"]) == (8, "unknown")
        assert "each of these may be it" in done.record["error"]["message"]
        assert "resolve" in done.record["error"]["hint"]


@pytest.mark.parametrize(
    ("listed", "seen"),
    [
        (graphql((50, 1), (50, 2)), "each of these may be it: a debit of 50 CENTS at"),
        (graphql((50, 1), headers=("Age: 17",)), "came from a cache (Age: 17)"),
        (as_json({"data": {"user": None}}), "list of debits is incomplete"),
        (as_json({"message": "no"}, "500 Oh"), "list of debits cannot be read"),
        (graphql(), "list of debits does not have it"),
    ],
    ids=["two", "cached", "incomplete", "500", "none"],
)
def test_what_the_list_showed_of_an_unknown_debit_is_noted_once(
    listed: bytes, seen: str, cli: CommandLine, clock: Clock
) -> None:
    cli.platform.debit = NEVER
    cli.debit()
    cli.platform.listed = listed

    for _ in range(3):
        clock.goes(1)
        assert cli.reconcile().code == 8
    shown = f"{cli.loyalty('journal', 'show', 'r-1', '-o', 'json').record}"

    assert shown.count(seen) == 1
    cli.platform.listed = graphql((50, 1), (50, 2), (50, 3))
    cli.reconcile()
    assert len([each for each in cli.events() if each.why.startswith("stays unknown: ")]) == 2


@pytest.mark.parametrize("seconds", [0, 1000], ids=["inside the settle period", "after it"])
@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (as_json({}, "500 Oh"), "it stays unknown: the platform's list of debits cannot be read"),
        (
            as_json({"response": {"customer": {"redemptions": {}}}}, "200 OK", "Age: 9"),
            "it stays unknown: the platform's list of debits came from a cache",
        ),
    ],
    ids=["500", "cached"],
)
def test_a_passing_trouble_with_the_list_is_told_first_and_asks_to_reconcile_again(
    seconds: float, listed: bytes, said: str, journal: Journal, clock: Clock
) -> None:
    with ListingPlatform(NEVER) as platform:
        maker = DebitMaker(platform, journal)
        unknown = maker.debit().entry
        platform.listed = listed
        clock.goes(seconds)

        error = settle(maker, unknown).error

    assert error is not None
    assert error.message.startswith(said), error
    assert error.hint is not None
    assert error.hint.startswith("Reconcile again")


def test_a_list_without_the_debit_is_told_once(cli_with: CliWith, clock: Clock) -> None:
    cli = cli_with(IdempotentPlatform)
    cli.platform.debit = NEVER
    cli.debit()
    cli.configure("allow: true", "allow: false")
    cli.platform.listed = as_json({"transactions": []})
    clock.goes(1000)

    assert cli.reconcile().record["error"]["message"].count("does not have it") == 1


def test_a_defect_in_reading_the_list_leaves_it_to_the_totals(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashing(*_: Any) -> Any:
        raise KeyError("data")

    cli.platform.debit = LOST
    cli.debit()
    cli.platform.listed = graphql((50, 1))
    monkeypatch.setattr(SaaSquatch, "read_evidence", crashing)

    assert cli.reconcile().record["state"] == "confirmed"
    assert cli.events()[-1].why.startswith("by balance")


def test_a_debit_is_not_settled_by_the_balance_of_other_options(
    maker: DebitMaker, clock: Clock
) -> None:
    maker.platform.debit = NEVER
    unknown = maker.debit().entry
    assert unknown.baseline is not None
    asked = replace(unknown, baseline=replace(unknown.baseline, asked={"program_id": "42"}))
    clock.goes(2000)

    settled = settle(maker, asked)

    assert settled.entry.state is State.UNKNOWN
    assert settled.error is not None
    assert "with the options {'program_id': '42'}" in settled.error.message
    assert maker.platform.reads == 1


def at_gameball(entry: Entry, **more: Any) -> bytes:
    transaction = {"transactionId": "r-1", "points": entry.amount, "customerId": entry.customer}
    body = {"transactions": [{**transaction, "gameballTransactionId": 4711, **more}]}
    return as_json(body)


@pytest.mark.parametrize(
    ("more", "state", "sent"),
    [
        ({}, "confirmed", 1),
        ({"type": "Redemption", "status": "Active"}, "confirmed", 1),
        ({"pointsBalanceBefore": 90, "pointsBalanceAfter": 40}, "confirmed", 1),
        ({"pointsBalanceBefore": 40, "pointsBalanceAfter": 90}, "unknown", 1),
        ({"points": 51}, "unknown", 1),
        ({"type": "Cancel"}, "unknown", 1),
        ({"customerId": "C-2"}, "unknown", 1),
        ({"transactionId": "r-11"}, "unknown", 2),
    ],
    ids=str,
)
def test_gameballs_list_settles_a_debit_without_sending_it_again(
    more: dict[str, Any], state: str, sent: int, cli_with: Callable[..., CommandLine]
) -> None:
    cli = cli_with(IdempotentPlatform)
    cli.platform.debit = LOST
    cli.debit()
    cli.platform.debit = once_only
    cli.platform.listed = at_gameball(cli.entry(), **more)

    done = cli.reconcile()

    assert (done.record["state"], len(cli.platform.posts)) == (state, sent)
    listed = done.record["provider_reference"]
    assert listed == ("4711" if (state, sent) == ("confirmed", 1) else None)


def test_gameballs_complete_list_without_a_debit_settles_it_when_it_may_not_be_sent_again(
    cli_with: Callable[..., CommandLine], clock: Clock
) -> None:
    cli = cli_with(IdempotentPlatform)
    cli.platform.debit = NEVER
    cli.debit()
    cli.configure("allow: true", "allow: false")
    cli.platform.listed = as_json({"transactions": [], "hasMore": False})

    early = cli.reconcile().record
    clock.goes(900)
    first = cli.reconcile().record["error"]["message"]
    cli.platform.listed = as_json({"transactions": [], "hasMore": True})
    clock.goes(60)
    incomplete = cli.reconcile().record
    cli.platform.listed = as_json({"transactions": []})

    assert "may still arrive for another 900 s" in early["error"]["message"]
    assert "no longer allows debits" in early["error"]["message"]
    assert "look again in a minute" in first
    assert incomplete["state"] == "unknown"
    assert cli.reconcile().record["state"] == "not_applied"
    assert len(cli.platform.posts) == 1


def settle(maker: DebitMaker, entry: Entry) -> DebitResult:
    return Reconciler(maker.journal, maker.debits(), [maker.profile]).reconcile(entry)


@pytest.mark.parametrize(
    ("started", "state", "said"),
    [
        (this_process().started, State.SENDING, "another process has no result yet"),
        ("0", State.UNKNOWN, "may still arrive"),  # its settle period begins now
    ],
    ids=["while the sender may be alive", "once the sender is gone"],
)
def test_a_debit_that_is_being_sent_or_was_just_abandoned_stays_open(
    started: str, state: State, said: str, maker: DebitMaker, clock: Clock
) -> None:
    claimed = maker.claimed(maker.order(), replace(this_process(), started=started))
    clock.goes(100_000)

    settled = settle(maker, claimed)

    assert settled.entry.state is state
    assert settled.error is not None
    assert settled.error.code is ErrorCode.OUTCOME_UNKNOWN
    assert said in settled.error.message
    assert maker.platform.reads == (state is State.UNKNOWN)


def test_the_balance_is_read_again_after_another_debit_of_the_account(
    maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = maker.journal.claim

    def after_another(*arguments: Any) -> Any:
        monkeypatch.setattr(maker.journal, "claim", claim)
        maker.debit(maker.order("r-2"))
        return claim(*arguments)

    monkeypatch.setattr(maker.journal, "claim", after_another)

    settled = maker.debit()

    assert settled.entry.state is State.CONFIRMED
    assert settled.entry.baseline is not None
    assert settled.entry.baseline.redeemed == "50"
    assert (maker.platform.reads, maker.platform.taken()) == (3, 100)


@pytest.mark.parametrize("twin", [" C-1", "c-1", "\uff23-1"], ids=ascii)
def test_a_later_debit_of_what_may_be_the_same_account_keeps_a_debit_unknown(
    twin: str, maker: DebitMaker, clock: Clock
) -> None:
    maker.platform.debit = NEVER
    unknown = maker.debit().entry
    maker.platform.debit = honest
    assert maker.debit(maker.order("r-2", customer=twin)).entry.state is State.CONFIRMED
    maker.platform.applied["C-1", "CENTS"] = 50  # the platform takes the two for one
    clock.goes(2000)

    settled = settle(maker, unknown)

    assert settled.entry.state is State.UNKNOWN
    assert settled.error is not None
    assert "the debit 'r-2' was made since" in settled.error.message


def test_a_debit_made_before_the_baseline_does_not_explain_a_movement(maker: DebitMaker) -> None:
    maker.debit(maker.order("r-2"))
    maker.platform.debit = LOST
    unknown = maker.debit().entry

    assert settle(maker, unknown).entry.state is State.CONFIRMED
    assert maker.platform.taken() == 100


def test_reconcile_asks_with_the_profile_that_sent_the_debit(journal: Journal) -> None:
    with IdempotentPlatform(LOST) as platform:
        maker, stranger = (
            DebitMaker(platform, journal),
            DebitMaker(platform, journal, name="another-shop"),
        )
        unknown = maker.debit().entry
        profiles = [stranger.profile, maker.profile]

        left = Reconciler(journal, maker.debits(), profiles[:1]).reconcile(unknown)
        assert (left.entry.state, len(platform.posts)) == (State.UNKNOWN, 1)
        platform.debit = honest
        assert Reconciler(journal, maker.debits(), profiles).reconcile(unknown).error is None


def test_an_abandoned_debit_of_a_profile_that_is_gone_stays_unknown(maker: DebitMaker) -> None:
    claimed = maker.claimed(maker.order(), replace(this_process(), started="0"))

    settled = Reconciler(maker.journal, maker.debits(), []).reconcile(claimed)

    assert settled.entry.state is State.UNKNOWN
    assert settled.error is not None
    assert "no profile in the file" in settled.error.message


def test_reconcile_exits_with_8_if_any_debit_stays_unknown(cli: CommandLine, clock: Clock) -> None:
    cli.platform.debit = LOST
    cli.debit()
    cli.platform.debit = NEVER
    cli.debit(customer="C-2", reference="r-2")
    clock.goes(1)

    done = cli.reconcile()

    assert done.code == 8
    assert [each["state"] for each in done.records] == ["confirmed", "unknown"]
    assert done.records[0]["error"] is None
    assert cli.events()[-1].why == "by balance: redeemed changed from 0 to 50"
    assert len(cli.platform.posts) == 2


def test_reconcile_does_not_overwrite_a_change_made_meanwhile(maker: DebitMaker) -> None:
    maker.platform.debit = LOST
    unknown = maker.debit().entry
    maker.journal.change(unknown, State.NOT_APPLIED, Change("by another"))

    assert settle(maker, unknown).entry.state is State.NOT_APPLIED


# Many of them.


def test_a_crash_at_one_debit_stops_no_other_and_it_comes_last_next_time(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.platform.debit = LOST
    for number in (1, 2, 3):
        cli.debit(customer=f"C-{number}", reference=f"r-{number}")
    look = DebitSender.account_balance

    def crashing(debits: DebitSender, order: DebitOrder) -> AccountBalance:
        if order.reference == "r-1":
            raise RecursionError
        return look(debits, order)

    monkeypatch.setattr(DebitSender, "account_balance", crashing)

    first = cli.reconcile()
    cli.platform.debit = NEVER
    cli.debit(customer="C-4", reference="r-4")
    maker = DebitMaker(cli.platform, cli.journal)
    left = Reconciler(maker.journal, maker.debits(), []).open_entries()

    assert first.code == 8
    assert {each["reference"]: each["state"] for each in first.records} == {
        "r-1": "unknown",
        "r-2": "confirmed",
        "r-3": "confirmed",
    }
    assert "RecursionError" in first.records[0]["error"]["message"]
    assert [entry.key.reference for entry in left] == ["r-4", "r-1"]


def test_reconcile_meets_a_refused_sign_in_once_and_not_for_each_debit(cli: CommandLine) -> None:
    cli.platform.debit = LOST
    for number in range(20):
        cli.debit(customer=f"C-{number}", reference=f"r-{number}")

    def refused(wire: Wire) -> bool:
        wire.send(as_json({"statusCode": 401, "message": "no", "rsCode": "RS032"}, "401 No"))
        return True

    cli.platform.on_read = refused
    before = cli.platform.connections

    done = cli.reconcile()

    assert done.code == 8
    assert len(done.records) == 20
    assert cli.platform.connections - before <= 2 * JOBS  # the list, and the balance


def test_reconcile_leaves_debits_alone_that_a_living_process_sends(maker: DebitMaker) -> None:
    maker.claimed(maker.order(), this_process())
    reconciler = Reconciler(maker.journal, maker.debits(), [maker.profile])

    assert reconciler.open_entries() == []
    gone = replace(this_process(), started="0")
    maker.claimed(maker.order("r-2", customer="C-2"), gone)
    assert [entry.key.reference for entry in reconciler.open_entries()] == ["r-2"]


def test_a_debit_of_another_host_becomes_unknown_once_its_time_is_over(
    maker: DebitMaker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = DebitMaker(maker.platform, maker.journal, settle=100.0, timeout=12.0)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(uptime, "_clock_name", lambda: "another machine's")
        maker.claimed(maker.order(), replace(this_process(), host="another"))
    reconciler = Reconciler(maker.journal, maker.debits(), [maker.profile])

    clock.goes(100_000)
    assert reconciler.open_entries() == []  # seen for the first time
    clock.goes(5 + 12 + 100)
    assert reconciler.open_entries() == []
    clock.goes(1)
    assert [entry.state for entry in reconciler.open_entries()] == [State.UNKNOWN]
