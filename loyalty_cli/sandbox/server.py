"""A small HTTP server on loopback, which calls a function for each request.

It knows no platform; `handle` decides what it answers, and how it misbehaves.
"""

import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from msgspec import Struct
from msgspec.json import Encoder

from loyalty_cli.model.amount import encode_amount
from loyalty_cli.model.errors import os_error_text, setup_error

HOST = "127.0.0.1"
BODY_LIMIT = 64 * 1024
BACKLOG = 128
"""Connections that may wait to be accepted; with the default 5, a sixth waits a second."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_JSON = Encoder(enc_hook=encode_amount)


class Received(Struct, frozen=True):
    """One request as it arrived.

    `path` holds the segments of the target, decoded one by one, so that a slash sent as %2F stays
    inside its segment. Names in `headers` are in lower case.
    """

    method: str
    target: str
    path: tuple[str, ...] = ()
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Reply(Struct, frozen=True):
    """An answer, sent after `delay` seconds; with `reset`, the connection is reset instead.

    A body that is not bytes is sent as JSON. `headers` replace those that the server sets.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"
    delay: float = 0.0
    reset: bool = False


Handle = Callable[[Received], Reply]


class Server(ThreadingHTTPServer):
    """Serves `handle` on a port of 127.0.0.1 during its `with` block; port 0 is any free port.

    Each connection has a thread, so `handle` must be safe to call from several threads. Raises
    LoyaltyError if the port is not available.
    """

    request_queue_size = BACKLOG

    def __init__(self, handle: Handle, port: int = 0) -> None:
        self.handle = handle
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        try:
            super().__init__((HOST, port), _Connection)
        except OSError as error:
            setup_error(
                f"port {port} of {HOST} cannot be served: {os_error_text(error)}.",
                "Choose another port, or 0 for any free port.",
            )
        self._port = self.server_address[1]
        self.url = f"http://{HOST}:{self._port}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._serve, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop at once: clients that wait for an answer lose the connection."""
        self.stopping.set()
        with suppress(OSError):
            # The listening thread sleeps until a client connects.
            socket.create_connection((HOST, self._port), timeout=1).close()
        self._thread.join()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while not self.stopping.is_set():
            self.handle_request()

    def server_bind(self) -> None:
        """Bind without looking up this machine's name, which can take seconds."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread, and know it until it ends."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: clients may disconnect."""


class _RefusedError(Exception):
    """A request whose body cannot be read; the connection cannot be used after it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Connection(BaseHTTPRequestHandler):
    """One connection, request after request."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Any:
        """Answer requests of any method: the base class looks for `do_GET` and so on."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - the base class's
        """Refuse what is not HTTP."""
        self._refuse(code, message or HTTPStatus(code).phrase)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
        """Print nothing: stderr is for the program's messages."""

    def _answer(self) -> None:
        try:
            received = self._received()
        except _RefusedError as error:
            self._refuse(error.status, str(error))
            return
        try:
            reply = self.server.handle(received)
            content = reply.body if isinstance(reply.body, bytes) else _JSON.encode(reply.body)
        except Exception as error:  # noqa: BLE001 - the client gets any error of a handle
            reply = Reply(500)
            content = _JSON.encode({"message": f"{type(error).__name__}: {error}"})
        if reply.delay and self.server.stopping.wait(reply.delay):
            self.close_connection = True
        elif reply.reset:
            self._reset()
        else:
            self._send(reply, content)

    def _refuse(self, status: int, message: str) -> None:
        self.close_connection = True
        self._send(Reply(status), _JSON.encode({"message": message}))

    def _received(self) -> Received:
        # Not self.path: the base class changes a leading double slash in it.
        target = self.requestline.split()[1]
        path, _, query = target.partition("?")
        segments = path.removeprefix("/").split("/") if path != "/" else []
        return Received(
            method=self.command,
            target=target,
            path=tuple(unquote(segment) for segment in segments),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(),
        )

    def _body(self) -> bytes:
        if "transfer-encoding" in self.headers:
            raise _RefusedError(411, "a body must come with its length")
        lengths = set(self.headers.get_all("content-length", ["0"]))
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdigit()):
            raise _RefusedError(400, "Content-Length is not a length")
        if len(length) > len(str(BODY_LIMIT)) or int(length) > BODY_LIMIT:
            raise _RefusedError(413, f"a body may have {BODY_LIMIT} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError
        return body

    def _send(self, reply: Reply, content: bytes) -> None:
        """Send head and body in one write: a second write would wait for an acknowledgement."""
        headers = {"content-type": reply.content_type, "content-length": str(len(content))}
        headers |= {name.lower(): value for name, value in reply.headers.items()}
        if headers.get("connection", "").lower() == "close":
            self.close_connection = True
        elif self.close_connection:
            headers["connection"] = "close"
        phrase, _ = self.responses.get(reply.status, ("Unknown", ""))
        lines = [f"{self.protocol_version} {reply.status} {phrase}"]
        lines += [f"{name.title()}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head if self.command == "HEAD" else head + content)

    def _reset(self) -> None:
        """End the connection with a RST; without this close, a FIN would be sent first."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.connection.close()
