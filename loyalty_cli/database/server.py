"""Customer data at a PostgreSQL server, where several hosts share it."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Lock

import psycopg

from loyalty_cli.database.customer_data import KEY, STATEMENT_SECONDS, CustomerData
from loyalty_cli.database.server_connection import (
    LimitedConnection,
    connect,
    translated,
    unproven,
)
from loyalty_cli.database.server_errors import meaning_of
from loyalty_cli.database.statements import Transaction, Values
from loyalty_cli.lists.batches import batches
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

MAKING_TABLES = 0x6C6F79616C7470  # a number that nobody else is likely to use

LOCK_SECONDS = 20
PATIENCE_SECONDS = 5.0
"""How much longer than the server's own time limit an answer is waited for: its error says why."""

ROWS_AT_ONCE = 1000


class CustomerServer(CustomerData):
    """A database at a server; a connection that was closed is made again for a transaction."""

    counted = "BIGSERIAL"

    def __init__(self, url: str, name: str) -> None:
        """Connect; raise LoyaltyError if that fails."""
        super().__init__(url, name)
        self._lock = Lock()
        with self._failing("cannot be reached"):
            self._connection = connect(url)
        self.warnings = unproven(self._connection, KEY)

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that reads."""
        return self._transaction(STATEMENT_SECONDS)

    def writing(self, seconds: float = STATEMENT_SECONDS) -> AbstractContextManager[Transaction]:
        """A transaction that writes."""
        return self._transaction(seconds)

    def erasing(self) -> AbstractContextManager[Transaction]:
        """A transaction that deletes; the server itself frees the space in the end."""
        return self._transaction(STATEMENT_SECONDS)

    def run_each(self, transaction: Transaction, statement: str, rows: Iterable[Values]) -> None:
        """Run a statement for each row, many of them without waiting for an answer."""
        assert isinstance(transaction, LimitedConnection)
        with transaction.cursor() as cursor:
            for batch in batches(rows, ROWS_AT_ONCE):
                cursor.executemany(translated(statement), batch)

    def has_table(self, transaction: Transaction, name: str) -> bool:
        """Whether a table is there, on the search path."""
        (table,) = transaction.execute("SELECT to_regclass(:name)", {"name": name}).fetchone()
        return table is not None

    def lock_tables(self, transaction: Transaction) -> None:
        """Take an advisory lock: there may be no table yet."""
        transaction.execute(f"SELECT pg_advisory_xact_lock({MAKING_TABLES})")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def _transaction(self, seconds: float) -> Iterator[LimitedConnection]:
        with self._lock, self._failing():
            if self._connection.closed:
                self._connection = connect(self.place)
            connection = self._connection
            connection.limit = seconds + PATIENCE_SECONDS
            # All settings in one message, for any server and pooler.
            connection.execute(
                "BEGIN ISOLATION LEVEL READ COMMITTED;"
                f" SET LOCAL statement_timeout = '{seconds:g}s';"
                f" SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"
            )
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                with suppress(psycopg.Error):
                    connection.rollback()

    @contextmanager
    def _failing(self, what: str = "failed") -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            meaning = meaning_of(error)
            usual = "Fix it, then run the same command again."
            if meaning.code is ErrorCode.UNREACHABLE:
                usual = "Run the same command again once the server answers."
            message = f"{self.title} {what}: {meaning.reason}."
            raise LoyaltyError(meaning.code, message, hint=meaning.hint or usual) from None
