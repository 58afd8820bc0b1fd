"""Connections to platforms: an adapter for requests that ends every wait at the deadline.

Before each wait the socket's timeout is set to the time left until the deadline of the call.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from errno import EAGAIN
from io import BufferedReader, RawIOBase
from threading import Thread, local
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError

from loyalty_cli.config.base_url import is_address
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.framing import FramedResponse
from loyalty_cli.network.proxies import TunnelRefusedError

PORTS = {"http": 80, "https": 443}
Address = tuple[int, int, int, str, Any]


class Call:
    """One request in flight: its deadline, and whether a byte of it was `offered`.

    `before_first_byte` may raise to stop the request. A request that has it must not be sent
    twice, and gets a connection that no other request uses. With `head_only` the body of the answer
    is not read.
    """

    def __init__(
        self,
        deadline: Deadline,
        before_first_byte: Callable[[], None] | None = None,
        *,
        head_only: bool = False,
    ) -> None:
        self.offered = False
        self.head_only = head_only
        self.once = before_first_byte is not None
        self.remaining = deadline.remaining
        self._before_first_byte = before_first_byte

    def offer(self) -> None:
        """Call `before_first_byte`, which may raise; then note that bytes go to the platform."""
        if self._before_first_byte:
            self._before_first_byte()
            self.remaining()  # the call may have used up the time
        self.offered = True


class _Thread(local):
    """A thread, and the call that it works on, or worked on last."""

    call: Call


_thread = _Thread()


class Adapter(HTTPAdapter):
    """An adapter for the library requests and one host, with our connections and TLS.

    It works without a session of requests, which would follow redirects, read .netrc, keep
    cookies, and make a look-up take 1.5 times as long.
    """

    def __init__(
        self, origin: str, context: ssl.SSLContext | None, proxy: str | None, connections: int
    ) -> None:
        super().__init__(pool_maxsize=connections)
        self.proxy = proxy
        self._origin = origin
        manager = (
            self.proxy_manager_for(proxy, proxy_ssl_context=context) if proxy else self.poolmanager
        )
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        trust = {"ssl_context": context, "cert_reqs": "CERT_REQUIRED"} if context else {}
        self._pool = manager.connection_from_url(origin, trust)
        port = f":{self._pool.port}" if self._pool.port != PORTS[self._pool.scheme] else ""
        self.host = f"{_bracketed(self._pool.host)}{port}"

    @contextmanager
    def answer(self, request: requests.PreparedRequest, call: Call) -> Iterator[FramedResponse]:
        """Send a request, and yield the answer; its body is not read yet."""
        _thread.call = call
        response = cast("FramedResponse", self.send(request, timeout=call.remaining()))
        try:
            yield response
        finally:
            response.release()

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Any:
        """Return the only pool of connections."""
        return self._pool

    def cert_verify(self, *_: Any) -> None:
        """Leave the choice of certificates to the TLS context."""

    def request_url(self, request: requests.PreparedRequest, *_: Any) -> str:
        """Return the URL without scheme and host."""
        assert request.url
        return request.url.removeprefix(self._origin)

    def build_response(self, _: requests.PreparedRequest, resp: Any) -> Any:
        """Return the answer unchanged: nobody needs the cookies and the history of requests."""
        return resp


class _Connection(HTTPConnection):
    """A connection: urllib3 connects and checks certificates; sending and reading is ours."""

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, **_: Any
    ) -> None:
        message = _head(f"{method} {url} HTTP/1.1", headers) + (body or b"")
        if self.sock is None:
            self.connect()
        _thread.call.offer()
        self._write(message)

    def getresponse(self) -> Any:
        return FramedResponse(BufferedReader(_Reader(self.sock, _thread.call)))

    def _new_conn(self) -> socket.socket:
        try:
            return connect(self._dns_host, self.port, _thread.call.remaining)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError:
            raise
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def _tunnel(self) -> None:
        """Ask the proxy for a tunnel; these bytes are not part of the request."""
        assert self._tunnel_host
        target = f"{_bracketed(self._tunnel_host)}:{self._tunnel_port}"
        headers = {"Host": target, **self._tunnel_headers}  # type: ignore[attr-defined] # the stubs lack it
        self._write(_head(f"CONNECT {target} HTTP/1.1", headers))
        answer = self.getresponse()
        if answer.status != 200:
            raise TunnelRefusedError(answer.status)
        self.sock.settimeout(_thread.call.remaining())  # for the TLS handshake

    def _write(self, message: bytes) -> None:
        self.sock.settimeout(_thread.call.remaining())
        self.sock.sendall(message)


class _TLSConnection(_Connection, HTTPSConnection):
    """A connection with TLS."""

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> Any:
        return _TimedSocket(super()._connect_tls_proxy(hostname, sock))


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None and _thread.call.once:
            conn.close()
        super()._put_conn(conn)


class _HTTPSPool(_HTTPPool, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Reader(RawIOBase):
    """Reads from a socket until the deadline of the call."""

    def __init__(self, sock: socket.socket, call: Call) -> None:
        self._sock = sock
        self._call = call

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._call.remaining())
        return self._sock.recv_into(buffer)


class _TimedSocket:
    """A TLS socket with TLS inside it; each read has a timeout: a record may need many reads."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, *arguments: Any) -> bytes:
        self._sock.settimeout(_thread.call.remaining())
        return self._sock.recv(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self._sock.settimeout(_thread.call.remaining())
        self._sock.sendall(*arguments)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _head(first: str, headers: Mapping[str, str]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def connect(host: str, port: int, remaining: Callable[[], float]) -> socket.socket:
    """Look up a host, and connect to the first of its addresses that answers.

    Each address gets an equal share of the time left, so that all of them can be tried.
    Raises OSError as the system does, and TimeoutError at the deadline.
    """
    failure: OSError | None = None
    found = addresses(host, port, remaining())
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(remaining() / (len(found) - tried))
            sock.connect(address)
            sock.settimeout(remaining())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure or OSError(f"{host} has no address")


def addresses(host: str, port: int, limit: float) -> Sequence[Address]:
    """Look up the addresses of a host; raise OSError as the system does, or TimeoutError.

    The system is asked in a thread, because its look-up has no timeout.
    """
    if is_address(host):  # an address needs no look-up
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["found"] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            outcome["error"] = error

    thread = Thread(target=run, name=f"look up {host}", daemon=True)
    try:
        thread.start()
    except RuntimeError as no_more:
        raise OSError(EAGAIN, "the system has no more threads") from no_more
    thread.join(limit)
    if thread.is_alive():
        raise TimeoutError
    if error := outcome.get("error"):
        raise error if isinstance(error, OSError) else socket.gaierror(str(error))
    found: Sequence[Address] = outcome["found"]
    return found
