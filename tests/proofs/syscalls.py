"""A debit that is killed at each of its system calls in turn: is anyone debited twice?

    python -m tests.proofs.syscalls [--every N] [--journal sqlite|postgresql]

From the first look at the journal to the end, the calls nearest to the claim first; each of them
with a platform that does at once what it is asked, and with one that does it late. What follows a
kill, and what is held against what, is as in `tests.proofs.kill`. Exit code 1 for a contradiction.
"""

import re
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.fakes.postgresql import PostgreSQL
from tests.fakes.servers import RawServer
from tests.proofs.command import Found, parser, run_command, server_for, with_journals
from tests.proofs.installation import Installation, Row, place_for
from tests.proofs.killing import Killer
from tests.proofs.programs import ROOT
from tests.proofs.story import Story
from tests.proofs.trial import Trial, trials
from tests.proofs.truth_server import Mood, Truth

CALL = re.compile(r"(\d+) +(\w+)\((.*)")
ROW = Row("order-1", "C-1", 100)
JOURNALS = {"sqlite": "journal.db", "postgresql": ".s.PGSQL"}
PATIENCE = 120


class Point(NamedTuple):
    """The `number`th call of that name that the program's main thread makes."""

    name: str
    number: int


def traced(installation: Installation, *options: str) -> subprocess.CompletedProcess[str]:
    """Make one debit under strace."""
    return subprocess.run(
        [
            *("strace", "--follow-forks", "--quiet=all", *options),
            *(sys.executable, "-m", "loyalty_cli", *installation.command([ROW])),
        ],
        cwd=ROOT,
        env={**installation.environment, "PYTHONHASHSEED": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def points(folder: Path, journal: str, server: PostgreSQL | None = None) -> list[Point]:
    """The system calls of one debit from the first that names the journal, in their order."""
    log = folder / "calls"
    for _ in range(2):  # the first run compiles what the second one has compiled already
        with (
            tempfile.TemporaryDirectory(dir=folder) as own,
            place_for(own, server) as place,
            RawServer(Truth()) as platform,
        ):
            installation = Installation(Path(own), platform.url, place)
            installation.finish("journal", "init")
            done = traced(installation, f"--output={log}", "--string-limit=200")
            assert done.returncode == 0, done.stderr
    return _calls(log.read_text(errors="replace").splitlines(), JOURNALS[journal])


def _calls(log: Sequence[str], journal: str) -> list[Point]:
    """The calls of the main thread, which is the first, from one that names the journal."""
    found: list[Point] = []
    seen: Counter[str] = Counter()
    begun = False
    main = ""
    for line in log:
        call = CALL.match(line)
        if call is None:
            continue
        thread, name, rest = call.groups()
        main = main or thread
        if thread != main:
            continue
        seen[name] += 1
        begun = begun or journal in rest
        if begun:
            found.append(Point(name, seen[name]))
    return found


def nearest_first(found: Sequence[Point]) -> list[Point]:
    """The same, from the last durable write before the debit is sent, outwards."""
    sent = next((at for at, each in enumerate(found) if each.name == "sendto"), len(found) // 2)
    order = sorted(range(len(found)), key=lambda at: abs(at - sent))
    return [found[at] for at in order]


class OneDebit(Trial):
    """One debit, at a platform that is always in one mood."""

    first = Mood.PROMPT

    def _told(self) -> Story:
        return Story(jobs=((ROW,),))

    def _mood(self) -> Mood:
        return self.first


class KilledTrial(OneDebit):
    """One debit that is ended at one system call; its seed names the call and the mood."""

    def __init__(self, killer: Killer, folder: Path, journal: str, seed: str) -> None:
        super().__init__(killer, folder, journal, seed)
        name, number, mood = seed.split(":")
        self._point = Point(name, int(number))
        self.first = Mood(mood)

    def _spoil(self) -> None:
        at = f"--inject={self._point.name}:signal=KILL:when={self._point.number}"
        done = traced(self.installation, "--output=/dev/null", f"--trace={self._point.name}", at)
        self.count("killed" if done.returncode == -9 else "ended before the kill")
        if done.returncode not in (-9, 0):
            self.violate(f"exit code {done.returncode}: {done.stderr}")


def kills(
    chosen: Sequence[Point], folder: Path, server: PostgreSQL | None, moods: Sequence[Mood]
) -> Found:
    seeds = [f"{each.name}:{each.number}:{mood}" for each in chosen for mood in moods]
    return trials(seeds, folder, KilledTrial, server)


def _check(given: Namespace, folder: Path) -> Found:
    with server_for(given.journal) as server:
        found = nearest_first(points(folder, given.journal, server))
        return kills(found[:: given.every], folder, server, (Mood.PROMPT, Mood.HELD))


if __name__ == "__main__":
    sys.exit(run_command(with_journals(parser(__doc__)), _check))
