"""Debits that are killed at any moment, and then run again: is anyone debited twice?

    python -m tests.proofs.kill [TRIALS] [--journal sqlite|postgresql] [--seed N] [--without RULE]

A trial makes one debit, or files of them side by side, at a platform that knows the truth. The
programs are killed somewhere on the way, once or more often, with an impatient `reconcile` among
them; the same is run again; then `loyalty journal reconcile` is run until it has nothing left to
settle, and is killed, too, now and then. Meanwhile the journal's file is backed up, copied, lost
and restored. At every step the journal is held against the truth.
Exit code 1 for any contradiction.

`--without` switches off one rule that keeps a debit from being made twice, in trials where it is
needed most: contradictions must come of it.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.fakes.postgresql import running_postgresql
from tests.proofs.neighbours import RandomTrial, as_it_is
from tests.proofs.trial import Found, report, trials
from tests.proofs.without import PLANTED, RULES


def _worker(seeds: list[str], journal: str, folder: Path, without: str) -> Found:
    with ExitStack() as stack:
        server = stack.enter_context(running_postgresql()) if journal == "postgresql" else None
        retold = RULES[without].story if without else as_it_is
        make = partial(RandomTrial, retold=retold)
        return trials(seeds, folder, make, server, without=without)


def _rules() -> str:
    said = [f"  {name:20} {rule.says}" for name, rule in RULES.items()]
    planted = [f"  {name:20} {says}" for name, says in PLANTED.items()]
    return "\n".join(
        ["rules:", *said, "", "shown by tests/proofs/test_planted_faults.py alone:", *planted]
    )


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.proofs.kill",
        description=__doc__,
        epilog=_rules(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("trials", nargs="?", type=int, default=200, metavar="TRIALS")
    parser.add_argument("--journal", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--workers", type=int, default=2, help="processes that make trials")
    parser.add_argument("--without", choices=RULES, default="", metavar="RULE")
    given = parser.parse_args()
    seeds = [f"{given.seed}:{number}" for number in range(given.trials)]
    began = time.monotonic()
    rule = f", without {given.without}" if given.without else ""
    sys.stdout.write(f"{given.trials} trials on {given.journal}, seed {given.seed}{rule}\n")
    sys.stdout.flush()
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(given.workers, get_context("spawn")) as pool,
    ):
        shares = [seeds[number :: given.workers] for number in range(given.workers)]
        same = ([given.journal], [Path(folder)], [given.without])
        found: list[Any] = list(pool.map(_worker, shares, *(each * len(shares) for each in same)))
    counts = sum((each.counts for each in found), Counter[str]())
    violations = [violation for each in found for violation in each.violations]
    return report(Found(counts, violations), time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
