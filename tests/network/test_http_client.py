"""Requests as they arrive, answers of every kind, and how often a read is tried."""

import gzip
import os
import socket
import subprocess
import sys
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_cli import __version__
from loyalty_cli.model.customer_id import LONGEST_CUSTOMER, check_customer
from loyalty_cli.network import retry
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.http_client import (
    BODY_LIMIT_BYTES,
    CONNECTIONS,
    HttpClient,
    url_of,
)
from loyalty_cli.network.rate_limit import RateLimits
from loyalty_cli.network.retry import FIRST_PAUSE_SECONDS, retry_after
from loyalty_cli.providers.contract import Answer, Query, Request
from loyalty_cli.sandbox.server import Received, Reply, Server
from tests.conftest import Outcome, Run, Serve
from tests.fakes.passing_clock import PassingClock
from tests.fakes.servers import (
    BALANCE,
    ELSEWHERE,
    Answering,
    Proxy,
    RawServer,
    Script,
    Wire,
    header,
    profile_at,
    reply,
    unused_port,
)
from tests.network.test_bombs import CHILD_OF_A_SHELL

Card = Callable[..., Path]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again without a pause."""
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.0)


def ask(loyalty: Run, card: Card, url: str, *more: str) -> Outcome:
    card(url)
    return loyalty("balance", "C-1", "-o", "json", *more)


def error_of(done: Outcome) -> tuple[int, str]:
    return done.code, done.record["error"]["code"]


def read(client: HttpClient, url: str, seconds: float = 30, **more: Any) -> Answer:
    profile = profile_at(url, **more)
    request = profile.provider.request(Query("C-1"))
    return client.read(profile, request, Deadline(seconds))


# What is sent.


def test_a_request_says_who_asks_and_what_it_takes(loyalty: Run, card: Card) -> None:
    script = Answering()
    with RawServer(script) as server:
        assert ask(loyalty, card, server.url).code == 0

    (request,) = script.requests
    assert request.startswith(b"GET /v2/customers/C-1/rewards_balance HTTP/1.1\r\n")
    assert header(request, "user-agent") == f"loyalty-cli/{__version__}"
    assert header(request, "accept") == "application/json"
    assert header(request, "accept-encoding") == "gzip, deflate"
    assert header(request, "host") == f"127.0.0.1:{server.port}"
    assert header(request, "authorization") == "Bearer secret-of-card"
    assert header(request, "cookie") is None


def test_an_exchange_is_sent_as_json() -> None:
    script = Answering()
    request = Request(("v3", "token"), json={"key": "kü", "secret": 's"'})
    with RawServer(script) as server:
        HttpClient().read(profile_at(server.url), request, Deadline(30))

    (sent,) = script.requests
    assert sent.startswith(b"POST /v3/token HTTP/1.1\r\n")
    assert header(sent, "content-type") == "application/json"
    assert sent.endswith('\r\n\r\n{"key":"kü","secret":"s\\""}'.encode())


@pytest.mark.parametrize("prefix", ["", "/gateway", "/a/b%20c"])
def test_a_path_prefix_of_the_base_url_is_kept(prefix: str) -> None:
    script = Answering()
    with RawServer(script) as server:
        read(HttpClient(), server.url + prefix)

    expected = f"GET {prefix}/v2/customers/C-1/rewards_balance HTTP/1.1\r\n"
    assert script.requests[0].startswith(expected.encode())


def test_two_customers_at_one_profile_arrive_on_one_connection() -> None:
    script = Answering()
    client = HttpClient()
    with RawServer(script) as server:
        read(client, server.url)
        read(client, server.url)

    assert (len(script.requests), server.connections) == (2, 1)


def test_two_profiles_at_one_host_share_the_connection() -> None:
    script = Answering()
    client = HttpClient()
    with RawServer(script) as server:
        read(client, server.url, name="one")
        read(client, f"{server.url}/prefix", name="two")

    assert (len(script.requests), server.connections) == (2, 1)


def test_a_failed_try_keeps_the_connection_that_still_works() -> None:
    script = Answering(reply(b"{}", "503 Busy"), reply())
    with RawServer(script) as server:
        read(HttpClient(sleep=lambda _: None), server.url)

    assert (len(script.requests), server.connections) == (2, 1)


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew() -> None:
    def one_each(wire: Wire) -> None:
        wire.request()
        wire.send(reply())

    client = HttpClient(sleep=lambda _: None)
    with RawServer(one_each) as server:
        assert [read(client, server.url).status for _ in range(3)] == [200, 200, 200]

    assert server.connections == 3


def test_many_customers_need_no_more_connections_than_are_kept(loyalty: Run, card: Card) -> None:
    script = Answering()
    customers = [f"C-{number}" for number in range(40)]
    with RawServer(script) as server:
        card(server.url)
        done = loyalty("balance", *customers, "-o", "json")

    assert [record["customer"] for record in done.records] == customers
    assert len(script.requests) == 40
    assert server.connections <= CONNECTIONS


def test_more_than_the_content_length_says_is_not_the_next_answer() -> None:
    script = Answering(reply(b"{}extra", length=2), reply())
    client = HttpClient(sleep=lambda _: None)
    with RawServer(script) as server:
        first, second = read(client, server.url), read(client, server.url)

    assert (first.body, second.body) == (b"{}", BALANCE)


# Identifiers.

anything = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60)
tricky = st.sampled_from(
    ["%2e", "%2F", "/", "\\", "?", "#", "%", "+", " ", "&", "=", ";", "…", "é"]
)
identifiers = st.one_of(
    anything,
    st.lists(st.one_of(tricky, st.sampled_from([".", "..", "C-1", "\u202e"])), min_size=1).map(
        "".join
    ),
).filter(lambda text: text.strip() and text not in (".", ".."))


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """A server that answers with the address it was asked for."""
    with Server(lambda received: Reply(body=received.target.encode())) as server:
        yield server.url


@pytest.fixture(scope="module")
def client() -> HttpClient:
    return HttpClient()


@given(customer=identifiers)
@settings(deadline=None, max_examples=150)
def test_an_identifier_in_the_path_arrives_byte_for_byte(
    echo: str, client: HttpClient, customer: str
) -> None:
    profile = profile_at(echo)
    request = profile.provider.request(Query(check_customer(customer)))

    answer = client.read(profile, request, Deadline(30))

    segments = answer.body.split(b"?")[0].split(b"/")
    assert [unquote_to_bytes(segment) for segment in segments] == [
        b"",
        b"v2",
        b"customers",
        customer.encode(),
        b"rewards_balance",
    ]


@given(customer=identifiers)
@settings(deadline=None, max_examples=150)
def test_an_identifier_in_the_query_arrives_byte_for_byte(
    echo: str, client: HttpClient, customer: str
) -> None:
    profile = profile_at(echo, "saasquatch", settings={"tenant": "acme"})
    request = profile.provider.request(Query(check_customer(customer), profile.settings))

    answer = client.read(profile, request, Deadline(30))

    path, _, query = answer.body.partition(b"?")
    assert path == b"/api/v1/acme/reward/balance"
    assert query.count(b"&") == 0
    name, _, value = query.partition(b"=")
    assert (name, unquote_to_bytes(value)) == (b"accountId", customer.encode())


def test_the_longest_identifier_arrives_whole(loyalty: Run, card: Card) -> None:
    customer = "\U0001f600" * LONGEST_CUSTOMER
    script = Answering()
    with RawServer(script) as server:
        card(server.url)
        assert loyalty("balance", customer, "-o", "json").code == 0

    assert quote(customer).encode() in script.requests[0]


@pytest.mark.parametrize(
    "customer",
    ["", " ", "\t", "\u3000", ".", "..", "a\nb", "a\rb", "\x00", "\x1b[31m", "\x7f", "\x85",
     "\ud800", "C-1\udcff", "x" * (LONGEST_CUSTOMER + 1)],
)  # fmt: skip
def test_an_identifier_that_cannot_be_sent_is_refused_before_any_connection(
    customer: str, loyalty: Run, card: Card
) -> None:
    with RawServer(Answering()) as server:
        card(server.url)
        done = loyalty("balance", "--", "C-1", customer)

    assert (done.code, done.out) == (2, "")
    assert server.connections == 0


@given(segments=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_url_keeps_its_segments_apart(segments: list[str]) -> None:
    url = url_of(profile_at("https://a.example"), Request(tuple(segments)))

    path = url.removeprefix("https://a.example/")
    assert [unquote_to_bytes(part).decode() for part in path.split("/")] == segments
    assert not set("?#&= ") & set(path)


def test_an_option_that_is_not_given_is_left_out() -> None:
    request = Request(("x",), {"a": None, "b": "1 &=", "c": ""})

    assert url_of(profile_at("https://a.example"), request) == "https://a.example/x?b=1%20%26%3D&c="


# Trying again.


def reset(wire: Wire) -> None:
    wire.request()
    wire.reset()


def hang_up(wire: Wire) -> None:
    wire.request()


def hang_up_in_the_body(wire: Wire) -> None:
    wire.request()
    wire.send(reply(b"{", length=50))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_platform_that_is_busy_is_asked_three_times(
    status: int, loyalty: Run, card: Card
) -> None:
    script = Answering(reply(b"{}", f"{status} Busy"))
    with RawServer(script) as server:
        done = ask(loyalty, card, server.url)

    assert error_of(done) == (7, "rate_limited" if status == 429 else "server_error")
    assert done.record["error"]["http_status"] == status
    assert len(script.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_the_third_try_can_succeed(status: int, loyalty: Run, card: Card) -> None:
    busy = reply(b"<html>", f"{status} Busy")
    script = Answering(busy, busy, reply())
    with RawServer(script) as server:
        done = ask(loyalty, card, server.url)

    assert done.code == 0
    assert done.record["balances"][0]["available"] == 120000
    assert len(script.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 422, 501, 505, 204, 304])
def test_any_other_status_is_final(status: int, loyalty: Run, card: Card) -> None:
    script = Answering(reply(b"", f"{status} No"))
    with RawServer(script) as server:
        done = ask(loyalty, card, server.url)

    assert done.code != 0
    assert len(script.requests) == 1


@pytest.mark.parametrize("script", [reset, hang_up, hang_up_in_the_body])
def test_a_connection_that_breaks_is_made_three_times(
    script: Script, loyalty: Run, card: Card
) -> None:
    with RawServer(script) as server:
        done = ask(loyalty, card, server.url)

    assert error_of(done) == (7, "unreachable")
    assert server.connections == 3


@pytest.mark.parametrize("break_off", [reset, hang_up, hang_up_in_the_body])
def test_a_connection_that_breaks_twice_can_succeed(
    break_off: Script, loyalty: Run, card: Card
) -> None:
    def twice(wire: Wire) -> None:
        if server.connections < 3:
            break_off(wire)
        else:
            wire.request()
            wire.send(reply())

    with RawServer(twice) as server:
        assert ask(loyalty, card, server.url).code == 0


def test_a_connection_that_is_refused_is_tried_three_times(loyalty: Run, card: Card) -> None:
    done = ask(loyalty, card, f"http://127.0.0.1:{unused_port()}", "-v")

    assert error_of(done) == (7, "unreachable")
    assert "Connection refused" in done.record["error"]["message"]
    assert done.err.count("> GET") == 3
    assert done.err.count("trying again") == 2


def test_what_is_busy_to_one_platform_alone_is_tried_again(
    profile_file: Callable[[str], Path],
    loyalty: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = reply(b'{"code": 2001, "message": "in progress"}', "422 No")
    script = Answering(busy, reply(b'{"availablePointsBalance": 5}'))
    monkeypatch.setenv("LOYALTY_POINTS_API_KEY", "a")
    monkeypatch.setenv("LOYALTY_POINTS_SECRET_KEY", "b")
    with RawServer(script) as server:
        profile_file(f"profiles:\n  points: {{provider: gameball, base_url: '{server.url}'}}\n")
        assert loyalty("balance", "C-1", "-p", "points").code == 0

    assert len(script.requests) == 2


def test_pauses_have_full_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", FIRST_PAUSE_SECONDS)
    pauses: list[float] = []
    client = HttpClient(sleep=pauses.append)
    with RawServer(Answering(reply(b"{}", "503 Busy"))) as server:
        for _ in range(40):
            read(client, server.url)

    first, second = pauses[0::2], pauses[1::2]
    assert len(first) == len(second) == 40
    assert all(0 <= pause <= FIRST_PAUSE_SECONDS for pause in first)
    assert all(0 <= pause <= FIRST_PAUSE_SECONDS * 2 for pause in second)
    assert len({*first, *second}) == 80
    assert min(second) < FIRST_PAUSE_SECONDS / 2
    assert max(second) > FIRST_PAUSE_SECONDS


def in_http(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", ["429 Too many", "503 Busy"])
@pytest.mark.parametrize("as_date", [False, True])
def test_a_platform_that_says_how_long_to_wait_is_given_that_time(
    status: str, as_date: bool
) -> None:
    clock = PassingClock()
    value = in_http(20) if as_date else "20"
    script = Answering(reply(b"{}", status, f"Retry-After: {value}"), reply())
    with RawServer(script) as server:
        answer = read(HttpClient(rate_limits=RateLimits(clock=clock)), server.url, seconds=60)

    assert answer.status == 200
    assert 15 < clock.waited <= 20.5


@pytest.mark.parametrize("as_date", [False, True])
def test_a_wait_beyond_the_deadline_is_given_up_at_once(
    as_date: bool, loyalty: Run, card: Card
) -> None:
    value = in_http(3600) if as_date else "3600"
    script = Answering(reply(b"{}", "429 Too many", f"Retry-After: {value}"))
    began = time.monotonic()
    with RawServer(script) as server:
        done = ask(loyalty, card, server.url)

    assert time.monotonic() - began < 5
    assert error_of(done) == (7, "rate_limited")
    assert done.record["error"]["message"] == "Imprint is rate-limiting requests (HTTP 429)."
    assert done.record["error"]["hint"].startswith("Wait 3")
    assert len(script.requests) == 1


def test_a_busy_platform_that_wants_a_long_wait_says_so_to_the_user(
    loyalty: Run, card: Card
) -> None:
    script = Answering(reply(b"{}", "503 Busy", "Retry-After: 120"))
    with RawServer(script) as server:
        done = ask(loyalty, card, server.url)

    assert error_of(done) == (7, "server_error")
    assert done.record["error"]["hint"] == "Wait 120 s, then try again."
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "1.5", "٣", "Mon", ",", "Fri, 31 Dec 1999 23:59:59 GMT", "0",
     "Fri, 99 Dec 1999 99:59:59 GMT", "1 Jan 0001 00:00:00 +9999", "1" * 5000],
)  # fmt: skip
def test_a_wait_that_makes_no_sense_is_no_reason_to_fail(value: str) -> None:
    seconds = retry_after(Answer(503, {"retry-after": value}, b""), time.time())

    assert seconds is None or seconds >= 0


@given(value=st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ .{0,20}"))
def test_no_wait_can_break_the_reading_of_it(value: str) -> None:
    seconds = retry_after(Answer(503, {"retry-after": value}, b""), 1e9)

    assert seconds is None or seconds >= 0


# Redirects, cookies, .netrc: what a library would do on its own.


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_its_target_is_named(
    status: int, loyalty: Run, card: Card
) -> None:
    elsewhere = Answering()
    with RawServer(elsewhere) as other:
        script = Answering(reply(b"", f"{status} Moved", f"Location: {other.url}/new"))
        with RawServer(script) as server:
            done = ask(loyalty, card, server.url)

    assert error_of(done) == (7, "redirected")
    assert f"{other.url}/new" in done.record["error"]["message"]
    assert f"{other.url}/new" in done.err
    assert other.connections == 0
    assert len(script.requests) == 1


def test_a_redirect_to_nowhere_is_no_balance(loyalty: Run, card: Card) -> None:
    with RawServer(Answering(reply(BALANCE, "302 Moved"))) as server:
        assert error_of(ask(loyalty, card, server.url)) == (7, "redirected")


@pytest.mark.parametrize("variable", [True, False])
def test_a_netrc_file_does_not_take_the_place_of_our_sign_in(
    variable: bool, loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(os.environ["HOME"]) / (".elsewhere" if variable else ".netrc")
    path.write_text(
        "machine 127.0.0.1 login eve password wrong\n"
        "machine localhost login eve password wrong\n"
        "default login eve password wrong\n"
    )
    path.chmod(0o600)
    if variable:
        monkeypatch.setenv("NETRC", str(path))
    script = Answering()
    with RawServer(script) as server:
        assert ask(loyalty, card, server.url).code == 0
        assert ask(loyalty, card, server.at("localhost")).code == 0

    sent = {header(request, "authorization") for request in script.requests}
    assert sent == {"Bearer secret-of-card"}


def test_no_cookie_is_kept() -> None:
    script = Answering(reply(BALANCE, "200 OK", "Set-Cookie: session=1; Path=/"))
    client = HttpClient()
    with RawServer(script) as server:
        for _ in range(3):
            read(client, server.url)

    assert [header(request, "cookie") for request in script.requests] == [None] * 3


# Bodies and heads that no platform should send.


def bomb(mebibytes: int) -> bytes:
    """A gzip stream of zeros that is a thousandth of its size; its end is never reached."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, other = (
        packer.compress(bytes(1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    return first + other * (mebibytes - 1)


def endless(wire: Wire) -> None:
    wire.request()
    wire.send(reply(b"", length=64 * 1024 * 1024))
    for _ in range(64):
        wire.send(b" " * 1024 * 1024)


def endless_chunks(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire.send_for_ever(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def one_huge_chunk(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n")
    wire.send_for_ever(b" " * 0x10000)


def endless_behind_a_redirect(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 302 Moved\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire.send_for_ever(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def zipped(encoding: str, body: bytes) -> Answering:
    return Answering(reply(body, "200 OK", f"Content-Encoding: {encoding}"))


def gzip_bomb(wire: Wire) -> None:
    zipped("gzip", bomb(512))(wire)


def gzip_bomb_in_a_gzip(wire: Wire) -> None:
    zipped("gzip, gzip", gzip.compress(bomb(512)))(wire)


def gzip_bomb_in_chunks(wire: Wire) -> None:
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n")
    content = bomb(512)
    wire.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content))


@pytest.mark.parametrize(
    "script",
    [
        endless,
        endless_chunks,
        endless_behind_a_redirect,
        one_huge_chunk,
        gzip_bomb,
        gzip_bomb_in_a_gzip,
        gzip_bomb_in_chunks,
    ],
)
def test_a_body_that_is_too_large_is_given_up(script: Script, loyalty: Run, card: Card) -> None:
    with RawServer(script) as server:
        done = ask(loyalty, card, server.url)

    assert error_of(done) == (7, "bad_response")
    assert "more than a balance can be" in done.record["error"]["message"]
    assert server.connections == 1


MEASURED = """
import resource, sys
from loyalty_cli import cli
cli.run(["balance", "C-1", "-o", "json"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
code = cli.run(["balance", "C-1", "-o", "json"])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(code, after - before, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "script", [endless, endless_behind_a_redirect, gzip_bomb, gzip_bomb_in_a_gzip]
)
def test_a_body_that_is_too_large_is_never_held_in_memory(script: Script, card: Card) -> None:
    def first_a_balance(wire: Wire) -> None:
        if server.connections == 1:
            Answering()(wire)
        else:
            script(wire)

    with RawServer(first_a_balance) as server:
        card(server.url)
        done = subprocess.run(
            [*CHILD_OF_A_SHELL, sys.executable, "-c", MEASURED],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

    code, grown = done.stderr.split()[-2:]
    mebibyte = 1024 * 1024 if sys.platform == "darwin" else 1024
    assert code == "7"
    assert int(grown) / mebibyte < 8 * BODY_LIMIT_BYTES / 1024 / 1024


def test_a_body_of_just_the_limit_is_read() -> None:
    body = b'"' + b"x" * (BODY_LIMIT_BYTES - 2) + b'"'
    with RawServer(Answering(reply(body))) as server:
        assert read(HttpClient(), server.url).body == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_packed_body_is_unpacked(encoding: str, loyalty: Run, card: Card) -> None:
    body = gzip.compress(BALANCE) if encoding == "gzip" else zlib.compress(BALANCE)
    with RawServer(zipped(encoding, body)) as server:
        done = ask(loyalty, card, server.url)

    assert done.record["balances"][0]["available"] == 120000


def test_a_body_in_chunks_is_put_together(loyalty: Run, card: Card) -> None:
    def chunks(wire: Wire) -> None:
        wire.request()
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.send(b"".join(b"1\r\n%c\r\n" % byte for byte in BALANCE) + b"0\r\n\r\n")

    with RawServer(chunks) as server:
        assert ask(loyalty, card, server.url).code == 0


def raw(content: bytes) -> Script:
    def script(wire: Wire) -> None:
        wire.request()
        wire.send(content)

    return script


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
NONSENSE = {
    "not HTTP at all": b"\x00\x01\x02\x03" * 100,
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a status that is no number": b"HTTP/1.1 two OK\r\n\r\n",
    "a status beyond all": b"HTTP/1.1 99999 OK\r\n\r\n",
    "another HTTP": b"HTTP/9.9 200 OK\r\n\r\n",
    "a status line of 1 MB": b"HTTP/1.1 200 " + b"x" * 1_000_000 + b"\r\n\r\n",
    "more than 100 headers": OK + b"X: y\r\n" * 101 + b"\r\n",
    "a header of 1 MB": OK + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a chunk without a size": CHUNKED + b"xyz\r\n{}\r\n0\r\n\r\n",
    "gzip that is none": reply(b"plainly not", "200 OK", "Content-Encoding: gzip"),
    "gzip that is broken": reply(
        gzip.compress(BALANCE)[:15] + b"xxxxxxxxxxxx", "200 OK", "Content-Encoding: gzip"
    ),
    "six layers of gzip": reply(b"", "200 OK", "Content-Encoding: " + "gzip, " * 6 + "gzip"),
    "an unknown encoding": reply(b"\x8b\x00", "200 OK", "Content-Encoding: rot13"),
    "no body": reply(b""),
    "no body and no length": OK + b"\r\n",
    "a body of another kind": reply(b"<!DOCTYPE html><title>Hello</title>"),
    "a length that is too short": reply(length=10),
    "a header that is none": OK + b"nonsense\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}


@pytest.mark.parametrize("content", NONSENSE.values(), ids=NONSENSE.keys())
def test_an_answer_that_makes_no_sense_is_a_clear_error(
    content: bytes, loyalty: Run, card: Card
) -> None:
    with RawServer(raw(content)) as server:
        done = ask(loyalty, card, server.url)

    assert error_of(done) == (7, "bad_response")
    assert len(done.err.splitlines()) == 2
    assert server.connections == 1


CUT_SHORT = {
    "a length that is too long": reply(length=len(BALANCE) + 1),
    "chunks that end early": CHUNKED + b"%x\r\n%b\r\n" % (len(BALANCE), BALANCE),
    "a chunk that ends early": CHUNKED + b"fff\r\n" + BALANCE,
    "a chunk size that ends early": CHUNKED + b"2",
}


@pytest.mark.parametrize("content", CUT_SHORT.values(), ids=CUT_SHORT.keys())
def test_an_answer_that_is_cut_short_is_never_taken_for_a_balance(
    content: bytes, loyalty: Run, card: Card
) -> None:
    with RawServer(raw(content)) as server:
        done = ask(loyalty, card, server.url)

    assert error_of(done) == (7, "unreachable")
    assert "ended in the middle of the answer" in done.record["error"]["message"]
    assert server.connections == 3


def test_a_packed_body_that_ends_early_is_no_balance(loyalty: Run, card: Card) -> None:
    packed = gzip.compress(BALANCE)[:-12]
    with RawServer(zipped("gzip", packed)) as server:
        assert error_of(ask(loyalty, card, server.url)) == (7, "bad_response")


# Verbose.

SECRETS: dict[str, dict[str, tuple[str, ...]]] = {
    "imprint": {"bearer": ("api_key",), "basic": ("api_key",)},
    "gameball": {"keys": ("api_key", "secret_key")},
    "capillary": {"basic": ("username", "password"), "oauth": ("client_key", "client_secret")},
    "omneo": {"bearer": ("api_token",)},
    "saasquatch": {"api_key": ("api_key",), "user_token": ("user_token",)},
}
WAYS = [(provider, auth) for provider, auths in SECRETS.items() for auth in auths]


def disguises(secret: str) -> Iterator[str]:
    """Every way that a secret could show through."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    for text in (secret, f":{secret}", f"{secret}:", f"x{secret}", f"xx{secret}"):
        yield b64encode(text.encode()).decode().rstrip("=")[4:-4]


@pytest.fixture
def signed_in(
    profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str, str], list[str]]:
    """Write a profile whose credentials are easy to find, and give them."""

    def write(provider: str, auth: str, url: str) -> list[str]:
        secrets = []
        for field in SECRETS[provider][auth]:
            secret = f"S3cr3t/{field}+={provider}&%{auth}"
            monkeypatch.setenv(f"LOYALTY_ONE_{field.upper()}", secret)
            secrets.append(secret)
        tenant = ", tenant: acme" if provider == "saasquatch" else ""
        keys = f"provider: {provider}, auth: {auth}, base_url: '{url}'{tenant}"
        profile_file(f"profiles:\n  one: {{{keys}}}\n")
        return secrets

    return write


TOKEN = "T0ken-that-nobody/may+see="


@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("status", [200, 401, 503, 302, 0])
def test_verbose_shows_the_requests_and_no_secret(
    way: tuple[str, str],
    status: int,
    serve: Serve,
    loyalty: Run,
    signed_in: Callable[[str, str, str], list[str]],
) -> None:
    def handle(received: Received) -> Reply:
        if received.path[-1] == "generate":
            return Reply(body={"data": {"accessToken": TOKEN, "ttlSeconds": 3600}})
        seen.append(received)
        moved = {"Location": "/elsewhere"} if status == 302 else {}
        return Reply(status or 200, {}, headers=moved, reset=not status)

    seen: list[Received] = []
    secrets = signed_in(*way, serve(handle))
    done = loyalty("-v", "balance", "C 1", "-p", "one", "-o", "json")

    assert "> GET http://127.0.0.1:" in done.err
    assert "C%201" in done.err
    assert (f"< {status}, 2 bytes in 0." in done.err) == bool(status)
    assert seen
    signed = {request.headers.get("authorization", TOKEN).split()[-1] for request in seen}
    for secret in [*secrets, *signed, TOKEN]:
        for disguise in disguises(secret):
            assert disguise not in done.err
            assert disguise not in done.out


def test_without_verbose_no_request_is_shown(loyalty: Run, card: Card) -> None:
    with RawServer(Answering()) as server:
        assert ask(loyalty, card, server.url).err == ""


def test_verbose_leaves_the_document_as_it_is(loyalty: Run, card: Card) -> None:
    with RawServer(Answering()) as server:
        assert ask(loyalty, card, server.url, "-v").record["customer"] == "C-1"


def test_a_request_does_not_show_its_secrets_when_it_is_printed() -> None:
    request = Request(("v3", "token"), headers={"X": "hidden"}, json={"secret": "hidden"})

    assert repr(request) == "Request(POST v3/token)"


# Proxies.


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "::1"])
def test_loopback_goes_through_no_proxy(
    host: str, loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    where = "127.0.0.1" if host == "localhost" else host
    with RawServer(Answering(), host=where) as server, RawServer(Proxy()) as proxy:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.url)
        done = ask(loyalty, card, server.at("localhost") if host == "localhost" else server.url)

    assert done.code == 0
    assert proxy.connections == 0


def test_a_proxy_that_cannot_be_used_does_not_matter_on_loopback(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, "socks5://proxy.example")
    with RawServer(Answering()) as server:
        assert ask(loyalty, card, server.url).code == 0


@pytest.mark.parametrize("exception", [ELSEWHERE, "*", ".invalid", f"example.com,{ELSEWHERE}"])
def test_no_proxy_keeps_a_host_off_the_proxy(
    exception: str, loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(Proxy()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", exception)
        done = ask(loyalty, card, f"https://{ELSEWHERE}")

    assert "its name is not known" in done.record["error"]["message"]
    assert proxy.connections == 0


def test_the_sandbox_goes_through_no_proxy(loyalty: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(Proxy()) as proxy:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.url)
        done = loyalty("--sandbox", "balance", "C-1001", "--all-profiles", "-o", "json")

    assert done.code == 0
    assert len(done.records) == 5
    assert proxy.connections == 0


PASSWORD = "pass+w0rd/of-the=proxy"
USER = f"staff:{quote(PASSWORD, safe='')}@"


def hides_the_password(done: Outcome) -> bool:
    return not any(
        disguise in done.out + done.err
        for secret in (PASSWORD, f"staff:{PASSWORD}")
        for disguise in disguises(secret)
    )


def test_the_user_of_a_proxy_is_sent_to_it_and_never_shown(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = Proxy(reply(b"", "403 Forbidden"))
    with RawServer(refusing) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{USER}127.0.0.1:{proxy.port}")
        done = ask(loyalty, card, f"https://{ELSEWHERE}", "-v")

    pair = b64encode(f"staff:{PASSWORD}".encode()).decode()
    assert header(refusing.heads[0], "proxy-authorization") == f"Basic {pair}"
    assert hides_the_password(done)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_is_not_there_is_named_without_its_password(
    variable: str, loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = unused_port()
    monkeypatch.setenv(variable, f"http://{USER}127.0.0.1:{port}")
    done = ask(loyalty, card, f"https://{ELSEWHERE}", "-v")

    assert error_of(done) == (7, "unreachable")
    assert f"the proxy 127.0.0.1:{port} on the way to" in done.record["error"]["message"]
    assert "Connection refused" in done.record["error"]["message"]
    assert "HTTPS_PROXY" in done.record["error"]["hint"]
    assert hides_the_password(done)


def test_a_proxy_that_wants_a_sign_in_says_so_once(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: a wrong password that is tried again and again locks people out."""
    refusing = Proxy(reply(b"<html>", "407 Sign in", 'Proxy-Authenticate: Basic realm="x"'))
    with RawServer(refusing) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{USER}127.0.0.1:{proxy.port}")
        done = ask(loyalty, card, f"https://{ELSEWHERE}", "-v")

    assert error_of(done) == (7, "unreachable")
    assert "the proxy 127.0.0.1" in done.record["error"]["message"]
    assert "wants a sign-in" in done.record["error"]["message"]
    assert len(refusing.heads) == 1
    assert hides_the_password(done)


def test_the_credential_is_not_shown_to_a_proxy_that_only_opens_a_tunnel(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = Proxy(reply(b"", "403 Forbidden"))
    with RawServer(refusing) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        done = ask(loyalty, card, "https://platform.invalid")

    assert error_of(done) == (7, "unreachable")
    assert "it answers HTTP 403" in done.record["error"]["message"]
    assert refusing.heads[0].startswith(b"CONNECT platform.invalid:443 HTTP/1.")
    assert b"secret-of-card" not in b"".join(refusing.heads)
    assert len(refusing.heads) == 1


def test_a_proxy_that_is_busy_is_asked_again(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = Proxy(reply(b"", "503 Busy"))
    with RawServer(refusing) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        done = ask(loyalty, card, "https://platform.invalid")

    assert error_of(done) == (7, "unreachable")
    assert len(refusing.heads) == 3


@pytest.mark.parametrize(
    ("proxy", "reason"),
    [
        ("socks5://proxy.example:1080", "SOCKS"),
        ("SOCKS5H://user:hidden@proxy.example:1080", "SOCKS"),
        ("ftp://user:hidden@proxy.example:21", "not an HTTP proxy"),
        ("http://user:hid/den@proxy.example:3128", "not a URL"),
        ("http://user:hid#den@proxy.example:3128", "not a URL"),
        ("http://user:hidden@proxy.example:high", "not a URL"),
        ("http://user:hidden@[::1:3128", "not a URL"),
        ("http://", "not a URL"),
        ("http://user:hidden@", "not a URL"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_set_up_error(
    proxy: str, reason: str, loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    done = ask(loyalty, card, "https://platform.invalid", "-v")

    assert error_of(done) == (3, "setup")
    assert reason in done.record["error"]["message"]
    assert "HTTPS_PROXY" in done.record["error"]["hint"]
    for hidden in ("user", "hid", "den@"):
        assert hidden not in done.out + done.err


# Loopback by its other names.


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_platform_answers_at_an_ipv6_address(loyalty: Run, card: Card) -> None:
    script = Answering()
    with RawServer(script, host="::1") as server:
        assert ask(loyalty, card, server.url).code == 0

    assert header(script.requests[0], "host") == f"[::1]:{server.port}"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1"])
def test_a_platform_answers_on_loopback(host: str, loyalty: Run, card: Card) -> None:
    with RawServer(Answering()) as server:
        assert ask(loyalty, card, server.at(host)).code == 0


def test_the_scheme_may_be_in_capitals(loyalty: Run, card: Card) -> None:
    with RawServer(Answering()) as server:
        assert ask(loyalty, card, server.url.replace("http", "HTTP")).code == 0
