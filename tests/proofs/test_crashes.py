"""Debits that are killed, run twice, or lose their journal on the way, and lists of look-ups.

The commands `python -m tests.proofs.kill`, `.syscalls`, `.copies`, `.disk`, `.two_processes` and
`.kill_lookups` do more of it.
"""

import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from loyalty_cli.debits.journal.entries import State
from tests.fakes.postgresql import PostgreSQL, running_postgresql
from tests.fakes.servers import RawServer
from tests.proofs import kill_lookups
from tests.proofs.command import Found
from tests.proofs.copies import check
from tests.proofs.disk import WRITES, failures
from tests.proofs.installation import Installation, Row
from tests.proofs.killing import Killer
from tests.proofs.neighbours import RandomTrial
from tests.proofs.programs import ROOT, Run
from tests.proofs.story import Story
from tests.proofs.syscalls import Point, kills, nearest_first, points
from tests.proofs.trial import VOID, Trial, trials
from tests.proofs.truth_server import Mood, Reading, Truth
from tests.proofs.two_processes import TogetherTrial
from tests.requires import needs

SEED = random.randrange(10**6)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with running_postgresql() as server:
        yield server


def seeds(number: int) -> list[str]:
    return [f"{SEED}:{each}" for each in range(number)]


def is_clean(found: Found) -> None:
    assert found.violations == []
    assert found.counts[VOID] < found.counts["trials"] / 2


def test_no_kill_makes_a_debit_twice_or_loses_it(tmp_path: Path) -> None:
    found = trials(seeds(40), tmp_path, RandomTrial)

    is_clean(found)
    assert found.counts["debits killed"] > 10


def test_no_kill_makes_a_debit_twice_with_the_journal_in_postgresql(
    tmp_path: Path, server: PostgreSQL
) -> None:
    found = trials(seeds(12), tmp_path, RandomTrial, server)

    is_clean(found)
    assert found.counts["debits killed"] > 2


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    needs("strace")
    return points(tmp_path_factory.mktemp("calls"), "sqlite")


@pytest.mark.xdist_group("system calls")
def test_no_kill_at_a_system_call_makes_a_debit_twice(tmp_path: Path, calls: list[Point]) -> None:
    nearest = nearest_first(calls)

    done = kills([*nearest[:3], *nearest[3::50]], tmp_path, None, [Mood.HELD])

    is_clean(done)
    assert done.counts["killed"] > 3


@pytest.mark.xdist_group("system calls")
def test_a_write_that_fails_is_told_and_makes_no_debit_twice(
    tmp_path: Path, calls: list[Point]
) -> None:
    writes = [each for each in calls if each.name in WRITES]

    is_clean(failures(writes[random.randrange(9) :: 9], tmp_path, ["ENOSPC"]))


@pytest.mark.xdist_group("system calls")
def test_a_copy_of_the_journal_has_every_sent_debit_or_is_refused(
    tmp_path: Path,
) -> None:
    needs("strace")

    found = check(seeds(4), tmp_path)

    assert found.violations == []
    assert found.counts["copies that are refused"] > 50


def test_processes_and_hosts_with_the_same_debits_make_each_once(
    tmp_path: Path, server: PostgreSQL
) -> None:
    is_clean(trials(seeds(4), tmp_path, TogetherTrial))
    is_clean(trials(seeds(4), tmp_path, TogetherTrial, server))


