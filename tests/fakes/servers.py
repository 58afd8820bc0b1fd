"""Servers on loopback that misbehave as no HTTP library would let them, and a proxy."""

import json
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import unquote

from loyalty_cli import providers
from loyalty_cli.config.profile import Profile

BALANCE = b'{"customer_id": "C-1", "reward_balance": 120000, "reward_symbol": "points"}'
PACE_SECONDS = 0.005
"""Between two bytes of a server that sends one at a time."""


def profile_at(
    url: str, provider: str = "imprint", auth: str | None = None, **more: Any
) -> Profile:
    """A profile of a platform that answers at `url`."""
    loaded = providers.load(provider)
    way = loaded.auth(auth)
    assert way is not None
    return Profile(more.pop("name", "card"), loaded, way, url, **more)


def reply(body: bytes = BALANCE, status: str = "200 OK", *headers: str, length: int = -1) -> bytes:
    """A whole HTTP answer; `length` is what Content-Length claims, if not the truth."""
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length < 0 else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def balance_of(request: bytes) -> bytes:
    """A balance of the customer that a request of Imprint's API names."""
    _, _, rest = request.split()[1].partition(b"/customers/")
    customer = unquote(rest.partition(b"/")[0].decode())
    return BALANCE.replace(b'"C-1"', json.dumps(customer).encode())


class Wire:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, stopping: Event) -> None:
        self.sock = sock
        self._stopping = stopping
        self._rest = b""

    def request(self) -> bytes:
        """The next request, head and body; nothing where the client has hung up."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return b""
        head, _, _ = self._rest.partition(b"\r\n\r\n")
        size = len(head) + 4 + int(header(head, "content-length") or 0)
        while len(self._rest) < size:
            if not self._more():
                return b""
        whole, self._rest = self._rest[:size], self._rest[size:]
        return whole

    def send(self, content: bytes) -> None:
        self.sock.sendall(content)

    def send_slowly(self, content: bytes) -> None:
        """Send one byte at a time."""
        for at in range(len(content)):
            self.send(content[at : at + 1])
            if self._stopping.wait(PACE_SECONDS):
                return

    def send_for_ever(self, content: bytes) -> None:
        """Send the same again and again until the client hangs up."""
        while not self._stopping.is_set():
            self.send(content)

    def wait(self, seconds: float) -> None:
        """Think for a while."""
        self._stopping.wait(seconds)

    def stall(self) -> None:
        """Say nothing until the client hangs up."""
        while self.sock.recv(4096):
            pass

    def reset(self) -> None:
        """End the connection as a crashed machine does, not with a goodbye."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _more(self) -> bytes:
        content = self.sock.recv(65536)
        self._rest += content
        return content


Script = Callable[[Wire], None]


class RawServer:
    """Runs a script on each connection, in a thread of its own, while in its `with` block."""

    def __init__(
        self, script: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.host = f"[{host}]" if ":" in host else host
        self.connections = 0
        self._script = script
        self._tls = tls
        self._stopping = Event()
        self._open: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    socket.socket.shutdown(each, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    def at(self, host: str) -> str:
        """The same address by another name of this machine."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError), self._kept(sock):
            if self._tls is None:
                self._script(Wire(sock, self._stopping))
                return
            sock.getpeername()  # ssl leaves a socket open that was reset before it is wrapped
            with self._tls.wrap_socket(sock, server_side=True) as secure, self._kept(secure):
                self._script(Wire(secure, self._stopping))

    @contextmanager
    def _kept(self, sock: socket.socket) -> Iterator[None]:
        """Remember an open connection, so that the end of the server is the end of it."""
        with sock:
            with self._lock:
                self._open.append(sock)
                if self._stopping.is_set():
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
            try:
                yield
            finally:
                with self._lock:
                    self._open.remove(sock)


class Answering:
    """A script that gives answers in turn, the last one for ever, and keeps what was asked.

    Without answers it gives everybody a balance.
    """

    def __init__(self, *answers: bytes) -> None:
        self._answers = answers
        self._lock = Lock()
        self.requests: list[bytes] = []

    def __call__(self, wire: Wire) -> None:
        while request := wire.request():
            with self._lock:
                self.requests.append(request)
                at = min(len(self.requests), len(self._answers)) - 1
            wire.send(self._answers[at] if self._answers else reply(balance_of(request)))


class Proxy:
    """A script that opens tunnels, and keeps the heads it was sent; every name is this machine."""

    def __init__(self, refusal: bytes = b"") -> None:
        self.heads: list[bytes] = []
        self._refusal = refusal

    def __call__(self, wire: Wire) -> None:
        while request := wire.request():
            self.heads.append(request)
            if self._refusal:
                wire.send(self._refusal)
                return
            method, target, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
            assert method == "CONNECT"
            self._tunnel(wire, int(target.rpartition(":")[2]))
            return

    def _tunnel(self, wire: Wire, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as far:
            wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = Thread(target=_copy, args=(far, wire.sock), daemon=True)
            back.start()
            _copy(wire.sock, far)
            back.join(10)


def _copy(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while content := near.recv(65536):
            far.sendall(content)
    with suppress(OSError):
        socket.socket.shutdown(far, socket.SHUT_RDWR)


def header(request: bytes, name: str) -> str | None:
    """The value of a header of a request as it was sent; None where it is not there."""
    head = request.partition(b"\r\n\r\n")[0].decode("latin-1")
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None


ELSEWHERE = "platform.invalid"
"""A host that is not this machine, and that only a proxy finds."""


def unused_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def wait_for_port(port: int) -> None:
    """Return once something listens there; fail after half a minute."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens at port {port}")
