"""Answers that are small on the wire and large in memory: a look-up stays small beside them."""

import gzip
import json
import subprocess
import sys
import zlib
from threading import Event
from typing import Any

import pytest

from loyalty_cli.model.strict_json import MAX_PARTS, decode
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.http_client import BODY_LIMIT_BYTES, HttpClient
from loyalty_cli.providers.contract import Request
from tests.conftest import Run
from tests.fakes.servers import (
    BALANCE,
    Answering,
    RawServer,
    Script,
    Wire,
    balance_of,
    profile_at,
    reply,
)
from tests.network.conftest import Card

TOGETHER = 8
MEBIBYTE = 1024 * 1024 if sys.platform == "darwin" else 1024  # in the unit of ru_maxrss
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


def bomb(mebibytes: int) -> bytes:
    """A gzip stream of zeros that is a thousandth of its size; its end is never reached."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, other = (
        packer.compress(bytes(1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    return first + other * (mebibytes - 1)


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
    "1 MiB of lists": filled("[]", BODY_LIMIT_BYTES - 100),
    "1 MiB of objects": filled('{"":{}}', BODY_LIMIT_BYTES - 100),
    "1 MiB of decimals": filled("1.0", BODY_LIMIT_BYTES - 100),
    "1 MiB of depth": b"[" * (BODY_LIMIT_BYTES // 2) + b"]" * (BODY_LIMIT_BYTES // 2),
    "lists, as many as may be": with_as_many_as_may_be("[]"),
    "objects, as many as may be": with_as_many_as_may_be('{"":{}}'),
    "decimals, as many as may be": with_as_many_as_may_be("1.5"),
    "an error of escapes": json.dumps({"type": "X", "message": "%25" * 300_000}).encode(),
}


PACKED = {"600 MiB of nothing": bomb(600)} | {name: gzip.compress(BOMBS[name]) for name in BOMBS}


@pytest.mark.parametrize("raw", [[], ["--raw"]], ids=["read", "raw"])
@pytest.mark.parametrize("name", PACKED)
def test_eight_oversized_answers_at_a_time_take_little_memory_and_time(
    name: str, raw: list[str], card: Card
) -> None:
    status = "400 No" if "error" in name else "200 OK"
    packed = reply(PACKED[name], status, "Content-Encoding: gzip")

    def first_balances(wire: Wire) -> None:
        while request := wire.request():
            wire.send(reply(balance_of(request)) if len(asked) < TOGETHER else packed)
            asked.append(name)

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
    assert code == (6 if "error" in name else 0 if raw and "may be" in name else 7)
    assert len(asked) == 2 * TOGETHER
    assert grown / MEBIBYTE < MOST_MEBIBYTES
    assert seconds < MOST_SECONDS


def test_an_answer_that_takes_too_long_to_parse_is_timed_out(
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
def test_the_json_of_an_answer_is_parsed_only_once(
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


# Bodies that are larger than any balance.


def endless(wire: Wire) -> None:
    wire.request()
    wire.send(reply(b"", length=64 * 1024 * 1024))
    for _ in range(64):
        wire.send(b" " * 1024 * 1024)


def one_huge_chunk(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n")
    wire.send_for_ever(b" " * 0x10000)


def endless_behind_a_redirect(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 302 Moved\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire.send_for_ever(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def gzip_bomb(wire: Wire) -> None:
    Answering(reply(bomb(512), "200 OK", "Content-Encoding: gzip"))(wire)


def gzip_bomb_in_a_gzip(wire: Wire) -> None:
    packed = gzip.compress(bomb(512))
    Answering(reply(packed, "200 OK", "Content-Encoding: gzip, gzip"))(wire)


@pytest.mark.parametrize(
    "script",
    [endless, endless_behind_a_redirect, one_huge_chunk, gzip_bomb, gzip_bomb_in_a_gzip],
)
def test_a_body_that_is_too_large_is_given_up_and_never_held_in_memory(
    script: Script, card: Card
) -> None:
    def first_a_balance(wire: Wire) -> None:
        if server.connections == 1:
            Answering()(wire)
        else:
            script(wire)

    with RawServer(first_a_balance) as server:
        card(server.url)
        done = subprocess.run(
            [*CHILD_OF_A_SHELL, sys.executable, "-c", MEASURED, "1"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

    code, grown, _ = json.loads(done.stderr.splitlines()[-1])
    assert code == 7
    assert '"bad_response"' in done.stdout
    assert "too large for a balance" in done.stdout
    assert server.connections == 2
    assert grown / MEBIBYTE < 8


def test_a_body_of_just_the_limit_is_read() -> None:
    body = b'"' + b"x" * (BODY_LIMIT_BYTES - 2) + b'"'
    with RawServer(Answering(reply(body))) as server:
        answer = HttpClient().read(profile_at(server.url), Request(("x",)), Deadline(30))

    assert answer.body == body
