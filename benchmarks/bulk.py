"""Many look-ups by the whole program, beside bare pools, curl and xargs, in one run.

Usage: bulk.py [CUSTOMERS [ROUNDS [MANY]]]. Every contestant is a process, timed from start to end,
and its answers are counted. They take turns, so that what else the machine does hits all of them
alike; each rate is the median of ROUNDS (5 unless told) over CUSTOMERS (4,000 unless told, and a
quarter of them for xargs). Where answers come late, each worker asks for half of CUSTOMERS, so that
start-up, which counts there too, is little of it. Memory is compared between 1,000 customers
and MANY (200,000 unless told).
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any, NamedTuple

from late_server import late_server
from startup import BIN, PROFILES
from web_server import BALANCE, web_server

CUSTOMERS = 4_000
ROUNDS = 5
MANY = 200_000
FEW = 1_000
JOBS = 16
LATE_JOBS = (8, 32)
LATE_SECONDS = 0.05
MEBIBYTE = 1024**2 if sys.platform == "darwin" else 1024  # in the unit of ru_maxrss

LEAST_OF_BARE = 1.15
LEAST_OF_XARGS = 4.0
LEAST_OF_LATE = 0.97
MOST_MEBIBYTES = 10.0

PROGRAM = "loyalty balance --from"
REQUESTS = "requests"
NO_ENVIRONMENT = "requests-no-environment"
URLLIB3 = "urllib3"
XARGS = "xargs curl"

ADDRESS = "{url}/v2/customers/C-{{}}/rewards_balance"
CURL = ("curl", "--silent", "--fail", "--header", "Authorization: Bearer made-up")


class Contestant(NamedTuple):
    """A command line, how many customers it asks for, and what counts the answers it wrote."""

    command: Sequence[str | Path]
    customers: int
    answers: Callable[[Path], int]
    stdin: Path = Path(os.devnull)


class Run(NamedTuple):
    """Customers a second from start to end, and the peak of memory in MiB."""

    rate: float
    peak: float


class Course:
    """A server, and a folder with what the contestants need to ask it."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        config = folder / "config.yaml"
        config.write_text(PROFILES.format(url=url, journal="journal.db"))
        config.chmod(0o600)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LOYALTY_CONFIG": str(config),
            "LOYALTY_CARD_API_KEY": "made-up",
        }

    def program(self, customers: int, jobs: int) -> Contestant:
        """The whole program, with full records out."""
        file = self._list("C-{}", customers)
        return Contestant(
            [BIN / "loyalty", "balance", "--from", file, "-o", "jsonl", "--jobs", str(jobs)],
            customers,
            records,
        )

    def bare(self, kind: str, customers: int, jobs: int) -> Contestant:
        """A bare pool, which counts its answers itself."""
        file = self._list("C-{}", customers)
        script = Path(__file__).with_name("bare_pool.py")
        return Contestant(
            [sys.executable, script, kind, self._url, str(jobs), file],
            customers,
            lambda output: int(output.read_text()),
        )

    def curl(self, customers: int, jobs: int) -> Contestant:
        """One curl for all."""
        file = self._list(f'url = "{ADDRESS.format(url=self._url)}"', customers)
        return Contestant(
            [*CURL, "--parallel", "--parallel-max", str(jobs), "--config", file],
            customers,
            bodies,
        )

    def xargs(self, customers: int, jobs: int) -> Contestant:
        """A curl for each."""
        file = self._list(ADDRESS.format(url=self._url), customers)
        return Contestant(["xargs", f"-P{jobs}", "-n1", *CURL], customers, bodies, file)

    def run(self, contestant: Contestant) -> Run:
        """Time a contestant; exit where it did not bring every answer."""
        output, errors = self._folder / "output", self._folder / "errors"
        began = time.perf_counter()
        with (
            contestant.stdin.open("rb") as stdin,
            output.open("wb") as stdout,
            errors.open("wb") as stderr,
            subprocess.Popen(
                contestant.command,
                env=self._environment,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
            ) as process,
        ):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - began
        if process.returncode or contestant.answers(output) != contestant.customers:
            command = " ".join(map(str, contestant.command))
            raise SystemExit(f"{command} did not work:\n{errors.read_text()}")
        return Run(contestant.customers / took, usage.ru_maxrss / MEBIBYTE)

    def _list(self, line: str, customers: int) -> Path:
        with NamedTemporaryFile("w", dir=self._folder, delete=False) as file:
            file.writelines(f"{line.format(number)}\n" for number in range(customers))
        return Path(file.name)


