"""One deadline for a whole look-up, whatever the other side does with the time."""

import signal
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network import retry
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.providers.contract import Request
from tests.conftest import PROGRAM, Run
from tests.fakes.servers import (
    ELSEWHERE,
    PACE_SECONDS,
    Answering,
    Proxy,
    RawServer,
    Script,
    Wire,
    profile_at,
    reply,
)
from tests.network.conftest import Card, TimesOut, ends_in_time

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b'{"customer_id": "C-1", "reward_balance": 1, "reward_symbol": "points"}'
SLOW = {  # what comes at once, and what comes byte by byte
    "head": (b"", reply() * 10),
    "body": (reply(b"", length=9999), b" " * 9999),
    "chunks": (CHUNKED, b"1\r\n \r\n" * 9999),
    "headers": (HEAD, b"X: y\r\n" * 9999),
    "silence in the body": (reply(b"{", length=9999), b""),
    "silence behind a whole body": (HEAD + b"\r\n" + BODY, b""),
    "silence": (b"", b""),
}


def slow(case: str) -> Script:
    def script(wire: Wire) -> None:
        wire.request()
        at_once, byte_by_byte = SLOW[case]
        wire.send(at_once)
        wire.send_slowly(byte_by_byte)
        wire.stall()

    return script


def go_on_without_end(wire: Wire) -> None:
    wire.request()
    wire.send_for_ever(b"HTTP/1.1 100 Continue\r\n\r\n")


def chunks_as_fast_as_they_come(wire: Wire) -> None:
    wire.request()
    wire.send(CHUNKED)
    wire.send_for_ever(b"1;" + b"x" * 60_000 + b"\r\n \r\n")


def hello_byte_by_byte(wire: Wire) -> None:
    wire.sock.recv(4096)
    wire.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")  # a hello of 16 KiB
    wire.send_slowly(b"\x00" * 0x3FF0)


@pytest.mark.parametrize(
    "script",
    [*map(slow, SLOW), go_on_without_end, chunks_as_fast_as_they_come],
    ids=[*SLOW, "endless body", "quick chunks"],
)
def test_a_slow_server_is_left_at_the_deadline(script: Script, times_out: TimesOut) -> None:
    with RawServer(script) as server:
        assert times_out(server.url)

    assert server.connections == 1


# Behind TLS and proxies.


@pytest.mark.parametrize(
    ("script", "has_tls"),
    [
        (slow("silence"), False),
        (hello_byte_by_byte, False),
        *((slow(case), True) for case in ("silence", "head", "body")),
    ],
    ids=["silent handshake", "slow handshake", "silence", "head", "body"],
)
def test_a_slow_server_with_tls_is_left_at_the_deadline(
    script: Script, has_tls: bool, secure: ssl.SSLContext, trusting: str, times_out: TimesOut
) -> None:
    with RawServer(script, secure if has_tls else None) as server:
        assert times_out(server.url.replace("http:", "https:"), trusting)


def tunnel_head_byte_by_byte(wire: Wire) -> None:
    wire.request()
    wire.send_slowly(b"HTTP/1.1 200 Connection established" + b" and a very long phrase" * 99)


