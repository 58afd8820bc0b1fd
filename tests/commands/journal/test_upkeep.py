"""`loyalty journal backup`, `check`, `restore`: what is said, and what a job may do then."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli.commands import open_journal as journals
from loyalty_cli.database.user import user_name
from loyalty_cli.output.json_schema import json_schema
from tests.conftest import Outcome, Run
from tests.fakes.debit_platform import DebitPlatform
from tests.fakes.postgresql import running_postgresql

Debit = Callable[[str], Outcome]


@pytest.fixture
def debit(ready: DebitPlatform, loyalty: Run) -> Debit:
    assert ready.journal.exists()
    return lambda reference: loyalty("debit", "C-1001", "5", "--reference", reference, "-y")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


@pytest.fixture
def lost(ready: DebitPlatform, loyalty: Run, debit: Debit, target: Path) -> Outcome:
    """A journal is lost after a debit that is not in its backup, which is restored."""
    assert debit("a").code == 0
    assert loyalty("journal", "backup", str(target)).code == 0
    assert debit("b").code == 0
    ready.journal.unlink()
    return loyalty("journal", "restore", str(target))


def overwrite(journal: Path, name: str, keep: int) -> None:
    """Damage the first page of a table or an index but for its first bytes."""
    with closing(sqlite3.connect(journal)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (page,) = connection.execute(query, (name,)).fetchone()
    content = bytearray(journal.read_bytes())
    content[(page - 1) * 4096 + keep : page * 4096] = (b"\0" if keep else b"\xff") * (4096 - keep)
    journal.write_bytes(content)


def test_backup_and_restore_say_what_a_file_holds_and_what_is_kept(
    ready: DebitPlatform, loyalty: Run, debit: Debit, target: Path
) -> None:
    debit("a")

    done = loyalty("journal", "backup", str(target))
    assert (done.code, done.out) == (0, "")
    held = "1 debit, the newest change at 20"
    assert done.err.startswith(f"the backup {target} was made: {held}")
    for there in (target, ready.journal):
        again = loyalty("journal", "backup", str(there))
        assert (again.code, len(again.err.splitlines())) == (3, 2)

    done = loyalty("journal", "restore", str(target))
    assert (done.code, done.out) == (0, "")
    first, second = done.err.splitlines()
    assert first.startswith(f"the journal {ready.journal} was restored from {target}: {held}")
    kept = second.removeprefix("The old journal is kept as ").rstrip(".")
    assert Path(kept).is_file()


def test_journal_check_counts_the_debits_in_each_state(
    ready: DebitPlatform, loyalty: Run, debit: Debit
) -> None:
    debit("a")

    done = loyalty("journal", "check", "-o", "json")

    assert (done.code, done.err) == (0, "")
    record = done.record
    assert (record["journal"], record["intact"]) == (str(ready.journal), True)
    assert (record["faults"], record["unreviewed_since"]) == ([], None)
    assert {state: int(n) for state, n in record["debits"].items() if n} == {"confirmed": 1}
    assert record["newest"].endswith("Z")
    Draft202012Validator(json_schema()).validate([{**record, "debits": {}, "schema_version": 2}])
    for output in ("table", "csv"):
        assert "confirmed" in loyalty("journal", "check", "-o", output).out


def test_a_damaged_journal_is_told_by_check_and_has_no_backup(
    ready: DebitPlatform, loyalty: Run, debit: Debit, target: Path
) -> None:
    debit("a")
    overwrite(ready.journal, "debits_by_reference", keep=8)  # can be read, and does not fit

    done = loyalty("journal", "check", "-o", "json")
    assert done.code == 3
    assert done.record["intact"] is False
    assert done.record["faults"]
    assert f"the journal {ready.journal} is damaged: " in done.err
    assert "`loyalty journal restore FILE`" in done.err

    done = loyalty("journal", "backup", str(target))
    assert (done.code, done.out) == (3, "")
    assert "the journal is damaged" in done.err
    assert "journal check" in done.err
    assert not target.exists()


def test_check_of_a_journal_that_cannot_be_read_is_an_error(
    ready: DebitPlatform, loyalty: Run, debit: Debit
) -> None:
    debit("a")
    overwrite(ready.journal, "events", keep=0)

    done = loyalty("journal", "check", "-o", "json")

    assert (done.code, done.record["debits"]) == (3, None)
    assert loyalty("journal", "check").code == 3


def test_a_journal_in_postgresql_is_left_to_its_own_tools_for_backups(
    loyalty: Run, profile_file: Callable[[str], Path], target: Path
) -> None:
    with running_postgresql() as server:
        profile_file(f"journal: '{server.url()}'\nprofiles: {{card: {{provider: imprint}}}}\n")
        assert [loyalty("journal", "init").code for _ in range(2)] == [0, 3]

        for command, code, hint in (("backup", 3, "pg_dump"), ("restore", 2, "pg_restore")):
            done = loyalty("journal", command, str(target))
            assert done.code == code
            assert hint in done.err
        assert not target.exists()
        record = loyalty("journal", "check", "-o", "json").record
        assert record["intact"] is None
        assert set(record["debits"].values()) == {0}


def test_after_a_restore_a_job_makes_no_debit_until_a_person_has_looked(
    ready: DebitPlatform, loyalty: Run, debit: Debit, lost: Outcome
) -> None:
    assert (lost.code, lost.out) == (0, "")
    assert "was restored from" in lost.err
    assert "may be missing in the journal, and would be made again" in lost.err

    done = debit("b")
    assert (done.code, done.out, len(done.err.splitlines())) == (3, "", 2)
    assert "`loyalty journal restore --reviewed --why TEXT`" in done.err
    assert len(ready.debits) == 2
    assert loyalty("journal", "list").code == 0
    assert "may be missing" in loyalty("journal", "check").err

    looked = loyalty("journal", "restore", "--reviewed", "--why", "b was made: ticket 4711")
    assert (looked.code, looked.out) == (0, "")
    assert debit("c").code == 0
    assert loyalty("journal", "restore", "--reviewed", "--why", "again").code == 2
    with closing(sqlite3.connect(ready.journal)) as connection:
        ((reviewer, review),) = connection.execute("SELECT reviewer, review FROM gaps").fetchall()
    assert reviewer.startswith(f"{user_name()} on ")
    assert review == "b was made: ticket 4711"


@pytest.mark.parametrize("answer", [True, False], ids=["yes", "no"])
def test_after_a_restore_a_person_is_asked_before_a_debit(
    ready: DebitPlatform,
    debit: Debit,
    lost: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    answer: bool,
) -> None:
    assert lost.code == 0
    asked: list[str] = []

    def say(question: str) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("loyalty_cli.commands.debit.action.is_interactive", lambda: True)
    monkeypatch.setattr(journals, "confirmed", say)

    done = debit("c")

    assert done.code == (0 if answer else 3)
    assert len(asked) == 1
    assert "may be missing in the journal" in done.err
    assert len(ready.debits) == (3 if answer else 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["restore"], "either FILE or --reviewed"),
        (["restore", "x.db", "--reviewed", "--why", "x"], "either FILE or --reviewed"),
        (["restore", "--reviewed"], "--reviewed needs --why"),
        (["restore", "--reviewed", "--why", " "], "--reviewed needs --why"),
        (["restore", "--reviewed", "--why", "x", "--older"], "either FILE or --reviewed"),
        (["restore", "x.db", "--why", "x"], "--reviewed needs --why"),
        (["accept-failover", "--why", " "], "--why must say what you checked"),
        (["accept-failover", "--why", "x"], "is a file"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("ready")
def test_a_journal_command_that_makes_no_sense_is_refused(
    loyalty: Run, wrong: list[str], said: str
) -> None:
    done = loyalty("journal", *wrong)

    assert (done.code, done.out, done.err[:7]) == (2, "", "Error: ")
    assert said in done.err
