"""Opening a journal: whether it is there, is ours, and is of this version."""

import os
import socket
from pathlib import Path

import sqlalchemy as sql

from loyalty_cli.journal.database import Database, refuse
from loyalty_cli.journal.file import open_file
from loyalty_cli.journal.place import FORM, check_place, is_url
from loyalty_cli.journal.server import open_server
from loyalty_cli.journal.store import Journal
from loyalty_cli.journal.tables import SCHEMA_VERSION, metadata, schema
from loyalty_cli.journal.upgrade import upgrade


def open_journal(where: str | Path, *, create: bool = False) -> Journal:
    """Open the journal at a path or, as text, a URL; with `create`, make it if need be.

    Raises JournalError where it is not there, is not a journal, is of another version, or would
    not keep what is written: on a network file system, a full disk, a standby, without sync.
    """
    actor = f"uid {os.getuid()} on {socket.gethostname()}, process {os.getpid()}"
    database = _open_database(where, create=create)
    try:
        _check_tables(database, actor, create=create)
    except BaseException:
        database.engine.dispose()
        raise
    return Journal(database, actor)


def _open_database(where: str | Path, *, create: bool) -> Database:
    if isinstance(where, str):
        try:
            where = check_place(where)
        except ValueError as error:
            refuse(f"the journal's place {error}.", f"Name a path, or {FORM}.")
        if is_url(where):
            return open_server(where)
    return open_file(Path(where), create=create)


def _check_tables(database: Database, actor: str, *, create: bool) -> None:
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
                database.recognise(connection, actor)
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
    _refuse_foreign(connection, database.place)
    if not sql.inspect(connection).has_table(schema.name):
        metadata.create_all(connection)
        connection.execute(schema.insert().values(version=SCHEMA_VERSION))


def _refuse_foreign(connection: sql.Connection, place: str) -> None:
    """A file belongs to one program; a server's database may well hold other tables."""
    tables = sql.inspect(connection).get_table_names()
    if connection.dialect.name == "sqlite" and tables and schema.name not in tables:
        refuse(f"{place} is another program's database.", "Name another place for the journal.")
