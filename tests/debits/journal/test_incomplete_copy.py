"""The mark in the file: a copy that misses its log is told from the journal, nothing else."""

import fcntl
import gc
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from loyalty_cli.debits.journal import file as journal_file
from loyalty_cli.debits.journal import incomplete_copy
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Baseline, Change, Planned, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.store import Filter, Journal
from tests.debits.journal.conftest import PLANNED, Open, planned, references, refused

COPY = "is a copy without its log"
SENDS = """
import sys
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.entries import Baseline, Key, Planned
from loyalty_cli.debits.journal.open import open_journal
journal = open_journal(sys.argv[1])
reference = sys.argv[2]
(entry,) = journal.plan([Planned(Key("shop", reference), "shop", "saasquatch", reference, "C", 1)])
journal.claim(entry, this_process(), Baseline())
print("claimed", flush=True)
sys.stdin.readline()
journal.close()
"""


def send(journal: Journal, planned: Planned = PLANNED) -> None:
    """Do what is done for a debit up to its first byte."""
    (entry,) = journal.plan([planned])
    assert journal.claim(entry, this_process(), Baseline())


def copied(path: Path) -> Path:
    """A copy of the file alone, in a folder of its own."""
    folder = path.parent / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return Path(shutil.copy2(path, folder))


@contextmanager
def sender(path: Path, reference: str) -> Iterator[subprocess.Popen[str]]:
    """Another process, which has claimed a debit, and closes when it is told a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", SENDS, str(path), reference],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


def ends(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def dies(process: subprocess.Popen[str]) -> None:
    process.kill()
    assert process.wait(30) == -signal.SIGKILL


def killed(path: Path, reference: str) -> None:
    """Let another process die that has claimed a debit."""
    with sender(path, reference) as other:
        dies(other)


def test_a_closed_journal_is_one_file_that_has_everything(made: Path) -> None:
    journal = open_journal(str(made))
    send(journal)
    for _ in range(2):  # the second does nothing
        journal.close()

    assert [each.name for each in made.parent.iterdir()] == ["journal.db"]
    assert references(copied(made)) == ["a"]


def test_a_copy_made_during_a_run_is_refused_without_its_log(open_it: Open, made: Path) -> None:
    send(open_it(str(made)))
    copy = copied(made)
    content = copy.read_bytes()

    said = refused(copy)

    assert COPY in said
    assert "loyalty journal restore FILE" in said
    assert "init" not in said
    assert copy.read_bytes() == content
    assert [each.name for each in copy.parent.iterdir()] == ["journal.db"]
    shutil.copy2(f"{made}-wal", copy.parent)
    assert references(copy) == ["a"]


def test_two_processes_that_open_a_copy_without_its_log_are_both_refused(
    open_it: Open, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(open_it(str(made)))
    copy = copied(made)
    together = Barrier(4, timeout=30)
    is_bare = incomplete_copy.is_bare_copy

    def all_open_it(connection: sqlite3.Connection, log: Path) -> bool:
        incomplete_copy.marks(connection)
        together.wait()
        answer = is_bare(connection, log)
        together.wait()
        return answer

    monkeypatch.setattr(journal_file, "is_bare_copy", all_open_it)
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(refused, [copy] * 4))

    assert [COPY in each for each in said] == [True] * 4


def test_the_journal_of_a_killed_run_is_refused_without_its_log(
    made: Path,
) -> None:
    killed(made, "a")
    assert COPY in refused(copied(made))
    log = Path(f"{made}-wal")
    content = log.read_bytes()
    log.write_bytes(b"")
    assert COPY in refused(made)
    log.unlink(missing_ok=True)
    assert COPY in refused(made)
    log.write_bytes(content)

    assert references(made) == ["a"]

    assert not log.exists()
    assert references(copied(made)) == ["a"]


def test_a_journal_stays_marked_while_another_process_sends(open_it: Open, made: Path) -> None:
    with sender(made, "a") as other:
        journal = open_it(str(made))
        send(journal, planned("b"))
        journal.close()
        assert COPY in refused(copied(made))
        assert references(made) == ["a", "b"]
        ends(other)

        assert references(copied(made)) == ["a", "b"]


def test_a_process_that_dies_while_another_closes_the_journal_loses_nothing(made: Path) -> None:
    with sender(made, "a") as first, sender(made, "b") as second:
        ends(first)
        assert COPY in refused(copied(made))
        dies(second)

    assert COPY in refused(copied(made))
    assert references(made) == ["a", "b"]
    assert references(copied(made)) == ["a", "b"]


def test_processes_that_close_a_journal_at_once_leave_the_whole_file(made: Path) -> None:
    names = [f"r-{number}" for number in range(6)]
    with ExitStack() as others:
        running = [others.enter_context(sender(made, name)) for name in names]
        for process in running:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.wait(30) for process in running] == [0] * 6

    # An empty log may stay: a process that is just ending keeps it open while the last one closes.
    assert sorted(references(copied(made))) == names


def test_the_last_connection_to_a_marked_journal_is_not_closed(
    open_it: Open, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a sender dies just after a reader has seen that it is there."""
    with sender(made, "a") as other:
        reader = open_it(str(made))
        hold_alone = incomplete_copy.LogLock.hold_alone

        def too_early(lock: incomplete_copy.LogLock) -> bool:
            alone = hold_alone(lock)
            dies(other)
            return alone

        monkeypatch.setattr(incomplete_copy.LogLock, "hold_alone", too_early)
        reader.close()

    assert Path(f"{made}-wal").stat().st_size > 0
    for each in journal_file._held_open:
        each.execute("SELECT 1")
    monkeypatch.undo()
    assert references(made) == ["a"]


