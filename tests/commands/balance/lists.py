"""Lists of customers, a platform that answers as a test wants it, and the program beside them."""

import csv
import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Lock
from typing import IO, Any

from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import PROGRAM, Outcome

PATIENCE = 20.0
"""Seconds after which what is waited for will not come any more."""
AT_ONCE = 5.0
"""Seconds that nothing takes which is done at once, on a machine with other things to do."""
FILLING = b" " * 512
"""What stands in a pipe that is full; no JSON minds it."""


def found(customer: str) -> Reply:
    """Give each customer a balance that tells one from another."""
    points = {"reward_balance": len(customer), "reward_symbol": "points"}
    return Reply(body={"customer_id": customer, **points})


def not_found(_: str) -> Reply:
    """Imprint's answer about nobody it knows."""
    return Reply(404, {"error": {"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "no"}})


def refused(_: str) -> Reply:
    """Imprint's answer to a bad key."""
    return Reply(401, {"error": {"type": "UNAUTHORIZED_ERROR", "message": "no"}})


def too_many(**headers: str) -> Reply:
    """An answer to too many requests; `retry_after` is a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(429, {"type": "TOO_MANY", "message": "slowly"}, headers=named)


class BalancePlatform:
    """Imprint's API; keeps who was asked for, when, and how many at a time."""

    def __init__(self, answer: Callable[[str], Reply] = found) -> None:
        self.asked: list[str] = []
        self.times: list[float] = []
        self.now: Callable[[], float] = time.monotonic
        self.most = 0
        self._answer = answer
        self._in_flight = 0
        self._lock = Lock()

    def __call__(self, received: Received) -> Reply:
        customer = received.path[-2]
        with self._lock:
            self.asked.append(customer)
            self.times.append(self.now())
            self._in_flight += 1
            self.most = max(self.most, self._in_flight)
        try:
            return self._answer(customer)
        finally:
            with self._lock:
                self._in_flight -= 1


At = Callable[..., BalancePlatform]
EachAt = Callable[..., None]
Listed = Callable[[str | bytes], str]


class Gate:
    """Withholds the answer about one customer until it is opened."""

    def __init__(self, customer: str, answer: Callable[[str], Reply] = found) -> None:
        self.reached = Event()
        self._customer = customer
        self._answer = answer
        self._opened = Event()

    def __call__(self, customer: str) -> Reply:
        if customer == self._customer:
            self.reached.set()
            self._opened.wait(PATIENCE)
        return self._answer(customer)

    def open(self) -> None:
        self._opened.set()


def names(number: int) -> list[str]:
    """So many customers."""
    return [f"C-{each}" for each in range(1, number + 1)]


def customers(done: Outcome | str, output: str) -> list[str]:
    """Whose records came out, or are in a text, each of them whole."""
    text = done if isinstance(done, str) else done.out
    match output:
        case "json":
            return [record["customer"] for record in json.loads(text)] if text else []
        case "jsonl":
            assert not text or text.endswith("\n")
            return [json.loads(line)["customer"] for line in text.splitlines()]
        case _:
            rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            return [row["customer"] for row in rows]


def is_in_order(customers: Sequence[str]) -> bool:
    """Whether these are some of `names`, each once and in their order."""
    numbers = [int(each.removeprefix("C-")) for each in customers]
    return numbers == sorted(set(numbers))


def lines(customers: Iterable[str]) -> str:
    """A list of customers, one a line."""
    return "".join(f"{customer}\n" for customer in customers)


@contextmanager
def piped(content: bytes | str) -> Iterator[str]:
    """A pipe with this content, as bash's `<(…)` names one; at most what a pipe can hold."""
    source, sink = os.pipe()
    try:
        os.write(sink, content.encode() if isinstance(content, str) else content)
    finally:
        os.close(sink)
    try:
        yield f"/dev/fd/{source}"
    finally:
        os.close(source)


def most_within(times: Sequence[float], seconds: float) -> int:
    """How many there are in the fullest window of so many seconds."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last + 1 - first)
    return most


class Running:
    """The program, at work; what it writes is read when the test wants it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._read = b""

    def give(self, text: str) -> None:
        """Write to its stdin."""
        assert self.process.stdin
        self.process.stdin.write(text.encode())

    def until(self, is_there: Callable[[bytes], bool]) -> bytes:
        """Read its stdout until something is there, and give all that was read."""
        assert self.process.stdout
        while not is_there(self._read):
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, self._read
            self._read += more
        return self._read

    def line(self, number: int) -> Any:
        """A line of its stdout, counted from 1, as the JSON that it is."""
        text = self.until(lambda read: read.count(b"\n") >= number)
        return json.loads(text.split(b"\n")[number - 1])

    def signalled(self, number: int) -> Outcome:
        """How it ends, soon after a signal."""
        self.process.send_signal(number)
        return self.ended(AT_ONCE)

    def ended(self, within: float = PATIENCE) -> Outcome:
        """How it ends, within so many seconds; with what was read before."""
        out, err = self.process.communicate(timeout=within)
        assert b"Traceback" not in err
        return Outcome(self.process.returncode, (self._read + (out or b"")).decode(), err.decode())


@contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    """The reading and the writing end of a pipe that takes no more until it is read."""
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    with suppress(BlockingIOError):
        while True:
            os.write(sink, FILLING)
    os.set_blocking(sink, True)
    try:
        yield source, sink
    finally:
        os.close(source)


@contextmanager
def running(
    *arguments: str,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
) -> Iterator[Running]:
    """Start the program; it is at its end when this block is."""
    process = subprocess.Popen(
        [PROGRAM, *arguments], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, bufsize=0
    )
    try:
        yield Running(process)
    finally:
        process.kill()
        process.wait()
        for each in (process.stdin, process.stdout, process.stderr):
            if each:
                each.close()
