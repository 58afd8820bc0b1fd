"""Asking a platform: sign in, send, judge."""

from collections.abc import Mapping
from threading import Barrier, Thread

import pytest

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credential
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Query, Request
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
