"""What is restored takes the journal's place, which is kept; what may be missing is noted."""

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from loyalty_cli.debits.journal import file as journal_file
from loyalty_cli.debits.journal import restore as journal_restore
from loyalty_cli.debits.journal.backup import back_up
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.health import open_gap
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.restore import restore
from loyalty_cli.debits.journal.store import Filter
from loyalty_cli.model.errors import LoyaltyError
from tests.debits.journal.conftest import Open, brought, plan, references
from tests.debits.journal.test_incomplete_copy import copied, dies, killed, sender
from tests.debits.journal.test_tables import as_version_1


def add(path: Path, name: str) -> None:
    with closing(open_journal(str(path))) as journal:
        plan(journal, name)


def gap(path: Path) -> str | None:
    with closing(open_journal(str(path))) as journal:
        found = open_gap(journal.database)
        return found.why if found else None


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.is_file())


def refused(path: Path, source: Path, *, older: bool = False) -> str:
    """What is said where nothing is restored, and nothing is changed."""
    content = source.read_bytes() if source.is_file() and source != path else None
    names = files(path.parent)
    held = references(path)
    with pytest.raises(LoyaltyError) as raised:
        restore(path, source, older=older)
    assert content is None or source.read_bytes() == content
    assert (files(path.parent), references(path)) == (names, held)
    assert raised.value.hint
    return f"{raised.value.message} {raised.value.hint}"


@pytest.fixture
def backup(made: Path, tmp_path: Path) -> Path:
    """A backup of a journal that has one debit."""
    add(made, "a")
    target = tmp_path / "backup.db"
    with closing(open_journal(str(made))) as journal:
        back_up(journal.database, target)
    return target


def test_a_backup_that_has_all_of_the_present_journal_leaves_no_gap(
    made: Path, backup: Path
) -> None:
    content = backup.read_bytes()

    restored = restore(made, backup, older=False)

    assert (restored.held.debits, restored.gap) == (1, None)
    assert restored.aside is not None
    assert references(made) == references(restored.aside) == ["a"]
    assert gap(made) is None
    assert backup.read_bytes() == content
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert made.stat().st_nlink == 1
    assert files(made.parent) == sorted([made.name, restored.aside.name])


def test_an_older_backup_is_restored_only_with_older(made: Path, backup: Path) -> None:
    with closing(open_journal(str(made))) as journal:
        (entry,) = journal.find(Filter())
        brought(journal, entry, State.SENDING, State.CONFIRMED)
    assert "--older" in refused(made, backup)
    add(made, "b")
    assert "is older than the journal" in refused(made, backup)
    assert references(made) == ["a", "b"]
    link = made.parent.with_name("link.db")
    link.symlink_to(made)

    restored = restore(link, backup, older=True)

    assert link.is_symlink()
    assert restored.aside is not None
    assert references(made) == ["a"]
    assert references(restored.aside) == ["a", "b"]
    assert restored.gap == restored.held.newest
    assert gap(made) == f"restored from {backup}; the earlier journal had more"


def test_a_backup_restored_where_the_journal_was_lost_leaves_a_gap(
    made: Path, backup: Path
) -> None:
    shutil.rmtree(made.parent)

    first = restore(made, backup, older=False)

    assert first.aside is None
    assert references(made) == ["a"]
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
    assert gap(made) == f"restored from {backup}; the earlier journal was lost"
    assert "it lacks entries" in refused(made, backup)
    assert restore(made, backup, older=True).gap == first.gap


