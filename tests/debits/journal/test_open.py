"""Opening a journal in a file: what is made, what is read back, and what is refused."""

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from loyalty_cli.debits.journal import file as journal_file
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.store import Filter
from tests.debits.journal.conftest import PLANNED, Open, planned, refused

MANY = """
import sys
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter
sys.stdin.readline()
list(open_journal(sys.argv[1], create=True).find(Filter()))
"""


def test_every_connection_to_a_journal_writes_ahead_and_syncs_in_full(
    open_it: Open, path: Path
) -> None:
    journal = open_it(str(path), create=True)

    with journal.database.reading() as one, journal.database.reading() as other:
        for connection in (one, other):
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize(("pragma", "answer"), [("journal_mode", "delete"), ("synchronous", 1)])
def test_a_journal_whose_settings_cannot_be_set_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, pragma: str, answer: object
) -> None:
    class Stubborn(sqlite3.Connection):
        def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
            if statement.startswith(f"PRAGMA {pragma}"):
                statement = f"SELECT {answer!r}"
            return super().execute(statement, *arguments)

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *a, **more: connect(*a, **more, factory=Stubborn)
    )

    assert f"the journal {path} cannot be made durable" in refused(path, create=True)


def test_a_missing_journal_is_refused_and_not_made(path: Path) -> None:
    assert "loyalty journal init" in refused(path)
    assert not path.parent.exists()


def test_opening_a_journal_twice_leaves_its_locks_and_debits_alone(
    open_it: Open, path: Path
) -> None:
    journal = open_it(str(path), create=True)
    journal.plan([PLANNED])
    with journal.database.reading():
        open_it(str(path))
        again = open_it(str(path), create=True)
        # Who is the last to close takes the log away; another process is not, as long as one holds.
        closes = f"import sqlite3; sqlite3.connect({str(path)!r}).execute('SELECT * FROM debits')"
        subprocess.run([sys.executable, "-c", closes], check=True, timeout=30)
        assert Path(f"{path}-wal").exists()
    assert [entry.key for entry in again.find(Filter())] == [PLANNED.key]


def test_a_file_that_is_no_journal_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert "holds no journal" in refused(path)

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE debits (id)")
    content = path.read_bytes()
    assert "holds no journal" in refused(path)
    assert "is another program's database" in refused(path, create=True)
    assert path.read_bytes() == content

    path.write_bytes(b"my notes\n" * 1000)
    for create in (False, True):
        assert "file is not a database" in refused(path, create=create)
    assert path.read_bytes() == b"my notes\n" * 1000


def test_a_damaged_journal_is_a_journal_error(open_it: Open, made: Path) -> None:
    content = made.read_bytes()
    made.write_bytes(content[: 2 * 4096].ljust(len(content), b"\xff"))
    with pytest.raises(JournalError):
        list(open_it(str(made)).find(Filter()))

    made.write_bytes(content[:100].ljust(4096, b"\xff") + content[4096:])
    assert "malformed" in refused(made)


@pytest.mark.parametrize("version", [0, 3, None])
def test_a_journal_of_another_version_is_refused(
    open_it: Open, path: Path, version: object
) -> None:
    journal = open_it(str(path), create=True)
    with journal.database.writing() as transaction:
        transaction.execute(
            "DELETE FROM journal_schema"
            if version is None
            else f"UPDATE journal_schema SET version = {version}"
        )

    held = list(journal_file._held_open)
    said = "no version" if version is None else f"version {version}"
    assert f"the journal {path} has {said}, this program knows" in refused(path)
    assert journal_file._held_open == held


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_plan_that_does_not_fit_on_the_disk_records_nothing(open_it: Open, path: Path) -> None:
    journal = open_it(str(path), create=True)
    many = [planned(f"order-{number}") for number in range(2000)]

    with largest_file(200_000), pytest.raises(JournalError, match="failed"):
        journal.plan(many)

    assert list(journal.find(Filter())) == []
    journal.plan(many)
    assert len(list(journal.find(Filter()))) == 2000


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else is writing, and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_locked_journal_is_waited_for_and_then_a_clear_error(
    open_it: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_it(str(path), create=True)

    with ThreadPoolExecutor(1) as pool:
        with locked(path):
            planning = pool.submit(journal.plan, [PLANNED])
            with pytest.raises(TimeoutError):
                planning.result(0.3)
        assert [entry.key for entry in planning.result(20)] == [PLANNED.key]
    monkeypatch.setattr(journal_file, "BUSY_TIMEOUT_SECONDS", 0.1)
    with locked(path):
        assert "database is locked" in refused(path)


def test_many_processes_can_make_the_same_journal_at_once(path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, str(path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(10)
    ]
    ended = [process.communicate(b"\n", timeout=60) for process in processes]

    assert [process.returncode for process in processes] == [0] * 10, ended
