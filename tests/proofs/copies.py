"""The journal's file copied alone in the middle of a run: does a copy lack a debit that was sent?

    python -m tests.proofs.copies [TRIALS] [--seed N]

A run makes one debit, or a file of them, and is stopped after each system call that changes a file,
syncs, locks, or sends; there the file is copied, without its log. Between two of those calls no
copy could be another one. Then it goes on, and may be killed on the way; who reads the journal
after that, and closes it, is stopped and copied in the same way. Each copy must have every debit
that had been sent by then, or be refused. Exit code 1 for one that does neither.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from loyalty_cli.debits.journal.entries import Key, Planned
from loyalty_cli.debits.journal.open import open_journal
from tests.fakes.servers import RawServer
from tests.proofs.backups import debits_in
from tests.proofs.command import Found, parser, run_command
from tests.proofs.programs import ROOT
from tests.proofs.shop import Row, Shop
from tests.proofs.truth_server import Mood, Truth

STOPS = "pwrite64,pwritev,fallocate,ftruncate,fsync,fdatasync,unlink,rename,flock,connect,sendto"
STOPPED = b"--- stopped by SIGSTOP ---"
PATIENCE = 60.0
VOID = "void: strace gave up"

known = cache(debits_in)
"""The debits that a copy says were sent, or may have been; None where it is refused."""


class Copy(NamedTuple):
    """The file alone, as it was when these debits had been sent."""

    content: bytes
    sent: frozenset[str]


class TracerLostError(Exception):
    """A stop and its end came too near to each other for strace, which then gives up."""


class StoppedRun:
    """A run that is stopped after each system call of `STOPS`."""

    def __init__(self, shop: Shop, *arguments: str) -> None:
        lines, ours = os.pipe()
        self._lines = os.fdopen(lines, "rb")
        self._strace = subprocess.Popen(
            [
                *("strace", "--follow-forks", "--quiet=all", f"--output=/dev/fd/{ours}"),
                *(f"--trace={STOPS}", f"--inject={STOPS}:signal=STOP", "--signal=STOP"),
                *(sys.executable, "-m", "loyalty_cli", *arguments),
            ],
            cwd=ROOT,
            env=shop.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[ours],
        )
        os.close(ours)
        self._main = 0

    def stops(self) -> Iterator[None]:
        """Each stop; the process stands still until the next one is asked for."""
        for line in self._lines:
            # The main thread comes first; each thread says that it stands still.
            self._main = self._main or int(line.split()[0])
            if STOPPED in line:
                yield
                self._send(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._send(signal.SIGKILL)

    def end(self) -> None:
        """Wait for it."""
        _, said = self._strace.communicate(timeout=PATIENCE)
        self._lines.close()
        if b"PTRACE_LISTEN" in said:
            self.kill()
            raise TracerLostError
        assert self._strace.returncode in (0, 8, -signal.SIGKILL), said

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._main, number)


def copies_of(folder: Path, seed: str) -> Iterator[Copy]:
    """The copies of one run, and of who reads after it."""
    chance = random.Random(seed)
    mood = chance.choice((Mood.PROMPT, Mood.SLOW, Mood.LOST_REPLY))
    truth = Truth(lambda: mood)
    size = chance.choice((1, 2, 5))
    rows = [Row(f"order-{number}", f"C-{number}", 100 + number) for number in range(size)]
    killed_at = chance.choice((None, chance.randrange(100, 220)))
    with RawServer(truth) as platform:
        shop = Shop(folder, platform.url, str(folder / "journal.db"))
        init = [sys.executable, "-m", "loyalty_cli", "journal", "init"]
        subprocess.run(init, cwd=ROOT, env=shop.environment, check=True, capture_output=True)
        if chance.random() < 0.7:
            _fill(shop)
        yield from _copies(shop, truth, rows, shop.command(rows), killed_at)
        yield from _copies(shop, truth, rows, ["journal", "list"], None)
        yield _copy(shop, truth, rows)
        log = Path(f"{shop.journal}-wal")
        assert not log.exists(), "who closed it last left something in the log"


def _fill(shop: Shop) -> None:
    """Let the journal be so large that new debits lie behind the mark in the file."""
    many = [
        Planned(Key("elsewhere", f"old-{number}"), "old", "saasquatch", f"O-{number}", "CENTS", 1)
        for number in range(200)
    ]
    with closing(open_journal(shop.journal)) as journal:
        journal.plan(many)


def _copies(
    shop: Shop, truth: Truth, rows: Sequence[Row], command: Sequence[str], killed_at: int | None
) -> Iterator[Copy]:
    run = StoppedRun(shop, *command)
    for number, _ in enumerate(run.stops()):
        yield _copy(shop, truth, rows)
        if number == killed_at:
            run.kill()
            break
    run.end()
    yield _copy(shop, truth, rows)


def _copy(shop: Shop, truth: Truth, rows: Sequence[Row]) -> Copy:
    sent = frozenset(row.reference for row in rows if truth.posts(row.customer, row.amount))
    return Copy(Path(shop.journal).read_bytes(), sent)


def check(seeds: Sequence[str], folder: Path) -> Found:
    """Make a run of each seed, and hold each copy against what had been sent by then."""
    counts: Counter[str] = Counter()
    violations: list[str] = []
    for seed in seeds:
        counts["trials"] += 1
        with tempfile.TemporaryDirectory(dir=folder) as own:
            try:
                violations += _check(copies_of(Path(own), seed), counts, seed)
            except TracerLostError:
                counts[VOID] += 1
    return Found(counts, violations)


def _check(copies: Iterator[Copy], counts: Counter[str], seed: str) -> Iterator[str]:
    last: frozenset[str] | None = None
    for number, copy in enumerate(copies):
        last = known(copy.content)
        counts["copies"] += 1
        counts["copies that are refused"] += last is None
        counts["copies with debits that were sent"] += bool(last)
        if last is not None and copy.sent - last:
            yield f"seed {seed}, copy {number}: lacks {copy.sent - last}"
    if last is None:
        yield f"seed {seed}: a copy is refused though everything had ended"
    known.cache_clear()


if __name__ == "__main__":
    sys.exit(
        run_command(parser(__doc__, trials=20), lambda given, folder: check(given.seeds, folder))
    )
