"""A journal in an SQLite file: opens it, and checks that the file is not replaced."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import NoReturn

from loyalty_cli.config.folders import make_file, make_folder
from loyalty_cli.database.statements import Transaction
from loyalty_cli.debits.journal.database import (
    Database,
    DuplicateError,
    JournalError,
    refuse,
)
from loyalty_cli.debits.journal.file_location import (
    SameFiles,
    check_file,
    has_foreign_log,
    index_of,
    inode_of,
    is_empty,
    is_missing,
    is_open_here,
    log_of,
    refuse_unwritable,
)
from loyalty_cli.debits.journal.incomplete_copy import (
    LogLock,
    empty_log,
    is_bare_copy,
    marks,
    put_mark,
    take_marks_away,
)
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.rows import process_text
from loyalty_cli.model.errors import ErrorCode

BUSY_TIMEOUT_SECONDS = 30.0
CLOSING_SECONDS = 5.0
SCHEMA_TABLE = "journal_schema"
RESTORE = "restore a backup: `loyalty journal restore FILE`."

_held_open: list[sqlite3.Connection] = []
"""Connections that the garbage collector must not close: SQLite deletes the log with the last."""


class NoJournalError(JournalError):
    """The file holds no usable journal; a backup can replace it."""


class FileDatabase(Database):
    """A file on a local disk; SQLite keeps its log while `keeper`, a connection, is open."""

    counted = "INTEGER"

    def __init__(self, path: Path, keeper: sqlite3.Connection) -> None:
        self.place = str(path)
        self._path = real = path.resolve()
        self._keeper = keeper
        self._files = SameFiles([path, log_of(real), index_of(real)])
        self._log = LogLock(log_of(real))
        if inode_of(self._log.descriptor) not in self._files.inodes:
            raise FileNotFoundError
        # SQLite allows one writer at a time, and waiting writers sleep too long; the threads of
        # a process queue here instead.
        self._writer = Lock()
        self._is_marked = self._is_closed = False
        self._idle: list[sqlite3.Connection] = []
        _held_open.append(keeper)

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that reads a snapshot."""
        return self._begun("BEGIN", "failed")

    @contextmanager
    def writing(self, failed: str = "failed") -> Iterator[Transaction]:
        """A transaction with a write lock from the start: two that lock later would deadlock."""
        with self._writer, self._begun("BEGIN IMMEDIATE", failed) as connection:
            yield connection

    @contextmanager
    def _begun(self, begin: str, failed: str) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle_or_new()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            finally:
                self._give_back(connection)
        except sqlite3.IntegrityError as error:
            raise self._failure(failed, error, DuplicateError) from None
        except sqlite3.Error as error:
            raise self._failure(failed, error) from None

    def _idle_or_new(self) -> sqlite3.Connection:
        with suppress(IndexError):  # another thread took the last one
            return self._idle.pop()
        connection = _connect(self._path)
        try:
            _make_durable(connection, self._path)
            self.check_unchanged()
        except BaseException:
            _give_up(connection)
            raise
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        """Keep a connection for the next transaction, unless its rollback fails."""
        with suppress(sqlite3.Error):
            connection.rollback()
            if not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()

    def has_tables(self, transaction: Transaction) -> bool:
        """Whether the journal's tables exist."""
        return SCHEMA_TABLE in tables_of(transaction)

    def before_sending(self) -> None:
        """Mark the file, so that a copy without its log can be recognised."""
        if self._is_marked:
            return
        with self._writer:
            if not self._is_marked:
                self._mark()
                self._is_marked = True

    def _mark(self) -> None:
        # In this order: others may remove the mark of a process that does not hold the lock.
        if not self._log.share(BUSY_TIMEOUT_SECONDS):
            raise self._failure("failed", "another process has been closing it for too long")
        self.check_unchanged()
        try:
            done = put_mark(self._keeper, process_text(this_process()), BUSY_TIMEOUT_SECONDS)
        except sqlite3.Error as error:
            raise self._failure("failed", error) from None
        if not done:
            raise self._failure("failed", "another process has been reading it for too long")

    def check_unchanged(self) -> None:
        """Raise JournalError if the file or its log was deleted, moved or replaced."""
        if not self._files.are_there():
            refuse(
                f"the journal {self.place} is no longer the file that was opened: it or its log"
                " was deleted, moved or replaced.",
                "Nothing more was sent. Put back the file with its -wal, or a backup with"
                " `loyalty journal restore`, before you run anything again.",
            )

    def close(self) -> None:
        """Complete the file, unless another process sends; if that fails, its mark stays."""
        self._end(self._is_whole)

    def abandon(self) -> None:
        """Close it after a failure, without completing the file."""
        self._end(lambda: _may_close(self._keeper))

    def _end(self, is_whole: Callable[[], bool]) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._close_idle()
        try:
            if is_whole():  # otherwise it stays open, so that the log outlives the process
                _held_open.remove(self._keeper)
                self._keeper.close()
        finally:
            self._log.close()

    def copy_into(self, target: sqlite3.Connection) -> None:
        """Copy the whole journal, also what is only in the log, into an empty database."""
        self._keeper.backup(target)

    def faults(self) -> list[str]:
        """The damage that SQLite finds."""
        return integrity_faults(self._keeper)

    def _is_whole(self) -> bool:
        """Complete the file if possible; return whether it is complete."""
        try:
            if not self._log.hold_alone():
                return not marks(self._keeper)
            whole = take_marks_away(self._keeper, CLOSING_SECONDS)
            if whole and not self._files.are_there():
                empty_log(self._keeper, CLOSING_SECONDS)  # another file has taken its place
        except (sqlite3.Error, OSError):
            return False  # the log has the rest
        return whole

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _failure(
        self, failed: str, why: object, kind: type[JournalError] = JournalError
    ) -> JournalError:
        return kind(
            ErrorCode.SETUP,
            f"the journal {self.place} {failed}: {' '.join(str(why).split())}.",
            hint="Nothing more was sent. Fix the journal, then run the same command again.",
        )


