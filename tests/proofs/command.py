"""What the commands of the proofs share: their options, their workers, and what they print."""

import random
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.fakes.postgresql import PostgreSQL, running_postgresql


class Found(NamedTuple):
    """What came of trials: how often what happened, and every contradiction."""

    counts: Counter[str]
    violations: list[str]


class Tried(Protocol):
    """A trial, once it is over."""

    counts: Counter[str]
    violations: list[str]


def all_of(found: Sequence[Tried | Found]) -> Found:
    violations = [violation for each in found for violation in each.violations]
    return Found(sum((each.counts for each in found), Counter[str]()), violations)


def side_by_side(one: Callable[[str], Tried | None], seeds: Sequence[str], at_once: int) -> Found:
    """Make a trial of each seed, several at once."""
    with ThreadPoolExecutor(at_once) as pool:
        tried = [each for each in pool.map(one, seeds) if each is not None]
    done = all_of(tried)
    done.counts["trials"] += len(tried)
    return done


def in_processes(
    trials: Callable[[Sequence[str], Path], Found], given: Namespace, folder: Path
) -> Found:
    shares = [given.seeds[number :: given.workers] for number in range(given.workers)]
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        return all_of(list(pool.map(trials, shares, [folder] * given.workers)))


def server_for(journal: str) -> AbstractContextManager[PostgreSQL | None]:
    """The server of a kind of journal, if it needs one."""
    return running_postgresql() if journal == "postgresql" else nullcontext()


def parser(doc: str | None, trials: int = 0, epilog: str = "") -> ArgumentParser:
    """The options: for so many trials from a seed, or for every Nth of what there is to try."""
    options = ArgumentParser(
        prog=f"python -m tests.proofs.{Path(sys.argv[0]).stem}",
        description=doc,
        epilog=epilog,
        formatter_class=RawDescriptionHelpFormatter,
    )
    if trials:
        options.add_argument("trials", nargs="?", type=int, default=trials, metavar="TRIALS")
        options.add_argument("--seed", type=int, default=random.randrange(10**6))
    else:
        options.add_argument("--every", type=int, default=1, metavar="N", help="every Nth alone")
    return options


def with_journals(options: ArgumentParser) -> ArgumentParser:
    options.add_argument("--journal", choices=("sqlite", "postgresql"), default="sqlite")
    return options


def with_workers(options: ArgumentParser) -> ArgumentParser:
    options.add_argument("--workers", type=int, default=2, help="processes that make trials")
    return options


def run_command(options: ArgumentParser, check: Callable[[Any, Path], Found]) -> int:
    """Run from the command line, print what was found, and give the exit code."""
    given, say = options.parse_args(), sys.stdout.write
    say(", ".join(f"{name} {value}" for name, value in vars(given).items() if value) + "\n")
    sys.stdout.flush()
    if "trials" in given:
        given.seeds = [f"{given.seed}:{number}" for number in range(given.trials)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = check(given, Path(folder))
    seconds = time.monotonic() - began
    for name, number in sorted(found.counts.items()):
        say(f"{number:8} {name}\n")
    say(f"{len(found.violations):8} contradictions\n")
    say(f"{seconds:8.1f} s, {60 * found.counts['trials'] / seconds:.0f} trials a minute\n")
    for violation in found.violations[:20]:
        say(f"{violation}\n")
    return 1 if found.violations else 0
