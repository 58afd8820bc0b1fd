"""The last backup is noted beside the journal; without a note it is not known."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loyalty_cli.debits.journal.last_backup import last_backup, note_backup


def test_the_last_of_several_backups_is_known_to_the_user_alone(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    assert last_backup(journal) is None
    for name in ("one.db", "two.db"):
        note_backup(journal, tmp_path / name)

    found = last_backup(journal)
    assert found is not None
    assert found.file == str(tmp_path / "two.db")
    assert datetime.now(UTC) - datetime.fromisoformat(found.at) < timedelta(minutes=1)
    (note,) = tmp_path.glob("*.last-backup*")
    assert note.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"at": 5}', "\x00", "x" * 100_000])
def test_a_note_that_cannot_be_read_is_no_note(content: str, tmp_path: Path) -> None:
    (tmp_path / "journal.db.last-backup").write_text(content)

    assert last_backup(tmp_path / "journal.db") is None


def test_a_note_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "journal.db.last-backup").mkdir()
    note_backup(tmp_path / "journal.db", tmp_path / "one.db")

    assert last_backup(tmp_path / "journal.db") is None
    assert len([*tmp_path.glob("*last-backup*")]) == 1
