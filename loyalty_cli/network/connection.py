"""urllib3's connections, stricter: every wait ends at the deadline, and an answer has one end."""

import socket
from typing import Any

from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError

from loyalty_cli.network.deadline import connect, current
from loyalty_cli.network.framing import FramedResponse


def use_watched_connections(manager: PoolManager) -> None:
    """Let a pool manager make the connections below instead of urllib3's own."""
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class _WatchedConnection(HTTPConnection):
    """Tells the current call which socket it waits on, from the first connect to the last read."""

    response_class = FramedResponse
    _connecting = False

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not self._connecting:  # what a proxy is told on the way is not the request
            current().offer()
        super().send(data)

    def _new_conn(self) -> socket.socket:
        call = current()
        try:
            sock = connect(self._dns_host, self.port, call.remaining)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError:
            raise
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        call.use(sock.fileno())
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()
        current().remaining()  # a proxy's answer that was cut off can look like a whole one

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:
            current().use(self.sock.fileno())
        super().request(*arguments, **options)


class _WatchedTLSConnection(_WatchedConnection, HTTPSConnection):
    """The same with TLS on top."""


class _WatchedPool(HTTPConnectionPool):
    """Takes a connection from the call before another call can have it."""

    def _put_conn(self, conn: Any) -> None:
        call = current()
        call.leave()
        if call.once and conn is not None:
            conn.close()
        super()._put_conn(conn)


class _HTTPPool(_WatchedPool):
    ConnectionCls = _WatchedConnection


class _HTTPSPool(_WatchedPool, HTTPSConnectionPool):
    ConnectionCls = _WatchedTLSConnection
