"""Answers that are small on the wire and large in memory: a look-up stays small beside them."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from loyalty_cli.model.strict_json import MAX_PARTS, decode
from loyalty_cli.network.http_client import BODY_LIMIT_BYTES
from tests.conftest import Run
from tests.fakes.servers import BALANCE, Answering, RawServer, Wire, reply

Card = Callable[..., Path]

TOGETHER = 8
MOST_MEBIBYTES = 100
MOST_SECONDS = 10
"""Far above what eight such look-ups take on a slow machine, and far below what a bomb took."""

CHILD_OF_A_SHELL = ("sh", "-c", '"$@"; exit "$?"', "sh")
"""A process begins with the peak of the one that it was made from, which should be a small one."""

MEASURED = """
import json, resource, sys, time
from loyalty_cli import cli
customers = [f"C-{number}" for number in range(int(sys.argv[1]))]
cli.run(["balance", *customers, "-o", "json", *sys.argv[2:]])
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
code = cli.run(["balance", *customers, "-o", "json", *sys.argv[2:]])
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([code, grown, time.monotonic() - began]), file=sys.stderr)
"""


def filled(part: str, size: int) -> bytes:
    """A list of as many parts as go into so many bytes."""
    return f"[{','.join([part] * (size // (len(part.encode()) + 1)))}]".encode()


def with_as_many_as_may_be(part: str) -> bytes:
    """A body that is read: as large as it may be, with as many parts, four bytes a character."""
    number = (MAX_PARTS - 5) // (sum(map(part.count, "[{,:")) + 1)
    rest = "\U0001f600" + "x" * (BODY_LIMIT_BYTES - number * (len(part) + 1) - 20)
    return f'{{"a":"{rest}","b":[{",".join([part] * number)}]}}'.encode()


BOMBS = {
    "8 MiB of lists": filled("[]", 8 * BODY_LIMIT_BYTES),
    "8 MiB of objects": filled('{"":0}', 8 * BODY_LIMIT_BYTES),
    "600 MiB of nothing": bytes(600 * BODY_LIMIT_BYTES),
    "1 MiB of lists": filled("[]", BODY_LIMIT_BYTES - 100),
    "1 MiB of objects": filled('{"":{}}', BODY_LIMIT_BYTES - 100),
    "1 MiB of decimals": filled("1.0", BODY_LIMIT_BYTES - 100),
    "1 MiB of depth": b"[" * (BODY_LIMIT_BYTES // 2) + b"]" * (BODY_LIMIT_BYTES // 2),
    "lists, as many as may be": with_as_many_as_may_be("[]"),
    "objects, as many as may be": with_as_many_as_may_be('{"":{}}'),
    "decimals, as many as may be": with_as_many_as_may_be("1.5"),
    "an error of escapes": json.dumps({"type": "X", "message": "%25" * 300_000}).encode(),
}


@pytest.mark.parametrize("raw", [[], ["--raw"]], ids=["read", "raw"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_eight_bombs_at_a_time_take_little_memory_and_time(
    bomb: str, raw: list[str], card: Card
) -> None:
    status = "400 No" if "error" in bomb else "200 OK"
    packed = reply(gzip.compress(BOMBS[bomb]), status, "Content-Encoding: gzip")

    def first_balances(wire: Wire) -> None:
        while wire.request():
            wire.send(reply(BALANCE) if len(asked) < TOGETHER else packed)
            asked.append(bomb)

    asked: list[str] = []
    with RawServer(first_balances) as server:
        card(server.url)
        done = subprocess.run(
            [*CHILD_OF_A_SHELL, sys.executable, "-c", MEASURED, str(TOGETHER), *raw],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

    code, grown, seconds = json.loads(done.stderr.splitlines()[-1])
    assert code == (6 if "error" in bomb else 0 if raw and "may be" in bomb else 7)
    assert len(asked) == 2 * TOGETHER
    assert grown / (1024 * 1024 if sys.platform == "darwin" else 1024) < MOST_MEBIBYTES
    assert seconds < MOST_SECONDS


def test_what_takes_too_long_to_read_is_no_balance(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode_slowly(body: bytes) -> Any:
        Event().wait(0.6)
        return decode(body)

    monkeypatch.setattr("loyalty_cli.providers.contract.decode", decode_slowly)
    with RawServer(Answering()) as server:
        card(server.url, ", timeout: 0.5")
        done = loyalty("balance", "C-1", "-o", "json")

    assert (done.code, done.record["error"]["code"]) == (7, "timed_out")
    assert f"127.0.0.1:{server.port} did not answer within 0.5 s." in done.err


@pytest.mark.parametrize("status", ["200 OK", "400 No", "503 Busy"])
def test_an_answer_is_read_once(
    status: str, loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(body: bytes) -> Any:
        bodies.append(body)
        return decode(body)

    bodies: list[bytes] = []
    monkeypatch.setattr("loyalty_cli.providers.contract.decode", counted)
    with RawServer(Answering(reply(BALANCE, status, "Retry-After: 1000"))) as server:
        card(server.url)
        loyalty("balance", "C-1", "-o", "json")

    assert bodies == [BALANCE]
