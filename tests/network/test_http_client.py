"""Requests as they arrive, answers of every kind, and what of both is shown."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loyalty_cli import __version__
from loyalty_cli.model.customer_id import LONGEST_CUSTOMER, check_customer
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.http_client import CONNECTIONS, HttpClient, url_of
from loyalty_cli.providers.contract import Answer, Query, Request
from loyalty_cli.sandbox.server import Reply, Server
from tests.conftest import Run
from tests.fakes.servers import (
    BALANCE,
    Answering,
    RawServer,
    Wire,
    header,
    profile_at,
    reply,
)
from tests.network.conftest import Ask, Card, error_of


def read(client: HttpClient, url: str, **more: Any) -> Answer:
    profile = profile_at(url, **more)
    return client.read(profile, profile.provider.request(Query("C-1")), Deadline(30))


# What is sent.


def test_a_request_has_our_headers_and_no_others(ask: Ask) -> None:
    script = Answering()
    with RawServer(script) as server:
        assert ask(server.url.replace("http", "HTTP")).code == 0

    (request,) = script.requests
    first, *lines = request.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert first == "GET /v2/customers/C-1/rewards_balance HTTP/1.1"
    assert dict(line.split(": ") for line in lines) == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": f"loyalty-cli/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "Cache-Control": "no-cache",
        "Authorization": "Bearer secret-of-card",
    }


def test_a_json_request_has_the_providers_headers_in_the_place_of_ours() -> None:
    script = Answering()
    headers = {"accept": "application/hal+json", "HOST": "x"}
    request = Request(("v3", "token"), headers=headers, json={"key": "kü", "secret": 's"'})
    with RawServer(script) as server:
        HttpClient().read(profile_at(server.url), request, Deadline(30))

    (sent,) = script.requests
    assert sent.startswith(b"POST /v3/token HTTP/1.1\r\n")
    assert sent.endswith('\r\n\r\n{"key":"kü","secret":"s\\""}'.encode())
    assert header(sent, "content-type") == "application/json"
    names = [line.split(b":")[0].lower() for line in sent.split(b"\r\n")[1:]]
    assert (names.count(b"accept"), names.count(b"host")) == (1, 1)
    assert header(sent, "accept") == "application/hal+json"


def test_requests_of_all_profiles_at_a_host_share_a_connection_and_no_cookie() -> None:
    script = Answering(reply(BALANCE, "200 OK", "Set-Cookie: session=1; Path=/"))
    client = HttpClient()
    with RawServer(script) as server:
        read(client, server.url)
        read(client, server.url)
        read(client, server.url + "/a/b%20c", name="another")

    paths = [request.split()[1].partition(b"/v2/")[0] for request in script.requests]
    assert (paths, server.connections) == ([b"", b"", b"/a/b%20c"], 1)
    assert [header(request, "cookie") for request in script.requests] == [None] * 3


def test_a_kept_connection_that_the_server_has_closed_is_made_again() -> None:
    def one_each(wire: Wire) -> None:
        wire.request()
        wire.send(reply())

    client = HttpClient(sleep=lambda _: None)
    with RawServer(one_each) as server:
        assert [read(client, server.url).status for _ in range(3)] == [200, 200, 200]

    assert server.connections == 3


def test_many_look_ups_need_no_more_connections_than_are_kept(loyalty: Run, card: Card) -> None:
    script = Answering()
    customers = [f"C-{number}" for number in range(40)]
    with RawServer(script) as server:
        card(server.url)
        done = loyalty("balance", *customers, "-o", "json")

    assert [record["customer"] for record in done.records] == customers
    assert len(script.requests) == 40
    assert server.connections <= CONNECTIONS


def test_bytes_beyond_the_content_length_are_not_taken_for_the_next_answer() -> None:
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
@example(customer="\U0001f600" * LONGEST_CUSTOMER)
@settings(max_examples=150)
def test_an_identifier_in_the_path_or_in_the_query_arrives_byte_for_byte(
    echo: str, client: HttpClient, customer: str
) -> None:
    in_path = profile_at(echo)
    in_query = profile_at(echo, "saasquatch", settings={"tenant": "acme"})

    targets = [
        client.read(
            profile,
            profile.provider.request(Query(check_customer(customer), profile.settings)),
            Deadline(30),
        ).body
        for profile in (in_path, in_query)
    ]

    segments = [unquote_to_bytes(segment) for segment in targets[0].split(b"/")]
    assert segments == [b"", b"v2", b"customers", customer.encode(), b"rewards_balance"]
    start, _, value = targets[1].partition(b"=")
    assert start == b"/api/v1/acme/reward/balance?accountId"
    assert b"&" not in value
    assert unquote_to_bytes(value) == customer.encode()


def test_an_option_that_is_not_given_is_left_out_of_the_query() -> None:
    request = Request(("x",), {"a": None, "b": "1 &=", "c": ""})

    assert url_of(profile_at("https://a.example"), request) == "https://a.example/x?b=1%20%26%3D&c="


# Redirects, cookies, .netrc: what a library would do on its own.


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_not_followed(status: int, ask: Ask) -> None:
    with RawServer(Answering()) as other:
        script = Answering(reply(b"", f"{status} Moved", f"Location: {other.url}/new"))
        with RawServer(script) as server:
            done = ask(server.url)

    assert error_of(done) == (7, "redirected")
    assert f"{other.url}/new" in done.record["error"]["message"]
    assert f"{other.url}/new" in done.err
    assert other.connections == 0
    assert len(script.requests) == 1


@pytest.mark.parametrize("variable", [True, False], ids=["NETRC", "home"])
def test_a_netrc_file_does_not_replace_our_sign_in(
    variable: bool, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(os.environ["HOME"]) / (".elsewhere" if variable else ".netrc")
    entries = ("machine 127.0.0.1", "machine localhost", "default")
    path.write_text("".join(f"{entry} login eve password wrong\n" for entry in entries))
    path.chmod(0o600)
    if variable:
        monkeypatch.setenv("NETRC", str(path))
    script = Answering()
    with RawServer(script) as server:
        assert ask(server.url).code == 0
        assert ask(server.at("localhost")).code == 0

    sent = {header(request, "authorization") for request in script.requests}
    assert sent == {"Bearer secret-of-card"}


# Answers.


ODD = {
    "a body of another kind": reply(b"<!DOCTYPE html><title>Hello</title>"),
    "an encoding nobody knows": reply(b"\x8b\x00", "200 OK", "Content-Encoding: rot13"),
    "gzip that is none": reply(b"plainly not", "200 OK", "Content-Encoding: gzip"),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "another protocol from here": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.mark.parametrize("case", ODD)
def test_an_answer_that_makes_no_sense_is_an_error_without_a_retry(case: str, ask: Ask) -> None:
    def odd(wire: Wire) -> None:
        wire.request()
        wire.send(ODD[case])

    with RawServer(odd) as server:
        done = ask(server.url)

    assert error_of(done) == (7, "bad_response")
    assert len(done.err.splitlines()) == 2
    assert server.connections == 1


# Verbose.


@pytest.mark.parametrize("status", ["200 OK", "401 No", "503 Busy", "302 Moved", ""])
def test_verbose_shows_requests_and_answers_on_stderr_alone(status: str, ask: Ask) -> None:
    def script(wire: Wire) -> None:
        while wire.request():
            wire.send(reply(BALANCE, status)) if status else wire.reset()

    with RawServer(script) as server:
        plain, done = ask(server.url), ask(server.url, "-v")

    assert f"> GET {server.url}/v2/customers/C-1/rewards_balance\n" in done.err
    assert (f"< {status[:3]}, {len(BALANCE)} bytes in 0." in done.err) == bool(status)
    assert "secret-of-card" not in done.err
    assert not any(line.startswith(("> ", "< ")) for line in plain.err.splitlines())
    assert (plain.err == "") == (status == "200 OK")
    assert done.record | {"retrieved_at": None} == plain.record | {"retrieved_at": None}
