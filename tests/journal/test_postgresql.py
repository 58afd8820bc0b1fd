"""A journal in PostgreSQL: which servers it takes, and what it does when one goes away."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, Thread

import psycopg
import pytest

from loyalty_cli.errors import ErrorCode
from loyalty_cli.journal.database import JournalError
from loyalty_cli.journal.entries import Baseline, Change, Key, Planned, Sender, State
from loyalty_cli.journal.opening import open_journal
from loyalty_cli.journal.store import Filter
from tests.conftest import Run
from tests.journal.conftest import Open
from tests.postgresql import PostgreSQL, prepared_folder, programs
from tests.servers import unused_port

SENDER = Sender("host", 1, "2", "3")


def planned(reference: str) -> Planned:
    key = Key("shop", reference)
    return Planned(key, "shop", "saasquatch", f"C-{reference}", "CENTS", 1)


def refused(where: str, *, create: bool = True) -> str:
    with pytest.raises(JournalError) as raised:
        open_journal(where, create=create)
    assert raised.value.code is ErrorCode.SETUP
    assert "\n" not in raised.value.message
    return f"{raised.value.message} {raised.value.hint}"


@pytest.fixture
def own_server() -> Iterator[PostgreSQL]:
    """A server that the test may stop, and start with other settings."""
    with prepared_folder() as folder:
        server = PostgreSQL(programs(), folder)
        server.prepare()
        try:
            yield server
        finally:
            server.stop()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_each_way_to_write_the_scheme(
    open_it: Open, server: PostgreSQL, own_place: str, scheme: str
) -> None:
    url = server.url(own_place).replace("postgresql", scheme, 1)

    journal = open_it(url, create=True)

    assert list(journal.find(Filter())) == []
    assert journal.place.startswith("postgresql://")


def test_a_database_without_a_journal_is_refused(server: PostgreSQL, own_place: str) -> None:
    message = refused(server.url(own_place), create=False)

    assert "holds no journal" in message
    assert "loyalty journal init" in message


def test_many_can_make_the_same_journal_at_once(
    open_it: Open, server: PostgreSQL, own_place: str
) -> None:
    url = server.url(own_place)
    barrier = Barrier(8)

    def make(_: int) -> int:
        barrier.wait(20)
        return len(list(open_it(url, create=True).find(Filter())))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, range(8))) == [0] * 8
    rows = server.execute(f"SELECT version FROM {own_place}.journal_schema")
    assert rows == [(2,)]


@pytest.mark.parametrize("versions", ["(0)", "(3)", "(2), (2)"])
def test_another_version_is_refused(
    open_it: Open, server: PostgreSQL, own_place: str, versions: str
) -> None:
    url = server.url(own_place)
    open_it(url, create=True)
    server.execute(f"DELETE FROM {own_place}.journal_schema")
    server.execute(f"INSERT INTO {own_place}.journal_schema VALUES {versions}")

    assert "this program knows 2" in refused(url)


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit"])
def test_a_server_that_need_not_be_durable_is_refused(own_server: PostgreSQL, setting: str) -> None:
    own_server.start(**{setting: "off"})

    assert f"{setting}=off" in refused(own_server.url())


def test_a_standby_is_refused(own_server: PostgreSQL, open_it: Open) -> None:
    own_server.start()
    open_it(own_server.url(), create=True)
    with prepared_folder() as folder:
        standby = PostgreSQL(own_server.programs, folder)
        copy = ["-h", str(own_server.folder), "-U", "owner", "-D", str(folder / "data")]
        standby.command("pg_basebackup", *copy, "--write-recovery-conf", "--checkpoint=fast")
        standby.start()
        try:
            for create in (False, True):
                message = refused(standby.url(), create=create)
                assert "is a standby" in message
                assert "primary" in message
        finally:
            standby.stop()


def test_a_server_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    for where in (
        f"postgresql://somebody@127.0.0.1:{unused_port()}/journal",
        f"postgresql://somebody@/journal?host={tmp_path}",
    ):
        message = refused(where)
        assert "cannot be reached" in message
        assert "journal" in message


def test_a_database_or_a_user_that_is_not_there_is_a_clear_error(server: PostgreSQL) -> None:
    assert '"none" does not exist' in refused(server.url(database="none"))
    assert '"nobody" does not exist' in refused(server.url(user="nobody"))


def test_a_wrong_password_is_refused_and_never_shown(
    server: PostgreSQL, own_place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with suppress(psycopg.errors.DuplicateObject):
        server.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    monkeypatch.setenv("PGPASSWORD", "hunter-2-wrong")

    message = refused(server.url(own_place, user="guarded", database="guarded"))

    assert "password authentication failed" in message
    assert "hunter" not in message
    url = server.url(own_place, user="guarded:hunter-3-wrong", database="guarded")
    assert "hunter" not in refused(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://host:port/journal",
        "postgresql://[::1/journal",
        "postgresql:",
        "postgresql+psycopg://host/journal",
        "mysql://host/journal",
        "postgresql://host:5432:5433/journal",
        "postgresql://host/journal?no_such_option=1",
        "postgresql://host/journal?sslmode=perhaps",
        "postgresql://host/journal?connect_timeout=soon",
        "postgresql://host/journal?options=a&options=b",
    ],
)
def test_a_url_that_cannot_be_read_is_a_clear_error(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGHOST", str(tmp_path))

    assert refused(url)


def test_without_psycopg_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    assert "loyalty-cli[postgresql]" in refused("postgresql://host/journal")


def test_a_job_without_its_server_ends_with_exit_code_3(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("LOYALTY_SHOP_API_KEY", "key")
    profile_file(
        f"journal: 'postgresql://somebody@/journal?host={tmp_path}'\n"
        "default_profile: shop\nprofiles:\n"
        f"  shop: {{provider: saasquatch, tenant: acme, base_url: 'http://127.0.0.1:{unused_port()}',"
        " debit: {allow: true, unit: CENTS}}\n"
    )

    done = loyalty("debit", "C-1", "5", "--reference", "a", "--yes")

    assert (done.code, done.out) == (3, "")
    assert "cannot be reached" in done.err


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_in_another_encoding_keeps_what_it_is_told(
    server: PostgreSQL, open_it: Open, encoding: str
) -> None:
    name = f"{encoding.lower()}_{os.getpid()}"
    server.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    journal = open_it(server.url(database=name), create=True)

    journal.plan([planned("größe")])

    assert [entry.customer for entry in journal.find(Filter())] == ["C-größe"]


class Wiretap:
    """Stands between the program and the server, and cuts the connection at a COMMIT."""

    def __init__(self, folder: Path, server: PostgreSQL, *, passing_it_on: bool) -> None:
        self.armed = False
        self._passing_it_on = passing_it_on
        self._far = str(server.folder / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen(20)
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(20)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                thread = Thread(target=self._serve, args=(near,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far, suppress(OSError):
            far.connect(self._far)
            back = Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            while content := near.recv(65536):
                if self.armed and b"COMMIT" in content:
                    near.shutdown(socket.SHUT_RDWR)
                    if self._passing_it_on:
                        far.sendall(content)
                    break
                far.sendall(content)
            far.shutdown(socket.SHUT_WR)
            back.join(20)


def _copy(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while content := near.recv(65536):
            with suppress(OSError):  # who hung up does not stop the server from doing it
                far.sendall(content)


@pytest.mark.parametrize("passing_it_on", [True, False], ids=["committed", "not committed"])
def test_a_claim_whose_commit_has_no_answer_is_not_a_claim(
    open_it: Open, server: PostgreSQL, own_place: str, passing_it_on: bool
) -> None:
    with prepared_folder() as folder:
        wiretap = Wiretap(folder, server, passing_it_on=passing_it_on)
        try:
            url = server.url(own_place).replace(str(server.folder), str(folder))
            journal = open_it(url, create=True)
            (entry,) = journal.plan([planned("a")])
            wiretap.armed = True

            with pytest.raises(JournalError, match="failed"):
                journal.claim(entry, SENDER, Baseline())

            wiretap.armed = False
            present = journal.get(entry.key)
        finally:
            journal.database.engine.dispose()
            wiretap.close()
    assert present is not None
    assert present.state is (State.SENDING if passing_it_on else State.PLANNED)
    events = open_it(server.url(own_place)).events(entry.key)
    assert [event.after for event in events][1:] == (["sending"] if passing_it_on else [])


def test_a_server_that_was_killed_has_kept_what_it_was_told(
    own_server: PostgreSQL, open_it: Open
) -> None:
    own_server.start()
    journal = open_it(own_server.url(), create=True)
    entries = journal.plan([planned(f"order-{number}") for number in range(50)])
    claimed = [journal.claim(entry, SENDER, Baseline()) for entry in entries[:25]]

    own_server.kill()
    with pytest.raises(JournalError):
        journal.get(entries[0].key)
    with pytest.raises(JournalError):
        journal.claim(entries[30], SENDER, Baseline())
    own_server.start()

    assert [journal.get(entry.key) for entry in entries[:25]] == claimed
    assert [journal.get(entry.key) for entry in entries[25:]] == entries[25:]


def test_a_connection_that_was_cut_while_idle_is_made_again(
    server: PostgreSQL, open_it: Open, own_place: str
) -> None:
    journal = open_it(server.url(own_place), create=True)
    (entry,) = journal.plan([planned("a")])
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        f" AND datname = 'postgres' AND query LIKE '%{own_place}%' OR state = 'idle'"
    )

    taken = journal.claim(entry, SENDER, Baseline())

    assert taken is not None
    assert journal.change(taken, State.CONFIRMED, Change("ok")) is not None
