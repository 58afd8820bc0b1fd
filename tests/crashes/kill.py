"""Debits that are killed at any moment, and then run again: is anyone debited twice?

    python -m tests.crashes.kill [TRIALS] [--journal sqlite|postgresql] [--seed N]

A trial makes one debit, or a file of them, at a platform that knows the truth. The program is
killed somewhere on the way, once or more often; the same command is run again; then
`loyalty journal reconcile` is run until it has nothing left to settle, and is killed, too, now and
then. At every step the journal is held against the truth. Exit code 1 for any contradiction.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from loyalty_cli.journal.entries import State
from tests.crashes.programs import BETWEEN_LOOKS_SECONDS, Programs, Run
from tests.crashes.shop import SETTLE, TIMEOUT, Row, Shop, place_for
from tests.crashes.truth_server import Mood, Truth
from tests.postgresql import PostgreSQL, running_postgresql
from tests.servers import RawServer

LATEST = 1.2
"""Seconds after which the platform no longer does what it was asked; less than SETTLE."""

AT_ONCE = 10
"""Trials that a worker has in progress: for most of their time they wait."""

ROUNDS = 5
LOOKS = 20
UNHAPPY = (Mood.SLOW, Mood.LATE, Mood.HELD, Mood.LOST_REPLY, Mood.NEVER, Mood.BROKEN)


VOID = "void: the platform was later than it may be"
"""What trials are called whose own server was too slow, as on a machine that is too busy."""


class Found(NamedTuple):
    """What came of trials: how often what happened, and every contradiction."""

    counts: Counter[str]
    violations: list[str]


class Killer:
    """Starts programs and kills them at random moments of what they do."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._lasts = 0.15
        self._lock = Lock()

    def spoil(self, chance: random.Random, truth: Truth, shop: Shop, *arguments: str) -> Run:
        """Run a command, and kill it if it comes to that."""
        while not truth.arrivals.empty():
            truth.arrivals.get()
        began = time.monotonic()
        run = self._programs.start(shop.folder, shop.environment, *arguments)
        match chance.choice(("any", "any", "balance", "debit")):
            case "any":
                run.is_running(chance.uniform(0, 1.3 * self._lasts))
            case "balance":
                truth.arrived("GET", 2 * TIMEOUT)
                run.is_running(chance.expovariate(100))
            case "debit":
                truth.arrived("POST", 2 * TIMEOUT)
                run.is_running(chance.expovariate(100))
        run.kill()
        if run.code == 0:
            with self._lock:
                self._lasts = 0.9 * self._lasts + 0.1 * (time.monotonic() - began)
        return run

    def start(self, shop: Shop, *arguments: str) -> Run:
        """Start a command that nobody kills."""
        return self._programs.start(shop.folder, shop.environment, *arguments)

    def finish(self, shop: Shop, *arguments: str) -> Run:
        """Run a command to its end."""
        return self._programs.run(shop.folder, shop.environment, *arguments)