def open_file(path: Path, *, create: bool) -> FileDatabase:
    """Open a journal's file, or make it; NoJournalError if a backup should take its place."""
    if is_missing(path):
        _check_no_log(path)
        if not create:
            refuse(
                f"there is no journal {path}; without it, earlier debits are unknown.",
                "If it was lost, restore a backup: `loyalty journal restore FILE`. Only if nothing"
                " was ever debited from here, run `loyalty journal init`.",
            )
        with suppress(FileExistsError):  # another process made it first
            make_new_file(path)
    check_file(path)
    if path.stat().st_size == 0 and not (create and is_empty(log_of(path.resolve()))):
        _refuse_other(path)  # do not open it: SQLite would delete the log of an empty file
    if not is_open_here(path) and has_foreign_log(path.resolve()):
        refuse(
            f"the log {log_of(path).name} beside the journal {path} belongs to an earlier"
            " journal, over which a backup was copied.",
            "Run `loyalty journal restore FILE` with the backup; it keeps that log, too.",
            NoJournalError,
        )
    return _open_checked(path, create=create)


def make_new_file(path: Path) -> None:
    """Make the empty file of a new journal, and its folder; raise FileExistsError if it exists."""
    try:
        make_folder(path.parent)
        _check_no_log(path)
        make_file(path)
    except FileExistsError:
        raise
    except OSError as error:
        refuse_unwritable(path, error)


def _check_no_log(path: Path) -> None:
    if log_of(path.resolve()).exists():
        refuse(
            f"there is no journal {path}, but its log {log_of(path).name} is there.",
            f"Put the file back beside its log, or {RESTORE}",
            NoJournalError,
        )


def _refuse_other(path: Path) -> NoReturn:
    refuse(
        f"{path} holds no journal; a copy without its -wal can look like that.",
        f"Put its -wal back beside it, or {RESTORE}",
        NoJournalError,
    )


def _open_checked(path: Path, *, create: bool) -> FileDatabase:
    keeper = _connect(path.resolve())
    try:
        # Another program's database is told before anything is changed.
        tables = tables_of(keeper)
        if not create and SCHEMA_TABLE not in tables:
            _refuse_other(path)
        if tables and SCHEMA_TABLE not in tables:
            refuse(
                f"{path} is another program's database.",
                "Name another place for the journal.",
                NoJournalError,
            )
        _make_durable(keeper, path)
        if is_bare_copy(keeper, log_of(path.resolve())):
            refuse(
                f"the journal {path} is a copy without its log, made while debits were being sent:"
                " some may be missing.",
                f"Put its -wal back beside it, or {RESTORE}",
                NoJournalError,
            )
        return FileDatabase(path, keeper)
    except NoJournalError:
        keeper.close()
        raise
    except FileNotFoundError:
        _give_up(keeper)
        refuse(f"the journal {path} was replaced during opening.", "Run the same command again.")
    except sqlite3.DatabaseError as error:
        _give_up(keeper)
        failed = f"the journal {path} cannot be used: {error}."
        if isinstance(error, sqlite3.OperationalError):
            refuse(failed, "Nothing was sent. Fix this, then run the same command again.")
        raise NoJournalError(
            ErrorCode.SETUP, failed, hint="Restore a backup: `loyalty journal restore FILE`."
        ) from None
    except BaseException:
        _give_up(keeper)
        raise


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )


def tables_of(transaction: Transaction) -> set[str]:
    """The tables and indexes of a database."""
    return {name for (name,) in transaction.execute("SELECT name FROM sqlite_master")}


def _give_up(keeper: sqlite3.Connection) -> None:
    if _may_close(keeper):
        keeper.close()
    else:
        _held_open.append(keeper)


def _may_close(keeper: sqlite3.Connection) -> bool:
    """Whether the log may be deleted: SQLite does that with the last connection."""
    try:
        return not marks(keeper)
    except sqlite3.Error:
        return False


def integrity_faults(connection: sqlite3.Connection) -> list[str]:
    """The damage that SQLite finds in a database."""
    try:
        found = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [line for line in found if line != "ok"]


def _make_durable(connection: sqlite3.Connection, path: Path) -> None:
    """Let every commit reach the disk before it returns; set and verify that per connection."""
    mode = _write_ahead(connection)
    connection.execute("PRAGMA synchronous=FULL")
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, synchronous) != ("wal", 2):
        refuse(
            f"the journal {path} cannot be made durable (mode {mode}, synchronous {synchronous}).",
            "Keep it on another disk.",
        )
    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # opens the log


def _write_ahead(connection: sqlite3.Connection) -> str:
    """Turn on the write-ahead log; SQLite's timeout does not cover two processes doing so."""
    ends = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(0.01)
