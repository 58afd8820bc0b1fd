"""Each rule that keeps a debit from being made twice is needed: without it a schedule hurts.

A schedule is what may happen to programs and platforms in the worst order. Each is run with all
rules in force, where it must do no harm, and with its rule switched off, where it must.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from loyalty_cli.config.profile import DebitRules, Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.debits import abandoned as sender_module
from loyalty_cli.debits import claim as claim_module
from loyalty_cli.debits import resend as resend_module
from loyalty_cli.debits import send_once as debit_module
from loyalty_cli.debits.account_balance import AccountBalance, read_account_balance
from loyalty_cli.debits.journal import uptime
from loyalty_cli.debits.journal.backup import back_up
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import OPEN, Change, State
from loyalty_cli.debits.journal.file import FileDatabase
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.outcome import classify_again
from loyalty_cli.debits.reconcile import Reconciler
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Balance
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import DebitAnswer, PlatformClient
from loyalty_cli.providers.contract import Query, Reading, Request
from tests.debits.conftest import DebitMaker, KnownCredentials
from tests.fakes.faulty_platform import (
    ASSIGNED,
    LOST,
    NEVER,
    FaultyPlatform,
    IdempotentPlatform,
    ListingPlatform,
    Post,
    answers,
    as_json,
    honest,
    once_only,
)
from tests.fakes.servers import Wire
from tests.proofs import without

SETTLE = 900.0
T0 = datetime(2026, 11, 20, 5, tzinfo=UTC)
OF_C_1 = "/?accountId=C-1"


class PowerCutError(BaseException):
    """The machine is off: nothing more is done by this program."""


MADE_UP = ["r-1 is confirmed, and was not made"]
TWICE = ["r-1 was made 2 times"]


class World:
    """A platform that knows the truth, a journal, and a clock that all of them go by."""

    def __init__(
        self, platform: FaultyPlatform, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.platform = platform
        self.patch = monkeypatch
        self.maker = DebitMaker(platform, journal, settle=SETTLE)
        self.seconds = 0.0
        self.clock_was_set_by = 0.0
        self.sent: list[str] = []
        self.allowed: int | None = None
        monkeypatch.setattr(FileDatabase, "now", lambda *_: self.now)
        monkeypatch.setattr(uptime, "seconds_awake_or_asleep", lambda: self.seconds)
        monkeypatch.setattr("time.sleep", lambda _: self.goes(1))

    @property
    def now(self) -> datetime:
        return T0 + timedelta(seconds=self.seconds + self.clock_was_set_by)

    def believe_the_wall_clock(self) -> None:
        self.patch.setattr(
            uptime, "seconds_awake_or_asleep", lambda: self.seconds + self.clock_was_set_by
        )

    def goes(self, seconds: float) -> None:
        self.seconds += seconds

    def run(self, reference: str = "r-1", customer: str = "C-1") -> DebitResult:
        order: DebitOrder = self.maker.order(reference, customer)
        try:
            return self.maker.debit(order)
        finally:
            self.sent += [reference] * (len(self.platform.posts) - len(self.sent))

    def reconcile(self, chosen: Filter = Filter(states=OPEN)) -> None:  # noqa: B008 - it is frozen
        """Run a program that settles what can be settled."""
        debits = self.maker.debits()
        reconciler = Reconciler(self.maker.journal, debits, [self.maker.profile])
        for entry in list(self.maker.journal.find(chosen)):
            reconciler.reconcile(entry)

    def give_up_and_run_again(self, wait: float = SETTLE + 1) -> None:
        """Somebody holds the debit for lost, and makes it again as soon as that is allowed."""
        self.reconcile()
        for pause in (wait, 61.0):
            self.goes(pause)
            self.reconcile()
        self.platform.debit = honest
        self.run()

    def hold(self) -> list[Post]:
        """Let the platform keep what it is asked for, and lose its replies."""
        held: list[Post] = []

        def keep(wire: Wire, post: Post) -> None:
            held.append(post)
            wire.reset()

        self.platform.debit = keep
        return held

    def at_the_next_claim(self, act: Callable[[Callable[[], Any]], Any]) -> None:
        """Let something happen at the next claim, which it makes itself."""
        journal, claim = self.maker.journal, self.maker.journal.claim

        def claiming(*arguments: Any) -> Any:
            self.patch.setattr(journal, "claim", claim)
            return act(lambda: claim(*arguments))

        self.patch.setattr(journal, "claim", claiming)

    def another_program(self) -> None:
        """Let a program that begins now be the one that runs."""
        self.maker = DebitMaker(
            self.platform, open_journal(self.maker.journal.place), settle=SETTLE
        )

    def lose_power(self) -> None:
        """Let this machine go off, and another program find what is left."""
        self.another_program()
        self.patch.setattr(sender_module, "is_gone", lambda _: True)

    def harm(self) -> list[str]:
        """Where the truth is a second debit, or the journal says what is not so."""
        truth: Counter[str] = Counter()
        for post, reference in zip(self.platform.posts, self.sent, strict=True):
            truth[reference] += post.times_applied
        has = self.platform.more.get("totalAssignedCredit", ASSIGNED)
        overdrawn = ["C-1 is below zero"] if self.platform.taken() > has else []
        if self.allowed is not None and self.platform.taken() > self.allowed:
            overdrawn.append("C-1 was debited though nothing is allowed")
        return [*overdrawn, *sorted(_harm(self.maker.journal, truth))]


def _harm(journal: Journal, truth: Counter[str]) -> Iterator[str]:
    for entry in journal.find(Filter()):
        times = truth[entry.key.reference]
        if times > 1:
            yield f"{entry.key.reference} was made {times} times"
        elif entry.state is State.CONFIRMED and times == 0:
            yield f"{entry.key.reference} is confirmed, and was not made"
        elif entry.state not in (*OPEN, State.CONFIRMED) and times:
            yield f"{entry.key.reference} is {entry.state}, and was made"


# 1. `sending` never goes back to `planned` once a byte was offered.


def the_reply_is_lost(world: World) -> None:
    world.platform.debit = LOST
    world.run()
    world.platform.debit = honest
    world.run()


# 2. No "not applied" before the settle period is over.


def the_request_is_late(world: World) -> None:
    held = world.hold()
    world.run()
    world.give_up_and_run_again(wait=10)
    held[0].apply()


# 3. No verdict while the sender may be alive.


def the_platform_takes_its_time(world: World) -> None:
    def slow(wire: Wire, post: Post) -> None:
        world.give_up_and_run_again()
        honest(wire, post)

    world.platform.debit = slow
    world.run()


# 4. `sending` is durable before the first byte.


def the_power_fails_after_sending(world: World) -> None:
    def off(*_: object) -> None:
        raise PowerCutError

    send = world.maker.client.debit
    world.platform.debit = LOST

    def send_and_lose_power(*arguments: Any) -> Any:
        world.patch.setattr(world.maker.journal, "change", off)
        send(*arguments)

    world.patch.setattr(world.maker.client, "debit", send_and_lose_power)
    with pytest.raises(PowerCutError):
        world.run()
    world.lose_power()
    world.platform.debit = honest
    world.run()


# 5. A claim that is too old is not sent.


def the_sender_falls_asleep(world: World) -> None:
    world.patch.setattr(sender_module, "is_gone", lambda _: None)  # they are on different hosts

    def fall_asleep(claim: Callable[[], Any]) -> Any:
        claimed = claim()
        world.goes(2 * SETTLE)
        world.give_up_and_run_again()
        return claimed

    world.at_the_next_claim(fall_asleep)
    world.run()


# 6. One open debit for each account.


def accounts_are_never_busy(world: World) -> None:
    with world.maker.journal.database.writing() as transaction:
        transaction.execute("DROP INDEX one_open_debit")
    without.no_other_debit_is_looked_for(world.patch.setattr)


def two_of_the_same_amount(world: World) -> None:
    world.platform.debit = NEVER
    world.run("r-1")
    world.platform.debit = LOST
    world.run("r-2")
    world.reconcile()


# What another debit may explain is no evidence, however its customer is written.


def a_customer_is_written_in_two_ways(world: World) -> None:
    world.platform.debit = NEVER
    world.run("r-1")
    world.platform.debit = honest
    world.run("r-2", customer="c-1")
    world.platform.applied["C-1", "CENTS"] += 50  # the platform takes the two for one
    world.reconcile()


def a_debit_of_the_other_spelling_lands_late(world: World) -> None:
    world.platform.debit = NEVER
    world.run("r-2", customer="c-1")
    world.run("r-1")
    world.platform.applied["C-1", "CENTS"] += 50  # that was r-2; the platform takes the two for one
    world.reconcile()


# Credit belongs to the claim.


def two_who_have_seen_the_same_balance(world: World) -> None:
    def after_another(claim: Callable[[], Any]) -> Any:
        world.run("r-2")
        return claim()

    world.at_the_next_claim(after_another)
    world.platform.more = {"totalAssignedCredit": 60}
    world.run("r-1")


# The journal that is written is the one that was opened.


def the_file_is_replaced_in_the_middle(world: World) -> None:
    place = Path(world.maker.journal.place)
    before = place.with_name("before.db")
    world.maker.plan(world.maker.order())
    back_up(world.maker.journal.database, before)

    def replace_it(claim: Callable[[], Any]) -> Any:
        claimed = claim()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{place}{suffix}").rename(f"{place}.old{suffix}")
        before.rename(place)
        return claimed

    world.at_the_next_claim(replace_it)
    with suppress(JournalError):
        world.run()
    world.another_program()
    world.run()


# What comes out of a cache is no evidence.


def a_cache_answers(world: World) -> None:
    before = as_json(world.platform.balance(OF_C_1), "200 OK", "Age: 60")

    def from_a_cache(wire: Wire) -> bool:
        wire.send(before)
        return True

    world.platform.debit = LOST
    world.run()
    world.platform.on_read = from_a_cache
    world.give_up_and_run_again()


# A look counts from when it began.


def looked_at_its_end(*of: Any) -> AccountBalance:
    return replace(read_account_balance(*of), read_at=of[-1]())


def two_looks_take_long(world: World) -> None:
    held = world.hold()

    def slow(wire: Wire) -> bool:
        held[0].apply()
        world.platform.on_read = slow_as_well
        world.reconcile()
        world.goes(61)
        return answered(wire)

    def slow_as_well(wire: Wire) -> bool:
        world.goes(10)
        return answered(wire)

    def answered(wire: Wire) -> bool:
        world.platform.on_read = lambda _: False
        wire.send(before)
        return True

    world.run()
    world.goes(SETTLE - 5)
    before = as_json(world.platform.balance(OF_C_1))
    world.platform.on_read = slow
    world.reconcile()
    world.platform.debit = honest
    world.run()


# Time is counted by a clock that nobody can set.


def the_clock_is_set(world: World) -> None:
    held = world.hold()
    world.run()
    world.clock_was_set_by = SETTLE
    world.give_up_and_run_again(wait=10)
    held[0].apply()


# Sending again needs what the first sending needed.


def debits_are_allowed_no_more(world: World) -> None:
    world.platform.debit = NEVER
    world.run()
    world.maker.profile = replace(world.maker.profile, debit=DebitRules(settle=SETTLE))
    world.allowed = world.platform.taken()
    world.platform.debit = once_only
    world.reconcile()
    world.sent += ["r-1"] * (len(world.platform.posts) - len(world.sent))


# An id that was in use before the first attempt proves nothing.


def classified_as_if_sent_before(came: Any, debit: Any, _: Any, provider: Any) -> Any:
    return classify_again(came, debit, provider)


def the_id_is_another_ones(world: World) -> None:
    assert isinstance(world.platform, IdempotentPlatform)
    world.platform.ids.add("r-1")
    world.platform.debit = once_only
    world.run()
    world.give_up_and_run_again()


# The platform's own list of debits.


def the_list_comes_out_of_a_cache(world: World) -> None:
    assert isinstance(world.platform, ListingPlatform)
    before = world.platform.list_of_debits("/?external_reference_number=r-1")
    world.platform.listed = before.replace(b"\r\n", b"\r\nAge: 60\r\n", 1)
    world.platform.debit = LOST
    world.run()
    world.give_up_and_run_again()


def the_list_is_incomplete(world: World) -> None:
    customer = {"redemptions": {"points": {"point": []}}, "points_count": 1}
    page = {"response": {"status": {"success": "true"}, "customer": customer}}
    world.platform.listed = as_json(page)
    world.platform.debit = LOST
    world.run()
    world.give_up_and_run_again()


def the_list_has_another_debit_of_ours(world: World) -> None:
    world.run("r-0")
    data = [
        {"id": "1", "creditRedeemed": 50, "unit": "CENTS", "dateRedeemed": world.now.isoformat()}
    ]
    user = {"rewardRedemptionTransactions": {"totalCount": 1, "data": data}}
    world.platform.listed = as_json({"data": {"user": user}})
    world.goes(5)
    world.platform.debit = NEVER
    world.run("r-1")
    world.reconcile()


def an_attempt_after_a_failed_one_is_lost(world: World) -> None:
    world.platform.debit = answers(as_json(world.platform.error(521), "400 No"))
    world.run()
    world.maker.journal.change(world.maker.present(), State.NOT_APPLIED, Change("by hand: again"))
    world.platform.debit = LOST
    world.run()
    world.give_up_and_run_again()


def the_programme_is_another_one_now(world: World) -> None:
    assert isinstance(world.platform, ListingPlatform)
    world.platform.programs = frozenset({"42"})
    world.maker.profile = replace(world.maker.profile, options={"program_id": "42"})
    world.platform.debit = LOST
    world.run()
    world.maker.profile = replace(world.maker.profile, options={})
    world.give_up_and_run_again()


def off(rule: Callable[[without.Put], None]) -> Callable[[World], None]:
    """A rule that the proof by kills switches off, too, until the test ends."""
    return lambda world: rule(world.patch.setattr)


def put(target: object, name: str, value: object) -> Callable[[World], None]:
    return lambda world: world.patch.setattr(target, name, value)


class Rule(NamedTuple):
    """A way to switch a rule off, what may happen then, and what harm it does."""

    off: Callable[[World], None]
    schedule: Callable[[World], None]
    harm: list[str]
    platform: type[FaultyPlatform] = FaultyPlatform


RULES = {
    "sent is not planned": Rule(off(without.sent_is_planned), the_reply_is_lost, TWICE),
    "the settle period": Rule(off(without.nothing_needs_to_settle), the_request_is_late, TWICE),
    "the sender is gone": Rule(
        off(without.every_sender_is_gone), the_platform_takes_its_time, TWICE
    ),
    "a durable claim": Rule(
        off(without.the_claim_comes_later), the_power_fails_after_sending, TWICE
    ),
    "a young claim": Rule(
        put(claim_module, "CLAIM_LIFETIME_SECONDS", inf), the_sender_falls_asleep, TWICE
    ),
    "one open debit": Rule(accounts_are_never_busy, two_of_the_same_amount, MADE_UP),
    "explained by another": Rule(
        off(without.no_other_debit_is_looked_for),
        a_customer_is_written_in_two_ways,
        MADE_UP,
    ),
    "explained by one that is open": Rule(
        off(without.no_other_debit_is_looked_for),
        a_debit_of_the_other_spelling_lands_late,
        MADE_UP,
    ),
    "credit at the claim": Rule(
        off(without.any_balance_will_do), two_who_have_seen_the_same_balance, ["C-1 is below zero"]
    ),
    "never again": Rule(off(without.unknown_is_sent_again), the_reply_is_lost, TWICE),
    "the same file": Rule(
        put(FileDatabase, "check_unchanged", lambda _: None),
        the_file_is_replaced_in_the_middle,
        TWICE,
    ),
    "no caches": Rule(off(without.caches_are_believed), a_cache_answers, TWICE),
    "when a look began": Rule(
        put(debit_module, "read_account_balance", looked_at_its_end), two_looks_take_long, TWICE
    ),
    "no wall clock": Rule(World.believe_the_wall_clock, the_clock_is_set, TWICE),
    "what sending again needs": Rule(
        put(resend_module, "_reason", lambda *_: None),
        debits_are_allowed_no_more,
        ["C-1 was debited though nothing is allowed"],
        IdempotentPlatform,
    ),
    "an id in use": Rule(
        put(debit_module, "classify", classified_as_if_sent_before),
        the_id_is_another_ones,
        MADE_UP,
        IdempotentPlatform,
    ),
    "the settle period of a list": Rule(
        off(without.nothing_needs_to_settle), the_request_is_late, TWICE, ListingPlatform
    ),
    "no lists out of caches": Rule(
        off(without.lists_from_caches_are_believed),
        the_list_comes_out_of_a_cache,
        TWICE,
        ListingPlatform,
    ),
    "complete lists": Rule(
        off(without.incomplete_lists_are_believed),
        the_list_is_incomplete,
        TWICE,
        ListingPlatform,
    ),
    "a list explained by another": Rule(
        off(without.no_other_debit_explains_a_list),
        the_list_has_another_debit_of_ours,
        MADE_UP,
    ),
    "the number of the attempt": Rule(
        off(without.lists_are_searched_for_the_first_number),
        an_attempt_after_a_failed_one_is_lost,
        TWICE,
        ListingPlatform,
    ),
    "the same programme": Rule(
        off(without.any_programme_will_do),
        the_programme_is_another_one_now,
        TWICE,
        ListingPlatform,
    ),
}


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[World]:
    with getattr(request, "param", FaultyPlatform)() as platform:
        yield World(platform, open_journal(str(tmp_path / "j.db"), create=True), monkeypatch)


each_rule = pytest.mark.parametrize(
    ("name", "world"), [(name, rule.platform) for name, rule in RULES.items()], indirect=["world"]
)


@each_rule
def test_with_all_rules_in_force_no_schedule_does_harm(name: str, world: World) -> None:
    RULES[name].schedule(world)

    assert world.harm() == []
    assert world.platform.taken() <= 50


@each_rule
def test_without_its_rule_a_schedule_does_harm(name: str, world: World) -> None:
    RULES[name].off(world)

    RULES[name].schedule(world)

    assert world.harm() == RULES[name].harm


# All orders of a few steps, not only the one that is known to hurt.


class ImaginedPlatform(PlatformClient):
    """A platform without sockets: it makes a debit at once, or when it gets round to it."""

    def __init__(self, world: World) -> None:
        super().__init__(HttpClient(), KnownCredentials(), AccessTokens(KeyringStore()))
        self._world = world
        self.held: list[float] = []
        self.made = 0
        self.holds = False

    def aged_reading(self, profile: Profile, query: Query) -> tuple[Reading, str | None]:
        del profile, query
        left, redeemed = Amount(1000 - 50 * self.made), Amount(50 * self.made)
        line = Balance(
            name="credit", kind="credit", unit="CENTS", available=left, redeemed=redeemed
        )
        return Reading((line,)), None

    def debit(
        self, profile: Profile, request: Request, before_first_byte: Callable[[], None]
    ) -> DebitAnswer:
        del profile, request
        before_first_byte()
        if self.holds:
            self.held.append(self._world.seconds)
        else:
            self.made += 1
        raise LoyaltyError(ErrorCode.UNREACHABLE, "the reply was lost")

    def land(self) -> None:
        """What was held is made, unless it is so old that the platform has forgotten it."""
        self.made += sum(self._world.seconds - since < SETTLE for since in self.held)
        self.held.clear()


class Explorer:
    """Takes the steps of a path, from a beginning of its own each time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.customers = count(1)
        self.name = ""
        self.platform = ImaginedPlatform(world)
        # It takes thousands of steps, and no power is going to fail.
        database = world.maker.journal.database
        assert isinstance(database, FileDatabase)
        for connection in database._idle:
            connection.execute("PRAGMA synchronous=OFF")

    def after(self, path: tuple[str, ...]) -> tuple[object, ...]:
        """Everything that matters for what can happen next."""
        self.name = f"r-{next(self.customers)}"
        self.world.seconds = 0.0
        self.world.maker.client = self.platform = ImaginedPlatform(self.world)
        for step in path:
            getattr(self, step)()
        entry = self.world.maker.present(self.name)
        events = self.world.maker.journal.events(entry.key)
        ages = [(self.world.now - event.at, event.why) for event in events if event.attempt]
        held = [self.world.seconds - since for since in self.platform.held]
        return entry.state, self.platform.made, tuple(held), tuple(ages[-4:])

    def run(self, *, holds: bool = False) -> None:
        self.platform.holds = holds
        self.world.maker.debit(self.order)

    def run_and_hold(self) -> None:
        self.run(holds=True)

    def land(self) -> None:
        self.platform.land()

    def wait(self) -> None:
        self.world.goes(SETTLE / 2 + 1)

    def look(self) -> None:
        self.world.reconcile(Filter(states=OPEN, reference=self.name))

    @property
    def order(self) -> DebitOrder:
        return self.world.maker.order(self.name, customer=self.name)


