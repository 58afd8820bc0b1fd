"""A debit whose disk is full or broken at each of its writes in turn: is it lost, or made twice?

    python -m tests.proofs.disk [--every N]

Each write and each sync of a journal in SQLite fails once, or from then on, with "no space left" or
with an I/O error. The debit must then say what is true of it: nothing was sent (exit code 3), or
its outcome is not known (8), or it was made. What follows, on a disk that works again, is as in
`tests.proofs.kill`. Exit code 1 for a contradiction.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from loyalty_cli.debits.journal.entries import State
from tests.proofs.command import Found, parser, run_command
from tests.proofs.killing import Killer
from tests.proofs.syscalls import ROW, OneDebit, Point, points, traced
from tests.proofs.trial import trials

WRITES = frozenset({"fallocate", "fdatasync", "fsync", "ftruncate", "pwrite64", "write"})
ERRORS = ("ENOSPC", "EIO")
ONCE, FROM_THEN_ON = "", "+"


class FailedWriteTrial(OneDebit):
    """One debit of which one write fails; its seed names the write, the error, and how often."""

    def __init__(self, killer: Killer, folder: Path, journal: str, seed: str) -> None:
        super().__init__(killer, folder, journal, seed)
        name, number, self._error, self._again = seed.split(":")
        self._point = Point(name, int(number))

    def _spoil(self) -> None:
        name, number = self._point
        at = f"--inject={name}:error={self._error}:when={number}{self._again}"
        done = traced(self.installation, "--output=/dev/null", f"--trace={name}", at)
        sent = self.truth.posts(ROW.customer, ROW.amount)
        states = [entry.state for entry in self.installation.entries()]
        self.count(f"exit code {done.returncode}, {'sent' if sent else 'not sent'}")
        # What cannot be said on stdout, because that is what failed, is not what this is about.
        confirmed = states == [State.CONFIRMED]
        expected = {8, 0} if sent and confirmed else {8} if sent else {3}
        if done.returncode not in expected and not (name == "write" and done.returncode):
            self.violate(f"exit code {done.returncode}, sent {sent} times, {states}: {done.stderr}")
        if "Traceback" in done.stderr or "defect" in done.stderr:
            self.violate(done.stderr)


def failures(chosen: Sequence[Point], folder: Path, errors: Sequence[str] = ERRORS) -> Found:
    seeds = [
        f"{each.name}:{each.number}:{error}:{again}"
        for each in chosen
        for error in errors
        for again in (ONCE, FROM_THEN_ON)
    ]
    return trials(seeds, folder, FailedWriteTrial)


def _check(given: Namespace, folder: Path) -> Found:
    writes = [each for each in points(folder, "sqlite") if each.name in WRITES]
    return failures(writes[:: given.every], folder)


if __name__ == "__main__":
    sys.exit(run_command(parser(__doc__), _check))
