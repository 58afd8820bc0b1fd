"""The mark in a journal's file that tells a copy of it that misses its log.

SQLite writes into its log first, and into the file now and then: while debits are being sent, the
file alone may lack some. So before its first debit a process puts a row into `senders`, and has it
in the file itself; the rows are taken away once the file has all that their processes wrote. A file
with such a row and no log beside it is a copy, or what is left after its log was deleted.

Who sends debits holds a shared lock on the log (not one of SQLite's), which ends with its process.
Who gets that lock alone knows that no process that sends is left, and takes the marks away.

No connection to a marked file may be closed but under that lock: SQLite deletes the log with the
last one, and what is left would look like a copy.
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
    """The lock on a log that is open; it ends with its descriptor."""

    def __init__(self, log: Path) -> None:
        # Not the file itself, nor the index: closing those would drop the locks that SQLite has.
        self._descriptor = os.open(log, os.O_RDWR | os.O_CLOEXEC)

    def inode(self) -> tuple[int, int]:
        """Which file it is."""
        status = os.fstat(self._descriptor)
        return status.st_dev, status.st_ino

    def share(self, patience: float) -> bool:
        """Be one of those who send debits; False where one who takes marks away takes too long."""
        return _until(lambda: self._lock(fcntl.LOCK_SH), patience)

    def hold_alone(self) -> bool:
        """Whether nobody sends debits any more; then nobody can begin to, until it is closed.

        This process must have ended to: of two who ask at a time the second one gets it.
        """
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return self._lock(fcntl.LOCK_EX)

    def close(self) -> None:
        """Release it."""
        with suppress(OSError):
            os.close(self._descriptor)

    def _lock(self, kind: int) -> bool:
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def marks(connection: sqlite3.Connection) -> list[str]:
    """The processes that may have debits in the log alone."""
    has_table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'senders'"
    if connection.execute(has_table).fetchone() is None:
        return []
    return [process for (process,) in connection.execute("SELECT process FROM senders")]


def put_mark(connection: sqlite3.Connection, process: str, patience: float) -> bool:
    """Mark the file itself, durably; False where somebody stands in the way too long."""
    _wait_for_locks(connection, patience)
    connection.execute("INSERT OR IGNORE INTO senders (process) VALUES (?)", (process,))
    return bring_in(connection, patience)


def take_marks_away(connection: sqlite3.Connection, patience: float) -> bool:
    """Bring all into the file, and then take away the marks that are there.

    Only for who holds the lock alone. False where somebody stands in the way too long.
    """
    there = [(process,) for process in marks(connection)]
    if not there:
        return True
    # Marked all the while: a copy made now may lack anything, and says so.
    if not bring_in(connection, patience):
        return False
    _wait_for_locks(connection, patience)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("DELETE FROM senders WHERE process = ?", there)
    connection.execute("COMMIT")
    return bring_in(connection, patience)


def bring_in(connection: sqlite3.Connection, patience: float) -> bool:
    """Bring the whole log into the file, durably; False where somebody stands in the way."""
    # Not SQLite's own patience: while it waits for one who reads it keeps out all who write.
    _wait_for_locks(connection, 0)

    def is_whole() -> bool:
        busy, frames, done = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        return not busy and frames == done

    return _until(is_whole, patience)


def empty_log(connection: sqlite3.Connection, patience: float) -> None:
    """Leave nothing in a log that has been brought in, for another file to be taken with it."""
    _wait_for_locks(connection, patience)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def is_bare_copy(connection: sqlite3.Connection, log: Path) -> bool:
    """Whether this is a marked file without its log.

    The log that SQLite makes where there is none stays empty: only who is let in writes into it.
    """
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
