"""One deadline for a whole call, whatever the other side does with the time."""

import signal
import socket
import ssl
import subprocess
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import trustme

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network import deadline
from loyalty_cli.network import http_client as http
from loyalty_cli.network.deadline import Call, Deadline, connect, watched
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.providers.contract import Request
from tests.conftest import PROGRAM, Outcome, Run
from tests.fakes.servers import (
    ELSEWHERE,
    PACE,
    Answering,
    Proxy,
    RawServer,
    Script,
    Wire,
    profile_at,
    reply,
)

Card = Callable[..., Path]

TIMEOUT = 0.5
LATE = 5.0
"""Seconds after which a look-up of 0.5 s has plainly not ended at its deadline."""


@contextmanager
def ends_in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LATE


def look_up(loyalty: Run, card: Card, url: str) -> Outcome:
    card(url, f", timeout: {TIMEOUT}")
    with ends_in_time():
        return loyalty("balance", "C-1", "-o", "json")


def timed_out(done: Outcome) -> bool:
    return (done.code, done.record["error"]["code"]) == (7, "timed_out")


def head_byte_by_byte(wire: Wire) -> None:
    wire.request()
    wire.send_slowly(reply() * 10)


def body_byte_by_byte(wire: Wire) -> None:
    wire.request()
    wire.send(reply(b"", length=9999))
    wire.send_slowly(b" " * 9999)


def body_byte_by_byte_until_the_end(wire: Wire) -> None:
    wire.request()
    wire.send(b'HTTP/1.1 200 OK\r\n\r\n{"reward_balance": 1, "reward_symbol": "points"}')
    wire.send_slowly(b" " * 9999)


