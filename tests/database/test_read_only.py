"""Reading a database for a moment: nothing is made, nothing waits, whoever has it open."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from loyalty_cli.database import read_only as module
from loyalty_cli.database.read_only import read_only


@pytest.fixture(autouse=True)
def close_what_is_left_open() -> Iterator[None]:
    yield
    while module._held_open:
        module._held_open.pop().close()


@contextmanager
def written(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A database with one row, still open."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
        yield connection


def rows(path: Path) -> list[tuple[int]]:
    with read_only(path) as connection:
        return connection.execute("SELECT x FROM t").fetchall()


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """The files of a folder, with the time of their last change and their content."""
    files = filter(Path.is_file, folder.iterdir())
    return {each.name: (each.stat().st_mtime_ns, each.read_bytes()) for each in files}


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_file_that_nobody_has_open_is_read_and_left_as_it_is(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a ?#%.db"
    with written(path, mode):
        pass
    before = state(tmp_path)

    assert rows(path) == [(1,)]
    assert state(tmp_path) == before


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_file_that_is_open_elsewhere_is_read_with_its_log(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.db"
    with written(path, mode):
        names = sorted(tmp_path.iterdir())

        assert rows(path) == [(1,)]
        assert sorted(tmp_path.iterdir()) == names


def test_a_writer_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with written(path, "delete") as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("INSERT INTO t VALUES (2)")
        began = time.monotonic()

        with pytest.raises(sqlite3.Error):
            rows(path)

        assert time.monotonic() - began < 5


def no_file(_: Path) -> None: ...


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def not_a_database(path: Path) -> None:
    path.write_bytes(b"\0\1" * 5000)


def a_log_without_its_index(path: Path) -> None:
    with written(path, "wal"):
        log = Path(f"{path}-wal").read_bytes()
    Path(f"{path}-wal").write_bytes(log)


@pytest.mark.parametrize(
    "make", [no_file, a_folder, a_pipe, not_a_database, a_log_without_its_index]
)
def test_what_cannot_be_read_is_an_error_at_once(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "a.db"
    make(path)
    names = sorted(tmp_path.iterdir())

    with pytest.raises((OSError, sqlite3.Error)):
        rows(path)

    assert sorted(tmp_path.iterdir()) == names


def test_a_query_that_takes_long_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with written(path, "wal"):
        pass
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"

    with read_only(path) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute(f"{numbers} SELECT sum(i) FROM n").fetchall()
