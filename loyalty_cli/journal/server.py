"""A journal at a PostgreSQL server: whether it can be reached, and keeps what it is told."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql

from loyalty_cli.journal.database import Database, refuse

MAKING_TABLES = 0x6C6F79616C7479  # a number that nobody else is likely to take


class ServerDatabase(Database):
    """A database of a PostgreSQL server, which several hosts can share."""

    def __init__(self, url: sql.URL) -> None:
        self.place = url.set(password=None, drivername="postgresql").render_as_string()
        self.engine = sql.create_engine(
            url, pool_pre_ping=True, connect_args={"connect_timeout": 10, "client_encoding": "utf8"}
        )

    def now(self, connection: sql.Connection) -> datetime:
        """The server's time."""
        now = sql.select(sql.func.clock_timestamp())
        moment: datetime = connection.execute(now).scalar_one()
        return moment.astimezone(UTC)

    def lock_tables(self, connection: sql.Connection) -> None:
        """By an advisory lock: there may be no table yet."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MAKING_TABLES})")

    def lock_account(self, connection: sql.Connection, platform: str) -> None:
        """By an advisory lock, which ends with the transaction."""
        key = sql.func.hashtextextended(platform, 0)
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(key)))

    def insert_missing(self, table: sql.Table) -> Any:
        """INSERT … ON CONFLICT DO NOTHING."""
        return postgresql.insert(table).on_conflict_do_nothing()

    def before_sending(self) -> None:
        """Nothing to get ready yet."""

    def check_unchanged(self) -> None:
        """Nothing is checked yet."""


def open_server(where: str) -> ServerDatabase:
    """Connect to a server; raise JournalError for one that cannot be reached, or would forget."""
    try:
        import psycopg  # noqa: F401 - the extra that SQLAlchemy needs for this URL
    except ImportError:
        refuse(
            "a journal in PostgreSQL needs psycopg, which is not installed.",
            "pip install 'loyalty-cli[postgresql]'",
        )
    database = ServerDatabase(sql.make_url(where).set(drivername="postgresql+psycopg"))
    try:
        with database.engine.connect() as connection:
            _check_server(connection, database.place)
    except sql.exc.DBAPIError as error:
        database.engine.dispose()
        reason = " ".join(str(error.orig).split())
        refuse(f"the journal {database.place} cannot be reached: {reason}.", "Nothing was sent.")
    except BaseException:
        database.engine.dispose()
        raise
    return database


def _check_server(connection: sql.Connection, place: str) -> None:
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
        refuse(f"the journal {place} is a standby, which cannot be written.", "Name the primary.")
    for setting in ("synchronous_commit", "fsync"):
        if connection.exec_driver_sql(f"SHOW {setting}").scalar_one() == "off":
            refuse(
                f"the journal {place} has {setting}=off, and may forget what it was told.",
                f"Set {setting}=on for this database.",
            )
