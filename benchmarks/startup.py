"""How long a whole process takes, start to end, as ratios to a bare script in the same run.

Usage: startup.py [ROUNDS]. The commands take turns, so that what else the machine does hits all of
them alike; each figure is the median of its rounds (40 unless told).
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from debit import BODIES
from web_server import BALANCE, web_server

ROUNDS = 40
BIN = Path(sys.executable).parent
HTTPIE = BIN.parent / "bench" / "bin" / "http"

PROFILES = """
default_profile: card
profiles:
  card: {{provider: imprint, base_url: "{url}"}}
  referrals:
    provider: saasquatch
    tenant: acme
    base_url: "{url}"
    debit: {{allow: true, unit: CENTS}}
journal: {journal}
"""


class Contestant(NamedTuple):
    """A command line, what its output must hold, and what it adds to the environment.

    `{round}` in the command line is the number of the round.
    """

    command: Sequence[str | Path]
    output: str
    environment: Mapping[str, str] = {}


class Bound(NamedTuple):
    """What is promised: this many times as long as that one, at the most."""

    name: str
    to: str
    limit: float


BOUNDS = (
    Bound("loyalty balance -o json", "bare script", 1.3),
    Bound("loyalty balance -o json", "HTTPie", 0.7),
    Bound("loyalty journal list", "bare script", 2.0),
    Bound("loyalty debit", "bare script", 2.0),
    Bound("loyalty --version", "bare script", 0.7),
    Bound("TAB completion", "bare script", 0.7),
)


def contestants(url: str) -> dict[str, Contestant]:
    """The bare script, HTTPie, and commands of this program."""
    loyalty = BIN / "loyalty"
    tab = {"_LOYALTY_COMPLETE": "bash"}
    bare = Path(__file__).with_name("bare.py")
    debit = ["debit", "C-1", "1", "-p", "referrals", "--reference", "one-{round}", "-y"]
    httpie = [HTTPIE, "--ignore-stdin", f"{url}/v2/customers/C-1001/rewards_balance"]
    return {
        "bare script": Contestant([sys.executable, bare, url], "120000"),
        "HTTPie": Contestant(httpie, "120000"),
        "loyalty balance -o json": Contestant(
            [loyalty, "balance", "C-1001", "-o", "json"], "120000"
        ),
        "loyalty journal list": Contestant([loyalty, "journal", "list", "-o", "json"], "["),
        "loyalty debit": Contestant([loyalty, *debit, "-o", "json"], '"confirmed"'),
        "loyalty --version": Contestant([loyalty, "--version"], "loyalty"),
        "TAB completion": Contestant([loyalty, "", "loyalty balance C-1001 -p "], "card", tab),
    }


def run_once(contestant: Contestant, round_: int, environment: Mapping[str, str]) -> float:
    """Run a command, and return the seconds it took; exit if it did not do its work."""
    command = [str(part).replace("{round}", str(round_)) for part in contestant.command]
    began = time.perf_counter()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**environment, **contestant.environment},
    )
    took = time.perf_counter() - began
    if contestant.output not in done.stdout:
        raise SystemExit(f"{command} did not work:\n{done.stdout}{done.stderr}")
    return took


def measure(rounds: int, say: Callable[[str], None]) -> dict[str, float]:
    """The median seconds of each contestant."""
    with TemporaryDirectory() as home, web_server({**BODIES, "/": BALANCE}) as url:
        config = Path(home) / "config.yaml"
        config.write_text(PROFILES.format(url=url, journal=Path(home) / "journal.db"))
        config.chmod(0o600)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "LOYALTY_CONFIG": str(config),
            "LOYALTY_CARD_API_KEY": "made-up",
            "LOYALTY_REFERRALS_API_KEY": "made-up",
        }
        subprocess.run([BIN / "loyalty", "journal", "init"], env=environment, check=True)
        times: dict[str, list[float]] = {name: [] for name in contestants(url)}
        for round_ in range(-1, rounds):
            for name, contestant in contestants(url).items():
                took = run_once(contestant, round_, environment)
                if round_ >= 0:  # the first warms the disk's cache
                    times[name].append(took)
        say(f"{rounds} rounds, medians:")
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    """Measure and print."""
    if not HTTPIE.exists():
        raise SystemExit("HTTPie is missing; `make bench` installs it")
    medians = measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS, print)
    for name, seconds in medians.items():
        print(f"  {name:24} {seconds * 1000:6.1f} ms")
    for name, to, limit in BOUNDS:
        ratio = medians[name] / medians[to]
        verdict = "within" if ratio <= limit else "OVER"
        print(f"{name} takes {ratio:.2f} times as long as {to} ({verdict} {limit})")


if __name__ == "__main__":
    main()
