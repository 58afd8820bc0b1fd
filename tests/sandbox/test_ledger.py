"""The ledger: what it remembers, and what it says when it cannot."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from loyalty_cli.errors import ErrorCode, LoyaltyError
from loyalty_cli.sandbox.ledger import Account, Ledger, NotEnoughError, RepeatedError

CENTS = Account("saasquatch", "C-1001", "CENTS")
Spoil = Callable[[Path], None]

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


def test_a_new_ledger_holds_nothing(ledger: Ledger) -> None:
    assert ledger.redeemed(CENTS) == 0


def test_redemptions_add_up_and_last(ledger: Ledger) -> None:
    first = ledger.redeem(CENTS, Decimal(30), LIMIT)
    second = Ledger(ledger.path).redeem(CENTS, Decimal(12), LIMIT)

    assert first.total == 30
    assert second.total == 42
    assert first.number < second.number
    assert Ledger(ledger.path).redeemed(CENTS) == 42


def test_amounts_keep_every_digit(ledger: Ledger) -> None:
    limit = Decimal(10) ** 40
    ledger.redeem(CENTS, Decimal(98765432109876543210987654321098765), limit)
    ledger.redeem(CENTS, Decimal("0.000001"), limit)

    assert str(ledger.redeemed(CENTS)) == "98765432109876543210987654321098765.000001"


@pytest.mark.parametrize(
    "other",
    [
        Account("gameball", "C-1001", "CENTS"),
        Account("saasquatch", "C-1002", "CENTS"),
        Account("saasquatch", "C-1001", "cents"),
    ],
)
def test_accounts_are_apart(ledger: Ledger, other: Account) -> None:
    ledger.redeem(CENTS, LIMIT, LIMIT)

    assert ledger.redeemed(other) == 0
    assert ledger.redeem(other, LIMIT, LIMIT).total == 100


def test_all_that_there_is_can_be_redeemed_and_no_more(ledger: Ledger) -> None:
    ledger.redeem(CENTS, Decimal(99), LIMIT)
    with pytest.raises(NotEnoughError):
        ledger.redeem(CENTS, Decimal(2), LIMIT)
    assert ledger.redeemed(CENTS) == 99

    ledger.redeem(CENTS, ONE, LIMIT)

    with pytest.raises(NotEnoughError):
        ledger.redeem(CENTS, Decimal("0.01"), LIMIT)


def test_a_reference_counts_once_at_each_provider(ledger: Ledger) -> None:
    ledger.redeem(CENTS, ONE, LIMIT, "order 7")

    with pytest.raises(RepeatedError):
        ledger.redeem(Account("saasquatch", "C-1002", "points"), ONE, LIMIT, "order 7")
    ledger.redeem(Account("gameball", "C-1001", "CENTS"), ONE, LIMIT, "order 7")

    assert ledger.redeemed(CENTS) == 1


def test_a_reference_that_was_refused_can_be_used_again(ledger: Ledger) -> None:
    with pytest.raises(NotEnoughError):
        ledger.redeem(CENTS, LIMIT + 1, LIMIT, "order 7")

    assert ledger.redeem(CENTS, LIMIT, LIMIT, "order 7").total == 100


def test_reset_forgets_everything(ledger: Ledger) -> None:
    ledger.redeem(CENTS, LIMIT, LIMIT, "order 7")

    ledger.reset()

    assert ledger.redeemed(CENTS) == 0
    assert ledger.redeem(CENTS, LIMIT, LIMIT, "order 7").number == 1


def test_threads_never_redeem_more_than_there_is(ledger: Ledger) -> None:
    totals: list[Decimal] = []

    def redeem_until_empty() -> None:
        try:
            while True:
                totals.append(ledger.redeem(CENTS, ONE, LIMIT).total)
        except NotEnoughError:
            pass

    threads = [Thread(target=redeem_until_empty) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(totals) == list(range(1, 101))


def test_processes_never_redeem_more_than_there_is(ledger: Ledger) -> None:
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


# The file


def test_the_folder_is_made_for_its_owner_alone(ledger: Ledger) -> None:
    ledger.check()

    assert ledger.path.exists()
    assert ledger.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_file_is_in_wal_mode(ledger: Ledger) -> None:
    ledger.check()

    with closing(sqlite3.connect(ledger.path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.fixture
def new_file_in_use(ledger: Ledger) -> Iterator[sqlite3.Connection]:
    """A file that has nothing in it yet, and somebody who is about to write to it."""
    ledger.path.parent.mkdir()
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_a_new_file_that_another_process_is_making_is_waited_for(
    ledger: Ledger, new_file_in_use: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def let_the_other_finish(_: float) -> None:
        new_file_in_use.execute("COMMIT")

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=let_the_other_finish)
    monkeypatch.setattr("loyalty_cli.sandbox.ledger.time", clock)

    assert ledger.redeem(CENTS, LIMIT, LIMIT).total == 100


@pytest.mark.usefixtures("new_file_in_use")
def test_a_new_file_is_not_waited_for_without_end(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.sandbox.ledger.LOCK_TIMEOUT", 0)

    with pytest.raises(LoyaltyError, match="database is locked"):
        ledger.check()


def test_a_file_in_use_is_not_reset(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.redeem(CENTS, LIMIT, LIMIT)
    monkeypatch.setattr("loyalty_cli.sandbox.ledger.LOCK_TIMEOUT", 0)

    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LoyaltyError, match="database is locked"):
            ledger.reset()

    assert ledger.redeemed(CENTS) == 100


def damage(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this was an SQLite file once" * 100)


def make_of_a_later_version(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("spoil", [damage, make_of_a_later_version])
def test_a_file_that_cannot_be_read_is_a_set_up_error_until_it_is_reset(
    ledger: Ledger, spoil: Spoil
) -> None:
    spoil(ledger.path)

    with pytest.raises(LoyaltyError) as raised:
        ledger.check()
    assert raised.value.code == ErrorCode.SETUP
    assert str(ledger.path) in raised.value.message
    assert "loyalty sandbox reset" in (raised.value.hint or "")

    ledger.reset()
    assert ledger.redeem(CENTS, LIMIT, LIMIT).total == 100


def put_a_folder_there(path: Path) -> None:
    path.mkdir(parents=True)


def put_a_file_where_the_folder_should_be(path: Path) -> None:
    path.parent.write_text("")


@pytest.mark.parametrize("spoil", [put_a_folder_there, put_a_file_where_the_folder_should_be])
@pytest.mark.parametrize("use", ["check", "reset"])
def test_a_place_that_cannot_be_written_is_a_set_up_error(
    ledger: Ledger, spoil: Spoil, use: str
) -> None:
    spoil(ledger.path)

    with pytest.raises(LoyaltyError, match=r"ledger .* cannot be used") as raised:
        getattr(ledger, use)()

    assert raised.value.code == ErrorCode.SETUP
    assert str(ledger.path) in raised.value.message
    assert str(ledger.path.parent) in (raised.value.hint or "")
