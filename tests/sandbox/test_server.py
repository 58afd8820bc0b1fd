"""The server: what of a request reaches the handle, and how a reply goes out."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, RemoteDisconnected
from threading import Barrier, Event, Thread

import pytest
import requests

from loyalty_cli.model.amount import Amount
from loyalty_cli.sandbox.server import BODY_LIMIT, Received, Reply, Server


class Recorder:
    """A handle that keeps what it received, and always gives the same reply."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.received: list[Received] = []

    def __call__(self, received: Received) -> Reply:
        self.received.append(received)
        return self.reply


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(Reply(body={"ok": True}))


@pytest.fixture
def server(recorder: Recorder) -> Iterator[Server]:
    with Server(recorder) as server:
        yield server


def connect(server: Server) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def everything(sock: socket.socket) -> bytes:
    """Read until the server ends the connection."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def send(server: Server, text: str) -> bytes:
    """Send raw text, and read until the server ends the connection."""
    with connect(server) as sock:
        sock.sendall(text.encode("latin-1"))
        return everything(sock)


def get(server: Server, target: str) -> requests.Response:
    return requests.get(server.url + target, timeout=20)


# What reaches the handle


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", ()),
        ("/a/b", ("a", "b")),
        ("/customers/a%2Fb/points", ("customers", "a/b", "points")),
        ("/50%25/%2e%2e/x%3Fy%23z/%C3%A4+b%20c", ("50%", "..", "x?y#z", "ä+b c")),
        ("//a//", ("", "a", "", "")),
    ],
)
def test_each_segment_of_a_request_is_decoded_on_its_own(
    server: Server, recorder: Recorder, target: str, path: tuple[str, ...]
) -> None:
    query, headers = "?a=b%26c&empty=&plus=1%2B1", "X-Name: Value\r\nConnection: close"
    start = f"PURGE {target}{query} HTTP/1.1\r\n{headers}\r\nContent-Length: {BODY_LIMIT}\r\n\r\n"
    send(server, start + "\xff" * BODY_LIMIT)

    (received,) = recorder.received
    assert (received.method, received.target, received.path) == ("PURGE", target + query, path)
    assert received.query == {"a": "b&c", "empty": "", "plus": "1+1"}
    assert received.headers["x-name"] == "Value"
    assert received.body == b"\xff" * BODY_LIMIT


# How a reply goes out


def test_an_answer_leaves_in_one_piece_fifty_times_on_one_connection(server: Server) -> None:
    with connect(server) as sock:
        for _ in range(50):
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            head, _, body = sock.recv(65536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert body == b'{"ok":true}'


def test_an_answer_is_json_with_its_digits_and_comes_after_its_delay(
    server: Server, recorder: Recorder
) -> None:
    recorder.reply = Reply(body={"points": Amount("8500.000")}, delay=0.05)
    began = time.monotonic()

    response = get(server, "/")

    assert time.monotonic() - began >= 0.05
    assert response.text == '{"points":8500.000}'
    assert response.headers["content-type"] == "application/json"


def test_a_body_of_bytes_is_sent_as_it_is_and_left_out_for_head(
    server: Server, recorder: Recorder
) -> None:
    recorder.reply = Reply(202, b"<p>\xff", {"X-More": "1"}, "text/html")

    response = get(server, "/")

    assert (response.status_code, response.content) == (202, b"<p>\xff")
    assert response.headers["content-type"] == "text/html"
    assert response.headers["x-more"] == "1"
    head = send(server, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert head.lower().endswith(b"content-length: 4\r\nx-more: 1\r\nconnection: close\r\n\r\n")


def test_a_reply_can_close_the_connection_and_lie_about_its_length(
    server: Server, recorder: Recorder
) -> None:
    recorder.reply = Reply(799, b"abc", {"Connection": "close", "Content-Length": "9"})

    answer = send(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 799 Unknown\r\n")
    assert b"Content-Length: 9\r\n" in answer
    assert answer.endswith(b"\r\n\r\nabc")


def test_a_handle_that_fails_is_a_500_and_nothing_is_printed(
    server: Server, recorder: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    recorder.reply = Reply(body={"no": object()})

    response = get(server, "/")

    assert response.status_code == 500
    assert response.json()["message"].startswith("NotImplementedError: ")
    assert capfd.readouterr() == ("", "")


def test_a_reply_can_reset_the_connection(server: Server, recorder: Recorder) -> None:
    recorder.reply = Reply(reset=True)

    with connect(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


# Requests that are wrong


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        *((f"Content-Length: {each}", 400) for each in ("-1", "x", "1.0", "0x10", "", "\xb2")),
        ("Content-Length: 1\r\nContent-Length: 2", 400),
        (f"Content-Length: {BODY_LIMIT + 1}", 413),
        (f"Content-Length: {10**30}", 413),
        ("Transfer-Encoding: chunked", 411),
    ],
)
def test_a_request_with_a_wrong_content_length_is_refused(
    server: Server, recorder: Recorder, headers: str, status: int
) -> None:
    answer = send(server, f"POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n")

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert recorder.received == []


@pytest.mark.parametrize("line", ["nonsense", "GET / HTTP/9.9", "GET / HTTP/x"])
def test_a_request_that_is_not_http_is_refused(
    server: Server, recorder: Recorder, line: str
) -> None:
    assert b'{"message":"' in send(server, f"{line}\r\n\r\n")
    assert recorder.received == []


def test_a_request_with_an_endless_address_is_refused(server: Server) -> None:
    with connect(server) as sock:
        sock.sendall(b"GET /" + b"a" * 65532)

        assert sock.recv(65536).startswith(b"HTTP/1.1 414 ")


def test_a_client_that_goes_away_prints_nothing(
    server: Server, recorder: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    for part in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"):
        with connect(server) as sock:
            sock.sendall(part)
    with connect(server) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.sendall(b"GET / HT")

    assert get(server, "/").ok
    assert len(recorder.received) == 1
    assert capfd.readouterr() == ("", "")


# Starting and stopping


def test_many_requests_are_served_at_a_time() -> None:
    everyone = Barrier(12)

    def handle(_: Received) -> Reply:
        everyone.wait(timeout=20)
        return Reply()

    with Server(handle) as server:
        clients = [Thread(target=get, args=(server, "/")) for _ in range(12)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(timeout=20)

    assert not everyone.broken


def test_stopping_the_server_ends_kept_connections(recorder: Recorder) -> None:
    with Server(recorder) as server:
        sock = connect(server)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        sock.recv(65536)

    with closing(sock):
        assert sock.recv(1) == b""


@pytest.mark.parametrize("hangs", [False, True], ids=["delay", "handle"])
def test_stopping_the_server_does_not_wait_for_an_answer(hangs: bool) -> None:
    entered, release = Event(), Event()

    def handle(_: Received) -> Reply:
        entered.set()
        if hangs:
            release.wait(timeout=60)
        return Reply(delay=60)

    with Server(handle) as server:
        connection = HTTPConnection(server.url.removeprefix("http://"), timeout=20)
        connection.request("GET", "/")
        assert entered.wait(timeout=20)
        began = time.monotonic()
    took = time.monotonic() - began
    with closing(connection), pytest.raises((RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    release.set()

    assert took < 10
