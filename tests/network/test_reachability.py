"""Whether an address answers, and at which step there is no way on."""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.reachability import ahead, reach
from loyalty_cli.providers.contract import Answer
from tests.fakes.servers import (
    ELSEWHERE,
    Answering,
    Proxy,
    RawServer,
    header,
    profile_at,
    reply,
    unused_port,
)

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC).timestamp()


def client() -> HttpClient:
    return HttpClient(sleep=lambda _: None)


def test_any_answer_to_the_base_url_means_that_it_is_reached_and_no_credential_is_sent() -> None:
    script = Answering(reply(b"<html>", "418 Teapot"))
    with RawServer(script) as server:
        reached = reach(client(), profile_at(f"{server.url}/prefix"))

    assert (reached.through, reached.status, reached.clock) == ("127.0.0.1", 418, None)
    assert 0 < reached.seconds < 20
    (request,) = script.requests
    assert request.startswith(b"GET /prefix/ HTTP/1.1\r\n")
    assert header(request, "authorization") is None


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"x" * 2_000_000, "200 OK"),
        reply(b"not packed", "200 OK", "Content-Encoding: br"),
        reply(b"", "301 Moved", "Location: https://www.example.com"),
        reply(b"", "200 OK", length=9_999_999_999),
    ],
    ids=["a large page", "another encoding", "a redirect", "a body that never comes"],
)
def test_the_body_of_the_answer_does_not_matter(answer: bytes) -> None:
    with RawServer(Answering(answer)) as server:
        assert reach(client(), profile_at(server.url, timeout=5)).status in (200, 301)


def test_through_a_proxy_its_password_is_not_shown_and_the_platforms_name_is_not_looked_up(
    company: trustme.CA, secure: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "company.pem"
    company.cert_pem.write_to_path(str(bundle))
    with RawServer(Answering(), secure) as server, RawServer(Proxy()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter22@127.0.0.1:{proxy.port}")
        reached = reach(client(), profile_at(server.at(ELSEWHERE), ca_bundle=bundle))

    assert (reached.through, reached.status) == (f"the proxy 127.0.0.1:{proxy.port}", 200)


def failure(url: str, timeout: float = 0.3) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught:
        reach(client(), profile_at(url, timeout=timeout))
    assert caught.value.hint
    return caught.value


def test_each_step_that_fails_is_named(secure: ssl.SSLContext) -> None:
    port = unused_port()
    unknown = failure("https://platform.invalid")
    assert unknown.message.startswith("DNS: the name platform.invalid is not found: ")
    closed = failure(f"http://127.0.0.1:{port}")
    assert closed.message == f"TCP: no connection to 127.0.0.1:{port}: Connection refused."
    assert ["HTTPS_PROXY" in str(each.hint) for each in (unknown, closed)] == [True, False]
    with RawServer(Answering(), secure) as server:
        untrusted = failure(server.url, 5)
    assert untrusted.message.startswith("TLS: there is no secure connection to Imprint at ")
    with RawServer(lambda wire: wire.stall()) as server:
        silent = failure(server.url)
    assert silent.message.startswith("HTTP: Imprint at ")

    codes = [error.code for error in (unknown, closed, untrusted, silent)]
    assert codes == [
        *(ErrorCode.UNREACHABLE, ErrorCode.UNREACHABLE, ErrorCode.TLS_FAILED, ErrorCode.TIMED_OUT),
    ]


def test_a_name_server_that_never_answers_is_left_at_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", never)
    late = failure("https://platform.example")

    assert late.code is ErrorCode.TIMED_OUT
    assert late.message.startswith("DNS: the name platform.example is not found: no answer within")


@pytest.mark.parametrize(
    ("headers", "clock"),
    [
        ({"date": "Sun, 22 Nov 2026 12:00:05 GMT"}, 5.0),
        ({"date": "Sun, 22 Nov 2026 11:59:00 GMT"}, -60.0),
        ({"date": "Sun, 22 Nov 2026 11:59:00 GMT", "age": "60"}, 0.0),
        ({"date": "Sun, 22 Nov 2026 12:00:00 -0000"}, 0.0),
        ({"date": "Sun, 22 Nov 2026 13:00:00 +0100"}, 0.0),
        ({"date": "soon"}, None),
        ({"date": "Sun, 22 Nov 99999 12:00:00 GMT"}, None),
        ({"date": "Sun, 22 Nov 2026 12:00:00 GMT", "age": "9" * 400}, None),
        ({"date": "Sun, 22 Nov 2026 12:00:00 GMT", "age": "\xb2"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_platforms_clock_is_compared_with_ours(
    headers: dict[str, str], clock: float | None
) -> None:
    assert ahead(Answer(200, headers, b""), NOW) == clock
