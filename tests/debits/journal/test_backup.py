"""A backup is all of the journal in one file, or is not made."""

import os
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli.debits.journal.backup import JournalSummary, back_up
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Baseline
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.output.json_schema import json_schema
from tests.conftest import Run
from tests.debits.journal.conftest import PLANNED, Open, planned
from tests.debits.journal.test_open import largest_file

At = Callable[[Path], None]


@pytest.fixture
def journal(open_it: Open, path: Path) -> Journal:
    """One that is in use: it has a debit that is being sent, in its log alone."""
    journal = open_it(str(path), create=True)
    (entry,) = journal.plan([PLANNED])
    journal.database.before_sending()
    assert journal.claim(entry, this_process(), Baseline())
    return journal


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


@pytest.fixture
def closed(path: Path, journal: Journal, profile_file: Callable[[str], Path]) -> Path:
    """The same, closed, and named by the profile file."""
    profile_file(f"journal: '{path}'\nprofiles: {{card: {{provider: imprint}}}}\n")
    journal.close()
    return path


def test_a_backup_has_all_that_the_log_has(journal: Journal, target: Path) -> None:
    held = back_up(journal.database, target)

    (event,) = [each for each in journal.events(PLANNED.key) if each.after == "sending"]
    assert held == JournalSummary(1, event.at.isoformat(timespec="microseconds"))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(each.name for each in target.parent.iterdir() if each.is_file()) == ["backup.db"]
    with closing(open_journal(str(target))) as copy:
        assert [each.state for each in copy.find(Filter())] == ["sending"]