@pytest.mark.parametrize(
    "script", [slow("silence"), tunnel_head_byte_by_byte], ids=["silence", "byte by byte"]
)
def test_a_slow_proxy_is_left_at_the_deadline(
    script: Script,
    proxy_tls: ssl.SSLContext | None,
    trusting: str,
    times_out: TimesOut,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with RawServer(script, proxy_tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert times_out(f"https://{ELSEWHERE}", trusting)


@pytest.mark.parametrize(
    "script", [slow("silence"), hello_byte_by_byte], ids=["silence", "byte by byte"]
)
def test_a_slow_tls_handshake_through_a_tunnel_is_left_at_the_deadline(
    script: Script,
    proxy_tls: ssl.SSLContext | None,
    trusting: str,
    times_out: TimesOut,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Behind a proxy with TLS there is TLS in TLS, which reads a record in many pieces."""
    with RawServer(script) as server, RawServer(Proxy(), proxy_tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert times_out(server.at(ELSEWHERE).replace("http:", "https:"), trusting)

    assert proxy.connections == 1


# All that a look-up needs shares the one deadline.


def test_the_exchange_for_a_token_and_the_look_up_share_one_deadline(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of the two alone would have been in time."""
    token = reply(b'{"data": {"accessToken": "t-1", "ttlSeconds": 3600}}')

    def slowly(wire: Wire) -> None:
        while request := wire.request():
            asked.append(request[:4])
            wire.wait(0.6)
            wire.send(token if request.startswith(b"POST") else reply(b'{"mainPoints": 1}'))

    asked: list[bytes] = []
    monkeypatch.setenv("LOYALTY_CLUB_CLIENT_KEY", "key")
    monkeypatch.setenv("LOYALTY_CLUB_CLIENT_SECRET", "secret")
    with RawServer(slowly) as server:
        profile_file(
            "profiles:\n  club: {provider: capillary, auth: oauth,"
            f" base_url: '{server.url}', timeout: 1}}\n"
        )
        with ends_in_time():
            done = loyalty("balance", "C-1", "-p", "club", "-o", "json")

    assert done.record["error"]["code"] == "timed_out"
    assert asked == [b"POST", b"GET "]


def test_no_pause_before_a_retry_goes_beyond_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 1e9)
    pauses: list[float] = []
    script = Answering(reply(b"{}", "503 Busy"))
    with RawServer(script) as server:
        answer = HttpClient(sleep=pauses.append).read(
            profile_at(server.url), Request(("a",)), Deadline(30)
        )

    assert answer.status == 503
    assert (len(script.requests), pauses) == (1, [])


def test_a_later_attempt_has_only_the_time_that_the_earlier_ones_left(
    times_out: TimesOut,
) -> None:
    """The first is answered, with an error; the second is not."""

    def busy_then_silent(wire: Wire) -> None:
        asked.append(wire.request())
        if len(asked) == 1:
            wire.send(reply(b"{}", "503 Busy"))
            asked.append(wire.request())
        wire.stall()

    asked: list[bytes] = []
    with RawServer(busy_then_silent) as server:
        assert times_out(server.url)

    assert len(asked) == 2


def test_no_byte_is_sent_after_the_deadline() -> None:
    with RawServer(Answering()) as server, pytest.raises(LoyaltyError) as caught:
        HttpClient().read(profile_at(server.url), Request(("x",)), Deadline(-1))

    assert caught.value.code is ErrorCode.TIMED_OUT
    assert server.connections == 0


def test_a_server_that_is_slow_but_in_time_is_waited_for(loyalty: Run, card: Card) -> None:
    def slowly(wire: Wire) -> None:
        wire.request()
        wire.send_slowly(reply())

    with RawServer(slowly) as server:
        card(server.url, f", timeout: {len(reply()) * PACE_SECONDS + 20}")
        assert loyalty("balance", "C-1", "-o", "json").code == 0


@pytest.mark.parametrize(
    ("signal_number", "customers", "output"),
    [
        (signal.SIGINT, ["C-1", "C-2", "C-3"], "jsonl"),
        (signal.SIGINT, ["C-1"], "json"),
        (signal.SIGTERM, ["C-1"], "table"),
    ],
    ids=["SIGINT", "SIGINT with one customer", "SIGTERM"],
)
def test_a_signal_ends_the_program_while_it_waits(
    signal_number: signal.Signals, customers: list[str], output: str, card: Card
) -> None:
    asked = Event()

    def stall(wire: Wire) -> None:
        wire.request()
        asked.set()
        wire.stall()

    with RawServer(stall) as server:
        card(server.url, ", timeout: 600")
        process = subprocess.Popen(
            [PROGRAM, "balance", *customers, "-o", output],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            assert asked.wait(30)
            process.send_signal(signal_number)
            with ends_in_time():
                out, err = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()

    assert out == b""
    assert process.returncode == 128 + signal_number
    assert err == (b"Interrupted.\n" if signal_number is signal.SIGINT else b"")
