"""Opening a journal: whether it is there, is ours, and is of this version."""

import os
import socket
from pathlib import Path
from typing import NoReturn

import sqlalchemy as sql

from loyalty_cli.config.journal_place import FORM, check_place, is_url
from loyalty_cli.debits.journal.database import Database, refuse
from loyalty_cli.debits.journal.file import make_new_file, open_file
from loyalty_cli.debits.journal.file_location import index_of, log_of
from loyalty_cli.debits.journal.server import open_server
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.tables import SCHEMA_VERSION, metadata, schema
from loyalty_cli.debits.journal.upgrade import upgrade


def open_journal(where: str | Path, *, create: bool = False) -> Journal:
    """Open the journal at a path or, as text, a URL; with `create`, make it if need be.

    Raises JournalError where it is not there, is not a journal, is of another version, or would
    not keep what is written: on a network file system, a full disk, a standby, without sync.
    """
    return _opened(_open_database(where, create=create), create=create)


def make_journal(where: str | Path) -> Journal:
    """Make a journal at a path or, as text, a URL, where there is nothing yet.

    Raises JournalError where anything is there, which is left as it is.
    """
    path = path_of(where)
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
        _refuse_again(str(path))
    try:
        return _opened(open_file(path, create=True), create=True)
    except BaseException:
        for each in (path, log_of(path), index_of(path)):
            each.unlink(missing_ok=True)
        raise


def path_of(where: str | Path) -> Path | None:
    """The path of a journal in a file; None where it is a server's.

    Raises JournalError where it is neither.
    """
    checked = _checked(where)
    return None if isinstance(checked, str) else checked


def actor() -> str:
    """Who does something, as events have it."""
    return f"uid {os.getuid()} on {socket.gethostname()}, process {os.getpid()}"


def _refuse_again(place: str) -> NoReturn:
    refuse(
        f"{place} was there already; nothing was changed.",
        "`loyalty journal check` says what it holds.",
    )


def _checked(where: str | Path) -> str | Path:
    """The URL as text, or the path of a file."""
    if isinstance(where, Path):
        return where
    try:
        place = check_place(where)
    except ValueError as error:
        refuse(f"the journal's place {error}.", f"Name a path, or {FORM}.")
    return place if is_url(place) else Path(place)


def _open_database(where: str | Path, *, create: bool) -> Database:
    checked = _checked(where)
    if isinstance(checked, str):
        return open_server(checked)
    return open_file(checked, create=create)


def _opened(database: Database, *, create: bool) -> Journal:
    try:
        _check_tables(database, create=create)
    except BaseException:
        database.abandon()
        raise
    return Journal(database, actor())


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
            if versions == [SCHEMA_VERSION]:
                database.recognise(connection, actor())
    except sql.exc.DBAPIError as error:
        raise database.failure(error, "cannot be used") from None
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
