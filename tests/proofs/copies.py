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

from loyalty_cli.debits.journal.entries import Key, Planned
from loyalty_cli.debits.journal.open import open_journal
from tests.fakes.servers import RawServer
from tests.proofs.backups import debits_in
from tests.proofs.command import Found, parser, run_command
from tests.proofs.installation import Installation, Row
from tests.proofs.programs import ROOT
from tests.proofs.truth_server import Mood, Truth

STOPS = "pwrite64,pwritev,fallocate,ftruncate,fsync,fdatasync,unlink,rename,flock,connect,sendto"
STOPPED = b"--- stopped by SIGSTOP ---"
PATIENCE = 60.0
VOID = "void: strace gave up"

known = cache(debits_in)
"""The debits that a copy says were sent, or may have been; None where it is refused."""


class TracerLostError(Exception):
    """A stop and its end came too near to each other for strace, which then gives up."""


def _stops(
    installation: Installation, arguments: Sequence[str], killed_at: int | None
) -> Iterator[None]:
    """Run the program; it stands still after each system call of `STOPS`, and at its end."""
    lines, ours = os.pipe()
    strace = subprocess.Popen(
        [
            *("strace", "--follow-forks", "--quiet=all", f"--output=/dev/fd/{ours}"),
            *(f"--trace={STOPS}", f"--inject={STOPS}:signal=STOP", "--signal=STOP"),
            *(sys.executable, "-m", "loyalty_cli", *arguments),
        ],
        cwd=ROOT,
        env=installation.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=[ours],
    )
    os.close(ours)
    main = stops = 0
    with os.fdopen(lines, "rb") as log:
        for line in log:
            # The main thread comes first; each thread says that it stands still.
            main = main or int(line.split()[0])
            if STOPPED in line:
                yield
                _send(main, signal.SIGKILL if stops == killed_at else signal.SIGCONT)
                stops += 1
    _, said = strace.communicate(timeout=PATIENCE)
    if b"PTRACE_LISTEN" in said:
        _send(main, signal.SIGKILL)
        raise TracerLostError
    assert strace.returncode in (0, 8, -signal.SIGKILL), said
    yield


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def copies_of(folder: Path, seed: str) -> Iterator[tuple[bytes, frozenset[str]]]:
    """The copies of one run, and of who reads after it, each with what had been sent by then."""
    chance = random.Random(seed)
    mood = chance.choice((Mood.PROMPT, Mood.SLOW, Mood.LOST_REPLY))
    truth = Truth(lambda: mood)
    size = chance.choice((1, 2, 5))
    rows = [Row(f"order-{number}", f"C-{number}", 100 + number) for number in range(size)]
    killed_at = chance.choice((None, chance.randrange(100, 220)))
    with RawServer(truth) as platform:
        installation = Installation(folder, platform.url, str(folder / "journal.db"))
        installation.finish("journal", "init")
        if chance.random() < 0.7:
            _fill(installation)
        for command, end in ((installation.command(rows), killed_at), (["journal", "list"], None)):
            for _ in _stops(installation, command, end):
                posts = [row for row in rows if truth.posts(row.customer, row.amount)]
                sent = frozenset(row.reference for row in posts)
                yield Path(installation.journal).read_bytes(), sent
        log = Path(f"{installation.journal}-wal")
        assert not log.exists(), "who closed it last left something in the log"


def _fill(installation: Installation) -> None:
    """Let the journal be so large that new debits lie behind the mark in the file."""
    many = [
        Planned(Key("elsewhere", f"old-{number}"), "old", "saasquatch", f"O-{number}", "CENTS", 1)
        for number in range(200)
    ]
    with closing(open_journal(installation.journal)) as journal:
        journal.plan(many)


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


def _check(
    copies: Iterator[tuple[bytes, frozenset[str]]], counts: Counter[str], seed: str
) -> Iterator[str]:
    last: frozenset[str] | None = None
    for number, (content, sent) in enumerate(copies):
        last = known(content)
        counts["copies"] += 1
        counts["copies that are refused"] += last is None
        counts["copies with debits that were sent"] += bool(last)
        if last is not None and sent - last:
            yield f"seed {seed}, copy {number}: lacks {sent - last}"
    if last is None:
        yield f"seed {seed}: a copy is refused though everything had ended"
    known.cache_clear()


if __name__ == "__main__":
    sys.exit(
        run_command(parser(__doc__, trials=20), lambda given, folder: check(given.seeds, folder))
    )
