"""A run of several debits: side by side, one after the other for an account, and when it ends."""

import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from itertools import count, islice
from threading import Barrier, BrokenBarrierError, Event, Lock

import pytest

from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Baseline, Change, Entry, State
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.result import DebitResult, written_error
from loyalty_cli.debits.run import DebitStop, run_all
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.lists.failure_limit import FailureLimit
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers.contract import Limit
from tests.debits.conftest import CliWith, CommandLine, DebitMaker
from tests.fakes.faulty_platform import FaultyPlatform, Post, answers, as_json, honest
from tests.fakes.servers import Wire

JOBS = 4
LONG = (Limit(100, 1), Limit(2, 3600))


def run(
    maker: DebitMaker, orders: list[DebitOrder], stop: DebitStop | None = None, jobs: int = JOBS
) -> Generator[DebitResult]:
    entries = maker.journal.plan([order.planned for order in orders])
    return run_all(maker.debits(), orders, entries, stop or DebitStop(), jobs)


def several(maker: DebitMaker, number: int) -> list[DebitOrder]:
    return [maker.order(f"r-{n}", customer=f"C-{n}") for n in range(number)]


def states(maker: DebitMaker, number: int) -> list[State]:
    return [maker.present(f"r-{n}").state for n in range(number)]


def test_accounts_are_debited_side_by_side(maker: DebitMaker) -> None:
    together = Barrier(JOBS, timeout=30)

    def debit(wire: Wire, post: Post) -> None:
        together.wait()
        honest(wire, post)

    maker.platform.debit = debit

    settled = list(run(maker, several(maker, JOBS)))

    assert [each.entry.key.reference for each in settled] == ["r-0", "r-1", "r-2", "r-3"]
    assert {each.entry.state for each in settled} == {State.CONFIRMED}


def test_debits_of_one_account_are_made_one_after_the_other(maker: DebitMaker) -> None:
    at_once, most, lock = 0, 0, Lock()

    def debit(wire: Wire, post: Post) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        wire.wait(0.01)
        post.apply()
        with lock:
            at_once -= 1
        wire.send(as_json(post.yes))

    maker.platform.debit = debit
    orders = [maker.order(f"r-{n}") for n in range(2 * JOBS)]

    settled = list(run(maker, orders))

    assert {each.entry.state for each in settled} == {State.CONFIRMED}
    assert (most, maker.platform.taken()) == (1, 50 * len(orders))


def test_an_unknown_debit_holds_up_its_account_and_no_other(maker: DebitMaker) -> None:
    maker.platform.debit = lambda wire, post: (
        honest(wire, post) if post.account[0] != "C-1" else wire.reset()
    )
    orders = [maker.order("a"), maker.order("b"), maker.order("c", customer="C-2")]

    settled = list(run(maker, orders))

    assert sorted(each.entry.state for each in settled) == ["confirmed", "planned", "unknown"]
    (busy,) = [each for each in settled if each.entry.state is State.PLANNED]
    assert busy.error is not None
    assert busy.error.code is ErrorCode.ACCOUNT_BUSY
    assert len(maker.platform.posts) == 2


def test_orders_are_read_only_as_they_are_needed(maker: DebitMaker) -> None:
    taken = 0

    def endless() -> Iterator[DebitOrder]:
        nonlocal taken
        for number in count():
            taken += 1
            yield maker.order(f"r-{number}", customer=f"C-{number}")

    entries = (maker.plan(maker.order(f"r-{n}", customer=f"C-{n}")) for n in count())
    with closing(run_all(maker.debits(), endless(), entries, DebitStop(), JOBS)) as settled:
        first = list(islice(settled, 20))

    assert [each.entry.key.reference for each in first] == [f"r-{n}" for n in range(20)]
    assert taken <= 20 + 2 * JOBS


def test_a_journal_that_fails_while_orders_are_read_loses_no_result(maker: DebitMaker) -> None:
    stop = DebitStop()
    orders = several(maker, 5)

    def failing() -> Iterator[Entry]:
        yield from map(maker.plan, orders[:3])
        raise JournalError(ErrorCode.SETUP, "the journal failed.")

    settled = list(run_all(maker.debits(), orders, failing(), stop, JOBS))

    assert [each.entry.state for each in settled] == ["confirmed"] * len(settled)
    assert str(stop.journal_failed) == "the journal failed."
    assert State.SENDING not in states(maker, 3)
    assert states(maker, 3).count(State.CONFIRMED) == len(maker.platform.posts)