def chunks_without_end(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire.send_slowly(b"1\r\n \r\n" * 9999)


def chunk_size_without_end(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire.send_slowly(b"0" * 9999)


def silence(wire: Wire) -> None:
    wire.stall()


def silence_in_the_body(wire: Wire) -> None:
    wire.request()
    wire.send(reply(b"{", length=9999))
    wire.stall()


def headers_without_end(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\n")
    wire.send_slowly(b"X: y\r\n" * 9999)


def go_on_without_end(wire: Wire) -> None:
    wire.request()
    wire.send_for_ever(b"HTTP/1.1 100 Continue\r\n\r\n")


def one_header_without_end(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\nX: ")
    wire.send_slowly(b"y" * 9999)


@pytest.mark.parametrize(
    "script",
    [
        head_byte_by_byte,
        body_byte_by_byte,
        body_byte_by_byte_until_the_end,
        chunks_without_end,
        chunk_size_without_end,
        silence,
        silence_in_the_body,
        headers_without_end,
        go_on_without_end,
        one_header_without_end,
    ],
)
def test_a_server_that_takes_its_time_is_left_at_the_deadline(
    script: Script, loyalty: Run, card: Card
) -> None:
    with RawServer(script) as server:
        done = look_up(loyalty, card, server.url)

    assert timed_out(done)
    assert done.record["error"]["message"] == (
        f"Imprint at 127.0.0.1:{server.port} did not answer within 0.5 s."
    )
    assert server.connections <= 1


def test_what_was_cut_off_at_the_deadline_is_never_taken_for_a_whole_body(
    loyalty: Run, card: Card
) -> None:
    def half(wire: Wire) -> None:
        wire.request()
        wire.send(b'HTTP/1.1 200 OK\r\n\r\n{"reward_balance": 1, "reward_symbol": "points"}')
        wire.stall()

    with RawServer(half) as server:
        done = look_up(loyalty, card, server.url)

    assert timed_out(done)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path) -> str:
    """What a profile needs to trust the test's authority."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return f", timeout: {TIMEOUT}, ca_bundle: '{path}'"


def test_a_server_that_stalls_in_the_tls_handshake_is_left_at_the_deadline(
    loyalty: Run, card: Card
) -> None:
    with RawServer(silence) as server:
        done = look_up(loyalty, card, server.url.replace("http:", "https:"))

    assert timed_out(done)


def test_a_tls_handshake_that_comes_byte_by_byte_is_left_at_the_deadline(
    loyalty: Run, card: Card
) -> None:
    def record_byte_by_byte(wire: Wire) -> None:
        wire.sock.recv(4096)
        wire.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")  # a hello of 16 KiB
        wire.send_slowly(b"\x00" * 0x3FF0)

    with RawServer(record_byte_by_byte) as server:
        done = look_up(loyalty, card, server.url.replace("http:", "https:"))

    assert timed_out(done)


@pytest.mark.parametrize("script", [silence, body_byte_by_byte, head_byte_by_byte])
def test_the_deadline_holds_behind_tls(
    script: Script,
    server_tls: ssl.SSLContext,
    trusting: str,
    loyalty: Run,
    card: Card,
) -> None:
    with RawServer(script, server_tls) as server:
        card(server.url, trusting)
        with ends_in_time():
            done = loyalty("balance", "C-1", "-o", "json")

    assert timed_out(done)


@pytest.mark.parametrize("script", [silence, head_byte_by_byte])
def test_a_proxy_that_stalls_on_connect_is_left_at_the_deadline(
    script: Script, loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_answer(wire: Wire) -> None:
        wire.request()
        wire.send_slowly(b"HTTP/1.1 200 Connection established and a very long phrase")
        wire.stall()

    with RawServer(slow_answer if script is head_byte_by_byte else script) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        done = look_up(loyalty, card, "https://platform.invalid")

    assert timed_out(done)


def test_a_tls_handshake_that_stalls_behind_a_slow_tunnel_gets_no_time_of_its_own(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(silence) as server, RawServer(Proxy()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        done = look_up(loyalty, card, server.at(ELSEWHERE).replace("http:", "https:"))

    assert timed_out(done)
    assert server.connections == proxy.connections == 1


@pytest.fixture
def hanging_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver that does not answer before the test is over."""
    over = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and [])
    yield
    over.set()


@pytest.mark.usefixtures("hanging_names")
def test_a_name_that_is_looked_up_for_ever_is_left_at_the_deadline(
    loyalty: Run, card: Card
) -> None:
    assert timed_out(look_up(loyalty, card, "https://platform.invalid"))


def test_a_name_nobody_knows_is_an_error_that_says_so(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(http, "FIRST_PAUSE_SECONDS", 0.0)

    done = look_up(loyalty, card, "https://platform.invalid")

    assert (done.code, done.record["error"]["code"]) == (7, "unreachable")
    assert "its name is not known (Name or service not known)" in done.record["error"]["message"]


def test_a_name_that_cannot_be_one_is_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise UnicodeError("label too long")

    monkeypatch.setattr(socket, "getaddrinfo", broken)

    with pytest.raises(socket.gaierror):
        connect("x" * 64, 443, lambda: 5.0)


@contextmanager
def addresses_that_hang(count: int) -> Iterator[list[Any]]:
    """Addresses whose connection is never made: nobody accepts, and the queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        try:
            yield [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * count
        finally:
            for each in waiting:
                each.close()


def test_several_addresses_that_all_hang_share_the_deadline(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    with addresses_that_hang(5) as found:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        done = look_up(loyalty, card, "https://platform.invalid")

    assert timed_out(done)


def test_an_address_that_hangs_leaves_time_for_the_next(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(Answering()) as server, addresses_that_hang(1) as hanging:
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*hanging, good])
        card(server.url, ", timeout: 3")
        done = loyalty("balance", "C-1", "-o", "json")

    assert done.code == 0


def test_an_address_that_refuses_is_passed_over_at_once(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(Answering()) as server, socket.create_server(("127.0.0.1", 0)) as gone:
        refusing = (socket.AF_INET, socket.SOCK_STREAM, 6, "", gone.getsockname())
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
        gone.close()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [refusing, good])
        card(server.url)
        done = loyalty("balance", "C-1", "-o", "json")

    assert done.code == 0


def test_a_host_without_an_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])

    with pytest.raises(OSError, match="has no address"):
        connect("platform.invalid", 443, lambda: 5.0)


def test_sign_in_and_read_share_the_one_deadline(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of the two alone would have been in time."""
    token = reply(b'{"data": {"accessToken": "t-1", "ttlSeconds": 3600}}')

    def slow(wire: Wire) -> None:
        while request := wire.request():
            is_sign_in = request.startswith(b"POST")
            asked.append("token" if is_sign_in else "balance")
            answer = token if is_sign_in else reply(b'{"mainPoints": 1}')
            wire.wait(1.2)
            wire.send(answer)

    asked: list[str] = []
    monkeypatch.setenv("LOYALTY_CLUB_CLIENT_KEY", "key")
    monkeypatch.setenv("LOYALTY_CLUB_CLIENT_SECRET", "secret")
    with RawServer(slow) as server:
        profile_file(
            "profiles:\n  club: {provider: capillary, auth: oauth,"
            f" base_url: '{server.url}', timeout: 2}}\n"
        )
        with ends_in_time():
            done = loyalty("balance", "C-1", "-p", "club", "-o", "json")

    assert timed_out(done)
    assert asked == ["token", "balance"]


def test_no_pause_goes_beyond_the_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_PAUSE_SECONDS", 1e9)
    pauses: list[float] = []
    script = Answering(reply(b"{}", "503 Busy"))
    with RawServer(script) as server:
        answer = HttpClient(sleep=pauses.append).read(
            profile_at(server.url), Request(("a",)), lambda _: False, Deadline(30)
        )

    assert answer.status == 503
    assert (len(script.requests), pauses) == (1, [])


def test_a_later_try_has_what_the_earlier_ones_left(loyalty: Run, card: Card) -> None:
    """The first is answered, with an error; the second is not."""
    tries = 0

    def busy_then_silent(wire: Wire) -> None:
        nonlocal tries
        while wire.request():
            tries += 1
            if tries > 1:
                wire.stall()
                return
            wire.send(reply(b"{}", "503 Busy", "Retry-After: 0"))

    with RawServer(busy_then_silent) as server:
        card(server.url, ", timeout: 2")
        with ends_in_time():
            done = loyalty("balance", "C-1", "-o", "json")

    assert timed_out(done)
    assert tries == 2


def test_no_byte_is_sent_once_the_time_is_over() -> None:
    script = Answering()
    with RawServer(script) as server, pytest.raises(LoyaltyError) as caught:
        HttpClient().read(profile_at(server.url), Request(("x",)), lambda _: False, Deadline(-1))

    assert caught.value.code is ErrorCode.TIMED_OUT
    assert server.connections == 0


def test_a_call_that_ended_does_not_cut_the_connection_the_next_one_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Call] = []

    def remembered(ends: float) -> Call:
        calls.append(Call(ends))
        return calls[-1]

    def cut_the_first_while_the_second_waits(wire: Wire) -> None:
        wire.request()
        wire.send(reply())
        wire.request()
        calls[0].cut()
        wire.send(reply(b'{"second": true}'))

    monkeypatch.setattr(http, "Call", remembered)
    client = HttpClient()
    with RawServer(cut_the_first_while_the_second_waits) as server:
        for segment in ("a", "b"):
            answer = client.read(
                profile_at(server.url), Request((segment,)), lambda _: False, Deadline(30)
            )

    assert answer.body == b'{"second": true}'
    assert server.connections == 1


def test_a_call_between_two_tries_holds_no_connection() -> None:
    """Else its deadline would cut whoever has that connection by then."""
    calls: list[Any] = []
    client = HttpClient(sleep=lambda _: calls.append(deadline.current()))
    script = Answering(reply(b"{}", "503 Busy"))
    with RawServer(script) as server:
        client.read(profile_at(server.url), Request(("a",)), lambda _: False, Deadline(30))

    assert calls == [None, None]
    assert server.connections == 1


def test_a_call_that_was_cut_stays_cut() -> None:
    call = Call(time.monotonic() + 60)
    near, far = socket.socketpair()
    with near, far:
        call.cut()
        call.use(near.fileno())

        assert far.recv(1) == b""
        with pytest.raises(TimeoutError):
            call.remaining()
        call.leave()


def test_a_call_that_ended_is_forgotten_long_before_its_deadline() -> None:
    with watched(Call(time.monotonic() + 3600)):
        ended = weakref.ref(deadline.current())

    assert ended() is None


def test_many_calls_are_cut_each_in_its_time() -> None:
    """A later deadline that is already waited for does not keep an earlier one waiting."""
    late, early = Call(time.monotonic() + 3600), Call(time.monotonic() + 0.1)
    near, far = socket.socketpair()
    with near, far, watched(late), watched(early):
        early.use(near.fileno())
        far.settimeout(LATE)

        assert far.recv(1) == b""
        assert early.expired
        assert not late.expired


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("customers", [["C-1"], ["C-1", "C-2", "C-3"]])
@pytest.mark.parametrize("output", ["json", "jsonl", "table"])
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


def test_a_server_that_is_slow_but_in_time_is_waited_for(loyalty: Run, card: Card) -> None:
    def slowly(wire: Wire) -> None:
        wire.request()
        wire.send_slowly(reply())

    with RawServer(slowly) as server:
        card(server.url, f", timeout: {len(reply()) * PACE + 20}")
        done = loyalty("balance", "C-1", "-o", "json")

    assert done.code == 0
