"""The same file of debits, run by several processes at once: is each debit made once?

    python -m tests.proofs.two_processes [TRIALS] [--journal sqlite|postgresql] [--seed N]

With PostgreSQL each process is on a host of its own, as far as it can tell. Exit code 1 for any
contradiction between the platform, the journal, and what the processes print.
"""

import random
import sys
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from loyalty_cli.debits.journal.entries import State
from tests.fakes.postgresql import PostgreSQL
from tests.fakes.servers import RawServer
from tests.proofs.command import Found, parser, run_command, server_for, with_journals
from tests.proofs.programs import Run
from tests.proofs.shop import Row, Shop, place_for
from tests.proofs.truth_server import Mood, Truth

RERUNS = 20


def at_once(shop: Shop, truth: Truth, rows: list[Row], hosts: list[str]) -> Iterator[str]:
    """Run the same file in a process for each host, each debit of another account.

    Gives what is wrong with what comes of it.
    """
    command = shop.command(rows)
    runs = [shop.start(*command, host=each) for each in hosts]
    codes = [run.wait() for run in runs]
    if codes != [0] * len(hosts):
        yield f"exit codes {codes}: {[run.err for run in runs]}"
        return
    for row in rows:
        if truth.posts(row.customer, row.amount) != 1:
            yield f"{row}: sent {truth.posts(row.customer, row.amount)} times"
    yield from shop.contradictions(truth, rows)
    yield from _not_one_each(runs, rows)


def _not_one_each(runs: list[Run], rows: list[Row]) -> Iterator[str]:
    printed = [{record["reference"]: record for record in run.records} for run in runs]
    for row in rows:
        records = [each.get(row.reference) for each in printed]
        if any(record is None or record["state"] != "confirmed" for record in records):
            yield f"{row}: printed {records}"
            continue
        makers = [record for record in records if record and not record["replayed"]]
        if len(makers) != 1:
            yield f"{row}: made by {len(makers)} processes: {records}"
        if len({(record["at"], record["attempt"]) for record in records if record}) != 1:
            yield f"{row}: printed {records}"


def until_done(shop: Shop, truth: Truth, rows: list[Row], hosts: list[str]) -> Iterator[str]:
    """Run a file with several debits of an account again and again, until all are made."""
    command = shop.command(rows)
    for _ in range(RERUNS):
        runs = [shop.start(*command, host=each) for each in hosts]
        for run in runs:
            if run.wait() not in (0, 6, 7, 9):
                yield f"exit code {run.code}: {run.err}"
        yield from shop.contradictions(truth, rows)
        if all(run.code == 0 for run in runs):
            break
    left = [each for each in shop.entries() if each.state is not State.CONFIRMED]
    if left:
        yield f"after {RERUNS} runs: {left}"


def round_of(seed: str, server: PostgreSQL | None) -> list[str]:
    """One round, from its own seed."""
    chance = random.Random(seed)
    truth = Truth(lambda: chance.choice((Mood.PROMPT, Mood.SLOW)))
    number = chance.choice((2, 2, 3, 4))
    hosts = [f"host-{each}" if server else "" for each in range(number)]
    size = chance.choice((1, 5, 30))
    alone = chance.random() < 0.6
    rows = [
        Row(f"order-{each}", f"C-{each}" if alone else f"C-{each % 3}", 100 + each)
        for each in range(size)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        place_for(folder, server) as place,
        RawServer(truth) as platform,
    ):
        shop = Shop(Path(folder), platform.url, place)
        if shop.finish("journal", "init").code != 0:
            return ["there is no journal"]
        check = at_once if alone or size == 1 else until_done
        return [f"seed {seed}: {each}" for each in check(shop, truth, rows, hosts)]


def _check(given: Namespace, _: Path) -> Found:
    with server_for(given.journal) as server:
        violations = [each for seed in given.seeds for each in round_of(seed, server)]
    return Found(Counter(trials=given.trials), violations)


if __name__ == "__main__":
    sys.exit(run_command(with_journals(parser(__doc__, trials=50)), _check))
