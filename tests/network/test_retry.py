"""How often a request is sent, and what is waited for in between."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.network import rate_limit, retry
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.rate_limit import RateLimits
from loyalty_cli.network.retry import FIRST_PAUSE_SECONDS, retry_after
from loyalty_cli.providers.contract import Answer, Request
from tests.conftest import Run
from tests.fakes.passing_clock import PassingClock
from tests.fakes.servers import (
    BALANCE,
    Answering,
    RawServer,
    Script,
    Wire,
    profile_at,
    reply,
    unused_port,
)
from tests.network.conftest import Ask, ends_in_time, error_of

REQUEST = Request(("x",))


@pytest.fixture(autouse=True)
def short_pause_after_429(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "FIRST_PAUSE_SECONDS", 0.01)


def reset(wire: Wire) -> None:
    wire.request()
    wire.reset()


def hang_up(wire: Wire) -> None:
    wire.request()


def hang_up_in_the_body(wire: Wire) -> None:
    wire.request()
    wire.send(reply(b"{", length=50))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_platform_that_is_busy_is_asked_three_times_on_the_same_connection(
    status: int, ask: Ask
) -> None:
    busy = reply(b"<html>", f"{status} Busy")
    always, twice = Answering(busy), Answering(busy, busy, reply())
    with RawServer(always) as server:
        done = ask(server.url)
    with RawServer(twice) as better:
        assert ask(better.url).record["balances"][0]["available"] == 120000

    assert error_of(done) == (7, "rate_limited" if status == 429 else "server_error")
    assert done.record["error"]["http_status"] == status
    assert (len(always.requests), server.connections) == (3, 1)
    assert (len(twice.requests), better.connections) == (3, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 422, 501, 505, 204, 304])
def test_an_error_with_any_other_status_is_not_retried(status: int, ask: Ask) -> None:
    script = Answering(reply(b"", f"{status} No"))
    with RawServer(script) as server:
        assert ask(server.url).code != 0

    assert len(script.requests) == 1


@pytest.mark.parametrize("break_off", [reset, hang_up, hang_up_in_the_body])
@pytest.mark.parametrize("times", [3, 2])
def test_a_connection_that_breaks_is_tried_three_times(
    break_off: Script, times: int, ask: Ask
) -> None:
    def breaks(wire: Wire) -> None:
        if server.connections <= times:
            break_off(wire)
        else:
            wire.request()
            wire.send(reply())

    with RawServer(breaks) as server:
        done = ask(server.url)

    assert server.connections == 3
    assert done.code == 0 if times == 2 else error_of(done) == (7, "unreachable")


def test_a_connection_that_is_refused_is_tried_three_times(ask: Ask) -> None:
    done = ask(f"http://127.0.0.1:{unused_port()}", "-v")

    assert error_of(done) == (7, "unreachable")
    assert "Connection refused" in done.record["error"]["message"]
    assert done.err.count("> GET") == 3
    assert done.err.count("* retry in") == 2


def test_an_error_that_a_provider_calls_busy_is_retried(
    profile_file: Callable[[str], Path], loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = reply(b'{"code": 2001, "message": "in progress"}', "422 No")
    script = Answering(busy, reply(b'{"availablePointsBalance": 5}'))
    monkeypatch.setenv("LOYALTY_POINTS_API_KEY", "a")
    monkeypatch.setenv("LOYALTY_POINTS_SECRET_KEY", "b")
    with RawServer(script) as server:
        profile_file(f"profiles:\n  points: {{provider: gameball, base_url: '{server.url}'}}\n")
        assert loyalty("balance", "C-1", "-p", "points").code == 0

    assert len(script.requests) == 2


def test_pauses_between_attempts_have_full_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", FIRST_PAUSE_SECONDS)
    pauses: list[float] = []
    client = HttpClient(sleep=pauses.append)
    with RawServer(Answering(reply(b"{}", "503 Busy"))) as server:
        for _ in range(40):
            client.read(profile_at(server.url), REQUEST, Deadline(30))

    first, second = pauses[0::2], pauses[1::2]
    assert len(first) == len(second) == 40
    assert all(0 <= pause <= FIRST_PAUSE_SECONDS for pause in first)
    assert all(0 <= pause <= FIRST_PAUSE_SECONDS * 2 for pause in second)
    assert len({*first, *second}) == 80
    assert min(second) < FIRST_PAUSE_SECONDS / 2
    assert max(second) > FIRST_PAUSE_SECONDS


# What a platform asks for.


@pytest.mark.parametrize("status", ["429 Too many", "503 Busy"])
def test_retry_after_is_waited_for(status: str) -> None:
    clock = PassingClock()
    script = Answering(reply(b"{}", status, "Retry-After: 20"), reply())
    with RawServer(script) as server:
        client = HttpClient(rate_limits=RateLimits(clock=clock))
        answer = client.read(profile_at(server.url), REQUEST, Deadline(60))

    assert answer.body == BALANCE
    assert 15 < clock.waited <= 20.5


@pytest.mark.parametrize("as_date", [False, True], ids=["in seconds", "as a date"])
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("429 Too many", "rate_limited", "is rate-limiting requests (HTTP 429)."),
        ("503 Busy", "server_error", "cannot answer now (HTTP 503)."),
    ],
    ids=["429", "503"],
)
def test_a_retry_after_beyond_the_deadline_is_an_error_at_once(
    status: str, code: str, words: str, as_date: bool, ask: Ask
) -> None:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    value = format_datetime(in_an_hour, usegmt=True) if as_date else "3600"
    script = Answering(reply(b"{}", status, f"Retry-After: {value}"))
    with RawServer(script) as server, ends_in_time():
        done = ask(server.url)

    assert error_of(done) == (7, code)
    assert done.record["error"]["message"] == f"Imprint {words}"
    assert re.fullmatch(r"Wait 3[56]\d\d s, then try again\.", done.record["error"]["hint"])
    assert len(script.requests) == 1


NOW = 1e9  # Sun, 09 Sep 2001 01:46:40 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("1" * 5000, 111111111.0),
        ("Sun, 09 Sep 2001 01:47:00 GMT", 20.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        *((value, None) for value in ("", "soon", "-5", "1.5", "٣", "Mon", ",")),
        *((value, None) for value in ("Fri, 99 Dec 1999 99:59:59 GMT", "1 Jan 0001 00:00 +9999")),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date_or_ignored(
    value: str, seconds: float | None
) -> None:
    assert retry_after(Answer(503, {"retry-after": value}, b""), NOW) == seconds


@given(value=st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ .{0,20}"))
def test_any_retry_after_is_read_or_ignored(value: str) -> None:
    seconds = retry_after(Answer(503, {"retry-after": value}, b""), NOW)

    assert seconds is None or seconds >= 0
