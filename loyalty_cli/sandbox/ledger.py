"""What the sandbox remembers from one run to the next: every redemption, in an SQLite file.

Several threads and several processes may use one file at a time: each call opens it anew, and a
redemption is checked and written in one transaction. A redemption may be due later, when the
process that wrote it is gone: it counts from then on, and its amount is set aside until then.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Context, Decimal
from pathlib import Path

from msgspec import Struct

from loyalty_cli.config.folders import make_folder
from loyalty_cli.model.amount import MAX_DIGITS, Amount
from loyalty_cli.model.errors import os_error_text, setup_error

VERSION = 2
LOCK_TIMEOUT = 30.0
LOCK_PAUSE = 0.01

# Not the time of the redemption: a clock that is set back must not undo it.
_AT_ONCE = 0.0

_EXACT = Context(prec=3 * MAX_DIGITS)

_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS redemption (
        number INTEGER PRIMARY KEY,
        provider TEXT NOT NULL,
        customer TEXT NOT NULL,
        unit TEXT NOT NULL,
        amount TEXT NOT NULL,
        due REAL NOT NULL,
        reference TEXT,
        UNIQUE (provider, reference)
    )
    """,
    """
    CREATE INDEX IF NOT EXISTS redemption_of_account
    ON redemption (provider, customer, unit, due)
    """,
    """
    CREATE TABLE IF NOT EXISTS taken (
        provider TEXT NOT NULL,
        customer TEXT NOT NULL,
        unit TEXT NOT NULL,
        total TEXT NOT NULL,
        PRIMARY KEY (provider, customer, unit)
    )
    """,
    f"PRAGMA user_version = {VERSION}",
)


class NotEnoughError(Exception):
    """There is less left than was to be redeemed."""


class RepeatedError(Exception):
    """The reference was redeemed before."""


class Account(Struct, frozen=True):
    """What is redeemed from: one unit of one customer at one provider."""

    provider: str
    customer: str
    unit: str


class Redemption(Struct, frozen=True):
    """A redemption that was written down, and all that its account has redeemed by now."""

    number: int
    total: Amount


class _Written(Struct, frozen=True):
    """A redemption as it stands in the file."""

    number: int
    account: Account
    amount: Decimal
    due: float


class Ledger:
    """The redemptions in a file, which is made where there is none.

    Every method raises LoyaltyError where the file cannot be used. `now` is a clock that all who
    use the file share.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now = now

    def check(self) -> None:
        """Make sure that the file can be written."""
        with self._explained(), self._transaction():
            pass

    def redeemed(self, account: Account) -> Amount:
        """All that an account has redeemed by now."""
        with self._explained(), closing(self._open()) as database:
            database.execute("BEGIN")
            return _redeemed(database, account, self._now())

    def redeem(
        self,
        account: Account,
        amount: Decimal,
        limit: Decimal,
        reference: str | None = None,
        delay: float = 0.0,
    ) -> Redemption:
        """Redeem in `delay` seconds, as long as all that the account redeems is within `limit`.

        Raises NotEnoughError, or RepeatedError where the provider has that reference already. Of
        two with one reference that are both still to come, the one that is due first counts.
        """
        with self._explained(), self._transaction() as database:
            now = self._now()
            due = now + delay if delay else _AT_ONCE
            other = _with_reference(database, account.provider, reference)
            if other and other.due <= now:
                raise RepeatedError
            if other and other.due <= due:
                return Redemption(other.number, _redeemed(database, account, now))
            if other:
                _withdraw(database, other)
            _take(database, account, amount, limit)
            written = database.execute(
                "INSERT INTO redemption (provider, customer, unit, amount, due, reference)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*_key(account), str(amount), due, reference),
            )
            return Redemption(written.lastrowid or 0, _redeemed(database, account, now))

    def reset(self) -> None:
        """Forget everything; a file that is damaged is made anew."""
        with self._explained():
            try:
                with self._transaction() as database:
                    database.execute("DELETE FROM redemption")
                    database.execute("DELETE FROM taken")
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{self.path}{suffix}").unlink(missing_ok=True)
                with self._transaction():
                    pass

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Let nobody else write; what was written is undone when the block raises."""
        with closing(self._open()) as database:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        make_folder(self.path.parent)
        database = sqlite3.connect(self.path, timeout=LOCK_TIMEOUT, isolation_level=None)
        try:
            _prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            why = os_error_text(error) if isinstance(error, OSError) else str(error)
            setup_error(
                f"the sandbox's ledger {self.path} cannot be used: {why}.",
                f"Check that you may write to {self.path.parent}, then try again.",
            )
        except sqlite3.DatabaseError as error:
            setup_error(
                f"the sandbox's ledger {self.path} cannot be used: {error}.",
                "Run `loyalty sandbox reset`, which starts it anew.",
            )


def _prepare(database: sqlite3.Connection) -> None:
    # A power cut may take the last redemptions of a sandbox; a killed process never does.
    database.execute("PRAGMA synchronous = OFF")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if version:
        raise sqlite3.DatabaseError(f"it is of version {version}, not {VERSION}")
    _turn_to_wal(database)
    database.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        database.execute(statement)
    database.execute("COMMIT")


def _turn_to_wal(database: sqlite3.Connection) -> None:
    # SQLite waits for every lock but this one: two who turn a new file at a time fail at once.
    ends = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(LOCK_PAUSE)
        else:
            return


def _key(account: Account) -> tuple[str, str, str]:
    return account.provider, account.customer, account.unit


def _redeemed(database: sqlite3.Connection, account: Account, now: float) -> Amount:
    """What was taken, less what is still to come: few rows, however many are done."""
    redeemed: Decimal = _taken(database, account)
    for (amount,) in database.execute(
        "SELECT amount FROM redemption"
        " WHERE provider = ? AND customer = ? AND unit = ? AND due > ?",
        (*_key(account), now),
    ):
        redeemed = _EXACT.subtract(redeemed, Decimal(amount))
    return Amount(redeemed)


def _taken(database: sqlite3.Connection, account: Account) -> Decimal:
    """All that an account has redeemed and will have redeemed."""
    row = database.execute(
        "SELECT total FROM taken WHERE provider = ? AND customer = ? AND unit = ?", _key(account)
    ).fetchone()
    return Decimal(row[0] if row else 0)


def _take(database: sqlite3.Connection, account: Account, amount: Decimal, limit: Decimal) -> None:
    total = _EXACT.add(_taken(database, account), amount)
    if total > limit:
        raise NotEnoughError
    _set_taken(database, account, total)


def _withdraw(database: sqlite3.Connection, written: _Written) -> None:
    """Undo a redemption that is still to come."""
    database.execute("DELETE FROM redemption WHERE number = ?", (written.number,))
    total = _EXACT.subtract(_taken(database, written.account), written.amount)
    _set_taken(database, written.account, total)


def _set_taken(database: sqlite3.Connection, account: Account, total: Decimal) -> None:
    database.execute(
        "INSERT OR REPLACE INTO taken (provider, customer, unit, total) VALUES (?, ?, ?, ?)",
        (*_key(account), str(total)),
    )


def _with_reference(
    database: sqlite3.Connection, provider: str, reference: str | None
) -> _Written | None:
    row = database.execute(
        "SELECT number, customer, unit, amount, due FROM redemption"
        " WHERE provider = ? AND reference = ?",
        (provider, reference),
    ).fetchone()
    if row is None:
        return None
    number, customer, unit, amount, due = row
    return _Written(number, Account(provider, customer, unit), Decimal(amount), due)
