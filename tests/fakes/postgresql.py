"""A private PostgreSQL server: a real one, in a folder of its own, on a Unix socket alone.

Beside it, where a test wants them, a standby that follows it, and a PgBouncer before it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import psycopg

from tests.requires import NOBODY, needs

READY = "database system is ready to accept"
BOUNCER_READY = "process up"
BOUNCER_PORT = 6432
PATIENCE = 60.0
OWNER = "owner"

FASTER = ("-A", "trust", "-N", "--no-instructions")
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "max_wal_senders": "4",
    "wal_level": "replica",
    "timezone": "America/New_York",
}


class Running:
    """A program that says on stderr when it can be used."""

    def __init__(self, command: list[str], folder: Path, ready: str) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **_somebody(),
        )
        self.pid = self._process.pid
        self._ready, self._said = Event(), list[str]()
        self._listener = Thread(target=self._listen, args=(ready,), daemon=True)
        self._listener.start()
        assert self._ready.wait(PATIENCE), self._said
        assert self._process.poll() is None, self._said

    def end(self, number: int, others: Iterable[int] = ()) -> None:
        """Send a signal to it, and to other processes of its, and wait until all is over."""
        self._process.send_signal(number)
        for pid in others:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        self._process.wait(PATIENCE)
        self._listener.join(PATIENCE)  # the last of its processes has closed the log
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _listen(self, ready: str) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said.append(line)
            if ready in line:
                self._ready.set()
        self._ready.set()


class PostgreSQL:
    """A server whose data is in `folder`; `OWNER` may sign in without a password."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.folder = folder
        self.programs = programs
        self._names = count(1)
        self._port = ""
        self._running: Running | None = None

    def prepare(self, like: "PostgreSQL | None" = None) -> None:
        """Make the data folder, new or as another server's, which takes a tenth of the time."""
        data = str(self.folder / "data")
        if like is not None:
            copy = ["cp", "--archive", str(like.folder / "data"), data]
            subprocess.run(copy, check=True, **_somebody())
            return
        self.command("initdb", "-D", data, "-U", OWNER, "-E", "UTF8", *FASTER)
        access = (
            "local all guarded scram-sha-256\nlocal all all trust\nlocal replication all trust\n"
            "host all all samehost trust\n"
        )
        (self.folder / "data" / "pg_hba.conf").write_text(access)

    def command(self, program: str, *arguments: str, given: str = "") -> str:
        """Run one of PostgreSQL's programs, which refuse to be run by root; give its output."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            env=_environment(),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            **_somebody(),
        )
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def start(self, **settings: str) -> None:
        self._port = settings.get("port", "5432")
        chosen = {**SETTINGS, "unix_socket_directories": str(self.folder), **settings}
        given = [f"--{name}={value}" for name, value in chosen.items()]
        postgres = [str(self.programs / "postgres"), "-D", str(self.folder / "data")]
        self._running = Running([*postgres, *given], self.folder, READY)

    def stop(self) -> None:
        """Let it end in good order; what its clients are at is broken off."""
        self._end(signal.SIGINT, [])

    def kill(self) -> None:
        """End all of it at once, as a crash does."""
        self._end(signal.SIGKILL, self._family()[1:])

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Let none of its processes run until the block ends."""
        family = self._family()
        for each in family:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in family:
                os.kill(each, signal.SIGCONT)

    def _family(self) -> list[int]:
        assert self._running is not None
        pid = self._running.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def _end(self, number: int, others: list[int]) -> None:
        if self._running is not None:
            self._running.end(number, others)
            self._running = None

    def backends(self, database: str) -> list[int]:
        query = f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}'"
        return [pid for (pid,) in self.execute(query)]

    def has_all_of(self, primary: "PostgreSQL") -> None:
        """Wait until a standby has all that its primary has."""
        ((position,),) = primary.execute("SELECT pg_current_wal_lsn()")
        self._until(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")

    def fall_behind(self) -> None:
        self.execute("ALTER SYSTEM SET primary_conninfo = ''")
        self.execute("SELECT pg_reload_conf()")
        self._until("SELECT count(*) = 0 FROM pg_stat_wal_receiver")

    def promote(self) -> None:
        self.execute("SELECT pg_promote()")

    def _until(self, question: str) -> None:
        ends = time.monotonic() + PATIENCE
        while self.execute(question) != [(True,)]:
            assert time.monotonic() < ends, question

    @contextmanager
    def own_database(self, encoding: str = "UTF8", **settings: str) -> Iterator[str]:
        """Make a database with settings of its own, and give its name."""
        name = f"database_{next(self._names)}_{os.getpid()}"
        self.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
        try:
            for setting, value in settings.items():
                self.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def role(self, name: str, options: str = "") -> Iterator[str]:
        """Make a user that may sign in, and give its name."""
        self.execute(f"CREATE ROLE {name} LOGIN {options}")
        try:
            yield name
        finally:
            self.execute(f"DROP OWNED BY {name}")
            self.execute(f"DROP ROLE {name}")

    def place(self) -> str:
        """Make room for a journal of its own, and give its name."""
        name = f"journal_{next(self._names)}_{os.getpid()}"
        self.execute(f"CREATE SCHEMA {name}")
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP SCHEMA {name} CASCADE")

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        with psycopg.connect(
            host=str(self.folder), port=self._port, dbname=database, user=OWNER, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def url(self, place: str = "public", *, user: str = OWNER, database: str = "postgres") -> str:
        """How the profile file names a journal here."""
        options = quote(f"-csearch_path={place}")
        return f"postgresql://{user}@/{database}?host={self.folder}&options={options}"


@contextmanager
def prepared_server(like: PostgreSQL | None = None) -> Iterator[PostgreSQL]:
    """A server that can be started, and is stopped when the block ends."""
    with prepared_folder() as folder:
        server = PostgreSQL(programs(), folder)
        server.prepare(like)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    with prepared_server() as server:
        server.start()
        yield server


@contextmanager
def standby_of(primary: PostgreSQL) -> Iterator[PostgreSQL]:
    """Run a server that follows another one, until the block ends."""
    with prepared_folder() as folder:
        standby = PostgreSQL(primary.programs, folder)
        copy = ["-h", str(primary.folder), "-U", OWNER, "-D", str(folder / "data"), "--no-sync"]
        standby.command(
            "pg_basebackup", *copy, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"
        )
        standby.start()
        try:
            yield standby
        finally:
            standby.stop()


@contextmanager
def pgbouncer(server: PostgreSQL) -> Iterator[Path]:
    """Run a PgBouncer with pooling by transaction; the folder of its socket, at `BOUNCER_PORT`."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        needs("pgbouncer")
    assert program is not None
    with prepared_folder() as folder:
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={server.folder} user={OWNER}\n"
            f"[pgbouncer]\nlisten_port = {BOUNCER_PORT}\nunix_socket_dir = {folder}\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n"
        )
        settings.chmod(0o644)
        running = Running([program, str(settings)], folder, BOUNCER_READY)
        try:
            yield folder
        finally:
            running.end(signal.SIGTERM)


@contextmanager
def prepared_folder() -> Iterator[Path]:
    """A folder that belongs to whom PostgreSQL runs as, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if _somebody():
            os.chown(folder, NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder)


def programs() -> Path:
    """Where PostgreSQL's programs are: on the PATH, or where Debian keeps a server's."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    kept = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest_last = sorted(kept, key=lambda path: int(path.parts[-3]))
    if not newest_last:
        needs("initdb")
    return newest_last[-1].parent


def _somebody() -> Mapping[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
