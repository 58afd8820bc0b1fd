"""A journal at a PostgreSQL server; checks that it is the same server, and durable."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import psycopg
from msgspec import Struct

from loyalty_cli.database.server_connection import (
    LimitedConnection,
    connect,
    translated,
    unproven,
)
from loyalty_cli.database.statements import Transaction, Values
from loyalty_cli.debits.journal.database import (
    Database,
    DuplicateError,
    JournalError,
    Written,
    refuse,
)
from loyalty_cli.debits.journal.server_errors import journal_error
from loyalty_cli.debits.journal.text import time_text, writable
from loyalty_cli.model.errors import ErrorCode

MAKING_TABLES = 0x6C6F79616C7479  # a number that nobody else is likely to use

ANSWER_SECONDS = 35.0
"""Longer than the server's own time limit: the server's error says why."""
STATEMENT_SECONDS = 30
LOCK_SECONDS = 20
IDLE_SECONDS = 30
TABLES_SECONDS = 600.0
"""The time for upgrading a large journal of an earlier version."""

INSISTING_SECONDS = 50.0
"""After this time no retry begins to record a result; a running attempt may end."""
PAUSE_SECONDS = 0.5

LOOK = (
    "Check at the platform what was debited since, then run `loyalty journal accept-failover"
    " --why TEXT`. Nothing is sent before that."
)

Answer = TypeVar("Answer")

# The current timeline: after a promotion, a checkpoint has the old one for a while.
_ASK = """\
SELECT CAST((SELECT system_identifier FROM pg_control_system()) AS text),
    CASE WHEN pg_is_in_recovery() THEN 0
        ELSE CAST(CAST('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS bit(32)) AS int)
    END,
    current_setting('fsync'), current_setting('full_page_writes'),
    current_setting('server_encoding')"""


class Identity(Struct, frozen=True):
    """The identity of a server: a new timeline means that a standby or a backup replaced it."""

    system: str
    timeline: int

    def __str__(self) -> str:
        return f"system {self.system}, timeline {self.timeline}"


class ServerState(NamedTuple):
    """What a server reports about itself; the timeline is 0 at a standby."""

    identity: Identity
    fsync: str
    full_page_writes: str
    encoding: str


class ServerDatabase(Database):
    """A database at a PostgreSQL server, which several hosts can share."""

    counted = "BIGSERIAL"

    def __init__(self, url: str) -> None:
        """Connect; raise JournalError if it cannot be reached, or is not durable."""
        self.place = url
        self._idle: list[LimitedConnection] = []
        try:
            with self._lent(_state, "cannot be reached") as (connection, state):
                self.warnings = unproven(connection, "journal")
            self._check(state)
        except BaseException:
            self.close()
            raise

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that may idle, because its caller may pause."""
        return self._transaction(0, "failed")

    def writing(self, failed: str = "failed") -> AbstractContextManager[Transaction]:
        """A transaction with a time limit, because others may wait for it."""
        return self._transaction(IDLE_SECONDS, failed)

    @contextmanager
    def _transaction(self, idle: int, failed: str) -> Iterator[LimitedConnection]:
        with self._lent(lambda connection: _begin(connection, idle), failed) as (connection, _):
            yield connection
            connection.commit()

    @contextmanager
    def _lent(
        self, ask: Callable[[LimitedConnection], Answer], failed: str = "failed"
    ) -> Iterator[tuple[LimitedConnection, Answer]]:
        """A connection, and the result of the first query on it."""
        try:
            connection, answer = self._asked(ask)
            try:
                yield connection, answer
            finally:
                self._give_back(connection)
        except psycopg.IntegrityError as error:
            raise journal_error(self.place, failed, error, DuplicateError) from None
        except psycopg.Error as error:
            raise journal_error(self.place, failed, error) from None

    def _asked(
        self, ask: Callable[[LimitedConnection], Answer]
    ) -> tuple[LimitedConnection, Answer]:
        """Query on an idle connection; retry on a new one if that was closed meanwhile."""
        with suppress(IndexError):
            connection = self._idle.pop()
            try:
                return connection, ask(connection)
            except psycopg.Error:
                if not connection.closed:
                    connection.close()
                    raise
                self.close()  # the others are closed, too
        connection = connect(self.place)
        try:
            return connection, ask(connection)
        except BaseException:
            connection.close()
            raise

    def _give_back(self, connection: LimitedConnection) -> None:
        """Keep a connection for the next transaction, unless its rollback fails."""
        try:
            connection.rollback()
        except psycopg.Error:
            connection.close()
        else:
            connection.limit = ANSWER_SECONDS
            self._idle.append(connection)

    def insert_each(
        self, transaction: Transaction, statement: str, rows: Sequence[Values]
    ) -> list[bool]:
        """Insert all rows in one pipeline, without waiting for each."""
        assert isinstance(transaction, LimitedConnection)
        if not rows:
            return []
        with transaction.cursor() as cursor:
            cursor.executemany(translated(statement), rows, returning=True)
            counts = [cursor.rowcount]
            while cursor.nextset():
                counts.append(cursor.rowcount)
        return [count == 1 for count in counts]

    def locking(self, query: str) -> str:
        """SELECT … FOR UPDATE."""
        return f"{query} FOR UPDATE"

    def now(self, transaction: Transaction) -> datetime:
        """The server's time."""
        moment: datetime = transaction.execute("SELECT clock_timestamp()").fetchone()[0]
        return moment.astimezone(UTC)

    def has_tables(self, transaction: Transaction) -> bool:
        """Whether the journal's tables are there, on the search path."""
        (table,) = transaction.execute("SELECT to_regclass('journal_schema')").fetchone()
        return table is not None

    def lock_tables(self, transaction: Transaction) -> None:
        """Take an advisory lock: there may be no table yet."""
        assert isinstance(transaction, LimitedConnection)
        transaction.limit = TABLES_SECONDS
        transaction.execute(f"SET LOCAL statement_timeout = '{TABLES_SECONDS:g}s'")
        transaction.execute(f"SELECT pg_advisory_xact_lock({MAKING_TABLES})")

    def lock_account(self, transaction: Transaction, platform: str) -> None:
        """Take an advisory lock, which ends with the transaction."""
        lock = "SELECT pg_advisory_xact_lock(hashtextextended(:platform, 0))"
        transaction.execute(lock, {"platform": platform})

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def recognise(self, transaction: Transaction, actor: str) -> None:
        """Record the server the first time; later warn if it is another one."""
        self._actor = actor
        present, on_record = _state(transaction).identity, _last_on_record(transaction)
        if on_record is None:
            self.lock_tables(transaction)
            on_record = _last_on_record(transaction)
        if on_record is None:
            self._put_on_record(transaction, present, "the first time")
            on_record = present
        self._on_record = on_record
        if present != on_record:
            moved = self._moved(transaction, present)
            self.warnings = (*self.warnings, f"{moved} {LOOK}")

    def check_unchanged(self) -> None:
        """Raise JournalError if the server or its timeline is not the one on record."""
        with self._lent(_state) as (connection, state):
            if state.identity != self._on_record:
                refuse(self._moved(connection, state.identity), LOOK)

    def accept_failover(self, why: str) -> tuple[Identity, Identity] | None:
        """Record that the server has changed; return the old and the new, or None if it has not."""
        with self.writing() as transaction:
            self.lock_tables(transaction)
            before, present = _last_on_record(transaction), _state(transaction).identity
            assert before is not None  # opening it recorded the first
            if before == present:
                return None
            self._put_on_record(transaction, present, why)
        return before, present

    def insist(self, write: Callable[[bool], Written]) -> Written:
        """Write, with retries while the server is away; `write` gets whether it is a retry."""
        ends = time.monotonic() + INSISTING_SECONDS
        again = False
        while True:
            try:
                return write(again)
            except JournalError as error:
                if error.code is not ErrorCode.UNREACHABLE or time.monotonic() > ends:
                    raise
            again = True
            time.sleep(PAUSE_SECONDS)

    def _check(self, state: ServerState) -> None:
        if not state.identity.timeline:
            hint = "Name the primary."
            refuse(f"the journal {self.place} is a standby, which cannot be written.", hint)
        if state.fsync == "off":
            refuse(
                f"the journal {self.place} has fsync=off, and may lose debits.",
                "Set fsync=on for this server.",
            )
        if state.encoding != "UTF8":
            refuse(
                f"the journal {self.place} has the encoding {state.encoding}, not UTF8.",
                "Make another database: createdb --encoding=UTF8 --template=template0.",
            )
        if state.full_page_writes == "off":
            warning = (
                f"the journal {self.place} has full_page_writes=off: a loss of power may destroy"
                " it, unless its file system writes whole pages."
            )
            self.warnings = (*self.warnings, warning)

    def _moved(self, transaction: Transaction, present: Identity) -> str:
        newest = "SELECT at FROM events ORDER BY number DESC LIMIT 1"
        last = transaction.execute(newest).fetchone()
        return (
            f"the journal {self.place} is at another server than before: {present}, on record is"
            f" {self._on_record}. Debits may be missing in it;"
            f" {'it has no entry' if last is None else f'its last entry is from {last[0][:19]}Z'}."
        )

    def _put_on_record(self, transaction: Transaction, identity: Identity, why: str) -> None:
        row = {
            "system": identity.system,
            "timeline": identity.timeline,
            "at": time_text(self.now(transaction)),
            "actor": self._actor,
            "why": writable(why),
        }
        transaction.execute(
            "INSERT INTO servers (system, timeline, at, actor, why)"
            " VALUES (:system, :timeline, :at, :actor, :why)",
            row,
        )


def _begin(connection: LimitedConnection, idle: int) -> None:
    """Begin a transaction with all its settings, in one message, for any server and pooler."""
    connection.limit = ANSWER_SECONDS
    connection.execute(
        "BEGIN ISOLATION LEVEL READ COMMITTED;"
        " SET LOCAL synchronous_commit = on;"
        f" SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s';"
        f" SET LOCAL lock_timeout = '{LOCK_SECONDS}s';"
        f" SET LOCAL idle_in_transaction_session_timeout = '{idle}s'"
    )


def _state(connection: Transaction) -> ServerState:
    """Ask a server about itself; that needs no transaction."""
    row = connection.execute(_ASK).fetchone()
    return ServerState(Identity(*row[:2]), *row[2:])


def _last_on_record(transaction: Transaction) -> Identity | None:
    newest = "SELECT system, timeline FROM servers ORDER BY number DESC LIMIT 1"
    row = transaction.execute(newest).fetchone()
    return None if row is None else Identity(*row)
