"""A command leads on from every state of a debit, and "run the same command again" is true."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from loyalty_cli.commands.journal.manual_decision import BY_HAND
from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.journal import uptime
from loyalty_cli.debits.journal.conflicts import AccountBusyError, BalanceChangedError
from loyalty_cli.debits.journal.entries import OPEN, Baseline, Change, Entry, State
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.reconcile import Reconciler
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from tests.debits.conftest import CliWith, DebitMaker
from tests.fakes.faulty_platform import (
    LOST,
    NEVER,
    Debiting,
    FaultyPlatform,
    IdempotentPlatform,
    answers,
    as_json,
    honest,
    once_only,
)

ENDS = {(State.CONFIRMED, 1), (State.DROPPED, 0)}


def says(platform: type[FaultyPlatform], code: str, status: str) -> Debiting:
    if platform is IdempotentPlatform:
        return answers(as_json({"code": int(code), "message": "no"}, status))
    return answers(as_json({"statusCode": 400, "message": "no", "rsCode": code}, status))


MOODS: dict[type[FaultyPlatform], dict[str, Debiting]] = {
    FaultyPlatform: {
        "makes it": honest,
        "loses its reply": LOST,
        "never gets it": NEVER,
        "says no": says(FaultyPlatform, "RS001", "400 No"),
        "refuses the sign-in": says(FaultyPlatform, "RS032", "400 No"),
        "is asked too often": says(FaultyPlatform, "RS033", "400 No"),
        "contradicts itself": answers(as_json({"message": "no", "statusCode": 500}, "400 No")),
    },
    IdempotentPlatform: {
        "makes it": once_only,
        "loses its reply": LOST,
        "never gets it": NEVER,
        "says no": says(IdempotentPlatform, "9008", "422 No"),
        "refuses the sign-in": says(IdempotentPlatform, "1001", "401 No"),
        "has another clock": says(IdempotentPlatform, "9007", "422 No"),
    },
}


class Node(NamedTuple):
    """All that matters for what can happen next: the state on record, and the truth."""

    state: State
    made: int


class OneDebit:
    """A debit that can be brought anywhere, by what the world does and what people type."""

    def __init__(
        self, platform: FaultyPlatform, journal: Journal, patch: pytest.MonkeyPatch
    ) -> None:
        self.platform = platform
        self.journal = journal
        self.seconds = 1000.0
        self._names = count()
        self.name = ""
        patch.setattr(uptime, "seconds_awake_or_asleep", lambda: self.seconds)
        patch.setattr("time.sleep", lambda _: None)

    def begin(self) -> None:
        self.name = f"C-{next(self._names)}"
        self.platform.more = {}

    def maker(self, **more: Any) -> DebitMaker:
        return DebitMaker(self.platform, self.journal, timeout=1.0, settle=10.0, **more)

    @property
    def node(self) -> Node:
        entry = self.entry
        made = self.platform.times[self.name, self.platform.unit]
        return Node(entry.state if entry else State.PLANNED, made)

    @property
    def entry(self) -> Entry | None:
        key = self.maker().order(self.name).key
        return self.journal.known([key]).get(key)

    def run(self, mood: Debiting, **more: Any) -> None:
        self.platform.debit = mood
        maker = self.maker(**more)
        maker.debit(maker.order(self.name, customer=self.name))

    def is_killed_while_it_sends(self) -> None:
        maker = self.maker()
        entry = maker.plan(maker.order(self.name, customer=self.name))
        if entry.state is State.PLANNED:
            gone = replace(this_process(), started="0")
            self.journal.claim(entry, gone, Baseline(redeemed="0"))

    def reconcile(self, profiles: list[Profile] | None = None) -> None:
        maker = self.maker()
        known = [maker.profile] if profiles is None else profiles
        reconciler = Reconciler(self.journal, maker.debits(), known)
        for _ in range(3):
            entry = self.entry
            if entry and entry.state in OPEN:
                reconciler.reconcile(entry)
            self.seconds += 100

    def decide(self, state: State) -> None:
        """What a person says who has looked."""
        entry = self.entry
        if entry is None:
            return
        entry = self.maker().debits().mark_abandoned(None, entry)
        if (entry.state, state) in BY_HAND:
            self.journal.change(entry, state, Change("by hand"))


def happenings(one: OneDebit) -> dict[str, Callable[[], None]]:
    """All that the world may do to a debit, and all that people may type."""
    moods = MOODS[type(one.platform)]

    def if_true(state: State, truth: int) -> Callable[[], None]:
        return lambda: one.decide(state) if one.node.made == truth else None

    def without_credit() -> None:
        one.platform.more = {"totalAssignedCredit": 0, "availablePointsBalance": 0}
        one.run(moods["makes it"])
        one.platform.more = {}

    def reconcile_while_it_is_refused() -> None:
        one.platform.debit = moods["refuses the sign-in"]
        one.reconcile()

    steps: dict[str, Callable[[], None]] = {
        **{f"it {name}": partial(one.run, mood) for name, mood in moods.items()},
        "no credit": without_credit,
        "killed": one.is_killed_while_it_sends,
        "reconcile": one.reconcile,
        "reconcile without its profile": lambda: one.reconcile([]),
        "reconcile, refused": reconcile_while_it_is_refused,
    }
    return steps | {
        "resolve --confirmed": if_true(State.CONFIRMED, 1),
        "resolve --not-applied": if_true(State.NOT_APPLIED, 0),
        "drop": if_true(State.DROPPED, 0),
    }


MENDED = ("it makes it", "reconcile", "resolve --confirmed", "resolve --not-applied", "drop")
"""What leads on once the cause is gone: a platform that answers, and what people type."""


@pytest.fixture(params=[FaultyPlatform, IdempotentPlatform], ids=["SaaSquatch", "Gameball"])
def one(
    request: pytest.FixtureRequest, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OneDebit]:
    with request.param() as platform:
        yield OneDebit(platform, journal, monkeypatch)


def walk(one: OneDebit) -> dict[Node, dict[str, Node]]:
    """Where each happening leads from each node that can be reached."""
    steps = happenings(one)
    first = Node(State.PLANNED, 0)
    paths: dict[Node, tuple[str, ...]] = {first: ()}
    waiting, edges = [first], dict[Node, dict[str, Node]]()
    while waiting:
        node = waiting.pop(0)
        edges[node] = {}
        for name, step in steps.items():
            one.begin()
            maker = one.maker()
            maker.plan(maker.order(one.name, customer=one.name))
            for earlier in paths[node]:
                steps[earlier]()
            assert one.node == node
            step()
            reached = edges[node][name] = one.node
            if reached not in paths:
                paths[reached] = (*paths[node], name)
                waiting.append(reached)
    return edges


def test_from_each_state_of_a_debit_some_command_leads_to_an_end(one: OneDebit) -> None:
    edges = walk(one)

    assert {node.state for node in edges} == set(State)
    assert all(node.made <= 1 for node in edges)
    leads_on = set(ENDS)
    while True:
        more = {
            node
            for node, reached in edges.items()
            if node not in leads_on and any(reached[name] in leads_on for name in MENDED)
        }
        if not more:
            break
        leads_on |= more
    assert set(edges) - leads_on == set()


# What stopped a debit before it was sent stops no later run.


@pytest.mark.parametrize("kind", [AccountBusyError, BalanceChangedError])
def test_a_debit_of_an_account_that_was_busy_is_made_by_the_next_run(
    kind: type[LoyaltyError], cli_with: CliWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = cli_with(timeout=0.2)

    def failing(*_: object, **__: object) -> None:
        raise kind(ErrorCode.ACCOUNT_BUSY, "busy")

    with monkeypatch.context() as others:
        others.setattr("loyalty_cli.debits.send_once.CLAIM_LIFETIME_SECONDS", 0.2)
        others.setattr(Journal, "claim", failing)
        first = cli.debit()

    assert (first.code, cli.entry().state) == (6, State.PLANNED)
    assert cli.debit().code == 0


@pytest.mark.parametrize("limit", ["max_total_per_day: 49", "max_amount: 49", "max_total: 49"])
def test_a_debit_that_a_limit_stopped_is_made_once_it_is_raised(
    limit: str, cli_with: CliWith
) -> None:
    cli = cli_with(rules=f", {limit}")
    assert cli.debit().code == 6
    cli.configure(limit, limit.replace("49", "50"))

    assert cli.debit().code == 0
    assert len(cli.platform.posts) == 1
