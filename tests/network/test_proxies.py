"""Proxies: when one is used, what it sees, and how one that is no use is told without its user."""

import socket
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.network.proxies import proxy_fault, without_user
from tests.conftest import Outcome
from tests.fakes.servers import ELSEWHERE, Answering, Proxy, RawServer, header, reply, unused_port
from tests.network.conftest import Ask, error_of

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
PASSWORD = "pass+w0rd/of-the=proxy"
USER = f"staff:{quote(PASSWORD, safe='')}@"


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "::1"])
def test_requests_to_loopback_go_through_no_proxy(
    host: str, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    is_name = host.lower() == "localhost"
    for name in PROXIES:
        monkeypatch.setenv(name, "socks5://proxy.example")
    script = Answering()
    with RawServer(script, host="127.0.0.1" if is_name else host) as server:
        done = ask(server.at(host) if is_name else server.url)

    assert done.code == 0
    shown = f"[{host}]" if host == "::1" else host.lower()
    assert header(script.requests[0], "host") == f"{shown}:{server.port}"


@pytest.mark.parametrize("exception", [ELSEWHERE, "*", ".invalid", f"example.com,{ELSEWHERE}"])
def test_no_proxy_keeps_a_host_off_the_proxy(
    exception: str, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(Proxy()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", exception)
        done = ask(f"https://{ELSEWHERE}")

    assert "its name is not known" in done.record["error"]["message"]
    assert proxy.connections == 0


def disguises(secret: str) -> Iterator[str]:
    """Every way that a secret could show through."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    for text in (secret, f":{secret}", f"{secret}:", f"x{secret}", f"xx{secret}"):
        yield b64encode(text.encode()).decode().rstrip("=")[4:-4]


def hides_the_password(done: Outcome) -> bool:
    return not any(
        disguise in done.out + done.err
        for secret in (PASSWORD, f"staff:{PASSWORD}")
        for disguise in disguises(secret)
    )


@pytest.mark.parametrize(
    ("status", "words", "asked"),
    [
        ("403 Forbidden", "it answers HTTP 403", 1),
        # Once: a wrong password that is tried again and again locks people out.
        ("407 Sign in", "it requires a sign-in (HTTP 407)", 1),
        ("503 Busy", "it answers HTTP 503", 3),
    ],
)
def test_a_proxy_that_opens_no_tunnel_sees_nothing_of_the_request(
    status: str, words: str, asked: int, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = Proxy(reply(b"<html>", status, 'Proxy-Authenticate: Basic realm="x"'))
    with RawServer(refusing) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{USER}127.0.0.1:{proxy.port}")
        done = ask(f"https://{ELSEWHERE}", "-v")

    assert error_of(done) == (7, "unreachable")
    message = done.record["error"]["message"]
    assert done.record["error"]["http_status"] == int(status[:3])
    assert f"the proxy 127.0.0.1:{proxy.port} on the way to" in message
    assert words in message
    pair = b64encode(f"staff:{PASSWORD}".encode()).decode()
    assert len(refusing.heads) == asked
    for head in refusing.heads:
        assert head.startswith(f"CONNECT {ELSEWHERE}:443 HTTP/1.1\r\n".encode())
        assert header(head, "host") == f"{ELSEWHERE}:443"
        assert header(head, "proxy-authorization") == f"Basic {pair}"
        assert b"secret-of-card" not in head
    assert hides_the_password(done)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_is_not_there_is_named_without_its_password(
    variable: str, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = unused_port()
    monkeypatch.setenv(variable, f"http://{USER}127.0.0.1:{port}")
    done = ask(f"https://{ELSEWHERE}", "-v")

    assert error_of(done) == (7, "unreachable")
    assert f"the proxy 127.0.0.1:{port} on the way to" in done.record["error"]["message"]
    assert "Connection refused" in done.record["error"]["message"]
    assert "HTTPS_PROXY" in done.record["error"]["hint"]
    assert hides_the_password(done)


def test_a_proxy_that_cannot_be_used_is_a_set_up_error(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"socks5h://{USER}proxy.example:1080")

    done = ask(f"https://{ELSEWHERE}", "-v")

    assert error_of(done) == (3, "setup")
    assert "the proxy proxy.example:1080 cannot be used: it is a SOCKS" in done.err
    assert "HTTPS_PROXY" in done.record["error"]["hint"]
    assert hides_the_password(done)


@pytest.mark.parametrize(
    ("url", "shown", "fault"),
    [
        ("http://proxy.example:3128", "proxy.example:3128", None),
        ("https://staff:hidden@proxy.example:3128/", "proxy.example:3128", None),
        ("proxy.example:3128", "proxy.example:3128", None),
        ("staff:hidden@proxy.example:3128", "proxy.example:3128", None),
        ("http://staff:hid@den@proxy.example", "proxy.example", None),
        ("http://staff:hidden@[::1]:3128", "[::1]:3128", None),
        ("http://staff:hid/den@proxy.example", "proxy.example", "not a URL"),
        ("http://staff:hid#den?x@proxy.example", "proxy.example", "not a URL"),
        ("http://staff:hidden@proxy.example:high", "proxy.example:high", "not a URL"),
        ("http://staff:hidden@[::1:3128", "(not a URL)", "not a URL"),
        ("http://staff:hidden@", "(not a URL)", "not a URL"),
        ("http://", "(not a URL)", "not a URL"),
        ("", "(not a URL)", "not a URL"),
        ("SOCKS5H://staff:hidden@proxy.example:1080", "proxy.example:1080", "SOCKS"),
        ("ftp://staff:hidden@proxy.example:21", "proxy.example:21", "not an HTTP proxy"),
    ],
)
def test_a_wrong_proxy_is_told_without_its_user_and_password(
    url: str, shown: str, fault: str | None
) -> None:
    found = proxy_fault(url)

    assert without_user(url) == shown
    assert found is None if fault is None else fault in str(found)
    assert "hid" not in str(found)


@given(
    password=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1),
    scheme=st.sampled_from(["http://", "https://", "socks5://", ""]),
)
def test_no_password_of_a_proxy_is_shown(password: str, scheme: str) -> None:
    url = f"{scheme}staff:{password}@host.example:3128"

    assert without_user(url) == "host.example:3128"
    fault = proxy_fault(url)
    assert fault is None or fault == proxy_fault("http://") or "proxy" in fault
