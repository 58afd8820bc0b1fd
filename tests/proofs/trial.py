"""One trial: debits that something goes wrong with, and that are run again until all is settled.

At every step the journal is held against the truth.
"""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Event, Lock

from loyalty_cli.debits.journal.entries import Entry, State
from tests.fakes.postgresql import PostgreSQL
from tests.fakes.servers import RawServer
from tests.proofs.command import Found, side_by_side
from tests.proofs.installation import SETTLE, Installation, Row, place_for
from tests.proofs.killing import Killer, how_it_ended
from tests.proofs.programs import BETWEEN_LOOKS_SECONDS, Run
from tests.proofs.story import FINE, Story
from tests.proofs.truth_server import Mood, Reading, Truth

LATEST = 1.2
"""Seconds after which the platform no longer does what it was asked; less than SETTLE."""

AT_ONCE = 10
"""Trials that a worker has in progress: for most of their time they wait."""

ROUNDS = 6
HAPPY_ROUNDS = 3
SETTLED_SECONDS = 40.0
PERSON_LOOKS = 6
ENDS = {0, 4, 5, 6, 7, 8, 9}
"""Exit codes of a file of debits that came to its end."""

VOID = "void: the platform was later than it may be"
"""What trials are called whose own server was too slow, as on a machine that is too busy."""


