"""A made-up platform whose look-ups take the steps that a test gives it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credential
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.network.trace import SILENT, Trace
from loyalty_cli.providers.contract import (
    Answer,
    Auth,
    Balance,
    Debit,
    DebitProvider,
    DebitReceipt,
    DebitSteps,
    ErrorCode,
    PlatformError,
    Query,
    Reading,
    Request,
    Steps,
    Way,
    bearer,
)
from tests.fakes.servers import reply

Taken = Callable[[Query], Steps[Reading]]
FOUND = Reading((Balance(name="points", kind="points"),))
SECRET = "s3cret-of-the-shop"


class Shop(DebitProvider):
    """It has errors as `{"error": code}`."""

    name = "shop"
    title = "Shop"
    pages = ()
    numbers = {}
    ways = (*DebitProvider.ways, Way("email", "the e-mail address"))
    auths = (Auth("key", ("api_key",), lambda secrets: bearer(secrets["api_key"])),)

    def __init__(
        self, taken: Taken | None = None, debit_taken: Callable[[], DebitSteps] | None = None
    ) -> None:
        self._taken = taken
        self._debit_taken = debit_taken

    def look_up(self, query: Query) -> Steps[Reading]:
        assert self._taken
        return self._taken(query)

    def read_error(self, body: Any) -> PlatformError | None:
        code = body.get("error") if isinstance(body, dict) else None
        codes = {"nobody": ErrorCode.NOT_FOUND}
        return PlatformError(f"It is {code}", code, codes.get(code)) if code else None

    def debit_request(self, query: Query, debit: Debit) -> Request:
        raise NotImplementedError

    def debit_steps(self, query: Query, debit: Debit) -> DebitSteps:
        del query, debit
        assert self._debit_taken
        return self._debit_taken()

    def read_debit(self, body: Any, debit: Debit) -> DebitReceipt:
        raise NotImplementedError


class KnownCredentials:
    """Every credential is there."""

    def find(self, profile: Profile, name: str) -> Credential | None:
        del profile, name
        return Credential(SECRET, "test", "test")

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        return {name: Credential(SECRET, "test", "test") for name in profile.auth.fields}


def client(trace: Trace = SILENT) -> PlatformClient:
    """A client that pauses for nothing; `trace` gets what -v shows."""
    http = HttpClient(trace, sleep=lambda _: None)
    return PlatformClient(http, KnownCredentials(), AccessTokens(KeyringStore()))


def shop_at(url: str, provider: Shop, auth: Auth | None = None, **more: Any) -> Profile:
    """A profile of a shop that answers at `url`."""
    return Profile("shop", provider, auth or provider.auths[0], url, **more)


def said(content: Any, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer with JSON."""
    return reply(json.dumps(content).encode(), status, *headers)


def each_of(*requests: Request, made: Reading = FOUND) -> Taken:
    """Steps that are these requests, whatever comes of them."""

    def taken(_: Query) -> Steps[Reading]:
        for request in requests:
            answer = yield request
            assert answer.status == 200
        return made

    return taken


def one(path: str) -> Request:
    """A request of one segment."""
    return Request((path,))


def ids_of(answer: Answer) -> list[str]:
    """The ids in a found list."""
    return [each["id"] for each in answer.json()["found"]]
