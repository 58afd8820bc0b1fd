"""Connecting: names that are looked up, and addresses of which the first that answers is taken."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from loyalty_cli.network.connections import connect
from tests.conftest import Run
from tests.fakes.servers import Answering, RawServer, unused_port
from tests.network.conftest import Card, TimesOut


@pytest.fixture
def hanging_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver that does not answer before the test is over."""
    over = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and [])
    yield
    over.set()


@pytest.mark.usefixtures("hanging_names")
def test_a_host_name_that_is_looked_up_for_ever_is_left_at_the_deadline(
    times_out: TimesOut,
) -> None:
    assert times_out("https://platform.invalid")


def test_an_unknown_host_name_is_an_error_that_says_so(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    card("https://platform.invalid")
    done = loyalty("balance", "C-1", "-o", "json")

    assert (done.code, done.record["error"]["code"]) == (7, "unreachable")
    assert "its name is not known (Name or service not known)" in done.record["error"]["message"]


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


def test_several_addresses_that_hang_share_one_deadline(
    times_out: TimesOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    with addresses_that_hang(5) as found:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert times_out("https://platform.invalid")


def test_an_address_that_refuses_or_hangs_leaves_time_for_the_next_one(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(Answering()) as server, addresses_that_hang(1) as hanging:
        refusing, good = (
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            for port in (unused_port(), server.port)
        )
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [refusing, *hanging, good])
        card(server.url, ", timeout: 3")
        done = loyalty("balance", "C-1", "-o", "json")

    assert done.code == 0


def test_a_host_without_an_address_and_an_impossible_name_are_os_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(socket.gaierror, match="label"):
        connect("x" * 64, 443, lambda: 5.0)

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(OSError, match="has no address"):
        connect("platform.invalid", 443, lambda: 5.0)
