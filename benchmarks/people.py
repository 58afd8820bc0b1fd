"""What a person's key costs: `balance -P` beside the same look-up by identifier, in one run.

Usage: people.py [PEOPLE [ROUNDS]]. Imports PEOPLE (a million unless told), and says how much memory
that takes, beside an import of a thousand. Then both commands take turns, for other people in each
round; the ratio is that of their medians (40 rounds unless told).
"""

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from web_server import BALANCE, web_server

PEOPLE = 1_000_000
FEW = 1000
ROUNDS = 40
MOST = 1.3
"""How many times as long as by identifier a look-up by person may take."""

BIN = Path(sys.executable).parent
PROFILES = """
default_profile: card
profiles:
  card: {{provider: imprint, base_url: "{url}"}}
  points: {{provider: gameball}}
  referrals: {{provider: saasquatch, tenant: acme}}
people: {people}.db
"""


def write_people(path: Path, people: int) -> None:
    """Write a file of people who have an identifier at each profile."""
    with path.open("w") as file:
        file.write("person,name,card,points,referrals\n")
        for number in range(people):
            file.write(f"p{number}@example.com,Name {number},c{number},g{number},s{number}\n")


def timed(command: Sequence[str | Path], output: str, environment: Mapping[str, str]) -> float:
    """Run a command, and return its seconds; exit if it did not do its work."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    took = time.perf_counter() - began
    if output not in done.stdout + done.stderr:
        raise SystemExit(f"{command} did not work:\n{done.stdout}{done.stderr}")
    return took


def import_memory(path: Path, people: int, environment: Mapping[str, str]) -> int:
    """Import people, say how long that took, and return the most memory, in KiB."""
    write_people(path, people)
    watched = (
        "import os, resource, subprocess, sys\n"
        "code = subprocess.call(sys.argv[1:])\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(code)\n"
    )
    command = [sys.executable, "-c", watched, BIN / "loyalty", "people", "import", path]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    print(f"  {people} people: {people / (time.perf_counter() - began):.0f} a second")
    return int(done.stdout)


def main() -> None:
    """Measure and print."""
    people, rounds = [*map(int, sys.argv[1:]), *(PEOPLE, ROUNDS)[len(sys.argv) - 1 :]]
    loyalty = BIN / "loyalty"
    with TemporaryDirectory() as home, web_server({"/": BALANCE}) as url:
        config = Path(home) / "config.yaml"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "LOYALTY_CONFIG": str(config),
            "LOYALTY_CARD_API_KEY": "made-up",
        }
        memory = []
        for number in (FEW, people):
            config.write_text(PROFILES.format(url=url, people=number))
            config.chmod(0o600)
            memory.append(import_memory(Path(home) / "people.csv", number, environment))
        times: dict[str, list[float]] = {"by person": [], "by identifier": []}
        for _ in range(rounds):
            chosen = random.randrange(people)  # noqa: S311 - no secret
            whom = {"by person": ["-P", f"p{chosen}@example.com"], "by identifier": [f"c{chosen}"]}
            for name, who in whom.items():
                command = [loyalty, "balance", *who, "-p", "card", "-o", "json"]
                times[name].append(timed(command, "120000", environment))
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name, seconds in medians.items():
        print(f"  {name:24} {seconds * 1000:6.1f} ms")
    print(f"the import of {people} takes {memory[1] / memory[0]:.2f} times the memory of {FEW}")
    ratio = medians["by person"] / medians["by identifier"]
    verdict = "within" if ratio <= MOST else "OVER"
    print(f"a look-up by person takes {ratio:.2f} times as long ({verdict} {MOST})")


if __name__ == "__main__":
    main()
