"""What the tests of the network share."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from loyalty_cli.network import retry
from tests.conftest import Outcome, Run
from tests.fakes.servers import ELSEWHERE

Card = Callable[..., Path]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a pause."""
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture(scope="session")
def company() -> trustme.CA:
    """An authority that nobody trusts before its certificate is named."""
    return trustme.CA()


def served(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def secure(company: trustme.CA) -> ssl.SSLContext:
    """A server's side, with a certificate of the company for this machine."""
    return served(company.issue_cert("localhost", "127.0.0.1", ELSEWHERE))


@pytest.fixture(params=["plain", "TLS"])
def proxy_tls(request: pytest.FixtureRequest, secure: ssl.SSLContext) -> ssl.SSLContext | None:
    """The side of a proxy, once without TLS and once with."""
    return secure if request.param == "TLS" else None


@pytest.fixture
def trusting(company: trustme.CA, tmp_path: Path) -> str:
    """What a profile needs to trust the company."""
    path = tmp_path / "company.pem"
    company.cert_pem.write_to_path(str(path))
    return f", ca_bundle: '{path}'"


TIMEOUT = 0.3
LATE_SECONDS = 5.0
"""After which a look-up has plainly not ended at its deadline."""


@contextmanager
def ends_in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LATE_SECONDS


TimesOut = Callable[..., bool]


@pytest.fixture
def times_out(loyalty: Run, card: Card) -> TimesOut:
    """Look a customer up at an address, and tell whether that ended at its deadline, in words."""

    def look_up(url: str, more: str = "") -> bool:
        card(url, f", timeout: {TIMEOUT}{more}")
        with ends_in_time():
            done = loyalty("balance", "C-1", "-o", "json")
        error = done.record["error"]
        where = url.partition("//")[2]
        assert error["message"] == f"Imprint at {where} did not answer within {TIMEOUT} s."
        return (done.code, error["code"]) == (7, "timed_out")

    return look_up


Ask = Callable[..., Outcome]


@pytest.fixture
def ask(loyalty: Run, card: Card) -> Ask:
    """Look a customer up at an address, with more options and more settings of the profile."""

    def look_up(url: str, *more: str, settings: str = "") -> Outcome:
        card(url, settings)
        return loyalty("balance", "C-1", "-o", "json", *more)

    return look_up


def error_of(done: Outcome) -> tuple[int, str]:
    """The exit code, and the code of the one record's error."""
    return done.code, done.record["error"]["code"]