def test_a_journal_that_is_not_closed_keeps_its_log(made: Path) -> None:
    journal = open_journal(str(made))
    journal.plan([planned("a")])
    journal.database.before_sending()

    del journal
    gc.collect()

    assert Path(f"{made}-wal").stat().st_size > 0
    assert references(made) == ["a"]


@contextmanager
def reader(path: Path) -> Iterator[None]:
    """Somebody who reads, and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM debits").fetchall()
        yield


def test_a_process_that_reads_or_closes_for_too_long_stops_a_debit(
    open_it: Open, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "BUSY_TIMEOUT_SECONDS", 0.1)
    journal = open_it(str(made))
    journal.plan([PLANNED])
    with open(f"{made}-wal") as log:  # noqa: PTH123 - its descriptor is what is locked
        fcntl.flock(log, fcntl.LOCK_EX)
        with pytest.raises(JournalError, match="closing it for too long"):
            journal.database.before_sending()
    with reader(made), pytest.raises(JournalError, match="reading it for too long"):
        journal.database.before_sending()

    journal.database.before_sending()
    assert COPY in refused(copied(made))


def test_a_reader_during_the_close_leaves_the_log_and_the_mark(
    open_it: Open, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "CLOSING_SECONDS", 0.1)
    journal = open_it(str(made))
    journal.database.before_sending()
    with reader(made):
        send(journal)
        journal.close()
        assert COPY in refused(copied(made))

    assert references(made) == ["a"]
    assert references(copied(made)) == ["a"]


def test_a_disk_that_fails_stops_a_debit_and_keeps_log_and_mark(
    open_it: Open, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bool:
        raise sqlite3.OperationalError("disk I/O error")

    journal = open_it(str(made))
    with monkeypatch.context() as failing:
        failing.setattr(incomplete_copy, "bring_in", fails)
        with pytest.raises(JournalError, match="disk I/O error"):
            journal.database.before_sending()
    send(journal)
    with monkeypatch.context() as failing:
        failing.setattr(incomplete_copy, "bring_in", fails)
        journal.close()

    assert COPY in refused(copied(made))
    assert references(made) == ["a"]


Spoil = Callable[[Path], object]


def leads_elsewhere(link: Path) -> None:
    target = link.resolve()
    link.unlink()
    link.symlink_to(copied(target))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.resolve().unlink(), id="deleted"),
        pytest.param(lambda path: path.resolve().rename(path.with_name("old")), id="moved"),
        pytest.param(lambda path: Path(f"{path.resolve()}-wal").unlink(), id="its log deleted"),
        pytest.param(lambda path: Path(f"{path.resolve()}-shm").unlink(), id="its index deleted"),
        pytest.param(lambda path: copied(path).replace(path.resolve()), id="replaced by a copy"),
        pytest.param(
            lambda path: path.parent.rename(path.parent.with_name("old")), id="folder moved"
        ),
        pytest.param(leads_elsewhere, id="the link to it leads elsewhere"),
    ],
)
def test_a_journal_that_is_no_longer_the_file_that_was_opened_is_an_error(
    open_it: Open, made: Path, spoil: Spoil
) -> None:
    link = made.with_name("link.db")
    link.symlink_to(made)
    journal = open_it(str(link))
    journal.database.check_unchanged()
    spoil(link)

    for check in (journal.database.check_unchanged, journal.database.before_sending):
        with pytest.raises(JournalError, match="no longer the file that was opened"):
            check()


def test_a_later_connection_to_another_file_is_an_error(open_it: Open, made: Path) -> None:
    journal = open_it(str(made))
    assert isinstance(journal.database, journal_file.FileDatabase)
    journal.database._close_idle()
    copied(made).replace(made)

    with pytest.raises(JournalError, match="no longer the file that was opened"):
        journal.plan([PLANNED])


def test_a_journal_that_is_replaced_while_it_is_opened_is_refused(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copied(made)
    is_bare = incomplete_copy.is_bare_copy

    def replaced(connection: sqlite3.Connection, log: Path) -> bool:
        answer = is_bare(connection, log)
        copy.replace(made)
        return answer

    monkeypatch.setattr(journal_file, "is_bare_copy", replaced)

    assert "was replaced during opening" in refused(made)


def test_a_log_that_is_deleted_during_a_run_loses_nothing(open_it: Open, made: Path) -> None:
    journal = open_it(str(made))
    send(journal)
    Path(f"{made}-wal").unlink()
    (entry,) = journal.find(Filter())
    assert journal.change(entry, State.CONFIRMED, Change("said so"))
    journal.close()

    with closing(open_journal(str(made))) as again:
        assert [entry.state for entry in again.find(Filter())] == [State.CONFIRMED]