def records(output: Path) -> int:
    """How many lines are the record of the customer whose turn it is."""
    with output.open() as lines:
        return sum(is_right(json.loads(line), f"C-{turn}") for turn, line in enumerate(lines))


def is_right(record: dict[str, Any], customer: str) -> bool:
    """Whether a record has this customer's balance."""
    available = [balance["available"] for balance in record["balances"]]
    return record["customer"] == customer and available == [120000] and record["error"] is None


def bodies(output: Path) -> int:
    """How many whole answers there are."""
    return output.read_bytes().count(BALANCE.encode())


def median_rates(course: Course, customers: int, rounds: int) -> dict[str, float]:
    """The customers a second of each contestant."""
    pools = (REQUESTS, NO_ENVIRONMENT, URLLIB3)
    contestants = {
        PROGRAM: course.program(customers, JOBS),
        **{kind: course.bare(kind, customers, JOBS) for kind in pools},
        "curl --parallel": course.curl(customers, JOBS),
        XARGS: course.xargs(customers // 4 or 1, JOBS),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(-1, rounds):
        for name, contestant in contestants.items():
            rate = course.run(contestant).rate
            if round_ >= 0:  # the first warms the disk's cache
                rates[name].append(rate)
    return {name: statistics.median(each) for name, each in rates.items()}


def compare_rates(course: Course, customers: int, rounds: int) -> None:
    """Measure against a server that answers at once, and print."""
    rates = median_rates(course, customers, rounds)
    print(f"{customers} customers, {JOBS} at a time, medians of {rounds} rounds:")
    for name, rate in rates.items():
        print(f"  {name:24} {rate:6.0f}/s")
    better = max(REQUESTS, NO_ENVIRONMENT, key=rates.__getitem__)
    for name, least in ((better, LEAST_OF_BARE), (XARGS, LEAST_OF_XARGS)):
        ratio = rates[PROGRAM] / rates[name]
        print(f"{PROGRAM} makes {ratio:.2f} of the rate of {name} ({at_least(ratio, least)})")
    for name in (REQUESTS, NO_ENVIRONMENT, PROGRAM):
        print(f"{name} makes {rates[name] / rates[URLLIB3]:.2f} of the rate of {URLLIB3}")


def compare_late(course: Course, turns: int) -> None:
    """Measure against a server that answers late, and print.

    The bare pool shows how much of the full rate server and machine let anyone reach.
    """
    for jobs in LATE_JOBS:
        full = jobs / LATE_SECONDS
        mine = course.run(course.program(jobs * turns, jobs)).rate / full
        bare = course.run(course.bare(URLLIB3, jobs * turns, jobs)).rate / full
        print(
            f"answers after {LATE_SECONDS * 1000:.0f} ms, {jobs} at a time: {PROGRAM} makes"
            f" {mine:.3f} of {full:.0f}/s ({at_least(mine, LEAST_OF_LATE)}), {URLLIB3} {bare:.3f}"
        )


def compare_memory(course: Course, many: int) -> None:
    """Measure how much more memory many customers take than a few, and print."""
    few_peak, many_peak = (
        course.run(course.program(customers, JOBS)).peak for customers in (FEW, many)
    )
    # A new process begins with the peak of the one that starts it, as far as getrusage knows.
    assert few_peak > getrusage(RUSAGE_SELF).ru_maxrss / MEBIBYTE
    grown = many_peak - few_peak
    verdict = "within" if grown <= MOST_MEBIBYTES else "OVER"
    print(
        f"{FEW} customers take {few_peak:.1f} MiB, {many} {many_peak:.1f} MiB:"
        f" {grown:.1f} more ({verdict} {MOST_MEBIBYTES})"
    )


def at_least(value: float, least: float) -> str:
    """The verdict on a value that must not be less."""
    return f"{'within' if value >= least else 'UNDER'} {least:.2f}"


def main() -> None:
    """Measure and print."""
    given = [int(argument) for argument in sys.argv[1:]]
    customers, rounds, many = [*given, *[CUSTOMERS, ROUNDS, MANY][len(given) :]]
    for tool in ("curl", "xargs"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is missing; install it first")
    with TemporaryDirectory() as folder:
        with web_server() as url:
            course = Course(Path(folder), url)
            compare_rates(course, customers, rounds)
            compare_memory(course, many)
        with late_server(LATE_SECONDS) as url:
            compare_late(Course(Path(folder), url), customers // 2 or 1)


if __name__ == "__main__":
    main()
