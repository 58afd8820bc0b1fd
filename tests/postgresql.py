"""A private PostgreSQL server: a real one, in a folder of its own, on a Unix socket alone."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import psycopg

from tests.requires import NOBODY, needs

READY = "database system is ready to accept"
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


class PostgreSQL:
    """A server whose data is in `folder`; `OWNER` may sign in without a password."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.folder = folder
        self.programs = programs
        self._names = count(1)
        self._process: subprocess.Popen[str] | None = None
        self._listener: Thread | None = None

    def prepare(self) -> None:
        """Make the data folder."""
        data = str(self.folder / "data")
        self.command("initdb", "-D", data, "-U", OWNER, "-E", "UTF8", *FASTER)
        access = (
            "local all guarded scram-sha-256\nlocal all all trust\nlocal replication all trust\n"
        )
        (self.folder / "data" / "pg_hba.conf").write_text(access)

    def command(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs, which refuse to be run by root."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            **_somebody(),
        )
        assert done.returncode == 0, done.stderr

    def start(self, **settings: str) -> None:
        """Start it, and wait until it can be used."""
        chosen = {**SETTINGS, "unix_socket_directories": str(self.folder), **settings}
        given = [f"--{name}={value}" for name, value in chosen.items()]
        process = subprocess.Popen(
            [self.programs / "postgres", "-D", str(self.folder / "data"), *given],
            cwd=self.folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **_somebody(),
        )
        ready, said = Event(), list[str]()
        self._listener = Thread(target=_listen, args=(process, ready, said), daemon=True)
        self._listener.start()
        self._process = process
        assert ready.wait(PATIENCE), said
        assert process.poll() is None, said

    def stop(self) -> None:
        """Let it end in good order; what its clients are at is broken off."""
        self._end(signal.SIGINT, [])

    def kill(self) -> None:
        """End all of it at once, as a crash does."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._end(signal.SIGKILL, [int(child) for child in children])

    def _end(self, number: int, others: list[int]) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        for pid in others:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        self._process.wait(PATIENCE)
        assert self._listener is not None
        self._listener.join(PATIENCE)  # the last of its processes has closed the log
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._process = None

    def place(self) -> str:
        """Make room for a journal of its own, and give its name."""
        name = f"journal_{next(self._names)}_{os.getpid()}"
        self.execute(f"CREATE SCHEMA {name}")
        return name

    def drop(self, name: str) -> None:
        """Take a journal away."""
        self.execute(f"DROP SCHEMA {name} CASCADE")

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement, and give the rows that come of it."""
        with psycopg.connect(
            host=str(self.folder), dbname=database, user=OWNER, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def url(
        self, place: str = "public", *, user: str = OWNER, database: str = "postgres", **more: str
    ) -> str:
        """How the profile file names a journal here, with settings of its sessions."""
        settings = {"search_path": place, **more}
        options = quote(" ".join(f"-c{name}={value}" for name, value in settings.items()))
        return f"postgresql://{user}@/{database}?host={self.folder}&options={options}"


@contextmanager
def running_postgresql(**settings: str) -> Iterator[PostgreSQL]:
    """Run a server until the block ends."""
    with prepared_folder() as folder:
        server = PostgreSQL(programs(), folder)
        server.prepare()
        server.start(**settings)
        try:
            yield server
        finally:
            server.stop()


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


def _listen(process: "subprocess.Popen[str]", ready: Event, said: list[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if READY in line:
            ready.set()
    ready.set()


def _somebody() -> Mapping[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