def test_a_backup_is_not_restored_into_a_folder_that_others_can_write(
    backup: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "open to all"
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(JournalError, match="others can write in the folder"):
        restore(folder / "journal.db", backup, older=True)

    assert list(folder.iterdir()) == []


def test_a_backup_without_debits_leaves_a_gap_without_a_beginning(
    open_it: Open, made: Path, tmp_path: Path
) -> None:
    target = tmp_path / "empty.db"
    back_up(open_it(str(made)).database, target)
    made.unlink()
    Path(f"{made}-wal").unlink()

    assert restore(made, target, older=False).gap == journal_restore.FOREVER


@pytest.mark.parametrize(
    "damage", [b"\xff" * 8192, b"", None], ids=["damaged", "empty", "nothing but its log"]
)
def test_a_ruined_journal_is_kept_with_its_log_when_a_backup_is_restored(
    made: Path, backup: Path, damage: bytes | None
) -> None:
    made.unlink()
    if damage is not None:
        made.write_bytes(damage)
    Path(f"{made}-wal").write_bytes(b"its log")

    restored = restore(made, backup, older=False)

    assert restored.aside is not None
    assert damage is None or restored.aside.read_bytes() == damage
    assert Path(f"{restored.aside}-wal").read_bytes() == b"its log"
    assert references(made) == ["a"]
    assert gap(made) == f"restored from {backup}; the earlier journal was lost"


def test_a_copy_that_misses_its_log_can_be_restored_and_leaves_a_gap(
    open_it: Open, made: Path, backup: Path
) -> None:
    journal = open_it(str(made))
    journal.database.before_sending()
    plan(journal, "b")
    copy = copied(made)
    journal.close()

    assert "is a copy without its log" in refused(made, copy)
    restore(made, copy, older=True)

    assert references(made) == ["a"]
    assert gap(made) == f"restored from {copy}; the backup's log was lost"
    assert backup.exists()


def test_a_journal_that_lost_its_log_can_be_restored_as_it_is(made: Path) -> None:
    killed(made, "a")
    Path(f"{made}-wal").unlink()

    restored = restore(made, made, older=False)

    assert restored.aside is not None
    with closing(open_journal(str(made))) as journal:
        assert [entry.state for entry in journal.find(Filter())] == [State.PLANNED]
    assert gap(made) == f"restored from {made}; the backup's log was lost"


@pytest.mark.parametrize("in_place", [False, True], ids=["from the backup", "as it is"])
def test_a_backup_that_was_copied_over_a_killed_run_is_not_mixed_with_its_log(
    made: Path, backup: Path, in_place: bool
) -> None:
    killed(made, "b")
    log = Path(f"{made}-wal").read_bytes()
    shutil.copyfile(backup, made)

    with pytest.raises(JournalError, match="belongs to an earlier journal"):
        open_journal(str(made))
    source = made if in_place else backup
    restored = restore(made, source, older=False)

    assert Path(f"{restored.aside}-wal").read_bytes() == log
    assert references(made) == ["a"]
    why = "the backup's log was lost" if in_place else "the earlier journal was lost"
    assert gap(made) == f"restored from {source}; {why}"


def test_a_copy_with_its_log_is_restored_with_the_log(made: Path) -> None:
    killed(made, "a")
    copy = copied(made)
    shutil.copy2(f"{made}-wal", copy.parent)

    restore(made, copy, older=False)

    assert references(made) == ["a"]
    assert gap(made) is None
    assert files(copy.parent) == ["journal.db", "journal.db-wal"]


def test_a_backup_of_an_earlier_version_is_upgraded(
    open_it: Open, made: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    journal = open_it(str(old), create=True)
    plan(journal, "a")
    as_version_1(journal)

    restore(made, old, older=False)

    assert references(made) == ["a"]


def test_a_file_that_is_no_backup_of_a_journal_is_refused(
    made: Path, backup: Path, tmp_path: Path
) -> None:
    notes, other, empty, pipe = (tmp_path / name for name in ("notes", "other", "empty", "pipe"))
    notes.write_text("my notes\n" * 1000)
    empty.touch()
    os.mkfifo(pipe)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE debits (id)")
    content = backup.read_bytes()
    with closing(sqlite3.connect(backup, isolation_level=None)) as connection:
        for version in (0, 3):
            connection.execute("UPDATE journal_schema SET version = ?", (version,))
            assert f"has version {version}, this program knows" in refused(made, backup)
        connection.execute("DELETE FROM journal_schema")
        assert "has no version, this program knows" in refused(made, backup)
    backup.write_bytes(content[: 3 * 4096] + b"\xff" * (len(content) - 3 * 4096))

    for source, said in (
        (notes, "file is not a database"),
        (other, "holds no journal"),
        (empty, "holds no journal"),
        (pipe, "there is no file"),  # nor is it waited for
        (tmp_path / "none", "there is no file"),
        (tmp_path, "there is no file"),
        (backup, "cannot be restored: "),
        (made, "is the journal itself"),
    ):
        assert said in refused(made, source)


def test_no_backup_is_restored_while_another_process_uses_the_journal(
    made: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "CLOSING_SECONDS", 0.1)
    monkeypatch.setattr(journal_restore, "CLOSING_SECONDS", 0.1)
    with sender(made, "b") as other:
        assert "is being used by another process" in refused(made, backup, older=True)
        dies(other)

    assert references(made) == ["a", "b"]


def test_a_process_that_opened_the_journal_before_a_restore_does_not_debit(
    open_it: Open, made: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = journal_restore._swapped

    def opens_meanwhile(part: Path, path: Path, *, usable: bool) -> Path | None:
        monkeypatch.setattr(journal_file, "BUSY_TIMEOUT_SECONDS", 0.1)
        with pytest.raises(JournalError, match="database is locked"):
            open_it(str(path))
        return swap(part, path, usable=usable)

    monkeypatch.setattr(journal_restore, "_swapped", opens_meanwhile)

    restore(made, backup, older=False)

    assert references(made) == ["a"]


def test_a_backup_that_cannot_be_read_is_named(
    made: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(backup))

    monkeypatch.setattr(shutil, "copyfile", denied)

    said = refused(made, backup)

    assert said.startswith(f"{backup} cannot be restored to {made}: ")
    assert f"Permission denied: '{backup}'" in said


@pytest.mark.parametrize("call", ["link", "fsync", "replace"])
def test_a_disk_that_fails_during_a_restore_changes_nothing(
    made: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fails)
    said = refused(made, backup)
    monkeypatch.undo()

    assert "No space left on device" in said
    assert references(made) == ["a"]
