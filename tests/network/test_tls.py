"""TLS end to end, and which certificate authorities are trusted."""

import os
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
import truststore

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.http_client import CONNECTIONS
from loyalty_cli.network.tls import trusted
from tests.conftest import Outcome, Run
from tests.fakes.servers import ELSEWHERE, Answering, Proxy, RawServer, Wire, header
from tests.network.conftest import Ask, error_of, served

HERE = ("localhost", "127.0.0.1")


def failed(done: Outcome) -> str:
    """The message of a look-up that ended for want of a secure connection."""
    assert error_of(done) == (7, "tls_failed")
    error = done.record["error"]
    assert "ca_bundle" in error["hint"]
    message: str = error["message"]
    assert message.startswith("there is no secure connection to Imprint at ")
    return message


@pytest.mark.parametrize("variable", [None, "SSL_CERT_FILE"], ids=["the profile", "SSL_CERT_FILE"])
def test_a_companys_authority_is_trusted_where_a_setting_names_it(
    variable: str | None,
    secure: ssl.SSLContext,
    trusting: str,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable:
        monkeypatch.setenv(variable, trusting.split("'")[1])
    script = Answering()
    with RawServer(script, secure) as server:
        for host in HERE:
            assert ask(server.at(host), settings="" if variable else trusting).code == 0

    signed = [header(request, "authorization") for request in script.requests]
    assert signed == ["Bearer secret-of-card"] * 2


@pytest.mark.parametrize(
    ("profile", "variables", "chosen"),
    [
        ("p", {"REQUESTS_CA_BUNDLE": "r", "SSL_CERT_FILE": "s"}, "p (the profile's ca_bundle)"),
        (None, {"REQUESTS_CA_BUNDLE": "r", "CURL_CA_BUNDLE": "c"}, "r (REQUESTS_CA_BUNDLE)"),
        (None, {"CURL_CA_BUNDLE": "c", "SSL_CERT_FILE": "s"}, "c (CURL_CA_BUNDLE)"),
        (None, {"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": "s"}, "s (SSL_CERT_FILE)"),
    ],
    ids=["the profile", "requests", "curl", "OpenSSL"],
)
def test_the_first_setting_that_names_a_ca_bundle_wins(
    profile: str | None,
    variables: dict[str, str],
    chosen: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, named in variables.items():
        monkeypatch.setenv(variable, named)

    with pytest.raises(LoyaltyError, match=re.escape(f"the CA bundle {chosen} cannot be used")):
        trusted(Path(profile) if profile else None)


def test_with_the_systems_store_or_a_folder_certificates_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL looks in a folder by the name of what it needs; an empty one vouches for nobody."""
    monkeypatch.setenv("SSL_CERT_FILE", "")  # names none
    system, empty = trusted(None), trusted(tmp_path)

    assert type(system) is truststore.SSLContext
    assert empty.get_ca_certs() == []
    for context in (system, empty):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize(
    ("names", "ends", "is_trusted", "host", "words"),
    [
        (HERE, None, False, "localhost", "certificate"),
        (["api.example.com"], None, True, "localhost", "not valid for 'localhost'"),
        (["api.example.com"], None, True, "127.0.0.1", "not valid for '127.0.0.1'"),
        (HERE, YESTERDAY, True, "127.0.0.1", "certificate has expired"),
    ],
    ids=["of nobody known", "of another name", "of another address", "over"],
)
def test_nothing_is_sent_to_a_server_whose_certificate_is_not_trusted(  # noqa: PLR0917 - fixtures
    names: Sequence[str],
    ends: datetime | None,
    is_trusted: bool,
    host: str,
    words: str,
    company: trustme.CA,
    trusting: str,
    ask: Ask,
) -> None:
    script = Answering()
    with RawServer(script, served(company.issue_cert(*names, not_after=ends))) as server:
        message = failed(ask(server.at(host), settings=trusting if is_trusted else ""))

    assert words in message
    assert server.connections == 1
    assert script.requests == []


def test_a_server_without_tls_at_an_https_address_is_an_error(ask: Ask) -> None:
    def plain(wire: Wire) -> None:
        wire.sock.recv(4096)
        wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP was expected")

    with RawServer(plain) as server:
        message = failed(ask(server.url.replace("http:", "https:")))

    assert "wrong version number" in message
    assert server.connections == 1


def test_a_server_that_hangs_up_in_the_tls_handshake_is_tried_again(ask: Ask) -> None:
    def hang_up(wire: Wire) -> None:
        wire.sock.recv(4096)

    with RawServer(hang_up) as server:
        done = ask(server.url.replace("http:", "https:"))

    assert error_of(done) == (7, "unreachable")
    assert "the connection ended without an answer" in done.record["error"]["message"]
    assert server.connections == 3


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path, _: path, "No such file or directory"),
        (lambda path, _: path.write_bytes(b""), "it holds no certificate"),
        (lambda path, _: path.write_bytes(b"\x00\xff" * 500), "it holds no certificate"),
        (lambda path, ca: path.write_bytes(ca.cert_pem.bytes()[:200]), "it holds no certificate"),
        (lambda path, ca: path.write_bytes(ca.private_key_pem.bytes()), "it holds no certificate"),
        (lambda path, _: os.mkfifo(path), "it is neither a file nor a folder"),
    ],
    ids=["missing", "empty", "garbage", "broken", "a key", "a pipe"],
)
def test_an_unusable_ca_bundle_is_a_setup_error_with_its_file_and_setting(
    make: Callable[[Path, trustme.CA], object], why: str, tmp_path: Path, company: trustme.CA
) -> None:
    path = tmp_path / "useless.pem"
    make(path, company)

    with pytest.raises(LoyaltyError) as caught:
        trusted(path)

    assert caught.value.code is ErrorCode.SETUP
    assert caught.value.message == (
        f"the CA bundle {path} (the profile's ca_bundle) cannot be used: {why}."
    )


def test_an_unusable_ca_bundle_is_an_error_before_any_connection(
    ask: Ask, loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with RawServer(Answering()) as server:
        done = ask(server.url.replace("http:", "https:"))

    assert (done.code, server.connections) == (3, 0)
    assert "/nowhere/ca.pem (REQUESTS_CA_BUNDLE)" in done.err
    assert loyalty("--sandbox", "balance", "C-1001", "-p", "imprint").code == 0


# Through a proxy.


@pytest.fixture
def tunnel(proxy_tls: ssl.SSLContext | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy in the environment."""
    script = Proxy()
    with RawServer(script, proxy_tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://staff:pass@"))
        yield script


def test_requests_with_tls_share_tunnels_that_see_nothing_of_them(
    tunnel: Proxy, secure: ssl.SSLContext, trusting: str, ask: Ask
) -> None:
    customers = ["..%2f//evil?x=1", *(f"C-{number}" for number in range(2, 30))]
    script = Answering()
    with RawServer(script, secure) as server:
        done = ask(server.at(ELSEWHERE), "-v", *customers, settings=trusting)

    assert done.code == 0
    assert 1 <= len(tunnel.heads) <= CONNECTIONS
    for head in tunnel.heads:
        assert head.startswith(f"CONNECT {ELSEWHERE}:{server.port} HTTP/1.".encode())
        assert header(head, "proxy-authorization") == "Basic c3RhZmY6cGFzcw=="
        assert b"secret-of-card" not in head
    targets = {request.split()[1] for request in script.requests}
    assert len(targets) == 1 + len(customers)
    assert b"/v2/customers/..%252f%2F%2Fevil%3Fx%3D1/rewards_balance" in targets
    assert {header(each, "proxy-authorization") for each in script.requests} == {None}
    assert "pass" not in done.err
    assert "c3RhZmY6cGFzcw" not in done.err


@pytest.mark.parametrize("named", ["HTTPS_PROXY=http://", "https_proxy=", "ALL_PROXY="])
def test_each_variable_may_name_a_proxy_with_or_without_a_scheme(
    named: str, secure: ssl.SSLContext, trusting: str, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, scheme = named.partition("=")
    with RawServer(Answering(), secure) as server, RawServer(Proxy()) as proxy:
        monkeypatch.setenv(name, f"{scheme}127.0.0.1:{proxy.port}")
        assert ask(server.at(ELSEWHERE), settings=trusting).code == 0

    assert proxy.connections == 1


def test_a_tunnel_that_leads_to_the_wrong_host_gets_no_request(
    tunnel: Proxy, company: trustme.CA, trusting: str, ask: Ask
) -> None:
    script = Answering()
    with RawServer(script, served(company.issue_cert("other.example"))) as server:
        failed(ask(server.at(ELSEWHERE), settings=trusting))

    assert len(tunnel.heads) == 1
    assert script.requests == []


def test_a_proxy_whose_certificate_is_not_trusted_gets_no_request(
    secure: ssl.SSLContext, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Proxy()
    with RawServer(script, secure) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        done = ask(f"https://{ELSEWHERE}")

    assert script.heads == []
    assert done.code == 7
    assert f"the proxy 127.0.0.1:{proxy.port}" in done.record["error"]["message"]
