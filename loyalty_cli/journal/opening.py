"""Opening a journal: whether it is there, is ours, and will keep what it is told."""

import errno
import os
import re
import shutil
import socket
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sql

from loyalty_cli.errors import ErrorCode
from loyalty_cli.journal.store import READING, Journal, JournalError
from loyalty_cli.journal.tables import SCHEMA_VERSION, metadata, schema

EFFECTIVE = os.access in os.supports_effective_ids
MOUNTS = Path("/proc/self/mounts")
SPACE_NEEDED = 1024 * 1024
BUSY_TIMEOUT = 30.0
MAKING_TABLES = 0x6C6F79616C7479  # a number that nobody else is likely to take

NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("9p", "afs", "ceph", "cifs", "coda", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs"),
        *("nfs4", "smb3", "smbfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
    }
)


def open_journal(where: str, *, create: bool = False) -> Journal:
    """Open the journal at a path or a postgresql:// URL; with `create`, make it if need be.

    Raises JournalError where it is not there, is not a journal, is of another version, or would
    not keep what is written: on a network file system, a full disk, a standby, without sync.
    """
    if where.startswith(("postgresql:", "postgres:")):
        return _open_postgresql(where, create=create)
    if "://" in where:
        _refuse_url()
    return _open_sqlite(Path(where), create=create)


def _open_sqlite(path: Path, *, create: bool) -> Journal:
    if not create and _is_missing(path):
        _refuse(
            f"there is no journal {path}; without it there is no knowing what was debited already.",
            "If this is the first debit from here, run `loyalty journal init`.",
        )
    _check_file(path, create=create)
    engine = sql.create_engine(
        sql.URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT}
    )
    sql.event.listen(engine, "connect", _make_durable)
    sql.event.listen(engine, "begin", _begin)
    with _let_go_unless_opened(engine):
        return _ready(engine, str(path), create=create)


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
            _refuse(f"the journal {path} is not a regular file.", "Name another place for it.")
        for needed in (path, path.parent):
            # Asked, not tried: closing a file that SQLite has open here would drop its locks.
            if not os.access(needed, os.R_OK | os.W_OK, effective_ids=EFFECTIVE):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        kind = file_system(path)
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        _refuse(f"the journal {path} cannot be written: {error.strerror}.", "Make it writable.")
    if kind in NETWORK_FILE_SYSTEMS:
        _refuse(
            f"the journal {path} is on a network file system ({kind}), where locks do not hold.",
            "Keep it on a local disk, or share one in PostgreSQL: journal: postgresql://…",
        )
    if free < SPACE_NEEDED:
        _refuse(f"the disk of the journal {path} is full.", "Make room first.")


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
    ends = time.monotonic() + BUSY_TIMEOUT
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


def _open_postgresql(where: str, *, create: bool) -> Journal:
    try:
        import psycopg  # noqa: F401 - the extra that SQLAlchemy needs for this URL
    except ImportError:
        _refuse(
            "a journal in PostgreSQL needs psycopg, which is not installed.",
            "pip install 'loyalty-cli[postgresql]'",
        )
    try:
        url = sql.make_url(where).set(drivername="postgresql+psycopg")
    except (sql.exc.ArgumentError, ValueError):
        _refuse_url()
    engine = sql.create_engine(
        url, pool_pre_ping=True, connect_args={"connect_timeout": 10, "client_encoding": "utf8"}
    )
    place = url.set(password=None, drivername="postgresql").render_as_string()
    with _let_go_unless_opened(engine):
        try:
            with engine.connect() as connection:
                _check_server(connection, place)
        except sql.exc.DBAPIError as error:
            reason = " ".join(str(error.orig).split())
            _refuse(f"the journal {place} cannot be reached: {reason}.", "Nothing was sent.")
        return _ready(engine, place, create=create)


@contextmanager
def _let_go_unless_opened(engine: sql.Engine) -> Iterator[None]:
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _check_server(connection: sql.Connection, place: str) -> None:
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
        _refuse(f"the journal {place} is a standby, which cannot be written.", "Name the primary.")
    for setting in ("synchronous_commit", "fsync"):
        if connection.exec_driver_sql(f"SHOW {setting}").scalar_one() == "off":
            _refuse(
                f"the journal {place} has {setting}=off, and may forget what it was told.",
                f"Set {setting}=on for this database.",
            )


def _refuse_foreign(connection: sql.Connection, place: str) -> None:
    """A file belongs to one program; a server's database may well hold other tables."""
    tables = sql.inspect(connection).get_table_names()
    if connection.dialect.name == "sqlite" and tables and schema.name not in tables:
        _refuse(f"{place} is another program's database.", "Name another place for the journal.")


def _ready(engine: sql.Engine, place: str, *, create: bool) -> Journal:
    try:
        with engine.begin() as connection:
            if create:
                _take_turns(connection)
                _refuse_foreign(connection, place)
                metadata.create_all(connection)
                if connection.execute(schema.select()).first() is None:
                    connection.execute(schema.insert().values(version=SCHEMA_VERSION))
            elif not sql.inspect(connection).has_table(schema.name):
                _refuse(f"{place} holds no journal.", "Run `loyalty journal init`.")
            versions = connection.execute(schema.select()).scalars().all()
    except sql.exc.DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        _refuse(f"the journal {place} cannot be used: {reason}.", "Nothing was sent.")
    if versions != [SCHEMA_VERSION]:
        version = ", ".join(map(str, versions)) or "no"
        _refuse(
            f"the journal {place} is of version {version}, this program knows {SCHEMA_VERSION}.",
            "Use the loyalty that made it, or a newer one.",
        )
    return Journal(
        engine, place, f"uid {os.getuid()} on {socket.gethostname()}, process {os.getpid()}"
    )


def _take_turns(connection: sql.Connection) -> None:
    """Let one process at a time make the tables; SQLite's BEGIN IMMEDIATE has done so already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MAKING_TABLES})")


def _refuse_url() -> NoReturn:
    # Not the URL itself: there can be a password in it.
    _refuse("the journal's URL cannot be read.", "It looks like postgresql://host/database.")


def _refuse(message: str, hint: str) -> NoReturn:
    raise JournalError(ErrorCode.SETUP, message, hint=hint)
