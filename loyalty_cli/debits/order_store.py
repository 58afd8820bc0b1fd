"""The requested debits, kept on disk: a million of them take no more memory than one.

A file is read once, into this store. Only what was checked is made, even if the file changes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.model.errors import setup_error

BATCH = 500
CACHE_KIBIBYTES = 8192

_MADE = """\
CREATE TABLE orders (
    number INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    profile TEXT, customer TEXT, unit TEXT, amount INTEGER
)"""
_SELECT = "SELECT number, reference, profile, customer, unit, amount FROM orders"


class OrderStore:
    """Orders by the numbers of their rows; safe to read from several threads.

    SQLite keeps them in a temporary file that nobody else can open: it has no name, and ends with
    the process.
    """

    def __init__(self) -> None:
        self._profiles: dict[str, Profile] = {}
        self._number = 0
        self.total = 0
        self._lock = Lock()
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        with _explained():
            cache = f"cache_size=-{CACHE_KIBIBYTES}"
            for setting in ("journal_mode=OFF", "temp_store=FILE", cache):
                self._database.execute(f"PRAGMA {setting}")
            self._database.execute(_MADE)
            self._database.execute("BEGIN")  # never committed: only this process uses it

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[DebitOrder]:
        """The orders, in the order of their rows."""
        return (order for _, order in self.numbered())

    @property
    def profiles(self) -> list[Profile]:
        """The profiles that debit, each once, in the order of their first rows."""
        return list(self._profiles.values())

    def add(self, number: int, reference: str, order: DebitOrder | None) -> int:
        """Store the order of a row, or the reference alone if the row is no order.

        If the reference is a duplicate, store nothing, and return the row that has it instead.
        """
        row: tuple[Any, ...] = (None, None, None, None)
        if order is not None:
            row = (order.profile.name, order.customer, order.unit, order.amount)
        with _explained():
            insert = "INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?)"
            if not self._database.execute(insert, (number, reference, *row)).rowcount:
                query = "SELECT number FROM orders WHERE reference = ?"
                first: int = self._database.execute(query, (reference,)).fetchone()[0]
                return first
        if order is not None:
            self._profiles.setdefault(order.profile.name, order.profile)
            self._number += 1
            self.total += order.amount
        return number

    def numbered(self) -> Iterator[tuple[int, DebitOrder]]:
        """The orders with the numbers of their rows, in the order of the rows."""
        for row in self._batches("number", 0):
            yield row[0], self._order(row)

    def by_reference(self) -> Iterator[DebitOrder]:
        """The orders in the order of their references."""
        return map(self._order, self._batches("reference", ""))

    def close(self) -> None:
        """Delete them."""
        with self._lock:
            self._database.close()

    def _batches(self, column: str, after: Any) -> Iterator[tuple[Any, ...]]:
        """The rows ordered by a column, in batches: nobody waits for a slow reader."""
        query = f"{_SELECT} WHERE {column} > ? ORDER BY {column} LIMIT {BATCH}"
        at = ("number", "reference").index(column)
        while True:
            with self._lock, _explained():
                rows = self._database.execute(query, (after,)).fetchall()
            yield from (row for row in rows if row[2] is not None)
            if len(rows) < BATCH:
                return
            after = rows[-1][at]

    def _order(self, row: tuple[Any, ...]) -> DebitOrder:
        _, reference, profile, customer, unit, amount = row
        return DebitOrder(self._profiles[profile], customer, unit, amount, reference)


@contextmanager
def _explained() -> Iterator[None]:
    """Raise LoyaltyError if the temporary file fails."""
    try:
        yield
    except sqlite3.OperationalError as error:
        setup_error(
            f"the rows of the file cannot be kept in a temporary file: {error}.",
            "Nothing more was sent. Set TMPDIR to a folder with enough free space.",
        )
