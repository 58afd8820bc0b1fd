"""A sandbox to ask, and a client that sends exactly what it is told."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import pytest

from loyalty_cli import providers
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers import contract
from loyalty_cli.providers.contract import Debit, DebitProvider, Evidence, Query, Request
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.embedded import sandbox
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Server
from tests.fakes.standing_clock import StandingClock

every_provider = pytest.mark.parametrize("name", APIS)


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

    def target(self, provider: str, customer: str = "C-1001", **options: str) -> str:
        loaded = providers.load(provider)
        request = next(loaded.look_up(Query(customer, APIS[provider].settings, options)))
        query = urlencode({key: value for key, value in request.query.items() if value})
        return f"{address(provider, request)}?{query}"

    def signed(self, provider: str) -> Mapping[str, str]:
        credentials = APIS[provider].credentials
        return providers.load(provider).auths[0].headers(credentials)

    def post(self, provider: str, path: str, body: Mapping[str, Any]) -> Answer:
        content = json.dumps(body).encode()
        return self.ask("POST", f"/{provider}/{path}", self.signed(provider), content)


class Debits:
    """Debits at one platform, and what is left after them."""

    def __init__(self, platforms: Sandbox, name: str) -> None:
        self.platforms = platforms
        self.name = name
        provider = providers.load(name)
        assert isinstance(provider, DebitProvider)
        self.provider = provider
        self.unit = str(APIS[name].debit.unit)

    def __call__(self, customer: str, amount: int = 100, reference: str = "order 7") -> Answer:
        at = datetime(2026, 11, 20, 5, tzinfo=UTC)
        debit = Debit(customer, self.unit, amount, reference, at)
        request = self.provider.debit_request(self.query(customer), debit)
        assert request.json
        path = address(self.name, request).removeprefix(f"/{self.name}/")
        query = urlencode({key: value for key, value in request.query.items() if value})
        return self.platforms.post(self.name, f"{path}?{query}", request.json)

    def is_lost(self, customer: str, amount: int = 100, reference: str = "order 7") -> bool:
        try:
            self(customer, amount, reference)
        except ConnectionResetError:
            return True
        return False

    def evidence(self, customer: str, reference: str = "order 7") -> Evidence:
        at = datetime(2026, 11, 20, 5, tzinfo=UTC)
        debit = Debit(customer, self.unit, 100, reference, at)
        steps = self.provider.evidence_steps(self.query(customer), debit)
        request = next(steps)
        while True:
            try:
                request = steps.send(self._answer(request))
            except StopIteration as done:
                evidence: Evidence = done.value
                return evidence

    def _answer(self, request: Request) -> contract.Answer:
        headers = self.platforms.signed(self.name)
        query = urlencode({key: value for key, value in request.query.items() if value})
        body = None if request.json is None else json.dumps(request.json).encode()
        target = f"{address(self.name, request)}?{query}"
        answer = self.platforms.ask(request.method, target, headers, body)
        return contract.Answer(answer.status, answer.headers, answer.body)

    def query(self, customer: str) -> Query:
        api = APIS[self.name]
        return Query(customer, api.settings, by=api.by)

    def left(self, customer: str) -> int:
        body = self.platforms.balance(self.name, customer).json
        lines = self.provider.normalize(body, Query(customer)).balances
        (available,) = [line.available for line in lines if line.unit == self.unit]
        assert available is not None
        return int(available)

    def taken(self, customer: str) -> int:
        return self.left("C-1001") - self.left(customer)


def address(provider: str, request: Request) -> str:
    return "/".join(["", provider, *(quote(segment, safe="") for segment in request.path)])


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: StandingClock) -> Ledger:
    return Ledger(tmp_path / "state" / "sandbox.db", clock)


@pytest.fixture
def ask(ledger: Ledger) -> Iterator[Ask]:
    with Server(sandbox(ledger)) as server:
        yield Ask(server.url)


@pytest.fixture
def platforms(ask: Ask) -> Sandbox:
    return Sandbox(ask)
