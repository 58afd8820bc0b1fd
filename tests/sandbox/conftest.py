"""A sandbox to ask, and a client that sends exactly what it is told."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import pytest

from loyalty_cli import providers
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import Query
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.app import sandbox
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Server


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return decode(self.body)


class Ask:
    """Asks a server, one connection a request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = (str(urlsplit(url).hostname), int(urlsplit(url).port or 0))

    def __call__(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        connection = HTTPConnection(*self.address, timeout=20)
        try:
            connection.request(method, target, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, lower, response.read())
        finally:
            connection.close()


class Sandbox:
    """The running sandbox, asked the way that each provider asks."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    def balance(self, provider: str, customer: str, **options: str) -> Answer:
        target = self.target(provider, customer, **options)
        return self.ask("GET", target, self.signed(provider))

    def target(self, provider: str, customer: str, **options: str) -> str:
        loaded = providers.load(provider)
        request = loaded.request(Query(customer, APIS[provider].settings, options))
        path = "/".join(quote(segment, safe="") for segment in request.path)
        query = urlencode({key: value for key, value in request.query.items() if value})
        return f"/{provider}/{path}?{query}"

    def signed(self, provider: str) -> Mapping[str, str]:
        credentials = APIS[provider].credentials
        return providers.load(provider).auths[0].headers(credentials)

    def at(self, url: str) -> "Sandbox":
        """The same for a sandbox that is served elsewhere."""
        return Sandbox(Ask(url))


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger(tmp_path / "state" / "sandbox.db", clock)


@pytest.fixture
def ask(ledger: Ledger) -> Iterator[Ask]:
    with Server(sandbox(ledger)) as server:
        yield Ask(server.url)


@pytest.fixture
def platforms(ask: Ask) -> Sandbox:
    return Sandbox(ask)


@pytest.fixture
def basic() -> Any:
    def header(user: str, password: str) -> Mapping[str, str]:
        pair = b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    return header
