"""The mark in a journal's file that shows that a copy has no log.

SQLite writes into its log first, and into the file later: while debits are being sent, the file
alone may be incomplete. So before its first debit a process puts a row into `senders`, in the file
itself. The row is deleted when the file has everything that its process wrote. A file with such a
row, but without a log, is a copy, or its log was deleted.

Each process that sends debits holds a shared lock on the log (not one of SQLite's). A process that
gets an exclusive lock knows that no other process sends, and deletes the marks.

A connection to a marked file may be closed only under that lock: SQLite deletes the log with the
last connection, and the remaining file would look like a copy.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from loyalty_cli.debits.journal.file_location import is_empty

PAUSE_SECONDS = 0.005


class LogLock:
    """The lock on an open log; it ends with its file descriptor."""

    def __init__(self, log: Path) -> None:
        # Not the file or the index: closing those would drop SQLite's locks.
        self.descriptor = os.open(log, os.O_RDWR | os.O_CLOEXEC)

    def share(self, patience: float) -> bool:
        """Lock it to send debits; False if a process that deletes marks takes too long."""
        return _until(lambda: self._lock(fcntl.LOCK_SH), patience)

    def hold_alone(self) -> bool:
        """Lock it alone; False if others send debits. None can begin until `close`.

        First this process's shared lock is dropped, so the second of two callers succeeds.
        """
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        return self._lock(fcntl.LOCK_EX)

    def close(self) -> None:
        """Release it."""
        with suppress(OSError):
            os.close(self.descriptor)

    def _lock(self, kind: int) -> bool:
        try:
            fcntl.flock(self.descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def marks(connection: sqlite3.Connection) -> list[str]:
    """The processes that may have debits only in the log."""
    has_table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'senders'"
    if connection.execute(has_table).fetchone() is None:
        return []
    return [process for (process,) in connection.execute("SELECT process FROM senders")]


def put_mark(connection: sqlite3.Connection, process: str, patience: float) -> bool:
    """Mark the file itself, durably; False if another process blocks that for too long."""
    _wait_for_locks(connection, patience)
    connection.execute("INSERT OR IGNORE INTO senders (process) VALUES (?)", (process,))
    return bring_in(connection, patience)


def take_marks_away(connection: sqlite3.Connection, patience: float) -> bool:
    """Under the exclusive lock: checkpoint the log, delete the marks. False if blocked."""
    there = [(process,) for process in marks(connection)]
    if not there:
        return True
    # Still marked: a copy made now may be incomplete, and must show that.
    if not bring_in(connection, patience):
        return False
    _wait_for_locks(connection, patience)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("DELETE FROM senders WHERE process = ?", there)
    connection.execute("COMMIT")
    return bring_in(connection, patience)


def bring_in(connection: sqlite3.Connection, patience: float) -> bool:
    """Checkpoint the whole log into the file, durably; False if another process blocks that."""
    # Not SQLite's own timeout: while it waits for a reader, it blocks all writers.
    _wait_for_locks(connection, 0)

    def is_whole() -> bool:
        busy, frames, done = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        return not busy and frames == done

    return _until(is_whole, patience)


def empty_log(connection: sqlite3.Connection, patience: float) -> None:
    """Empty a log after its checkpoint, so that SQLite does not use it for another file."""
    _wait_for_locks(connection, patience)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def is_bare_copy(connection: sqlite3.Connection, log: Path) -> bool:
    """Whether a marked file lacks its log: then SQLite has just made an empty one."""
    return bool(marks(connection)) and is_empty(log)


def _wait_for_locks(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def _until(succeeds: Callable[[], bool], patience: float) -> bool:
    ends = time.monotonic() + patience
    while not succeeds():
        if time.monotonic() > ends:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
