"""The sandbox's memory between runs: every redemption, in an SQLite file.

Several threads and processes may use one file: each call opens it, and checks and writes a
redemption in one transaction. A redemption may be due later, even after its process has ended: it
counts from then on, and its amount is reserved until then.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from msgspec import Struct
from msgspec.structs import astuple

from loyalty_cli.config.folders import make_folder
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import os_error_text, setup_error

LOCK_TIMEOUT_SECONDS = 30.0

# Not the time of the redemption: a clock that is set back must not undo it.
_AT_ONCE = 0.0
_AT_ANY_TIME = float("inf")

_TABLE = """
    CREATE TABLE IF NOT EXISTS redemption (
        number INTEGER PRIMARY KEY,
        provider TEXT NOT NULL,
        customer TEXT NOT NULL,
        unit TEXT NOT NULL,
        amount TEXT NOT NULL,
        due REAL NOT NULL,
        reference TEXT,
        at REAL,
        UNIQUE (provider, reference)
    )
"""
_ADDED_COLUMN = "ALTER TABLE redemption ADD COLUMN at REAL"
_OF_CUSTOMER = """\
    SELECT number, unit, amount, reference, at FROM redemption
    WHERE provider = ? AND customer = ? AND due <= ? ORDER BY number"""
_WITH_REFERENCE = "SELECT number, due FROM redemption WHERE provider = ? AND reference = ?"


class NotEnoughError(Exception):
    """The account has less left than the amount to redeem."""


class RepeatedError(Exception):
    """The reference was redeemed before."""


class Account(Struct, frozen=True):
    """An account to redeem from: one unit of one customer at one provider."""

    provider: str
    customer: str
    unit: str


class Redemption(Struct, frozen=True):
    """The number of a stored redemption, and the total that its account has redeemed by now."""

    number: int
    total: Amount


class ListedRedemption(Struct, frozen=True):
    """A stored redemption; `at` is None in a file of an earlier version."""

    number: int
    unit: str
    amount: Amount
    reference: str | None
    at: datetime | None


class Ledger:
    """The redemptions in a file, which is created if it is missing.

    Every method raises LoyaltyError if the file cannot be used. `now` is a clock shared by all
    users of the file.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now = now

    def check(self) -> None:
        """Make sure that the file can be written."""
        with self._explained(), self._transaction():
            pass

    def redeemed(self, account: Account) -> Amount:
        """The total that an account has redeemed by now."""
        with self._explained(), self._open() as database:
            return _total(database, account, self._now())

    def redeem(
        self,
        account: Account,
        amount: Decimal,
        limit: Decimal,
        reference: str | None = None,
        delay: float = 0.0,
    ) -> Redemption:
        """Redeem in `delay` seconds, if the account's total stays within `limit`.

        Raises NotEnoughError if not, and RepeatedError if the provider has the reference already.
        Of two pending redemptions with the same reference, the one that is due first counts.
        """
        with self._explained(), self._transaction() as database:
            now = self._now()
            due = now + delay if delay else _AT_ONCE
            other = (account.provider, reference)
            found = database.execute(_WITH_REFERENCE, other).fetchone()
            number, other_due = found or (0, _AT_ANY_TIME)
            if other_due <= now:
                raise RepeatedError
            if other_due > due:
                database.execute("DELETE FROM redemption WHERE number = ?", (number,))
                if _total(database, account, _AT_ANY_TIME).plus(amount) > limit:
                    raise NotEnoughError
                written = database.execute(
                    "INSERT INTO redemption (provider, customer, unit, amount, due, reference, at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*astuple(account), str(amount), due, reference, now + delay),
                )
                number = written.lastrowid or 0
            return Redemption(number, _total(database, account, now))

    def listed(self, provider: str, customer: str) -> list[ListedRedemption]:
        """All redemptions of a customer by now, the oldest first."""
        with self._explained(), self._open() as database:
            rows = database.execute(_OF_CUSTOMER, (provider, customer, self._now())).fetchall()
        return [
            ListedRedemption(
                number,
                unit,
                Amount(amount),
                reference,
                None if at is None else datetime.fromtimestamp(at, UTC),
            )
            for number, unit, amount, reference, at in rows
        ]

    def reset(self) -> None:
        """Delete all redemptions; a damaged file is created again."""
        with self._explained():
            try:
                with self._transaction() as database:
                    database.execute("DELETE FROM redemption")
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self.path.unlink()
                with self._transaction():
                    pass

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Lock the file for writing; undo the block's changes if it raises."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        make_folder(self.path.parent)
        timeout = LOCK_TIMEOUT_SECONDS
        with closing(sqlite3.connect(self.path, timeout, isolation_level=None)) as database:
            # A power cut may lose the last redemptions of a sandbox; a killed process loses none.
            database.execute("PRAGMA synchronous = OFF")
            database.execute(_TABLE)
            columns = database.execute("SELECT name FROM pragma_table_info('redemption')")
            if ("at",) not in columns.fetchall():
                with suppress(sqlite3.OperationalError):  # another process was faster
                    database.execute(_ADDED_COLUMN)
            yield database

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as error:
            why = os_error_text(error) if isinstance(error, OSError) else str(error)
            hint = "Run `loyalty sandbox reset`, which creates it again."
            if isinstance(error, sqlite3.OperationalError | OSError):
                hint = f"Check that you may write to {self.path.parent}, then try again."
            setup_error(f"the sandbox's ledger {self.path} cannot be used: {why}.", hint)


def _total(database: sqlite3.Connection, account: Account, until: float) -> Amount:
    """The total of an account's redemptions that are due until a time."""
    rows = database.execute(
        "SELECT amount FROM redemption"
        " WHERE provider = ? AND customer = ? AND unit = ? AND due <= ?",
        (*astuple(account), until),
    )
    total = Amount(0)
    for (amount,) in rows:
        total = total.plus(Decimal(amount))
    return total
