"""Lists of look-ups that are killed at any moment, and gone on with: is anything lost or torn?

    python -m tests.proofs.kill_lookups [TRIALS] [--seed N]

A trial looks a list up into a file, at a platform that answers each customer alike whenever it is
asked, and knows what it answered. The program is killed somewhere on the way, or ended in good
order, once or more often, and each time --resume goes on. Whatever the platform answered must then
be in the file but for what was in flight, nothing in it may be torn but its end, nobody who is in
it may be asked again, and in the end it must be the file that an undisturbed run writes, with the
same exit code and the same words. CSV and JSON are whole whenever they are there. Exit code 1 for
any contradiction.
"""

import json
import random
import re
import signal
import sys
import tempfile
import time
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from urllib.parse import unquote

from loyalty_cli.lists.parallel import MAX_PENDING
from tests.fakes.servers import RawServer, Wire, header, reply
from tests.proofs.command import (
    Found,
    in_processes,
    parser,
    run_command,
    side_by_side,
    with_workers,
)
from tests.proofs.programs import Run, start

AT_ONCE = 4  # trials that a worker has in progress
RESUMES = 6  # how often a run is spoilt at most before it is left in peace
SLOWEST_SECONDS = 0.4
LONGEST = 1000  # characters of one contradiction

ODD = ("=1+1", "-5", "+5", "@x", "'=1+1", "a,b", 'say "hi"', "café", "積分", "o'neil", "\\n", "a;b")
WHEN = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MOODS = ("prompt", "uneven", "slow ones")
ENDINGS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

Key = tuple[str, str]
"""A profile, and a customer as the file shows it."""


class Log:
    """Whom a run asked for, and what was answered to it."""

    def __init__(self) -> None:
        self.asked: list[Key] = []
        self.answered: list[Key] = []


class TwoTenants:
    """Two SaaSquatch tenants that answer alike each time; the script of a RawServer.

    A run is known by its API key: what one sent that is dead by now may be read long after it.
    """

    def __init__(self, chance: random.Random, mood: str, slow: frozenset[str]) -> None:
        self.logs: defaultdict[str, Log] = defaultdict(Log)
        self._chance = chance
        self._mood = mood
        self._slow = slow
        self._lock = Lock()

    def __call__(self, wire: Wire) -> None:
        while request := wire.request():
            target = request.split(b" ", 2)[1].decode()
            tenant, customer = target.split("/")[3], unquote(target.partition("accountId=")[2])
            with self._lock:
                log = self.logs[header(request, "authorization") or ""]
                log.asked.append((tenant, customer))
                pause = self._pause(customer)
            wire.wait(pause)
            wire.send(_answer(customer))
            log.answered.append((tenant, customer))

    def _pause(self, customer: str) -> float:
        if self._mood == "uneven":
            return self._chance.expovariate(200)
        if self._mood == "slow ones" and customer in self._slow:
            return self._chance.uniform(0.1, SLOWEST_SECONDS)
        return 0.0


def _answer(customer: str) -> bytes:
    number = len(customer) + sum(customer.encode())
    if number % 7 == 0:
        failed = {"statusCode": 404, "message": f"no\n  {customer}", "rsCode": "RS041"}
        return reply(json.dumps(failed).encode(), "404 Not Found")
    credit = {"type": "CREDIT", "totalAssignedCredit": 1000 + number, "note": "caf\u00e9 \x7f"}
    lines = [
        {**credit, "unit": f"{each}\n  }}\n{customer}", "count": each, "totalRedeemedCredit": each}
        for each in range(number % 4)
    ]
    return reply(json.dumps(lines).encode())


def held(lines: bytes) -> list[Key]:
    """Whose records are whole in JSON Lines, told by nothing of ours.

    Raises ValueError where something is torn that is not its end.
    """
    whole = [line for line in lines.splitlines(keepends=True) if line.endswith(b"\n")]
    records = [json.loads(line) for line in whole]
    return [(record["profile"], record["customer"]) for record in records]