class Trial:
    """One trial, from its own seed; what it is about is its `story`."""

    def __init__(self, killer: Killer, folder: Path, journal: str, seed: str) -> None:
        self.chance = random.Random(seed)
        self.killer = killer
        self.folder = folder
        self.journal = journal
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.aside: set[str] | None = None
        """What a person took out of the files, once an older backup was restored."""
        self.without = ""
        self.is_over: Callable[[], bool] = lambda: False
        self.codes = set(ENDS)
        self._lock = Lock()
        self._unhappy = self.chance.random() < 0.7
        self.story = self._told()
        self.truth = Truth(self._mood, lambda: self.chance.uniform(0.05, LATEST), self._reading)
        self.truth.assigned.update(self.story.credit())

    def run(self) -> None:
        """Make it; what it finds is in `counts` and `violations`."""
        with RawServer(self.truth) as server:
            story = self.story
            at = (server.url, self.journal, story.provider, story.timeout)
            self.installation = Installation(self.folder, *at, without=self.without)
            self.expect(self.installation.finish("journal", "init"), {0})
            self._work()
            self.truth.when_quiet()
        for mood, times in self.truth.moods.items():
            kind = "balances" if isinstance(mood, Reading) else "requests"
            self.counts[f"{kind}: {mood}"] += times
        if self.truth.latest >= SETTLE:
            self.count(VOID)
            self.violations.clear()

    def _told(self) -> Story:
        raise NotImplementedError

    def _mood(self) -> Mood:
        if self._unhappy and self.chance.random() < 0.5:
            return self.chance.choice(self.story.moods)
        return self.chance.choice(FINE)

    def _reading(self) -> Reading:
        return self.chance.choice(self.story.readings) if self._unhappy else Reading.FRESH

    def commands(self) -> list[list[str]]:
        """What makes the debits that are still to be made, a command for each file."""
        jobs = [
            [row for row in job if row.reference not in (self.aside or ())]
            for job in self.story.jobs
        ]
        return [
            self.installation.command(job, f"debits-{at}") for at, job in enumerate(jobs) if job
        ]

    def rows(self) -> list[Row]:
        return [row for row in self.story.rows() if row.reference not in (self.aside or ())]

    def _work(self) -> None:
        with self._beside():
            self._spoil()
        self._interlude()
        self._note_states()
        for turn in range(ROUNDS):
            if self._contradicts() or self.is_over():
                return  # nothing that follows says more
            with self._beside() if turn == 0 else nullcontext():
                self._finish()
            if self._contradicts():
                return
            self.settle()
            if self._contradicts() or self.is_over():
                return
            if self._is_done():
                break
            self._unhappy = self._unhappy and turn < ROUNDS - HAPPY_ROUNDS
        else:
            self.violate(f"it never came to an end: {self.installation.entries()}")
        self._afterwards()
        for entry in self.installation.entries():
            self.count(f"debits {entry.state} in the end")

    def _spoil(self) -> None:
        """Run the commands, and let something go wrong on the way."""
        raise NotImplementedError

    def _beside(self) -> AbstractContextManager[object]:
        return nullcontext()

    def _interlude(self) -> None:
        """What happens when nothing runs any more, and before it is run again."""

    def _afterwards(self) -> None:
        """What happens once all is settled."""

    def _note_states(self) -> None:
        states = {entry.key.reference: entry.state for entry in self.installation.entries()}
        for row in self.story.rows():
            self.count(f"debits left {states.get(row.reference, 'unwritten')} by it")

    def _finish(self) -> None:
        commands = self.commands()
        runs = [
            self.installation.start(*command, host=host)
            for command, host in zip(commands, self.story.hosts, strict=False)
        ]
        for run in runs:
            self.expect(run, self.codes)
        is_alone = len(runs) == 1 and not self.story.impatient
        for run in runs:
            if run.code in ENDS:
                self._check_output(run, is_alone=is_alone)

    def settle(self) -> None:
        patient = self.chance.random() < 0.5  # or looks again and again, from the start
        ends = time.monotonic() + SETTLED_SECONDS
        look = 0
        while True:
            if look and self.chance.random() < 0.15:
                spoilt = self.killer.spoil(
                    self.chance, self.truth, self.installation, "journal", "reconcile"
                )
                self.count(f"reconcile {how_it_ended(spoilt)}")
            run = self.installation.finish("journal", "reconcile", "-o", "json")
            self.expect(run, {0, 8})
            if run.code != 8 or self.violations or self.is_over():
                break
            if time.monotonic() > ends:
                self.violate(f"never settled: {run.out}")
                break
            time.sleep(SETTLE if patient and look == 0 else BETWEEN_LOOKS_SECONDS)
            look += 1
            if look > PERSON_LOOKS and self.story.person:
                self._settle_by_hand()
        self.truth.when_quiet()

    def _contradicts(self) -> bool:
        """Hold the journal against the truth, when no program runs; late requests may."""
        for each in self.installation.contradictions(
            self.truth, self.story.rows(), aside=self.aside
        ):
            self.violate(each)
        return bool(self.violations)

    def _settle_by_hand(self) -> None:
        """Be the person who looks at the platform what became of it, and says so."""
        self.truth.when_quiet()
        for entry in self.installation.entries():
            if entry.state is State.UNKNOWN:
                made = self.truth.applied(entry.customer, entry.amount)
                verdict = "--confirmed" if made else "--not-applied"
                why = ("--why", "looked at the platform")
                self.installation.finish("journal", "resolve", entry.key.reference, verdict, *why)
                self.count("debits settled by a person")

    def _is_done(self) -> bool:
        """Whether nothing is left that running the same again would make."""
        entries = {entry.key.reference: entry for entry in self.installation.entries()}
        for entry in entries.values():
            self.count(f"debits {entry.state} after a round")
            if entry.state in (State.SENDING, State.UNKNOWN):
                self.violate(f"reconciled, and still {entry.state}: {entry}")
        return all(self._is_final(entries.get(row.reference)) for row in self.rows())

    def _is_final(self, entry: Entry | None) -> bool:
        if entry is None:
            return False
        short = self.story.scarce and self.truth.available(entry.customer) < entry.amount
        return entry.state in (State.CONFIRMED, State.REFUSED) or short

    def _check_output(self, run: Run, *, is_alone: bool) -> None:
        """Hold what a file's run printed against the journal, as far as nobody else changes it."""
        said = {record["reference"]: record for record in run.records}
        asked = [row.reference for row in self.rows()]
        if not said.keys() <= set(asked):
            self.violate(f"asked for {asked}, printed {list(said)}")
        if is_alone and list(said) != asked and "unfinished" not in run.err:
            self.violate(f"asked for {asked}, printed {list(said)}")
        entries = {entry.key.reference: entry for entry in self.installation.entries()}
        for reference, record in said.items():
            entry = entries[reference]
            same = (record["customer"], record["amount"]) == (entry.customer, entry.amount)
            fixed = is_alone or record["state"] in ("confirmed", "refused")
            if not same or (fixed and record["state"] != entry.state):
                self.violate(f"printed {record}, wrote {entry}")
            if (record["error"] is None) != (record["state"] == "confirmed"):
                self.violate(f"printed {record}")
        states = {record["state"] for record in said.values()}
        if (run.code == 0) != (states == {"confirmed"}):
            self.violate(f"exit code {run.code} for {states}")
        if (run.code == 8) != bool(states & {"unknown", "sending"}):
            self.violate(f"exit code {run.code} for {states}")

    def expect(self, run: Run, codes: set[int]) -> None:
        if run.wait() not in codes:
            self.violate(f"exit code {run.code}: {run.err}")

    def count(self, what: str) -> None:
        """Count something that happened; from several threads."""
        with self._lock:
            self.counts[what] += 1

    def violate(self, what: str) -> None:
        self.violations.append(f"seed {self.seed}: {what}")


Make = Callable[[Killer, Path, str, str], Trial]


def trials(
    seeds: Sequence[str],
    folder: Path,
    make: Make,
    server: PostgreSQL | None = None,
    *,
    at_once: int = AT_ONCE,
    without: str = "",
    until_red: bool = False,
) -> Found:
    """Make a trial of each seed, several at once; `without` is a rule that is switched off.

    With `until_red` none is begun once there is a contradiction.
    """
    killer, over = Killer(), Event()

    def one(seed: str) -> Trial | None:
        if over.is_set():
            return None
        with tempfile.TemporaryDirectory(dir=folder) as own, place_for(own, server) as place:
            trial = make(killer, Path(own), place, seed)
            trial.without, trial.is_over = without, over.is_set
            try:
                trial.run()
            except Exception as error:  # noqa: BLE001 - a defect of the program or of the trial
                trial.violate(repr(error))
            if until_red and trial.violations:
                over.set()
            return trial

    return side_by_side(one, seeds, at_once)
