"""A journal at a PostgreSQL server: whether it is the same, and keeps what it is told."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.dialects import postgresql

from loyalty_cli.config.base_url import is_loopback
from loyalty_cli.debits.journal.database import READING, Database, JournalError, Written, refuse
from loyalty_cli.debits.journal.server_errors import journal_error
from loyalty_cli.debits.journal.tables import events, servers
from loyalty_cli.debits.journal.writable import writable
from loyalty_cli.lists.parallel import JOBS
from loyalty_cli.model.errors import ErrorCode

MAKING_TABLES = 0x6C6F79616C7479  # a number that nobody else is likely to take

ANSWER_SECONDS = 35.0
"""More than a statement may take: where the server itself gives up, it says why."""
STATEMENT_SECONDS = 30
LOCK_SECONDS = 20
IDLE_SECONDS = 30
TABLES_SECONDS = 600.0
"""What bringing up a large journal of an earlier version may take."""

INSISTING_SECONDS = 50.0
"""After which no more is begun to write down a result; what was begun by then has its time."""
PAUSE_SECONDS = 0.5

LOOK = (
    "See at the platform what was debited since, then run `loyalty journal accept-failover"
    " --why TEXT`; nothing is sent before that."
)

Answer = TypeVar("Answer")

ALONE = "loyalty_alone"
"""The execution option of a statement that needs no transaction around it."""

_ASK = sql.text(
    "SELECT (SELECT system_identifier FROM pg_control_system())::text AS system,"
    " CASE WHEN pg_is_in_recovery() THEN NULL"
    " ELSE pg_walfile_name(pg_current_wal_lsn()) END AS wal_file,"
    " current_setting('fsync') AS fsync,"
    " current_setting('full_page_writes') AS full_page_writes,"
    " current_setting('server_encoding') AS encoding"
)


class Identity(Struct, frozen=True):
    """Which server it is: another timeline means that a standby, or a backup, took its place."""

    system: str
    timeline: int

    def __str__(self) -> str:
        return f"system {self.system}, timeline {self.timeline}"


class ServerDatabase(Database):
    """A database of a PostgreSQL server, which several hosts can share."""

    def __init__(self, url: str) -> None:
        from loyalty_cli.debits.journal.server_connection import connect

        self.place = url
        self.engine = sql.create_engine(
            "postgresql+psycopg://",
            creator=lambda: connect(url),
            pool_size=JOBS,
            use_native_hstore=False,
        )
        sql.event.listen(self.engine, "begin", _begin)

    def now(self, connection: sql.Connection) -> datetime:
        """The server's time."""
        now = sql.select(sql.func.clock_timestamp())
        moment: datetime = connection.execute(now).scalar_one()
        return moment.astimezone(UTC)

    def lock_tables(self, connection: sql.Connection) -> None:
        """By an advisory lock: there may be no table yet."""
        _driver(connection).limit = TABLES_SECONDS
        connection.exec_driver_sql(
            f"SET LOCAL statement_timeout = '{TABLES_SECONDS:g}s';"
            f" SELECT pg_advisory_xact_lock({MAKING_TABLES})",
            execution_options={"no_parameters": True},
        )

    def lock_account(self, connection: sql.Connection, platform: str) -> None:
        """By an advisory lock, which ends with the transaction."""
        key = sql.func.hashtextextended(platform, 0)
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(key)))

    def insert_missing(self, table: sql.Table) -> Any:
        """INSERT … ON CONFLICT DO NOTHING."""
        return postgresql.insert(table).on_conflict_do_nothing()

    def before_sending(self) -> None:
        """Nothing to get ready."""

    def recognise(self, connection: sql.Connection, actor: str) -> None:
        """Put on record which server this is, the first time; else warn where it is another one."""
        self._actor = actor
        present, on_record = _identity(connection), _last_on_record(connection)
        if on_record is None:
            self.lock_tables(connection)
            on_record = _last_on_record(connection)
        if on_record is None:
            self._put_on_record(connection, present, "the first time")
            on_record = present
        self._on_record = on_record
        if present != on_record:
            moved = self._moved(connection, present)
            self.warnings = (*self.warnings, f"{moved} {LOOK}")

    def check_unchanged(self) -> None:
        """Raise JournalError where the server is another one than on record, or of another time."""

        def check(connection: sql.Connection) -> None:
            present = _identity(connection)
            if present != self._on_record:
                refuse(self._moved(connection, present), LOOK)

        try:
            self._alone(check)
        except sql.exc.DBAPIError as error:
            raise self.failure(error) from None

    def accept_failover(self, why: str) -> tuple[Identity, Identity] | None:
        """Put on record that the server is another one; give both, or None where it is not."""
        try:
            with self.engine.begin() as connection:
                self.lock_tables(connection)
                before, present = _last_on_record(connection), _identity(connection)
                assert before is not None  # opening it wrote the first
                if before == present:
                    return None
                self._put_on_record(connection, present, why)
        except sql.exc.DBAPIError as error:
            raise self.failure(error) from None
        return before, present

    def insist(self, write: Callable[[bool], Written]) -> Written:
        """Write, and again while the server is away; `write` is told whether it may be there."""
        ends = time.monotonic() + INSISTING_SECONDS
        again = False
        while True:
            try:
                return write(again)
            except JournalError as error:
                if error.code is not ErrorCode.UNREACHABLE or time.monotonic() > ends:
                    raise
            again = True
            time.sleep(PAUSE_SECONDS)

    def failure(self, error: sql.exc.DBAPIError, what: str = "failed") -> JournalError:
        """The error for a statement that failed, or a server that cannot be reached."""
        return journal_error(self.place, what, error.orig)

    def check_server(self) -> None:
        """Raise JournalError for a server that cannot be reached, or would forget."""

        def ask(connection: sql.Connection) -> Any:
            self.warnings = tuple(_unproven(connection))
            return connection.execute(_ASK).one()

        try:
            state = self._alone(ask)
        except sql.exc.DBAPIError as error:
            raise self.failure(error, "cannot be reached") from None
        if state.wal_file is None:
            hint = "Name the primary."
            refuse(f"the journal {self.place} is a standby, which cannot be written.", hint)
        if state.fsync == "off":
            refuse(
                f"the journal {self.place} has fsync=off, and may forget what it was told.",
                "Set fsync=on for this server.",
            )
        if state.encoding != "UTF8":
            refuse(
                f"the journal {self.place} is in the encoding {state.encoding}, not in UTF8.",
                "Make another database: createdb --encoding=UTF8 --template=template0.",
            )
        if state.full_page_writes == "off":
            warning = (
                f"the journal {self.place} has full_page_writes=off: a loss of power may destroy"
                " it, unless its file system writes whole pages."
            )
            self.warnings = (*self.warnings, warning)

    def _alone(self, ask: Callable[[sql.Connection], Answer]) -> Answer:
        """Ask what needs no transaction; once more where the connection was closed while idle."""
        try:
            with self.engine.connect() as connection:
                return ask(connection.execution_options(**{ALONE: True}))
        except sql.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self.engine.connect() as connection:
            return ask(connection.execution_options(**{ALONE: True}))

    def _moved(self, connection: sql.Connection, present: Identity) -> str:
        newest = sql.select(events.c.at).order_by(events.c.number.desc()).limit(1)
        last = connection.execute(newest).scalar_one_or_none()
        return (
            f"the journal {self.place} is not at the server it was: on record is {self._on_record},"
            f" this is {present}. Debits may be missing in it; the last it knows of anything is"
            f" {'nothing' if last is None else f'{last[:19]}Z'}."
        )

    def _put_on_record(self, connection: sql.Connection, identity: Identity, why: str) -> None:
        row = {"system": identity.system, "timeline": identity.timeline}
        at = self.now(connection).isoformat(timespec="microseconds")
        row |= {"at": at, "actor": self._actor, "why": writable(why)}
        connection.execute(servers.insert().values(row))