STEPS = ("run", "run_and_hold", "land", "wait", "look")


def shortest_harm(world: World, longest: int) -> tuple[str, ...] | None:
    """The shortest path of steps that makes a debit twice; None where there is none so short."""
    explorer = Explorer(world)
    paths: list[tuple[str, ...]] = [("run",), ("run_and_hold",)]
    seen = set()
    while paths:
        path = paths.pop(0)
        reached = explorer.after(path)
        if explorer.platform.made > 1:
            return path
        if reached not in seen and len(path) < longest:
            seen.add(reached)
            paths += [(*path, step) for step in STEPS]
    return None


def test_no_order_of_seven_steps_makes_a_debit_twice(world: World) -> None:
    assert shortest_harm(world, 7) is None


@pytest.mark.parametrize(
    ("rule_off", "shortest"),
    [
        (
            off(without.nothing_needs_to_settle),
            ("run_and_hold", "look", "wait", "look", "run", "land"),
        ),
        (off(without.unknown_is_sent_again), ("run", "run")),
    ],
    ids=["nothing needs to settle", "unknown is sent again"],
)
def test_without_a_rule_the_shortest_way_to_a_second_debit_is_found(
    rule_off: Callable[[World], None], shortest: tuple[str, ...], world: World
) -> None:
    rule_off(world)

    assert shortest_harm(world, len(shortest)) == shortest
