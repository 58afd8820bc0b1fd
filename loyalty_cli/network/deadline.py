"""One deadline for a whole call, whatever the call is waiting for."""

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from errno import EAGAIN
from ipaddress import ip_address
from math import inf
from threading import Condition, Lock, Thread, local
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Deadline:
    """When a look-up must end, all its calls included (monotonic seconds)."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; below zero once it is over."""
        return self.ends - time.monotonic()

    def extend(self, seconds: float) -> None:
        """Leave out time in which nothing was asked."""
        self.ends += seconds


class Call:
    """A call in progress: when it must end (monotonic seconds), and the connection it is using.

    `cut` ends whatever the call is waiting for on that connection, from another thread.
    """

    def __init__(self, ends: float, before_first_byte: Callable[[], None] | None = None) -> None:
        self.ends = ends
        self.offered = False
        self._before_first_byte = before_first_byte
        self.expired = False
        self._handle: socket.socket | None = None
        self._lock = Lock()

    @property
    def once(self) -> bool:
        """Whether the request must not be sent twice, and has a connection of its own."""
        return self._before_first_byte is not None

    def offer(self) -> None:
        """Note that the next byte goes to the platform; who may stop it is asked before."""
        if not self.offered:
            if self._before_first_byte:
                self._before_first_byte()
                self.remaining()  # that may have taken all the time there was
            self.offered = True

    def remaining(self) -> float:
        """Seconds left; raise TimeoutError when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0 or self.expired:
            self.expired = True
            raise TimeoutError
        return left

    def use(self, descriptor: int) -> None:
        """Name the connection that the call waits on from now."""
        # A handle of the call's own: TLS takes a socket away from the object that it was, and the
        # handshake has not ended by then.
        handle = socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
        with self._lock:
            self._let_go()
            self._handle = handle
            if self.expired:
                self._shut_down()

    def leave(self) -> None:
        """Name no connection: the one that it was is closed, or any call's from now."""
        with self._lock:
            self._let_go()

    def cut(self) -> None:
        """Let the call fail now."""
        with self._lock:
            self.expired = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._handle:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        if self._handle:
            self._handle.close()
            self._handle = None


_current = local()


def current() -> Call:
    """The call that this thread is in."""
    call: Call = _current.call
    return call


@contextmanager
def watched(call: Call) -> "Iterator[Call]":
    """Cut a call when its time is over."""
    outer = getattr(_current, "call", None)
    _current.call = call
    _watchdog.watch(call)
    try:
        yield call
    finally:
        _watchdog.leave(call)
        call.leave()
        _current.call = outer


class _Watchdog:
    """One thread that sleeps until the next deadline."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._calls: set[Call] = set()
        self._wakes = inf
        self._thread: Thread | None = None

    def watch(self, call: Call) -> None:
        with self._changed:
            self._calls.add(call)
            if self._thread is None:
                thread = Thread(target=self._run, name="deadlines", daemon=True)
                thread.start()
                self._thread = thread
            elif call.ends < self._wakes:
                self._changed.notify()

    def leave(self, call: Call) -> None:
        """Forget a call: it has ended, long before its deadline as a rule."""
        with self._changed:
            self._calls.discard(call)

    def _run(self) -> None:
        with self._changed:
            while True:
                for call in [each for each in self._calls if each.ends <= time.monotonic()]:
                    self._calls.discard(call)
                    call.cut()
                self._wakes = min((call.ends for call in self._calls), default=inf)
                left = max(self._wakes - time.monotonic(), 0.0)
                self._changed.wait(None if left == inf else left)


_watchdog = _Watchdog()


def connect(host: str, port: int, remaining: Callable[[], float]) -> socket.socket:
    """Look a host up and connect to the first of its addresses that answers.

    One that says nothing has its share of the time and no more, so that the next can answer.
    Raises OSError as the system does (socket.gaierror for a name that is not known), TimeoutError
    when the time is over. The system's own look-up knows no deadline, so it runs in a thread.
    """
    failure: OSError | None = None
    found = _look_up(host, port, remaining())
    for left, (family, kind, protocol, _, address) in zip(
        range(len(found), 0, -1), found, strict=True
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(remaining() / left)
            sock.connect(address)
            sock.settimeout(remaining())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure or OSError(f"{host} has no address")


def _look_up(host: str, port: int, limit: float) -> Sequence[tuple[int, int, int, str, Any]]:
    if _is_address(host):  # there is nothing to look up, and so nothing to wait for
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
    if isinstance(error := outcome.get("error"), UnicodeError):
        raise socket.gaierror(str(error))
    if isinstance(error, OSError):
        raise error
    found: Sequence[tuple[int, int, int, str, Any]] = outcome["found"]
    return found


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
