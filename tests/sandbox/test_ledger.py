"""The ledger: what it remembers, and what it says when it cannot."""

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.sandbox.ledger import (
    Account,
    Ledger,
    NotEnoughError,
    Redemption,
    RepeatedError,
)
from tests.fakes.standing_clock import StandingClock

CENTS = Account("saasquatch", "C-1001", "CENTS")
POINTS = Account("saasquatch", "C-1001", "points")
OTHERS = (
    Account("gameball", "C-1001", "CENTS"),
    Account("saasquatch", "C-1002", "CENTS"),
    Account("saasquatch", "C-1001", "cents"),
)
ONE, LIMIT = Decimal(1), Decimal(100)

REDEEM_UNTIL_EMPTY = """
import sys
from decimal import Decimal
from pathlib import Path
from loyalty_cli.sandbox.ledger import Account, Ledger, NotEnoughError

ledger, done = Ledger(Path(sys.argv[1])), 0
sys.stdin.readline()
try:
    while True:
        ledger.redeem(Account("saasquatch", "C-1001", "CENTS"), Decimal(1), Decimal(100))
        done += 1
except NotEnoughError:
    print(done)
"""


def test_the_ledger_keeps_every_digit_of_an_amount(ledger: Ledger) -> None:
    limit = Decimal(10) ** 40
    ledger.redeem(CENTS, Decimal(98765432109876543210987654321098765), limit)
    ledger.redeem(CENTS, Decimal("0.000001"), limit)

    assert str(ledger.redeemed(CENTS)) == "98765432109876543210987654321098765.000001"