def test_no_kill_loses_more_look_ups_than_are_in_flight(
    tmp_path: Path,
) -> None:
    found = kill_lookups.trials(seeds(8), tmp_path)

    assert found.violations == []
    assert found.counts[f"ended by {signal.SIGKILL.name}"] > 3


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_server_that_restarts_during_a_run_loses_no_debit(
    tmp_path: Path, server: PostgreSQL, how: str
) -> None:
    looks, between, gone = count(), Event(), Event()

    class ServerGoes(Trial):
        def _told(self) -> Story:
            rows = tuple(Row(f"order-{each}", f"C-{each}", 100 + each) for each in range(60))
            return Story(jobs=(rows,))

        def _mood(self) -> Mood:
            return Mood.SLOW

        def _reading(self) -> Reading:
            if next(looks) == 12:  # this one's claim comes once the server is gone
                between.set()
                assert gone.wait(20)
            return Reading.FRESH

        def _spoil(self) -> None:
            (command,) = self.commands()
            run = self.installation.start(*command)
            assert between.wait(20)
            getattr(server, how)()
            gone.set()
            server.start()
            self.expect(run, {7})  # claims are not tried again; what was sent is written down
            if not re.search(f"(?s)Error: .*{server.folder}.*failed", run.err):
                self.violate(run.err)

    def make(killer: Killer, folder: Path, journal: str, seed: str) -> Trial:
        return ServerGoes(killer, folder, journal, seed)

    found = trials([how], tmp_path, make, server)

    is_clean(found)
    assert found.counts["debits confirmed in the end"] == 60
    assert found.counts["debits left planned by it"] > 0


@contextmanager
def in_progress(
    folder: Path, truth: Truth, size: int, begun: int
) -> Iterator[tuple[Installation, list[Row], Run]]:
    """An installation whose file of debits is being made, and so many have begun."""
    rows = [Row(f"order-{each}", f"C-{each}", 100 + each) for each in range(size)]
    with RawServer(truth) as platform:
        installation = Installation(folder, platform.url, str(folder / "journal.db"))
        installation.finish("journal", "init")
        watch = truth.watch()
        run = installation.start(*installation.command(rows))
        for _ in range(begun):
            assert watch.arrived("POST", 20)
        yield installation, rows, run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_a_signal_ends_a_run_of_debits_in_good_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    truth = Truth(lambda: Mood.HELD, lambda: 0.3)
    with in_progress(tmp_path, truth, 40, begun=1) as (installation, rows, run):
        run.send(number)

        assert run.wait() == 128 + number
        truth.when_quiet()
        assert installation.contradictions(truth, rows) == []
        entries = installation.entries()
        assert {entry.state for entry in entries} == {State.CONFIRMED, State.PLANNED}
        made = {entry.key.reference for entry in entries if entry.state is State.CONFIRMED}
        assert {record["reference"] for record in run.records} == made


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced", "log deleted"])
def test_a_journal_that_goes_away_during_a_run_ends_it(tmp_path: Path, how: str) -> None:
    truth = Truth(lambda: Mood.SLOW)
    with in_progress(tmp_path, truth, 60, begun=12) as (installation, rows, run):
        place, aside = Path(installation.journal), tmp_path / "aside.db"
        copy = place.read_bytes()
        if how == "log deleted":
            Path(f"{place}-wal").unlink()
        else:
            place.rename(aside)
        if how == "deleted":
            aside.unlink()
        if how == "replaced":
            place.touch(0o600)
            place.write_bytes(copy)

        assert run.wait() in (3, 8), run.err
        truth.when_quiet()
        assert "is no longer the file that was opened" in run.err
        sent = truth.all_posts()
        assert sent < len(rows)
        again = installation.finish(*installation.command(rows))
        if how == "log deleted":
            assert again.code in (0, 8), again.err
        else:
            assert again.code == 3
            assert "init" not in again.err or how != "replaced"
            assert truth.all_posts() == sent
        assert max(truth.posts(row.customer, row.amount) for row in rows) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["tests.proofs.kill", "2", "--seed", "1"],
        ["tests.proofs.two_processes", "1", "--seed", "1"],
        ["tests.proofs.kill_lookups", "1", "--seed", "1"],
        ["tests.proofs.copies", "--help"],
        ["tests.proofs.disk", "--help"],
        ["tests.proofs.syscalls", "--help"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_of_the_proofs_runs(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert ("usage: " if "--help" in command else "0 contradictions") in done.stdout
