"""The same file of debits, run by several processes at once: is each debit made once?

    python -m tests.proofs.two_processes [ROUNDS] [--journal sqlite|postgresql] [--seed N]

With PostgreSQL each process is on a host of its own, as far as it can tell. Exit code 1 for any
contradiction between the platform, the journal, and what the processes print.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from loyalty_cli.debits.journal.entries import State
from tests.fakes.postgresql import PostgreSQL, running_postgresql
from tests.fakes.servers import RawServer
from tests.proofs.programs import Programs, Run
from tests.proofs.shop import Row, Shop, place_for
from tests.proofs.truth_server import Mood, Truth

RERUNS = 20


def at_once(
    programs: Programs, shop: Shop, truth: Truth, rows: list[Row], hosts: list[str]
) -> Iterator[str]:
    """Run the same file in a process for each host, each debit of another account.

    Gives what is wrong with what comes of it.
    """
    command = shop.command(rows)
    runs = [programs.start(shop.folder, shop.environment, *command, host=each) for each in hosts]
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


def until_done(
    programs: Programs, shop: Shop, truth: Truth, rows: list[Row], hosts: list[str]
) -> Iterator[str]:
    """Run a file with several debits of an account again and again, until all are made."""
    command = shop.command(rows)
    for _ in range(RERUNS):
        runs = [programs.start(shop.folder, shop.environment, *command, host=x) for x in hosts]
        for run in runs:
            if run.wait() not in (0, 6, 7, 9):
                yield f"exit code {run.code}: {run.err}"
        yield from shop.contradictions(truth, rows)
        if all(run.code == 0 for run in runs):
            break
    left = [each for each in shop.entries() if each.state is not State.CONFIRMED]
    if left:
        yield f"after {RERUNS} runs: {left}"


def round_of(seed: str, programs: Programs, server: PostgreSQL | None) -> list[str]:
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
        if programs.run(shop.folder, shop.environment, "journal", "init").code != 0:
            return ["there is no journal"]
        check = at_once if alone or size == 1 else until_done
        return [f"seed {seed}: {each}" for each in check(programs, shop, truth, rows, hosts)]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.two_processes")
    parser.add_argument("rounds", nargs="?", type=int, default=50, metavar="ROUNDS")
    parser.add_argument("--journal", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    began = time.monotonic()
    violations: list[str] = []
    with ExitStack() as stack:
        programs = stack.enter_context(Programs())
        postgresql = given.journal == "postgresql"
        server = stack.enter_context(running_postgresql()) if postgresql else None
        for number in range(given.rounds):
            violations += round_of(f"{given.seed}:{number}", programs, server)
    sys.stdout.write(
        f"{given.rounds} rounds on {given.journal}, seed {given.seed}: {len(violations)}"
        f" contradictions, {time.monotonic() - began:.1f} s\n"
    )
    for violation in violations[:20]:
        sys.stdout.write(f"{violation}\n")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
