"""What safety costs: debits with their journal beside bare POSTs, in one run.

Usage: debit.py [DEBITS [ROWS]]. One after the other: the median of a debit (300 unless told) less
that of a POST. As a file: ROWS debits (10,000 unless told) by the whole program, beside a bare loop
of POSTs over fresh connections with as many workers.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from web_server import web_server

from loyalty_cli.config.load import load
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credentials
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.lists.parallel import JOBS
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient

DEBITS = 300
ROWS = 10_000
MOST_MILLISECONDS = 5.0
LEAST_RATE = 1 / 3

BALANCE = (
    '[{"type": "CREDIT", "unit": "CENTS", "count": 1, "totalAssignedCredit": 1000000,'
    ' "totalRedeemedCredit": 0}]'
)
REDEEMED = '{"creditRedeemed": 1, "creditAvailable": 999999, "unit": "CENTS"}'
BODIES = {
    "/api/v1/acme/reward/balance": BALANCE,
    "/api/v1/acme/credit/bulkredeem": REDEEMED,
}
PROFILES = """
default_profile: referrals
profiles:
  referrals:
    provider: saasquatch
    tenant: acme
    base_url: "{url}"
    debit: {{allow: true, unit: CENTS}}
journal: journal.db
"""


def bare_post(url: str) -> Callable[[int], None]:
    """A POST over a connection of its own, as a script would send it."""

    def post(number: int) -> None:
        body = {"accountId": f"C-{number}", "unit": "CENTS", "amount": 1}
        answer = requests.post(
            f"{url}/api/v1/acme/credit/bulkredeem", json=body, auth=("", "made-up"), timeout=10
        )
        assert answer.json()["creditRedeemed"] == 1

    return post


def journalled(config: Path) -> Callable[[int], None]:
    """A debit as the program makes it: planned, looked at, claimed, sent, written down."""
    profile = load(config).profile("referrals")
    journal = open_journal(str(config.parent / "journal.db"), create=True)
    credentials = Credentials(os.environ, KeyringStore(), print)
    platforms = PlatformClient(HttpClient(), credentials, AccessTokens(KeyringStore()))
    debits = DebitSender(journal, platforms)

    def debit(number: int) -> None:
        order = DebitOrder(profile, f"C-{number}", "CENTS", 1, f"one-{number}")
        (entry,) = journal.plan([order.planned])
        settled = debits.run(order, entry)
        assert settled.error is None, settled.error

    return debit


def median_milliseconds(
    action: Callable[[int], None], other: Callable[[int], None], count: int
) -> float:
    """How much longer one action takes than another, the two taking turns."""
    times: dict[Callable[[int], None], list[float]] = {action: [], other: []}
    for number in range(-10, count):
        for each, taken in times.items():
            began = time.perf_counter()
            each(number)
            if number >= 0:
                taken.append(time.perf_counter() - began)
    mine, bare = (statistics.median(taken) * 1000 for taken in times.values())
    print(f"one debit {mine:.2f} ms, one bare POST {bare:.2f} ms (medians of {count})")
    return mine - bare


def bare_rate(post: Callable[[int], None], rows: int) -> float:
    """POSTs a second, with as many workers as the program has."""
    began = time.perf_counter()
    with ThreadPoolExecutor(JOBS) as pool:
        for _ in pool.map(post, range(rows)):
            pass
    return rows / (time.perf_counter() - began)


def file_rate(config: Path, rows: int) -> float:
    """Debits a second, the whole program from start to end."""
    file = config.with_name("debits.csv")
    lines = "".join(f"C-{number},1,many-{number}\n" for number in range(rows))
    file.write_text(f"customer,amount,reference\n{lines}")
    command = [Path(sys.executable).with_name("loyalty"), "debit", "--from", file, "-y"]
    began = time.perf_counter()
    done = subprocess.run([*command, "-o", "jsonl"], capture_output=True, check=True)
    took = time.perf_counter() - began
    assert done.stdout.count(b'"confirmed"') == rows
    return rows / took


def main() -> None:
    """Measure and print."""
    given = [int(argument) for argument in sys.argv[1:]]
    count, rows = [*given, *[DEBITS, ROWS][len(given) :]]
    with TemporaryDirectory() as folder, web_server(BODIES) as url:
        config = Path(folder) / "config.yaml"
        config.write_text(PROFILES.format(url=url))
        config.chmod(0o600)
        os.environ |= {"LOYALTY_CONFIG": str(config), "LOYALTY_REFERRALS_API_KEY": "made-up"}
        cost = median_milliseconds(journalled(config), bare_post(url), count)
        verdict = "within" if cost <= MOST_MILLISECONDS else "OVER"
        print(f"safety costs {cost:.2f} ms a debit at the median ({verdict} {MOST_MILLISECONDS})")
        bare = bare_rate(bare_post(url), rows)
        mine = file_rate(config, rows)
        print(f"a file of {rows}: {mine:.0f} debits/s, a bare loop {bare:.0f} POSTs/s")
        verdict = "within" if mine / bare >= LEAST_RATE else "UNDER"
        print(f"the file runs at {mine / bare:.2f} of the bare rate ({verdict} {LEAST_RATE:.2f})")


if __name__ == "__main__":
    main()
