"""Opens a journal: it must exist, be the user's, and have a known version."""

from pathlib import Path
from typing import NoReturn

from loyalty_cli.config.journal_place import FORM, check_place, is_url
from loyalty_cli.debits.journal.database import Database, refuse
from loyalty_cli.debits.journal.file import make_new_file, open_file
from loyalty_cli.debits.journal.file_location import index_of, log_of
from loyalty_cli.debits.journal.processes import actor
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.tables import SCHEMA_VERSION, make_tables, upgrade, versions


def open_journal(where: str | Path, *, create: bool = False) -> Journal:
    """Open the journal at a path or a URL, or make it; raise JournalError if that fails."""
    return _opened(_open_database(where, create=create), create=create)


def make_journal(where: str | Path) -> Journal:
    """Make a journal at a path or a URL; raise JournalError if anything exists there."""
    path = path_of(where)
    if path is None:
        database = _open_database(where, create=True)
        with database.reading() as transaction:
            is_there = database.has_tables(transaction)
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
    """The path of a journal in a file; None if it is at a server, JournalError if neither."""
    if isinstance(where, Path):
        return where
    try:
        place = check_place(where)
    except ValueError as error:
        refuse(f"the journal's place {error}.", f"Name a path, or {FORM}.")
    return None if is_url(place) else Path(place)


def _refuse_again(place: str) -> NoReturn:
    refuse(
        f"{place} exists already; nothing was changed.",
        "`loyalty journal check` shows what it holds.",
    )


def _open_database(where: str | Path, *, create: bool) -> Database:
    path = path_of(where)
    if path is not None:
        return open_file(path, create=create)
    try:
        import psycopg  # noqa: F401 - an extra

        from loyalty_cli.debits.journal.server import ServerDatabase
    except ImportError:
        refuse(
            "a journal in PostgreSQL needs psycopg, which is not installed.",
            "pip install 'loyalty-cli[postgresql]'",
        )
    return ServerDatabase(check_place(str(where)))


def _opened(database: Database, *, create: bool) -> Journal:
    try:
        _check_tables(database, create=create)
    except BaseException:
        database.abandon()
        raise
    return Journal(database, actor())


def _check_tables(database: Database, *, create: bool) -> None:
    place = database.place
    with database.writing("cannot be used") as transaction:
        if create:
            database.lock_tables(transaction)
            if not database.has_tables(transaction):
                make_tables(transaction, database)
                row = {"new": SCHEMA_VERSION}
                transaction.execute("INSERT INTO journal_schema VALUES (:new)", row)
        elif not database.has_tables(transaction):
            refuse(f"{place} holds no journal.", "Run `loyalty journal init`.")
        upgrade(transaction, database)
        found = versions(transaction)
        if found == [SCHEMA_VERSION]:
            database.recognise(transaction, actor())
    if found != [SCHEMA_VERSION]:
        version = f"version {', '.join(map(str, found))}" if found else "no version"
        refuse(
            f"the journal {place} has {version}, this program knows {SCHEMA_VERSION}.",
            "Use the version of loyalty that made it, or a newer one.",
        )
