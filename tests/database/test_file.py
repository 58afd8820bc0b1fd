"""Customer data in a file: whose it may be, and that what was deleted is gone from the disk."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from loyalty_cli.database import file as at_file
from loyalty_cli.database.file import CustomerFile
from loyalty_cli.model.errors import LoyaltyError
from tests.database.conftest import Open, read, refused, write
from tests.requires import NOBODY


def test_the_file_and_its_new_folder_are_the_user_s_alone(open_it: Open, path: Path) -> None:
    before = os.umask(0)
    try:
        write(open_it(path), "one")
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_use_is_refused(open_it: Open, path: Path, mode: int) -> None:
    open_it(path)
    path.chmod(mode)

    message = refused(path)

    assert f"is open to other users (mode {mode:o})" in message
    assert message.endswith(f"chmod 600 {path}")


def test_a_file_of_another_user_is_refused(open_it: Open, path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to give a file away")
    open_it(path)
    os.chown(path, NOBODY, NOBODY)

    assert f"belongs to another user (uid {NOBODY})" in refused(path)


def test_a_folder_in_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir(parents=True)

    assert "is not a regular file" in refused(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    assert "cannot be made" in refused(tmp_path / "taken" / "notes.db")


def test_another_program_s_database_is_refused_and_stays_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (text)")
    path.chmod(0o600)
    before = path.read_bytes()

    assert "another program's database" in refused(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("person,name\n" * 200)
    path.chmod(0o600)

    assert "file is not a database" in refused(path)


SECRETS = [f"customer-{number}@example.com" for number in range(3000)]


def reading(connection: sqlite3.Connection) -> None:
    """Begin to read, and do not end."""
    connection.execute("BEGIN")
    connection.execute("SELECT * FROM notes").fetchone()


def found_in(folder: Path, text: str) -> list[str]:
    """The files of a folder that contain a text."""
    return [each.name for each in folder.iterdir() if text.encode() in each.read_bytes()]


def test_what_was_deleted_is_in_no_file_any_more(open_it: Open, path: Path) -> None:
    database = open_it(path)
    write(database, *SECRETS)
    assert found_in(path.parent, SECRETS[7]) == [path.name]

    with database.erasing() as transaction:
        transaction.execute("DELETE FROM notes WHERE number % 2 = 0")

    gone = [text for text in SECRETS if found_in(path.parent, text) == []]
    assert gone == SECRETS[1::2]


def test_a_deletion_that_was_killed_before_its_end_is_finished_by_the_next_process(
    open_it: Open, path: Path
) -> None:
    write(open_it(path), *SECRETS)
    killed = (
        "import os\n"
        "from pathlib import Path\n"
        "from loyalty_cli.database.file import CustomerFile\n"
        "CustomerFile._wipe = lambda _: os._exit(9)\n"
        f"database = CustomerFile(Path({str(path)!r}), 'notes')\n"
        "with database.erasing() as transaction:\n"
        "    transaction.execute('PRAGMA secure_delete = OFF')\n"
        "    transaction.execute('DELETE FROM notes')\n"
    )
    done = subprocess.run([sys.executable, "-c", killed], check=False, timeout=60)
    assert done.returncode == 9
    assert found_in(path.parent, SECRETS[7]) == [path.name]

    assert read(open_it(path)) == []

    assert found_in(path.parent, SECRETS[7]) == []


def test_a_deletion_that_cannot_be_finished_says_so_and_is_finished_later(
    open_it: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_file, "BUSY_TIMEOUT_SECONDS", 0.05)
    database = open_it(path)
    assert isinstance(database, CustomerFile)
    write(database, *SECRETS)
    reader = sqlite3.connect(path, isolation_level=None)

    def wipe() -> None:
        reading(reader)  # from after the commit on
        CustomerFile._wipe(database)

    def erase() -> None:
        with database.erasing() as transaction:
            transaction.execute("DELETE FROM notes")

    monkeypatch.setattr(database, "_wipe", wipe)
    with closing(reader), pytest.raises(LoyaltyError) as raised:
        erase()
    assert "may still have what was deleted in it: database is locked" in raised.value.message

    open_it(path)
    assert found_in(path.parent, SECRETS[7]) == []


def test_a_writer_that_waits_for_too_long_is_told_so(
    open_it: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_file, "BUSY_TIMEOUT_SECONDS", 0.05)
    first = open_it(path)
    second = open_it(path)

    with first.writing(), pytest.raises(Exception, match="another process has been writing"):
        write(second, "one")


def test_nothing_is_left_beside_the_file(open_it: Open, path: Path) -> None:
    write(open_it(path), "one")

    assert [each.name for each in path.parent.iterdir()] == [path.name]
