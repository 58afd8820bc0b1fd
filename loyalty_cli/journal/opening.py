"""Opening a journal: whether it is there, is ours, and is of this version."""

import os
import socket
from pathlib import Path
from typing import NoReturn

import sqlalchemy as sql

from loyalty_cli.journal.database import Database, refuse
from loyalty_cli.journal.file import make_new_file, open_file
from loyalty_cli.journal.place import index_of, log_of
from loyalty_cli.journal.server import open_server, refuse_url
from loyalty_cli.journal.store import Journal
from loyalty_cli.journal.tables import SCHEMA_VERSION, metadata, schema
from loyalty_cli.journal.upgrade import upgrade


def open_journal(where: str, *, create: bool = False) -> Journal:
    """Open the journal at a path or a postgresql:// URL; with `create`, make it if need be.

    Raises JournalError where it is not there, is not a journal, is of another version, or would
    not keep what is written: on a network file system, a full disk, a standby, without sync.
    """
    database = _open_database(where, create=create)
    return _opened(database, create=create)


def make_journal(where: str) -> Journal:
    """Make a journal at a path or a postgresql:// URL, where there is nothing yet.

    Raises JournalError where anything is there, which is left as it is.
    """
    path = place_of(where)
    if path is None:
        database = _open_database(where, create=True)
        with database.engine.connect() as connection:
            is_there = sql.inspect(connection).has_table(schema.name)
        if is_there:
            database.abandon()
            _refuse_again(database.place)
        return _opened(database, create=True)
    try:
        make_new_file(path)
    except FileExistsError:
        _refuse_again(where)
    try:
        return _opened(open_file(path, create=True), create=True)
    except BaseException:
        for each in (path, log_of(path), index_of(path)):
            each.unlink(missing_ok=True)
        raise


def place_of(where: str) -> Path | None:
    """The path of a journal in a file; None where it is, or wants to be, a server's."""
    is_server = where.startswith(("postgresql:", "postgres:")) or "://" in where
    return None if is_server else Path(where)


def actor() -> str:
    """Who does something, as events have it."""
    return f"uid {os.getuid()} on {socket.gethostname()}, process {os.getpid()}"


def _refuse_again(place: str) -> NoReturn:
    refuse(
        f"{place} was there already; nothing was changed.",
        "`loyalty journal check` says what it holds.",
    )


def _opened(database: Database, *, create: bool) -> Journal:
    try:
        _check_tables(database, create=create)
    except BaseException:
        database.abandon()
        raise
    return Journal(database, actor())


def _open_database(where: str, *, create: bool) -> Database:
    path = place_of(where)
    if path is not None:
        return open_file(path, create=create)
    if not where.startswith(("postgresql:", "postgres:")):
        refuse_url()
    return open_server(where)


def _check_tables(database: Database, *, create: bool) -> None:
    place = database.place
    try:
        with database.engine.begin() as connection:
            if create:
                _make_tables(connection, database)
            elif not sql.inspect(connection).has_table(schema.name):
                refuse(f"{place} holds no journal.", "Run `loyalty journal init`.")
            upgrade(connection, database)
            versions = connection.execute(schema.select()).scalars().all()
    except sql.exc.DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        refuse(f"the journal {place} cannot be used: {reason}.", "Nothing was sent.")
    if versions != [SCHEMA_VERSION]:
        version = ", ".join(map(str, versions)) or "no"
        refuse(
            f"the journal {place} is of version {version}, this program knows {SCHEMA_VERSION}.",
            "Use the loyalty that made it, or a newer one.",
        )


def _make_tables(connection: sql.Connection, database: Database) -> None:
    database.lock_tables(connection)
    if not sql.inspect(connection).has_table(schema.name):
        metadata.create_all(connection)
        connection.execute(schema.insert().values(version=SCHEMA_VERSION))
