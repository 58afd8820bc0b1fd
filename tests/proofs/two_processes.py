"""The same file of debits, run by several processes at once: is each debit made once?

    python -m tests.proofs.two_processes [TRIALS] [--journal sqlite|postgresql] [--seed N]

With PostgreSQL each process is on a host of its own, as far as it can tell. Exit code 1 for any
contradiction between the platform, the journal, and what the processes print.
"""

import sys
from argparse import Namespace
from pathlib import Path

from tests.proofs.command import Found, parser, run_command, server_for, with_journals
from tests.proofs.installation import Row
from tests.proofs.programs import Run
from tests.proofs.story import FINE, Story
from tests.proofs.trial import Trial, trials


class TogetherTrial(Trial):
    """Several processes that make the same file, and nothing goes wrong."""

    def _told(self) -> Story:
        number, size = self.chance.choice((2, 2, 3, 4)), self.chance.choice((1, 5, 30))
        customers = size if self.chance.random() < 0.6 else 3
        rows = tuple(Row(f"order-{n}", f"C-{n % customers}", 100 + n) for n in range(size))
        is_shared = self.journal.startswith("postgresql:")
        hosts = tuple(f"host-{each}" if is_shared else "" for each in range(number))
        return Story(jobs=(rows,) * number, hosts=hosts, moods=FINE)

    def _spoil(self) -> None:
        commands = zip(self.commands(), self.story.hosts, strict=True)
        runs = [self.installation.start(*command, host=host) for command, host in commands]
        if len({row.customer for row in self.rows()}) < len(self.rows()):
            for run in runs:  # an account with another open debit is busy
                self.expect(run, {0, 6, 7, 9})
            return
        for run in runs:
            self.expect(run, {0})
        for row in self.rows():
            if not self.violations:
                self._check_made_once(row, runs)

    def _check_made_once(self, row: Row, runs: list[Run]) -> None:
        if (posts := self.truth.posts(row.customer, row.amount)) != 1:
            self.violate(f"{row}: sent {posts} times")
        printed = [record for run in runs for record in run.records]
        records = [record for record in printed if record["reference"] == row.reference]
        if [record["state"] for record in records] != ["confirmed"] * len(runs):
            self.violate(f"{row}: printed {records}")
        elif sum(not record["replayed"] for record in records) != 1:
            self.violate(f"{row}: not made by one process: {records}")
        elif len({(record["at"], record["attempt"]) for record in records}) != 1:
            self.violate(f"{row}: printed {records}")


def _check(given: Namespace, folder: Path) -> Found:
    with server_for(given.journal) as server:
        return trials(given.seeds, folder, TogetherTrial, server, at_once=2)


if __name__ == "__main__":
    sys.exit(run_command(with_journals(parser(__doc__, trials=50)), _check))