def test_a_refused_debit_holds_up_no_other(maker: DebitMaker) -> None:
    no = answers(as_json(maker.platform.error(400), "400 No"))
    maker.platform.debit = lambda wire, post: (
        no(wire, post) if post.account[0] == "C-0" else honest(wire, post)
    )

    list(run(maker, several(maker, 6)))

    assert states(maker, 6) == ["refused", *["confirmed"] * 5]


def test_a_refused_sign_in_ends_the_debits_of_its_profile_and_no_others(maker: DebitMaker) -> None:
    with FaultyPlatform(answers(as_json(maker.platform.error(401), "401 No"))) as locked:
        closed = DebitMaker(locked, maker.journal, name="closed")
        orders = [
            each.order(f"{name}-{n}")
            for n in range(5)
            for name, each in (("closed", closed), ("open", maker))
        ]

        settled = list(run(maker, orders))

        assert len(locked.posts) == 1
    assert [each.entry.profile for each in settled] == ["closed", *["shop"] * 5]
    assert settled[0].error is not None
    assert settled[0].error.code is ErrorCode.CREDENTIAL_REFUSED
    assert {each.error for each in settled[1:]} == {None}
    assert len(maker.platform.posts) == 5


def test_a_sign_in_refused_in_an_earlier_run_does_not_stop_a_later_one(maker: DebitMaker) -> None:
    orders = several(maker, 12)
    claimed = maker.journal.claim(maker.plan(orders[0]), this_process(), Baseline())
    assert claimed is not None
    error = LoyaltyError(ErrorCode.CREDENTIAL_REFUSED, "The sign-in was refused.")
    maker.journal.change(claimed, State.REFUSED, Change("no", error=written_error(error)))

    settled = list(run(maker, several(maker, 12), jobs=1))

    assert [each.entry.state for each in settled] == ["refused", *["confirmed"] * 11]
    assert [each.replayed for each in settled] == [True, *[False] * 11]


def test_debits_in_flight_are_recorded_though_nobody_reads_the_results(maker: DebitMaker) -> None:
    arrived = Event()
    first = Event()

    def debit(wire: Wire, post: Post) -> None:
        if post.account[0] == "C-0":
            honest(wire, post)
            first.set()
            return
        arrived.set()
        wire.wait(0.2)
        honest(wire, post)

    maker.platform.debit = debit
    settled = run(maker, several(maker, 20))
    next(settled)
    assert first.wait(30)
    assert arrived.wait(30)
    settled.close()

    assert State.SENDING not in states(maker, 20)
    assert State.PLANNED in states(maker, 20)
    assert states(maker, 20).count(State.CONFIRMED) == len(maker.platform.posts)


@pytest.fixture
def at_most_two(maker: DebitMaker, monkeypatch: pytest.MonkeyPatch) -> DebitMaker:
    """A platform that says that it takes two debits in half a second."""
    monkeypatch.setattr(type(maker.profile.provider), "debit_limits", (Limit(2, 0.5),))
    return maker


def test_no_more_debits_arrive_than_the_platform_says_it_takes(at_most_two: DebitMaker) -> None:
    arrivals: list[float] = []

    def debit(wire: Wire, post: Post) -> None:
        arrivals.append(time.monotonic())
        honest(wire, post)

    at_most_two.platform.debit = debit

    list(run(at_most_two, several(at_most_two, 6)))

    assert states(at_most_two, 6) == ["confirmed"] * 6
    assert all(
        later - earlier >= 0.5 for earlier, later in zip(arrivals, arrivals[2:], strict=False)
    )