class Trial:
    """One trial, from its own seed."""

    def __init__(self, killer: Killer, folder: Path, journal: str, seed: str) -> None:
        self._chance = random.Random(seed)
        self._killer = killer
        self._seed = seed
        self._unhappy = self._chance.random() < 0.7
        self._truth = Truth(self._mood, lambda: self._chance.uniform(0.05, LATEST))
        self._folder = folder
        self._journal = journal
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []

    def run(self) -> None:
        """Make it; what it finds is in `counts` and `violations`."""
        provider = self._provider()
        with RawServer(self._truth) as server:
            shop = Shop(self._folder, server.url, self._journal, provider)
            self._expect(self._killer.finish(shop, "journal", "init"), {0})
            rows = self._rows()
            self._work(shop, rows, shop.command(rows))
            self._truth.when_quiet()
            if self._truth.latest >= SETTLE:
                self.counts[VOID] += 1
                self.violations.clear()

    def _provider(self) -> str:
        return "gameball" if self._chance.random() < 0.15 else "saasquatch"

    def _rows(self) -> list[Row]:
        size = self._chance.choice((1, 1, 1, 4, 12))
        customers = [f"C-{number}" for number in range(self._chance.choice((size, 1 + size // 3)))]
        return [
            Row(f"order-{number}", self._chance.choice(customers), 100 + number)
            for number in range(size)
        ]

    def _mood(self) -> Mood:
        if self._unhappy and self._chance.random() < 0.5:
            return self._chance.choice(UNHAPPY)
        return self._chance.choice((Mood.PROMPT, Mood.PROMPT, Mood.SLOW))

    def _spoil(self, shop: Shop, command: list[str]) -> None:
        """Run the command, and let something go wrong on the way."""
        for _ in range(self._chance.choice((1, 1, 1, 2, 3))):
            run = self._killer.spoil(self._chance, self._truth, shop, *command)
            self.counts["killed" if run.code == -9 else "ended before the kill"] += 1
            self._expect(run, {-9, 0, 6, 7, 8, 9})

    def _work(self, shop: Shop, rows: list[Row], command: list[str]) -> None:
        self._spoil(shop, command)
        self._note_states(shop, rows)
        for turn in range(ROUNDS):
            run = self._killer.finish(shop, *command)
            self._expect(run, {0, 6, 7, 8, 9})
            self._check_output(shop, rows, run)
            self._reconcile(shop, rows)
            if self._all_confirmed(shop, rows):
                self.counts["debits confirmed in the end"] += len(rows)
                return
            self._unhappy = self._unhappy and turn < ROUNDS - 3
        self._violate("it never came to an end")

    def _note_states(self, shop: Shop, rows: list[Row]) -> None:
        states = {entry.key.reference: entry.state for entry in shop.entries()}
        for row in rows:
            self.counts[f"debits left {states.get(row.reference, 'unwritten')} by it"] += 1

    def _reconcile(self, shop: Shop, rows: list[Row]) -> None:
        patient = self._chance.random() < 0.5  # or looks again and again, from the start
        for look in range(LOOKS):
            if look and self._chance.random() < 0.15:
                self._killer.spoil(self._chance, self._truth, shop, "journal", "reconcile")
            run = self._killer.finish(shop, "journal", "reconcile", "-o", "json")
            self._expect(run, {0, 8})
            if run.code == 0:
                break
            time.sleep(SETTLE if patient and look == 0 else BETWEEN_LOOKS_SECONDS)
        else:
            self._violate(f"never settled: {run.out}")
        self._truth.when_quiet()
        for contradiction in shop.contradictions(self._truth, rows):
            self._violate(contradiction)

    def _all_confirmed(self, shop: Shop, rows: list[Row]) -> bool:
        entries = shop.entries()
        for entry in entries:
            self.counts[f"debits {entry.state} after a round"] += 1
            if entry.state in (State.SENDING, State.UNKNOWN):
                self._violate(f"reconciled, and still {entry.state}: {entry}")
        return len(entries) == len(rows) and all(each.state is State.CONFIRMED for each in entries)

    def _check_output(self, shop: Shop, rows: list[Row], run: Run) -> None:
        said = {record["reference"]: record for record in run.records}
        if list(said) != [row.reference for row in rows]:
            self._violate(f"asked for {rows}, printed {list(said)}")
        entries = {entry.key.reference: entry for entry in shop.entries()}
        for reference, record in said.items():
            entry = entries[reference]
            same = (record["customer"], record["amount"]) == (entry.customer, entry.amount)
            if not same or record["state"] != entry.state:
                self._violate(f"printed {record}, wrote {entry}")
            if (record["error"] is None) != (record["state"] == "confirmed"):
                self._violate(f"printed {record}")
        states = {record["state"] for record in said.values()}
        if (run.code == 0) != (states == {"confirmed"}):
            self._violate(f"exit code {run.code} for {states}")
        if (run.code == 8) != bool(states & {"unknown", "sending"}):
            self._violate(f"exit code {run.code} for {states}")

    def _expect(self, run: Run, codes: set[int]) -> None:
        if run.wait() not in codes:
            self._violate(f"exit code {run.code}: {run.err}")

    def _violate(self, what: str) -> None:
        self.violations.append(f"seed {self._seed}: {what}")


Make = Callable[[Killer, Path, str, str], Trial]


def trials(
    seeds: Sequence[str],
    folder: Path,
    server: PostgreSQL | None = None,
    make: Make = Trial,
    at_once: int = AT_ONCE,
) -> Found:
    """Make a trial of each seed, several at once."""
    counts: Counter[str] = Counter()
    violations: list[str] = []

    def one(seed: str) -> Trial:
        with tempfile.TemporaryDirectory(dir=folder) as own, place_for(own, server) as place:
            trial = make(killer, Path(own), place, seed)
            try:
                trial.run()
            except Exception as error:  # noqa: BLE001 - a defect of the program or of the trial
                trial.violations.append(f"seed {seed}: {error!r}")
            return trial

    with Programs() as programs, ThreadPoolExecutor(at_once) as pool:
        killer = Killer(programs)
        for trial in pool.map(one, seeds):
            counts["trials"] += 1
            counts += trial.counts
            violations += trial.violations
    return Found(counts, violations)


def report(found: Found, seconds: float) -> int:
    """Print what was found, and give the exit code."""
    say = sys.stdout.write
    for name, number in sorted(found.counts.items()):
        say(f"{number:8} {name}\n")
    say(f"{len(found.violations):8} contradictions\n")
    say(f"{seconds:8.1f} s, {60 * found.counts['trials'] / seconds:.0f} trials a minute\n")
    for violation in found.violations[:20]:
        say(f"{violation}\n")
    return 1 if found.violations else 0


def _worker(seeds: list[str], journal: str, folder: Path) -> Found:
    with ExitStack() as stack:
        server = stack.enter_context(running_postgresql()) if journal == "postgresql" else None
        return trials(seeds, folder, server)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.crashes.kill", description=__doc__)
    parser.add_argument("trials", nargs="?", type=int, default=200, metavar="TRIALS")
    parser.add_argument("--journal", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--workers", type=int, default=2, help="processes that make trials")
    given = parser.parse_args()
    seeds = [f"{given.seed}:{number}" for number in range(given.trials)]
    began = time.monotonic()
    sys.stdout.write(f"{given.trials} trials on {given.journal}, seed {given.seed}\n")
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(given.workers, get_context("spawn")) as pool,
    ):
        shares = [seeds[number :: given.workers] for number in range(given.workers)]
        found: list[Any] = list(
            pool.map(_worker, shares, [given.journal] * len(shares), [Path(folder)] * len(shares))
        )
    counts = sum((each.counts for each in found), Counter[str]())
    violations = [violation for each in found for violation in each.violations]
    return report(Found(counts, violations), time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
