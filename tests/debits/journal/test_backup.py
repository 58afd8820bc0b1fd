"""A backup is all of the journal in one file, or is not made."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from loyalty_cli.debits.journal.backup import JournalSummary, back_up
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter, Journal
from tests.debits.journal.conftest import PLANNED, Open, planned
from tests.debits.journal.test_incomplete_copy import send
from tests.debits.journal.test_open import largest_file

At = Callable[[Path], object]


@pytest.fixture
def journal(open_it: Open, path: Path) -> Journal:
    """One that is in use: it has a debit that is being sent, in its log alone."""
    journal = open_it(str(path), create=True)
    send(journal)
    return journal


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


def test_a_backup_is_one_file_that_has_all_that_the_log_has(journal: Journal, target: Path) -> None:
    held = back_up(journal.database, target)

    (event,) = [each for each in journal.events(PLANNED.key) if each.after == "sending"]
    assert held == JournalSummary(1, event.at.isoformat(timespec="microseconds"))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(each.name for each in target.parent.iterdir() if each.is_file()) == ["backup.db"]
    with closing(sqlite3.connect(f"file:{target}?immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM senders").fetchone() == (0,)
    with closing(open_journal(str(target))) as copy:
        assert [each.state for each in copy.find(Filter())] == ["sending"]


def test_an_empty_journal_can_be_backed_up(open_it: Open, made: Path, target: Path) -> None:
    assert str(back_up(open_it(str(made)).database, target)) == "0 debits"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda target: target.write_text("mine"), id="file"),
        pytest.param(lambda target: target.mkdir(), id="folder"),
        pytest.param(lambda target: target.symlink_to(target.with_name("nowhere")), id="link"),
        pytest.param(os.mkfifo, id="pipe"),
    ],
)
def test_a_backup_overwrites_nothing(journal: Journal, target: Path, make: At) -> None:
    make(target)
    before = target.lstat()

    with pytest.raises(JournalError, match="exists already; nothing was written"):
        back_up(journal.database, target)

    assert target.lstat() == before
    assert not target.with_name("nowhere").exists()


def test_a_backup_does_not_overwrite_a_file_that_came_meanwhile(
    journal: Journal, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def comes(descriptor: int) -> None:
        fsync(descriptor)
        target.write_text("mine")

    monkeypatch.setattr(os, "fsync", comes)

    with pytest.raises(JournalError, match="exists already"):
        back_up(journal.database, target)

    assert target.read_text() == "mine"
    assert [each.name for each in target.parent.iterdir() if each.is_file()] == ["backup.db"]


def test_the_journal_itself_is_refused_as_the_file_of_its_backup(journal: Journal) -> None:
    for suffix in ("", "-wal", "-shm"):
        with pytest.raises(JournalError, match="exists already"):
            back_up(journal.database, Path(f"{journal.place}{suffix}"))

    assert len(list(journal.find(Filter()))) == 1


def test_a_backup_without_room_or_folder_is_an_error_and_leaves_no_file(
    journal: Journal, target: Path
) -> None:
    journal.plan([planned(f"r-{n}") for n in range(500)])

    with largest_file(100_000), pytest.raises(JournalError, match="was not made: "):
        back_up(journal.database, target)
    with pytest.raises(JournalError, match="was not made: No such file or directory"):
        back_up(journal.database, target.parent / "none" / "backup.db")

    assert [each for each in target.parent.iterdir() if each.is_file()] == []
    assert len(list(journal.find(Filter()))) == 501
