"""TLS end to end, and which certificate authorities are trusted."""

import os
import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme
import truststore

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.http_client import CONNECTIONS
from loyalty_cli.network.tls import BUNDLE_VARIABLES, bundle, trusted
from tests.conftest import Outcome, Run
from tests.fakes.servers import ELSEWHERE, Answering, Proxy, RawServer, Wire, header
from tests.network.conftest import Card

Ask = Callable[..., Outcome]


@pytest.fixture(scope="module")
def company() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def stranger() -> trustme.CA:
    return trustme.CA()


def served(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def secure(company: trustme.CA) -> ssl.SSLContext:
    """A server's side, with a certificate of the company for this machine."""
    return served(company.issue_cert("localhost", "127.0.0.1", ELSEWHERE))


@pytest.fixture
def good(company: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "company.pem"
    company.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def wrong(stranger: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "stranger.pem"
    stranger.cert_pem.write_to_path(str(path))
    return path


def trusting(path: Path) -> str:
    return f", ca_bundle: '{path}'"


@pytest.fixture
def ask(loyalty: Run, card: Card) -> Ask:
    """Look a customer up at an address, with a bundle in the profile or none."""

    def look_up(url: str, ca_bundle: Path | None = None, *more: str) -> Outcome:
        card(url, trusting(ca_bundle) if ca_bundle else "")
        return loyalty("balance", "C-1", "-o", "json", *more)

    return look_up


def failed(done: Outcome) -> str:
    """The message of a look-up that ended for want of a secure connection."""
    assert done.code == 7
    error = done.record["error"]
    assert error["code"] == "tls_failed"
    assert "ca_bundle" in error["hint"]
    message: str = error["message"]
    assert message.startswith("there is no secure connection to Imprint at ")
    return message


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_company_s_certificate_is_trusted_where_the_profile_names_it(
    host: str, secure: ssl.SSLContext, good: Path, ask: Ask
) -> None:
    script = Answering()
    with RawServer(script, secure) as server:
        done = ask(server.at(host), good)

    assert done.code == 0
    assert header(script.requests[0], "authorization") == "Bearer secret-of-card"


def test_a_relative_bundle_stands_beside_the_profile_file(
    secure: ssl.SSLContext, good: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    with RawServer(Answering(), secure) as server:
        assert ask(server.url, Path(good.name)).code == 0


@pytest.mark.parametrize("variable", BUNDLE_VARIABLES)
def test_a_company_s_certificate_is_trusted_where_the_environment_names_it(
    variable: str,
    secure: ssl.SSLContext,
    good: Path,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, str(good))
    with RawServer(Answering(), secure) as server:
        assert ask(server.url).code == 0


def test_the_connection_is_kept_for_the_next_customer(
    secure: ssl.SSLContext, good: Path, loyalty: Run, card: Card
) -> None:
    with RawServer(Answering(), secure) as server:
        card(server.url, trusting(good))
        done = loyalty("balance", *(f"C-{number}" for number in range(30)), "-o", "json")

    assert done.code == 0
    assert server.connections <= CONNECTIONS


@pytest.mark.parametrize(
    ("profile", "environment", "origin"),
    [
        ("p", {"REQUESTS_CA_BUNDLE": "r", "SSL_CERT_FILE": "s"}, "p"),
        (None, {"REQUESTS_CA_BUNDLE": "r", "CURL_CA_BUNDLE": "c", "SSL_CERT_FILE": "s"}, "r"),
        (None, {"CURL_CA_BUNDLE": "c", "SSL_CERT_FILE": "s"}, "c"),
        (None, {"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": "s"}, "s"),
        (None, {"SSL_CERT_FILE": ""}, None),
        (None, {}, None),
    ],
)
def test_the_first_setting_that_names_a_bundle_wins(
    profile: str | None, environment: dict[str, str], origin: str | None
) -> None:
    chosen = bundle(Path(profile) if profile else None, environment)

    assert (chosen[0] if chosen else None) == (Path(origin) if origin else None)


def test_the_profile_s_bundle_wins_over_the_environment(
    secure: ssl.SSLContext,
    good: Path,
    wrong: Path,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in BUNDLE_VARIABLES:
        monkeypatch.setenv(variable, str(good))
    with RawServer(Answering(), secure) as server:
        assert "unable to get local issuer certificate" in failed(ask(server.url, wrong))


def test_without_a_bundle_the_system_s_store_is_asked() -> None:
    assert type(trusted(None)) is truststore.SSLContext


def test_a_context_checks_the_certificate_and_the_name(good: Path) -> None:
    for context in (trusted(None), trusted(good)):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
HERE = ("localhost", "127.0.0.1")


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
def test_a_certificate_that_cannot_be_trusted_is_final_and_no_request_is_sent(  # noqa: PLR0917 - fixtures
    names: Sequence[str],
    ends: datetime | None,
    is_trusted: bool,
    host: str,
    words: str,
    company: trustme.CA,
    good: Path,
    ask: Ask,
) -> None:
    script = Answering()
    with RawServer(script, served(company.issue_cert(*names, not_after=ends))) as server:
        message = failed(ask(server.at(host), good if is_trusted else None))

    assert words in message
    assert server.connections == 1
    assert script.requests == []


def test_a_server_without_tls_is_an_error(good: Path, ask: Ask) -> None:
    def plain(wire: Wire) -> None:
        wire.sock.recv(4096)
        wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP was expected")

    with RawServer(plain) as server:
        message = failed(ask(server.url.replace("http:", "https:"), good))

    assert "wrong version number" in message
    assert server.connections == 1


def test_a_server_that_hangs_up_in_the_handshake_is_tried_again(good: Path, ask: Ask) -> None:
    def hang_up(wire: Wire) -> None:
        wire.sock.recv(4096)

    with RawServer(hang_up) as server:
        done = ask(server.url.replace("http:", "https:"), good)

    assert (done.code, done.record["error"]["code"]) == (7, "unreachable")
    assert "the connection ended without an answer" in done.record["error"]["message"]
    assert server.connections == 3


def test_a_bundle_may_be_a_folder_of_certificates(tmp_path: Path) -> None:
    """OpenSSL looks in it by the name of what it needs; an empty one vouches for nobody."""
    empty = tmp_path / "certificates"
    empty.mkdir()
    assert trusted(empty).get_ca_certs() == []


@pytest.fixture
def useless(tmp_path: Path, company: trustme.CA) -> Callable[[str], Path]:
    def make(kind: str) -> Path:
        path = tmp_path / "useless.pem"
        match kind:
            case "empty":
                path.write_bytes(b"")
            case "garbage":
                path.write_bytes(b"\x00\xff" * 500)
            case "broken":
                path.write_bytes(company.cert_pem.bytes()[:200])
            case "a key":
                path.write_bytes(company.private_key_pem.bytes())
            case "a pipe":
                os.mkfifo(path)
            case "in a file":
                (tmp_path / "file").write_text("")
                path = tmp_path / "file" / "ca.pem"
        return path

    return make


REASONS = {
    "missing": "No such file or directory",
    "empty": "it holds no certificate",
    "garbage": "it holds no certificate",
    "broken": "it holds no certificate",
    "a key": "it holds no certificate",
    "a pipe": "it is neither a file nor a folder",
    "in a file": "Not a directory",
}


@pytest.mark.parametrize("kind", REASONS)
@pytest.mark.parametrize("setting", ["the profile's ca_bundle", *BUNDLE_VARIABLES])
def test_a_bundle_that_is_no_use_is_a_set_up_error_that_names_file_and_setting(
    kind: str, setting: str, useless: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = useless(kind)
    if setting in BUNDLE_VARIABLES:
        monkeypatch.setenv(setting, str(path))

    with pytest.raises(LoyaltyError) as caught:
        trusted(None if setting in BUNDLE_VARIABLES else path)

    assert caught.value.code is ErrorCode.SETUP
    assert caught.value.message == (
        f"the CA bundle {path} ({setting}) cannot be used: {REASONS[kind]}."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_bundle_that_may_not_be_read_is_a_set_up_error(good: Path) -> None:
    good.chmod(0)

    with pytest.raises(LoyaltyError, match="Permission denied"):
        trusted(good)


def test_a_bundle_that_is_no_use_ends_the_program_before_any_connection(
    useless: Callable[[str], Path], ask: Ask
) -> None:
    path = useless("missing")
    with RawServer(Answering()) as server:
        done = ask(server.url.replace("http:", "https:"), path)

    assert done.code == 3
    assert str(path) in done.err
    assert server.connections == 0


def test_a_bundle_in_the_environment_does_not_matter_to_the_sandbox(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")

    assert loyalty("--sandbox", "balance", "C-1001").code == 0


# Through a proxy.


class Tunnel:
    """A proxy, and what it saw."""

    def __init__(self, proxy: RawServer, script: Proxy) -> None:
        self.proxy = proxy
        self.script = script


@pytest.fixture(params=["plain", "TLS"])
def tunnel(
    request: pytest.FixtureRequest, secure: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tunnel]:
    """A proxy in the environment, itself without TLS, and with."""
    script = Proxy()
    with RawServer(script, secure if request.param == "TLS" else None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://staff:pass@"))
        yield Tunnel(proxy, script)


def test_a_secure_request_goes_through_a_tunnel_that_sees_nothing_of_it(
    tunnel: Tunnel, secure: ssl.SSLContext, good: Path, ask: Ask
) -> None:
    script = Answering()
    with RawServer(script, secure) as server:
        done = ask(server.at(ELSEWHERE), good, "-v")

    assert done.code == 0
    (head,) = tunnel.script.heads
    assert head.startswith(f"CONNECT {ELSEWHERE}:{server.port} HTTP/1.".encode())
    assert header(head, "proxy-authorization") == "Basic c3RhZmY6cGFzcw=="
    assert header(script.requests[0], "proxy-authorization") is None
    assert b"secret-of-card" not in head
    assert "pass" not in done.err
    assert "c3RhZmY6cGFzcw" not in done.err


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_is_named_by_any_of_its_variables_with_a_scheme_or_without(
    name: str, scheme: str, secure: ssl.SSLContext, good: Path, ask: Ask
) -> None:
    with (
        RawServer(Answering(), secure) as server,
        RawServer(Proxy()) as proxy,
        pytest.MonkeyPatch.context() as here,
    ):
        here.setenv(name, f"{scheme}127.0.0.1:{proxy.port}")
        assert ask(server.at(ELSEWHERE), good).code == 0

    assert proxy.connections == 1


def test_a_tunnel_is_kept_open_for_the_next_customer(
    tunnel: Tunnel, secure: ssl.SSLContext, good: Path, ask: Ask
) -> None:
    with RawServer(Answering(), secure) as server:
        done = ask(server.at(ELSEWHERE), good, *(f"C-{number}" for number in range(30)))

    assert done.code == 0
    assert len(tunnel.script.heads) <= CONNECTIONS


def test_a_tunnel_to_the_wrong_host_is_seen(
    tunnel: Tunnel, company: trustme.CA, good: Path, ask: Ask
) -> None:
    script = Answering()
    with RawServer(script, served(company.issue_cert("other.example"))) as server:
        failed(ask(server.at(ELSEWHERE), good))

    assert len(tunnel.script.heads) == 1
    assert script.requests == []


def test_a_secure_request_to_loopback_goes_through_no_proxy(
    tunnel: Tunnel, secure: ssl.SSLContext, good: Path, ask: Ask
) -> None:
    with RawServer(Answering(), secure) as server:
        assert ask(server.url, good).code == 0
        assert ask(server.at("localhost"), good).code == 0

    assert tunnel.proxy.connections == 0


@pytest.mark.usefixtures("tunnel")
@pytest.mark.parametrize("customer", ["a/../b", "%2e%2e", "../../admin", "//evil.example", "?x=1"])
def test_an_identifier_cannot_leave_its_place_behind_a_proxy(
    customer: str, secure: ssl.SSLContext, good: Path, ask: Ask
) -> None:
    script = Answering()
    with RawServer(script, secure) as server:
        assert ask(server.at(ELSEWHERE), good, customer).code == 0

    assert {request.split()[1].decode() for request in script.requests} == {
        f"/v2/customers/{quote(each, safe='')}/rewards_balance" for each in ("C-1", customer)
    }


def test_a_proxy_behind_tls_that_nobody_vouches_for_gets_no_request(
    secure: ssl.SSLContext, wrong: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Proxy()
    with RawServer(script, secure) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        done = ask(f"https://{ELSEWHERE}", wrong)

    assert script.heads == []
    assert done.code == 7
    assert f"the proxy 127.0.0.1:{proxy.port}" in done.record["error"]["message"]