def test_several_processes_never_redeem_more_than_there_is(ledger: Ledger) -> None:
    command = [sys.executable, "-c", REDEEM_UNTIL_EMPTY, str(ledger.path)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    shares = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(shares) == 100
    assert ledger.redeemed(CENTS) == 100


# Redemptions that are due later


def test_a_clock_that_is_set_back_does_not_undo_a_redemption(
    ledger: Ledger, clock: StandingClock
) -> None:
    ledger.redeem(CENTS, ONE, LIMIT)

    clock.move(-3600)

    assert ledger.redeemed(CENTS) == 1


def test_a_reset_of_the_ledger_forgets_everything(ledger: Ledger, clock: StandingClock) -> None:
    ledger.redeem(CENTS, Decimal(60), LIMIT, "order 7")
    ledger.redeem(CENTS, Decimal(40), LIMIT, "order 8", delay=3)

    ledger.reset()
    clock.move(3)

    assert ledger.redeemed(CENTS) == 0
    assert ledger.redeem(CENTS, LIMIT, LIMIT, "order 7").number == 1


def test_a_redemption_that_takes_effect_later_keeps_its_number(ledger: Ledger) -> None:
    first = ledger.redeem(CENTS, ONE, LIMIT, "order 7", delay=3)

    assert ledger.redeem(CENTS, ONE, LIMIT, "order 7", delay=3) == first


class Order(NamedTuple):
    """One order, and how long after the one before it."""

    account: Account
    amount: int
    reference: str | None = None
    delay: int = 0
    pause: int = 0

    @property
    def key(self) -> tuple[str, str] | None:
        """What counts once."""
        return (self.account.provider, self.reference) if self.reference else None


ORDERS = st.builds(
    Order,
    account=st.sampled_from([CENTS, POINTS, *OTHERS]),
    amount=st.integers(1, 70),
    reference=st.sampled_from([None, "order 7", "order 8"]),
    delay=st.sampled_from([0, 3, 5]),
    pause=st.integers(0, 4),
)


class Model:
    """What a platform would have done by now: orders one after the other, as they are due."""

    def __init__(self) -> None:
        self.orders: list[tuple[float, Order]] = []

    def done(self, until: float, *more: tuple[float, Order]) -> list[Order]:
        seen, done = set(), []
        for due, order in sorted([*self.orders, *more], key=lambda pair: pair[0]):
            if due <= until and order.key not in seen:
                done.append(order)
                seen |= {order.key} - {None}
        return done

    def redeemed(self, account: Account, until: float, *more: tuple[float, Order]) -> int:
        return sum(order.amount for order in self.done(until, *more) if order.account == account)

    def expected(self, order: Order, now: float) -> type[Exception] | None:
        if order.key and order.key in {done.key for done in self.done(now)}:
            return RepeatedError
        after = self.redeemed(order.account, float("inf"), (now + order.delay, order))
        return NotEnoughError if after > LIMIT else None


def redeem(ledger: Ledger, order: Order) -> Redemption | type[Exception]:
    """Redeem; the redemption, or the refusal."""
    amount = Decimal(order.amount)
    try:
        return ledger.redeem(order.account, amount, LIMIT, order.reference, order.delay)
    except (NotEnoughError, RepeatedError) as refusal:
        return type(refusal)


LATE = Order(CENTS, 60, "order 7", delay=3)
SET_ASIDE = ((70, 3), (31, 0), (31, 3), (31, 60), (30, 0))
"""The last of them is what is left beside the first, which is still to come."""


@settings(max_examples=60)
@given(st.lists(ORDERS, max_size=10))
@example([Order(CENTS, 30), Order(CENTS, 12)])  # they add up
@example([Order(CENTS, 100), *(Order(other, 100) for other in OTHERS)])  # each has its own
@example([Order(CENTS, 99), Order(CENTS, 2), Order(CENTS, 1), Order(CENTS, 1)])  # all, no more
@example(
    [Order(each, 1, "order 7") for each in (CENTS, POINTS, *OTHERS)]
)  # a reference counts once
@example([Order(CENTS, 101, "order 7"), Order(CENTS, 100, "order 7")])  # one that was refused
@example([Order(CENTS, 12), Order(CENTS, 30, delay=3), Order(CENTS, 1, pause=3)])  # from then on
@example([Order(CENTS, amount, delay=delay) for amount, delay in SET_ASIDE])
@example([LATE, LATE._replace(pause=1), LATE._replace(amount=1, pause=2)])  # seen from then on
@example([LATE, Order(POINTS, 80, "order 7"), Order(CENTS, 100, pause=3)])  # the first one counts
@example([LATE, Order(POINTS, 101, "order 7")])  # what is refused takes no place
def test_the_ledger_agrees_with_a_simple_model_of_a_platform(orders: list[Order]) -> None:
    now, model = 1_800_000_000.0, Model()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sandbox.db"
        for order in orders:
            now += order.pause
            ledger = Ledger(path, lambda: now)  # noqa: B023 - it is used in this turn alone
            expected = model.expected(order, now)
            done = redeem(ledger, order)
            if expected is None:
                model.orders.append((now + order.delay, order))
                assert isinstance(done, Redemption)
                assert done.total == model.redeemed(order.account, now)
            else:
                assert done is expected
            for account in (CENTS, POINTS, *OTHERS):
                assert ledger.redeemed(account) == model.redeemed(account, now)
        now += 60
        for account in (CENTS, POINTS, *OTHERS):
            assert (
                Ledger(path, lambda: now).redeemed(account) == model.redeemed(account, now) <= LIMIT
            )


# The file


def test_the_folder_of_the_ledger_is_made_for_its_owner_alone(ledger: Ledger) -> None:
    ledger.check()

    assert ledger.path.exists()
    assert ledger.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_ledger_in_use_is_not_reset(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.redeem(CENTS, LIMIT, LIMIT)
    monkeypatch.setattr("loyalty_cli.sandbox.ledger.LOCK_TIMEOUT_SECONDS", 0)

    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LoyaltyError, match="database is locked"):
            ledger.reset()

    assert ledger.redeemed(CENTS) == 100


def test_a_ledger_that_cannot_be_read_is_a_setup_error_until_it_is_reset(ledger: Ledger) -> None:
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(b"this was an SQLite file once" * 100)

    with pytest.raises(LoyaltyError) as raised:
        ledger.check()
    assert raised.value.code == ErrorCode.SETUP
    assert str(ledger.path) in raised.value.message
    assert "loyalty sandbox reset" in (raised.value.hint or "")

    ledger.reset()
    assert ledger.redeem(CENTS, LIMIT, LIMIT).total == 100


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.mkdir(parents=True), id="a folder"),
        pytest.param(lambda path: path.parent.write_text(""), id="a file for its folder"),
    ],
)
@pytest.mark.parametrize("use", ["check", "reset"])
def test_a_ledger_that_cannot_be_written_is_a_setup_error(
    ledger: Ledger, spoil: Callable[[Path], object], use: str
) -> None:
    spoil(ledger.path)

    with pytest.raises(LoyaltyError, match=r"ledger .* cannot be used") as raised:
        getattr(ledger, use)()

    assert raised.value.code == ErrorCode.SETUP
    assert str(ledger.path) in raised.value.message
    assert str(ledger.path.parent) in (raised.value.hint or "")


def test_a_ledger_of_an_earlier_version_keeps_its_redemptions(ledger: Ledger) -> None:
    ledger.redeem(CENTS, Decimal(5), Decimal(9), "order 1")
    with closing(sqlite3.connect(ledger.path)) as database:
        database.execute("ALTER TABLE redemption DROP COLUMN at")

    ledger.redeem(CENTS, Decimal(3), Decimal(9), "order 2")

    first, second = ledger.listed(CENTS.provider, CENTS.customer)
    assert (first.amount, first.reference, first.at) == (Amount(5), "order 1", None)
    assert (second.amount, second.at) == (
        Amount(3),
        datetime.fromtimestamp(StandingClock().time, UTC),
    )
