"""One deadline for a whole call, whatever the call is waiting for."""

import heapq
import socket
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from itertools import count
from threading import Condition, Thread, local
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Call:
    """A call in progress: when it must end (monotonic seconds), and the socket it is using.

    `cut` ends whatever that socket is waiting for, from another thread.
    """

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.sock: socket.socket | None = None
        self.expired = False
        self.done = False

    def remaining(self) -> float:
        """Seconds left; raise TimeoutError when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0 or self.expired:
            self.expired = True
            raise TimeoutError
        return left

    def use(self, sock: socket.socket) -> None:
        """Name the socket that the call waits on from now."""
        self.sock = sock
        if self.expired:
            self.cut()

    def cut(self) -> None:
        """Let the call fail now."""
        self.expired = True
        if sock := self.sock:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which takes the TLS state away under the reader.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


_current = local()


def current() -> Call:
    """The call that this thread is in."""
    call: Call = _current.call
    return call


@contextmanager
def watched(call: Call) -> "Iterator[Call]":
    """Cut a call when its time is over."""
    _current.call = call
    _watchdog.watch(call)
    try:
        yield call
    finally:
        call.done, call.sock = True, None
        _current.call = None


class _Watchdog:
    """One thread that sleeps until the next deadline."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._calls: list[tuple[float, int, Call]] = []
        self._order = count()
        self._thread: Thread | None = None

    def watch(self, call: Call) -> None:
        with self._changed:
            heapq.heappush(self._calls, (call.ends, next(self._order), call))
            if self._thread is None:
                self._thread = Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._calls[0][2] is call:
                self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while True:
                while self._calls and self._calls[0][2].done:
                    heapq.heappop(self._calls)
                if not self._calls:
                    self._changed.wait()
                elif (left := self._calls[0][0] - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    heapq.heappop(self._calls)[2].cut()


_watchdog = _Watchdog()


def connect(host: str, port: int, remaining: Callable[[], float]) -> socket.socket:
    """Look a host up and connect to the first of its addresses that answers.

    Raises OSError as the system does (socket.gaierror for a name that is not known), TimeoutError
    when the time is over. The system's own look-up knows no deadline, so it runs in a thread.
    """
    failure: OSError | None = None
    for family, kind, protocol, _, address in _look_up(host, port, remaining()):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(remaining())
            sock.connect(address)
            sock.settimeout(remaining())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure or OSError(f"{host} has no address")


def _look_up(
    host: str, port: int, limit: float
) -> list[tuple[int, int, int, str, tuple[str, int]]]:
    outcome: dict[str, object] = {}

    def run() -> None:
        try:
            outcome["found"] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            outcome["error"] = error

    thread = Thread(target=run, name=f"look up {host}", daemon=True)
    thread.start()
    thread.join(limit)
    if thread.is_alive():
        raise TimeoutError
    if isinstance(error := outcome.get("error"), UnicodeError):
        raise socket.gaierror(str(error))
    if isinstance(error, OSError):
        raise error
    return outcome["found"]  # type: ignore[return-value]