def test_a_backup_is_one_file_that_can_be_read_without_its_folder(
    journal: Journal, target: Path
) -> None:
    back_up(journal.database, target)

    with closing(sqlite3.connect(f"file:{target}?immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM senders").fetchone() == (0,)


def test_an_empty_journal_has_a_backup_too(open_it: Open, made: Path, target: Path) -> None:
    assert str(back_up(open_it(str(made)).database, target)) == "0 debits"


@pytest.mark.parametrize("kind", ["file", "folder", "link", "pipe"])
def test_a_backup_is_written_over_nothing(journal: Journal, target: Path, kind: str) -> None:
    makes: dict[str, Callable[[], object]] = {
        "file": lambda: target.write_text("mine"),
        "folder": target.mkdir,
        "link": lambda: target.symlink_to(target.with_name("nowhere")),
        "pipe": lambda: os.mkfifo(target),
    }
    makes[kind]()
    before = target.lstat()

    with pytest.raises(JournalError, match="exists already; nothing was written"):
        back_up(journal.database, target)

    assert target.lstat() == before
    assert not target.with_name("nowhere").exists()


def test_nor_over_what_came_meanwhile(
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


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_the_journal_itself_is_no_place_for_it(journal: Journal, suffix: str) -> None:
    with pytest.raises(JournalError, match="exists already"):
        back_up(journal.database, Path(f"{journal.place}{suffix}"))

    assert len(list(journal.find(Filter()))) == 1


def test_a_disk_that_gets_full_leaves_no_backup(journal: Journal, target: Path) -> None:
    many = [planned(f"r-{n}") for n in range(500)]
    journal.plan(many)

    with largest_file(100_000), pytest.raises(JournalError, match="was not made: "):
        back_up(journal.database, target)

    assert [each for each in target.parent.iterdir() if each.is_file()] == []
    assert len(list(journal.find(Filter()))) == 501


def test_a_folder_that_is_not_there_is_a_clear_error(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="was not made: No such file or directory"):
        back_up(journal.database, tmp_path / "none" / "backup.db")


@pytest.fixture
def damaged(closed: Path) -> Path:
    """A journal whose tables can be read, and do not fit each other."""
    with closing(sqlite3.connect(closed)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'debits_by_reference'"
        ).fetchone()
    content = bytearray(closed.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = content[(page - 1) * 4096 :][:8] + bytes(4088)
    closed.write_bytes(content)
    return closed


def test_there_is_no_backup_of_a_damaged_journal(loyalty: Run, damaged: Path, target: Path) -> None:
    done = loyalty("journal", "backup", str(target))

    assert (done.code, done.out) == (3, "")
    assert "the journal is damaged" in done.err
    assert "journal check" in done.err
    assert not target.exists()
    assert damaged.exists()


def test_the_command_says_what_the_backup_holds(loyalty: Run, closed: Path, target: Path) -> None:
    done = loyalty("journal", "backup", str(target))

    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"the backup {target} was made: 1 debit, the newest change at 20")
    again = loyalty("journal", "backup", str(target))
    assert (again.code, len(again.err.splitlines())) == (3, 2)
    itself = loyalty("journal", "backup", str(closed))
    assert (itself.code, len(itself.err.splitlines())) == (3, 2)


@pytest.mark.usefixtures("closed")
def test_check_counts_by_state(loyalty: Run, path: Path) -> None:
    done = loyalty("journal", "check", "-o", "json")

    assert (done.code, done.err) == (0, "")
    record = done.record
    assert (record["journal"], record["intact"], record["faults"]) == (str(path), True, [])
    assert {state: int(n) for state, n in record["debits"].items() if n} == {"sending": 1}
    assert record["newest"].endswith("Z")
    assert record["unreviewed_since"] is None
    Draft202012Validator(json_schema()).validate([{**record, "debits": {}, "schema_version": 1}])
    for output in ("table", "csv"):
        assert "sending" in loyalty("journal", "check", "-o", output).out


def test_check_tells_damage(loyalty: Run, damaged: Path) -> None:
    done = loyalty("journal", "check", "-o", "json")

    assert done.code == 3
    assert done.record["intact"] is False
    assert done.record["faults"]
    assert f"the journal {damaged} is damaged: " in done.err
    assert "`loyalty journal restore FILE`" in done.err


def test_check_of_a_journal_that_cannot_be_read_any_more(loyalty: Run, closed: Path) -> None:
    with closing(sqlite3.connect(closed)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'events'"
        ).fetchone()
    content = bytearray(closed.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    closed.write_bytes(content)

    done = loyalty("journal", "check", "-o", "json")

    assert (done.code, done.record["debits"]) == (3, None)
    assert loyalty("journal", "check").code == 3


@pytest.fixture
def at_a_server(
    request: pytest.FixtureRequest, profile_file: Callable[[str], Path], loyalty: Run
) -> None:
    server = request.getfixturevalue("server")
    url = server.url(request.getfixturevalue("own_place"))
    profile_file(f"journal: '{url}'\nprofiles: {{card: {{provider: imprint}}}}\n")
    assert loyalty("journal", "init").code == 0


@pytest.mark.usefixtures("at_a_server")
def test_a_server_has_backups_of_its_own(loyalty: Run, target: Path) -> None:
    for command, hint in (("backup", "pg_dump"), ("restore", "pg_restore")):
        done = loyalty("journal", command, str(target))
        assert done.code in (2, 3)
        assert hint in done.err
    assert not target.exists()
    assert loyalty("journal", "init").code == 3


@pytest.mark.usefixtures("at_a_server")
def test_check_counts_at_a_server_too(loyalty: Run) -> None:
    record = loyalty("journal", "check", "-o", "json").record

    assert record["intact"] is None
    assert set(record["debits"].values()) == {0}


def test_the_tests_are_on_a_disk_where_tmp_is_in_memory() -> None:
    from tests.fakes.mounts import run_with_mounts

    says = "import tests, tempfile; print(tempfile.gettempdir())"
    done = run_with_mounts("mount -t tmpfs none /tmp", sys.executable, "-c", says)

    assert (done.returncode, done.stdout) == (0, "/var/tmp\n")
