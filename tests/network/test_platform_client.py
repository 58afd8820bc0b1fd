"""Asking a platform: sign in, send, judge."""

import json
from collections.abc import Mapping
from threading import Barrier, Thread
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credential
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Query, Reading, Request
from loyalty_cli.providers.imprint import Imprint
from tests.fakes.servers import Answering, RawServer, profile_at, reply

PATIENCE = 20.0


class CountedCredentials:
    """Credentials that count how often they are asked for."""

    def __init__(self, error: LoyaltyError | None = None) -> None:
        self.error = error
        self.asked: list[str] = []

    def find(self, profile: Profile, name: str) -> Credential | None:
        return self.require(profile).get(name)

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        self.asked.append(profile.name)
        if self.error:
            raise self.error
        return {name: Credential(f"the-{name}", "test", "test") for name in profile.auth.fields}


def client_with(source: CountedCredentials) -> PlatformClient:
    return PlatformClient(HttpClient(sleep=lambda _: None), source, AccessTokens(KeyringStore()))


def test_credentials_are_looked_for_once_for_each_profile() -> None:
    source = CountedCredentials()
    client = client_with(source)
    with RawServer(Answering()) as server:
        for name in ("one", "two", "one", "two", "one"):
            client.raw(profile_at(server.url, name=name), Query("C-1"))

    assert source.asked == ["one", "two"]


def test_several_threads_look_for_credentials_only_once() -> None:
    source = CountedCredentials()
    client = client_with(source)
    together = Barrier(6)

    with RawServer(Answering()) as server:
        profile = profile_at(server.url)

        def ask() -> None:
            together.wait(PATIENCE)
            client.raw(profile, Query("C-1"))

        threads = [Thread(target=ask, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

    assert source.asked == ["card"]


def test_missing_credentials_are_an_error_for_every_customer() -> None:
    source = CountedCredentials(LoyaltyError(ErrorCode.CREDENTIAL_MISSING, "No api_key."))
    client = client_with(source)
    with RawServer(Answering()) as server:
        for _ in range(3):
            with pytest.raises(LoyaltyError, match="No api_key"):
                client.raw(profile_at(server.url), Query("C-1"))

    assert source.asked == ["card"]
    assert server.connections == 0


class NamingProvider(Imprint):
    """A provider that compares nothing itself, and names its customer as one that an answer has."""

    def normalize(self, body: Any, query: Query) -> Reading:
        del query
        return Reading((), platform_customer=body["customer_id"])


def asked_about(named: str, by: str = "id") -> list[LoyaltyError | None]:
    """Every way to ask for C-1's balance, where the answer is about `named`; the errors."""
    client = client_with(CountedCredentials())
    query = Query("C-1", by=by)
    errors: list[LoyaltyError | None] = []
    body = json.dumps({"customer_id": named}).encode()
    with RawServer(Answering(reply(body))) as server:
        profile = replace(profile_at(server.url), provider=NamingProvider())
        for ask in (client.raw, client.reading, client.aged_reading):
            try:
                ask(profile, query)
                errors.append(None)
            except LoyaltyError as error:
                errors.append(error)
    return errors


@pytest.mark.parametrize("named", ["C-2", "c-1", "C-1 ", ""])
def test_an_answer_about_another_customer_is_refused_however_it_was_asked_for(named: str) -> None:
    for error in asked_about(named):
        assert error is not None
        assert error.code is ErrorCode.WRONG_CUSTOMER
        assert f"another customer: {named!r}, not 'C-1'." in error.message


def test_an_answer_is_compared_only_with_an_id() -> None:
    assert asked_about("C-1") == [None] * 3
    assert asked_about("C-2", by="email") == [None] * 3


def test_the_answer_to_a_debit_is_unchanged_and_comes_with_its_mask() -> None:
    body = b'{"creditRedeemed": 5, "echo": "the-api_key"}'
    with RawServer(Answering(reply(body))) as server:
        profile = profile_at(server.url, "saasquatch", settings={"tenant": "acme"})
        came = client_with(CountedCredentials()).debit(
            profile, Request(("x",), json={}), lambda: None
        )

    assert came.answer.body == body
    assert came.mask(body.decode()) == '{"creditRedeemed": 5, "echo": "***"}'
    assert "the-api_key" not in repr(came)


def test_a_refused_debit_is_told_with_the_source_of_the_credentials() -> None:
    with RawServer(Answering(reply(b"{}", "403 Forbidden"))) as server:
        profile = profile_at(server.url, "saasquatch", settings={"tenant": "acme"})
        request = Request(("x",), json={})
        came = client_with(CountedCredentials()).debit(profile, request, lambda: None)
    refusal, other = (
        LoyaltyError(code, "No.") for code in (ErrorCode.CREDENTIAL_REFUSED, ErrorCode.REFUSED)
    )
    came.explain(refusal)
    came.explain(other)

    assert refusal.message == "No. They came from test."
    assert other.message == "No."