class Plan(NamedTuple):
    """What a trial looks up, and how."""

    customers: list[str]
    output: str
    jobs: int
    mood: str
    slow: frozenset[str]
    options: list[str]


def plan(chance: random.Random) -> Plan:
    size = chance.choice((1, 3, 12, 60, 60, 400))
    names = [chance.choice((chance.choice(ODD), *[f"C-{each}"] * 4)) for each in range(size)]
    customers = [name for name in names for _ in range(chance.choice((1, 1, 1, 1, 2)))]
    options: list[str] = []
    for option, likely in (
        (["--raw"], 0.3),
        (["--shard", "2/3"], 0.15),
        (["-p", "north", "-p", "south"], 0.3),
    ):
        options += option if chance.random() < likely else []
    if "--raw" not in options and chance.random() < 0.3:
        options.append("--summary")
    return Plan(
        customers,
        chance.choice(("jsonl", "json", "csv")),
        chance.choice((1, 3, 8, 8, 32)),
        chance.choice(MOODS),
        frozenset(chance.sample(customers, min(2, len(customers)))),
        options,
    )


class Trial:
    """One trial, from its own seed."""

    def __init__(self, folder: Path, seed: str) -> None:
        self._folder = folder
        self._seed = seed
        self._chance = random.Random(seed)
        self._plan = plan(self._chance)
        self._platform = TwoTenants(self._chance, self._plan.mood, self._plan.slow)
        self._file = folder / f"out.{self._plan.output}"
        is_lines = self._plan.output == "jsonl"
        self._working = self._file if is_lines else folder / f"{self._file.name}.partial"
        self._runs = 0
        self._answered: list[Key] = []
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []

    def run(self) -> None:
        """Make it; what it finds is in `counts` and `violations`."""
        lines = [json.dumps({"customer": customer}) for customer in self._plan.customers]
        (self._folder / "list").write_text("\n".join(lines))
        with RawServer(self._platform) as server:
            self._environment = _environment(self._folder, server.url)
            listed = self._folder / "listed.jsonl"
            self._start(listed).wait()
            self._expected = held(listed.read_bytes())
            began = time.monotonic()
            once = self._start(self._file)
            once.wait()
            self._lasts = time.monotonic() - began
            self._whole = self._file.read_bytes()
            self._file.unlink()
            for _ in range(self._chance.randint(1, RESUMES)):
                self._spoil()
            self._go_on(lambda run: run.wait())
            self._check_end(once)

    def _start(self, file: Path) -> Run:
        self._runs += 1
        key = f"key-{self._runs}"
        self._log = self._platform.logs["Basic " + b64encode(f":{key}".encode()).decode()]
        keys = {f"LOYALTY_{name}_API_KEY": key for name in ("NORTH", "SOUTH")}
        return start(
            self._folder,
            {**self._environment, **keys},
            *("balance", "--from", str(self._folder / "list"), "--jobs", str(self._plan.jobs)),
            *("--output-file", str(file), "--resume", *self._plan.options),
        )

    def _held(self) -> list[Key]:
        """Whose records are kept; a file other than JSON Lines is whole, or it is not there."""
        if self._plan.output != "jsonl" and self._file.exists():
            self._check_file()
            return self._expected
        return held(self._working.read_bytes()) if self._working.exists() else []

    def _check_file(self) -> None:
        if WHEN.sub(b"", self._file.read_bytes()) != WHEN.sub(b"", self._whole):
            self._violate(f"another file: {self._file.read_bytes()!r}")

    def _go_on(self, end: Callable[[Run], object]) -> Run:
        """Run it to whatever end, and hold what it asked for against what was there."""
        left = Counter(self._expected) - Counter(self._held())
        run = self._start(self._file)
        end(run)
        if more := Counter(self._log.asked) - left:
            self._violate(f"asked again: {more}")
        return run

    def _spoil(self) -> None:
        """Go on, and let something happen on the way."""
        before = self._held()
        was_there = (
            self._working.exists()
        )  # also empty, if a run was killed before its first record
        left = len(self._expected) - len(before)
        number = self._chance.choice(ENDINGS)
        run = self._go_on(lambda run: self._send(run, number, left))
        if run.code not in (-9, 128 + number):
            self.counts["ended before it"] += 1
            return
        self.counts[f"ended by {number.name}"] += 1
        try:
            there = self._held()
        except ValueError as error:
            self._violate(f"torn: {error}")
            return
        content = self._working.read_bytes() if self._working.exists() else b"}\n"
        is_whole = content.endswith(b"}\n") or (was_there and not content)
        if run.code != -9 and not is_whole:
            self._violate(f"it was ended in good order, and left {content[-200:]!r}")
        if not _is_part(there, self._expected):
            self._violate(f"in the file: {there}")
        self._count_lost(run, before, there)

    def _send(self, run: Run, number: signal.Signals, left: int) -> None:
        """Send it a signal, after some time or some answers; when it has begun, one it may heed."""
        if number == signal.SIGKILL and self._chance.random() < 0.5:
            run.is_running(self._chance.uniform(0, self._lasts))
        else:
            answers = self._chance.randint(0, left)
            log = self._log
            while (not log.asked or len(log.answered) < answers) and run.is_running(0.001):
                pass
            run.is_running(self._chance.expovariate(500))
        run.send(number)
        run.wait()
        self._answered = list(self._log.answered)

    def _count_lost(self, run: Run, before: Sequence[Key], there: Sequence[Key]) -> None:
        """Compare what is in the file with what was answered, and with what was in it before."""
        gone = Counter(before) - Counter(there)
        lost = Counter([*before, *self._answered]) - Counter(there) - gone
        has_gap = list(before) != self._expected[: len(before)]
        if gone and (run.code != -9 or not has_gap or gone.total() > MAX_PENDING):
            self._violate(f"gone: {gone}")
        if lost.total() > (MAX_PENDING if run.code == -9 else self._plan.jobs):
            self._violate(f"{lost.total()} answers were lost")

    def _check_end(self, once: Run) -> None:
        self._check_file()
        if self._plan.output == "csv" and "--summary" in self._plan.options:
            return  # which is refused where the file is finished
        run = self._go_on(lambda run: run.wait())
        if (run.code, run.out) != (once.code, once.out):
            self._violate(f"exit code {run.code} for {once.code}: {run.err}")
        if run.err.splitlines()[-1:] != once.err.splitlines()[-1:]:
            self._violate(f"said {run.err} for {once.err}")
        self._check_file()
        self.counts["records that were right in the end"] += len(self._expected)

    def _violate(self, what: str) -> None:
        self.violations.append(f"seed {self._seed}, {self._plan[1:]}: {what}"[:LONGEST])


def _is_part(some: Sequence[Key], of: Sequence[Key]) -> bool:
    """Whether some are in that order there."""
    left = iter(of)
    return all(any(each == other for other in left) for each in some)


def _environment(folder: Path, url: str) -> dict[str, str]:
    config = folder / "config.yaml"
    profiles = [
        f"  {name}: {{provider: saasquatch, tenant: {name}, base_url: '{url}', timeout: 20}}\n"
        for name in ("north", "south")
    ]
    config.write_text("".join(["default_profile: north\nprofiles:\n", *profiles]))
    config.chmod(0o600)
    return {
        "HOME": str(folder),
        "LOYALTY_CONFIG": str(config),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


def trials(seeds: Sequence[str], folder: Path) -> Found:
    def one(seed: str) -> Trial:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            trial = Trial(Path(own), seed)
            try:
                trial.run()
            except Exception as error:  # noqa: BLE001 - a defect of the program or of the trial
                trial.violations.append(f"seed {seed}: {error!r}")
            return trial

    return side_by_side(one, seeds, AT_ONCE)


if __name__ == "__main__":
    sys.exit(run_command(with_workers(parser(__doc__, trials=200)), partial(in_processes, trials)))