def test_a_run_that_waits_for_the_platforms_limit_can_be_stopped(
    at_most_two: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = DebitStop()
    monkeypatch.setattr(type(at_most_two.profile.provider), "debit_limits", LONG)
    # Of several at a time any two could have the turns that there are.
    settled = run(at_most_two, several(at_most_two, 6), stop, jobs=1)

    first = [next(settled), next(settled)]
    stop.set()

    assert [each.entry.state for each in first] == ["confirmed", "confirmed"]
    assert list(settled) == []
    assert states(at_most_two, 6) == ["confirmed", "confirmed", *["planned"] * 4]


def test_after_a_429_the_other_debits_wait(maker: DebitMaker) -> None:
    arrivals: list[float] = []
    no = as_json(maker.platform.error(429), "429 No", "Retry-After: 1")

    def debit(wire: Wire, post: Post) -> None:
        arrivals.append(time.monotonic())
        if len(arrivals) == 1:
            wire.send(no)
        else:
            honest(wire, post)

    maker.platform.debit = debit

    list(run(maker, several(maker, 3), jobs=1))

    assert states(maker, 3) == ["unknown", "confirmed", "confirmed"]
    assert arrivals[1] - arrivals[0] >= 1


def test_a_platform_that_asks_for_a_long_pause_gets_no_more_debits(maker: DebitMaker) -> None:
    maker.platform.debit = answers(
        as_json(maker.platform.error(429), "429 No", "Retry-After: 3600")
    )

    settled = list(run(maker, several(maker, 5), jobs=1))

    assert [each.entry.state for each in settled] == [State.UNKNOWN]
    assert len(maker.platform.posts) == 1


def test_a_debit_that_had_its_permit_before_a_pause_is_not_sent_into_it(maker: DebitMaker) -> None:
    together, lock = Barrier(JOBS, timeout=30), Lock()
    arrivals: list[float] = []
    no = as_json(maker.platform.error(429), "429 No", "Retry-After: 1")
    refused = Event()

    def read_slowly(wire: Wire) -> bool:
        del wire
        if not refused.is_set():
            with suppress(BrokenBarrierError):
                together.wait(0.5)
        return False

    def debit(wire: Wire, post: Post) -> None:
        with lock:
            arrivals.append(time.monotonic())
        if len(arrivals) == 1:
            refused.set()
            wire.send(no)
        else:
            honest(wire, post)

    maker.platform.on_read = read_slowly
    maker.platform.debit = debit

    list(run(maker, several(maker, 8)))

    in_the_pause = [at for at in arrivals[1:] if 0.3 < at - arrivals[0] < 1]
    assert in_the_pause == []
    assert len(arrivals) == 8


def test_a_settled_debit_waits_for_no_permit(
    maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(run(maker, several(maker, 6)))
    monkeypatch.setattr(type(maker.profile.provider), "debit_limits", LONG)

    settled = list(run(maker, several(maker, 6)))

    assert [each.replayed for each in settled] == [True] * 6


def test_a_debit_stopped_while_its_balance_is_read_is_not_sent(
    maker: DebitMaker,
) -> None:
    stop = DebitStop()

    def stop_now(_: Wire) -> bool:
        stop.set()
        return False

    maker.platform.on_read = stop_now

    settled = list(run(maker, several(maker, 1), stop))

    assert settled == []
    assert maker.platform.posts == []
    assert maker.present("r-0").attempt == 0


def test_a_defect_at_one_debit_leaves_no_other_half_recorded(
    maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = Event()
    make = DebitSender.run

    def faulty(
        debits: DebitSender, order: DebitOrder, entry: Entry, begin: Callable[[], None]
    ) -> DebitResult:
        if order.reference == "r-0":
            arrived.wait(30)
            raise ZeroDivisionError
        return make(debits, order, entry, begin)

    def debit(wire: Wire, post: Post) -> None:
        arrived.set()
        wire.wait(0.1)
        honest(wire, post)

    monkeypatch.setattr(DebitSender, "run", faulty)
    maker.platform.debit = debit

    with pytest.raises(ZeroDivisionError):
        list(run(maker, several(maker, 10)))

    assert State.SENDING not in states(maker, 10)


# A file with rows of several profiles.


def test_a_profile_without_a_credential_holds_up_no_other(cli_with: CliWith) -> None:
    cli = cli_with(more="  other: {provider: gameball, debit: {allow: true, unit: points}}\n")
    rows = [f"C-{n},50,r-{n},{'other' if n == 0 else 'shop'}" for n in range(20)]

    done = cli.debit_file(*rows, columns="customer,amount,reference,profile")

    assert done.code == 9
    first, *others = done.records
    assert (first["state"], first["error"]["code"]) == ("planned", "credential_missing")
    assert [each["state"] for each in others] == ["confirmed"] * 19


def test_debits_that_a_refused_sign_in_stopped_are_made_by_the_next_run(
    cli: CommandLine,
) -> None:
    rows = [f"C-1,50,r-{n}" for n in range(12)]
    cli.platform.debit = answers(as_json(cli.platform.error(403), "403 No"))

    first = cli.debit_file(*rows)
    cli.platform.debit = honest
    again = cli.debit_file(*rows)

    assert (first.code, len(first.records)) == (4, 1)
    assert "11 of 12 debits unfinished; run the same command again." in first.err
    assert again.code == 0
    assert {each["state"] for each in again.records} == {"confirmed"}
    assert cli.platform.taken() == 12 * 50


# A journal that fails in the middle.


FOUR = [f"C-1,50,r-{n}" for n in range(4)]


def sql(cli: CommandLine, statement: str) -> None:
    with closing(sqlite3.connect(cli.place)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_journal_that_fails_at_a_claim_ends_the_run_with_nothing_sent(cli: CommandLine) -> None:
    def lose_the_events(_: Wire) -> bool:
        if cli.platform.reads == 2:
            sql(cli, "ALTER TABLE events RENAME TO gone")
        return False

    cli.platform.on_read = lose_the_events

    done = cli.debit_file(*FOUR)

    assert done.code == 3
    assert "no such table: events" in done.err
    assert len(cli.platform.posts) == 1
    sql(cli, "ALTER TABLE gone RENAME TO events")
    assert sorted(cli.entry(f"r-{n}").state for n in range(4)) == [
        *("confirmed", "planned", "planned", "planned"),
    ]


def test_a_journal_that_fails_at_a_result_ends_the_run_with_8(cli: CommandLine) -> None:
    def lose_the_events(wire: Wire, post: Post) -> None:
        sql(cli, "ALTER TABLE events RENAME TO gone")
        honest(wire, post)

    cli.platform.debit = lose_the_events

    done = cli.debit_file(*FOUR)

    assert done.code == 8
    assert "was sent (confirmed), but the journal could not record that" in done.err
    assert (len(cli.platform.posts), cli.platform.taken()) == (1, 50)
    sql(cli, "ALTER TABLE gone RENAME TO events")
    assert sorted(cli.entry(f"r-{n}").state for n in range(4)) == [
        *("planned", "planned", "planned", "sending"),
    ]


def test_a_journals_failure_after_sending_is_told_rather_than_one_before() -> None:
    stop = DebitStop()
    sent = JournalError(ErrorCode.OUTCOME_UNKNOWN, "sent")
    stop.journal_fails(sent)
    stop.journal_fails(JournalError(ErrorCode.SETUP, "not sent"))

    assert stop.journal_failed is sent
    other = DebitStop()
    other.journal_fails(JournalError(ErrorCode.SETUP, "not sent"))
    other.journal_fails(sent)
    assert other.journal_failed is sent


def test_settled_debits_do_not_count_for_the_max_total(cli_with: CliWith) -> None:
    cli = cli_with(rules=", max_total: 100")
    rows = [f"C-1,50,r-{n}" for n in range(7)]

    assert [cli.debit_file(*rows[:number]).code for number in (2, 4, 7)] == [0, 0, 6]
    assert len(cli.platform.posts) == 4


def test_a_dry_run_reports_a_hundred_accounts_and_counts_the_others(cli: CommandLine) -> None:
    done = cli.debit_file(*(f"C-{n},{n + 1},r-{n}" for n in range(102)), how="--dry-run")

    assert (done.code, cli.platform.posts) == (0, [])
    assert done.err.splitlines()[-2:] == [
        "C-99 at shop has 10000 CENTS: 100 of 100 would be taken, 9900 left.",
        "and 2 more accounts.",
    ]


def test_debits_that_were_not_sent_when_the_limit_of_failures_was_reached_stay_planned(
    maker: DebitMaker,
) -> None:
    limit = FailureLimit(2)
    maker.platform.debit = answers(as_json({}, "500 Internal Server Error"))

    settled = list(run(maker, several(maker, 6), DebitStop(limit), jobs=1))

    assert [each.entry.state for each in settled] == [State.UNKNOWN] * 2
    assert states(maker, 6) == [State.UNKNOWN] * 2 + [State.PLANNED] * 4
    assert (len(maker.platform.posts), limit.ended_by) == (2, ErrorCode.OUTCOME_UNKNOWN)


def test_a_failure_of_an_earlier_run_does_not_count_for_the_limit(maker: DebitMaker) -> None:
    maker.platform.debit = answers(as_json({}, "500 Internal Server Error"))
    list(run(maker, several(maker, 2)))
    maker.platform.debit = honest

    settled = list(run(maker, several(maker, 4), DebitStop(FailureLimit(1)), jobs=1))

    assert [each.entry.state for each in settled] == [State.UNKNOWN] * 2 + [State.CONFIRMED] * 2