def open_server(url: str) -> ServerDatabase:
    """Connect to a server; raise JournalError for one that cannot be reached, or would forget."""
    try:
        import psycopg  # noqa: F401 - the extra that SQLAlchemy needs
    except ImportError:
        refuse(
            "a journal in PostgreSQL needs psycopg, which is not installed.",
            "pip install 'loyalty-cli[postgresql]'",
        )
    database = ServerDatabase(url)
    try:
        database.check_server()
    except BaseException:
        database.engine.dispose()
        raise
    return database


def _begin(connection: sql.Connection) -> None:
    """Begin a transaction, with all that it needs, whatever server and pooler say, at one blow."""
    options = connection.get_execution_options()
    if options.get(ALONE):
        _driver(connection).limit = ANSWER_SECONDS
        return
    idle = 0 if options.get(READING) else IDLE_SECONDS  # whoever pages through a list takes time
    try:
        _begin_with(connection, idle)
    except sql.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        _begin_with(connection, idle)  # it was closed while idle; nothing was begun yet


def _begin_with(connection: sql.Connection, idle: int) -> None:
    _driver(connection).limit = ANSWER_SECONDS
    connection.exec_driver_sql(
        "BEGIN ISOLATION LEVEL READ COMMITTED;"
        " SET LOCAL synchronous_commit = on;"
        f" SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s';"
        f" SET LOCAL lock_timeout = '{LOCK_SECONDS}s';"
        f" SET LOCAL idle_in_transaction_session_timeout = '{idle}s'",
        execution_options={"no_parameters": True, "yield_per": None, "stream_results": False},
    )


def _driver(connection: sql.Connection) -> Any:
    return connection.connection.driver_connection


def _identity(connection: sql.Connection) -> Identity:
    state = connection.execute(_ASK).one()
    # The current one: a checkpoint has the timeline of before a promotion for a while. 0: a standby
    return Identity(state.system, int((state.wal_file or "0")[:8], 16))


def _last_on_record(connection: sql.Connection) -> Identity | None:
    newest = sql.select(servers.c.system, servers.c.timeline).order_by(servers.c.number.desc())
    row = connection.execute(newest.limit(1)).first()
    return None if row is None else Identity(row.system, row.timeline)


def _unproven(connection: sql.Connection) -> Any:
    """A warning where nobody has proven that the server is the one it should be."""
    server = _driver(connection).pgconn
    given = {each.keyword: each.val for each in server.info}
    mode = (given.get(b"sslmode") or b"").decode()
    host = server.host.decode()
    is_local = host.startswith(("/", "@")) or is_loopback(server.hostaddr.decode() or host)
    if not is_local and mode not in ("verify-ca", "verify-full"):
        yield (
            f"the journal's server {host} has not proven who it is (sslmode={mode}): somebody on"
            " the way can pretend to be it. Add sslmode=verify-full to the URL in `journal`."
        )
