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

import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.proofs.command import (
    Found,
    in_processes,
    parser,
    run_command,
    server_for,
    with_journals,
    with_workers,
)
from tests.proofs.neighbours import RandomTrial
from tests.proofs.trial import trials
from tests.proofs.without import RULES


def _trials(seeds: Sequence[str], folder: Path, journal: str, without: str) -> Found:
    make = partial(RandomTrial, retold=RULES[without].story) if without else RandomTrial
    with server_for(journal) as server:
        return trials(seeds, folder, make, server, without=without)


def _check(given: Namespace, folder: Path) -> Found:
    make = partial(_trials, journal=given.journal, without=given.without)
    return in_processes(make, given, folder)


def _rules() -> str:
    said = [f"  {name:20} {rule.says}" for name, rule in RULES.items()]
    return "\n".join(["rules (others have a schedule in test_planted_faults.py):", *said])


if __name__ == "__main__":
    options = with_workers(with_journals(parser(__doc__, trials=200, epilog=_rules())))
    options.add_argument("--without", choices=RULES, default="", metavar="RULE")
    sys.exit(run_command(options, _check))
