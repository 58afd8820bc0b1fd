"""A journal in a file: whether the file will keep what it is told, and its locks hold."""

import errno
import os
import re
import shutil
import sqlite3
import stat
import time
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import sqlite

from loyalty_cli.errors import ErrorCode
from loyalty_cli.journal.database import READING, Database, JournalError, refuse

EFFECTIVE = os.access in os.supports_effective_ids
MOUNTS = Path("/proc/self/mounts")
SPACE_NEEDED = 1024 * 1024
BUSY_TIMEOUT_SECONDS = 30.0

NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("9p", "afs", "ceph", "cifs", "coda", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs"),
        *("nfs4", "smb3", "smbfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
    }
)


class FileDatabase(Database):
    """A file on a local disk, with SQLite's write-ahead log beside it."""

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self.engine = sql.create_engine(
            sql.URL.create("sqlite", database=str(path)),
            connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
        )
        sql.event.listen(self.engine, "connect", _make_durable)
        sql.event.listen(self.engine, "begin", _begin)
        # SQLite lets one write at a time, and those who wait for it sleep longer than it takes;
        # the threads of a process queue here instead.
        self._writer = Lock()

    def now(self, connection: sql.Connection) -> datetime:
        """The time of this machine, which all who share the file share."""
        del connection
        return datetime.now(UTC)

    def lock_tables(self, connection: sql.Connection) -> None:
        """BEGIN IMMEDIATE has done so already."""

    def lock_account(self, connection: sql.Connection, platform: str) -> None:
        """BEGIN IMMEDIATE has done so already."""

    def insert_missing(self, table: sql.Table) -> Any:
        """INSERT … ON CONFLICT DO NOTHING."""
        return sqlite.insert(table).on_conflict_do_nothing()

    def before_sending(self) -> None:
        """Nothing to get ready yet."""

    def check_unchanged(self) -> None:
        """Nothing is checked yet."""

    def writer(self) -> AbstractContextManager[object]:
        """One thread of this process at a time."""
        return self._writer


def open_file(path: Path, *, create: bool) -> FileDatabase:
    """Open a journal's file; with `create`, make it where there is none.

    Raises JournalError where it is not there, or would not keep what is written.
    """
    if not create and _is_missing(path):
        refuse(
            f"there is no journal {path}; without it there is no knowing what was debited already.",
            "If this is the first debit from here, run `loyalty journal init`.",
        )
    _check_file(path, create=create)
    return FileDatabase(path)


def _is_missing(path: Path) -> bool:
    """Whether there is none; a folder that cannot be looked into says nothing of that."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _check_file(path: Path, *, create: bool) -> None:
    try:
        if create:
            _make_file(path)
        if not stat.S_ISREG(path.stat().st_mode):
            refuse(f"the journal {path} is not a regular file.", "Name another place for it.")
        for needed in (path, path.parent):
            # Asked, not tried: closing a file that SQLite has open here would drop its locks.
            if not os.access(needed, os.R_OK | os.W_OK, effective_ids=EFFECTIVE):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        kind = file_system(path)
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        refuse(f"the journal {path} cannot be written: {error.strerror}.", "Make it writable.")
    if kind in NETWORK_FILE_SYSTEMS:
        refuse(
            f"the journal {path} is on a network file system ({kind}), where locks do not hold.",
            "Keep it on a local disk, or share one in PostgreSQL: journal: postgresql://…",
        )
    if free < SPACE_NEEDED:
        refuse(f"the disk of the journal {path} is full.", "Make room first.")


def _make_file(path: Path) -> None:
    """Make the file and its folder, the user's alone from the first byte on, and for good."""
    new = [each for each in path.parents if not each.exists()]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        for folder in (path.parent, *(each.parent for each in new)):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def file_system(path: Path) -> str:
    """The kind of file system a path is on, as the system's mount table says; "" if unknown."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    resolved = path.resolve()
    best = ("", "")
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        folder = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point)
        if resolved.is_relative_to(folder) and len(folder) >= len(best[0]):
            best = (folder, kind)
    return best[1]


def _make_durable(connection: Any, _record: Any) -> None:
    """Every commit reaches the disk before it returns; set and read back at every connection."""
    connection.isolation_level = None
    mode = _write_ahead(connection)
    connection.execute("PRAGMA synchronous=FULL")
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, synchronous) != ("wal", 2):
        raise JournalError(
            ErrorCode.SETUP,
            f"the journal cannot be made durable (mode {mode}, synchronous {synchronous}).",
            hint="Keep it on another disk.",
        )


def _write_ahead(connection: Any) -> str:
    """Turn on the write-ahead log; SQLite's own patience does not cover two who do it at once."""
    ends = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(0.01)


def _begin(connection: sql.Connection) -> None:
    # Who is going to write says so at once, or two readers that both want to would deadlock.
    reading = connection.get_execution_options().get(READING)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
