"""Trials at random: two files side by side, killed, with an impatient `reconcile` among them."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from tests.proofs.backups import KeepingTrial
from tests.proofs.killing import KILLED, Killer, how_it_ended
from tests.proofs.story import Keeping, Story, told


class RandomTrial(KeepingTrial):
    """A trial whose story is drawn from its seed, and then told as `retold` has it."""

    def __init__(
        self,
        killer: Killer,
        folder: Path,
        journal: str,
        seed: str,
        retold: Callable[[Story], Story] | None = None,
    ) -> None:
        self._retold = retold
        super().__init__(killer, folder, journal, seed)
        if self.story.keeping is Keeping.MEANWHILE:
            self.codes.add(3)  # of who opens the journal while it is being replaced

    def _told(self) -> Story:
        in_a_file = not self.journal.startswith("postgresql:")
        story = told(self.chance, in_a_file=in_a_file)
        return self._retold(story) if self._retold else story

    def _spoil(self) -> None:
        for turn in range(self.chance.choice((1, 1, 1, 2, 3))):
            commands = self.commands()
            with ThreadPoolExecutor(len(commands)) as pool:
                seeds = [f"{self.seed} {turn} {job}" for job in range(len(commands))]
                list(pool.map(self._spoil_one, seeds, commands, self.story.hosts))

    def _spoil_one(self, seed: str, command: list[str], host: str) -> None:
        chance = random.Random(seed)
        run = self.killer.spoil(chance, self.truth, self.installation, *command, host=host)
        self.count(f"debits {how_it_ended(run)}")
        self.expect(run, self.codes | KILLED)

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """Reconcile again and again meanwhile, and take backups, as the story says."""
        stop = Event()
        beside = [
            Thread(target=self._be_impatient, args=(stop, at)) for at in range(self.story.impatient)
        ]
        beside += [Thread(target=self.keep_on, args=(stop,))] * self.keeps_meanwhile()
        for thread in beside:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in beside:
                thread.join()

    def _be_impatient(self, stop: Event, number: int) -> None:
        chance = random.Random(f"{self.seed} impatient {number}")
        while not stop.is_set():
            if chance.random() < 0.2:
                run = self.killer.spoil(
                    chance, self.truth, self.installation, "journal", "reconcile"
                )
                self.count(f"reconcile {how_it_ended(run)}")
                self.expect(run, self.codes | KILLED)
            else:
                run = self.installation.finish("journal", "reconcile", "-o", "json")
                self.count("reconcile run in the middle")
                self.expect(run, self.codes)
            stop.wait(chance.uniform(0, 0.3))
