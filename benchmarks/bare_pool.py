"""The least a script can do for many balances: threads, one pool of connections, a GET each.

Usage: bare_pool.py requests|requests-no-environment|urllib3 URL JOBS FILE. FILE has a customer a
line; how many of them have a balance is printed.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HEADERS = {"Authorization": f"Bearer {os.environ['LOYALTY_CARD_API_KEY']}"}
TIMEOUT = 10


def requests_get(jobs: int, *, trust_env: bool) -> Callable[[str], Any]:
    """A GET through one session; with `trust_env` it reads the environment at each call."""
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.trust_env = trust_env
    session.mount("http://", HTTPAdapter(pool_maxsize=jobs))
    return lambda url: session.get(url, headers=HEADERS, timeout=TIMEOUT).json()


def urllib3_get(jobs: int) -> Callable[[str], Any]:
    """A GET through the library below requests."""
    import urllib3

    pool = urllib3.PoolManager(maxsize=jobs)
    return lambda url: pool.request("GET", url, headers=HEADERS, timeout=TIMEOUT).json()


KINDS: dict[str, Callable[[int], Callable[[str], Any]]] = {
    "requests": lambda jobs: requests_get(jobs, trust_env=True),
    "requests-no-environment": lambda jobs: requests_get(jobs, trust_env=False),
    "urllib3": urllib3_get,
}


def main() -> None:
    """Ask for every customer."""
    kind, base, number, file = sys.argv[1:]
    jobs = int(number)
    get = KINDS[kind](jobs)
    customers = Path(file).read_text().split()
    urls = [f"{base}/v2/customers/{customer}/rewards_balance" for customer in customers]
    with ThreadPoolExecutor(jobs) as pool:
        print(sum("reward_balance" in answer for answer in pool.map(get, urls)))


if __name__ == "__main__":
    main()
