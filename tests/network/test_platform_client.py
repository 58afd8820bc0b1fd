"""Asking a platform: sign in, send, judge."""

import time
from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5
from threading import Barrier, Thread
from typing import Any

import pytest

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Found
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Query, Request
from tests.fakes.servers import Answering, RawServer, header, profile_at, reply

PATIENCE = 20.0
DIGEST = md5(b"the-password", usedforsecurity=False).hexdigest().encode()


class Source:
    """Credentials that count how often they are asked for."""

    def __init__(self, error: LoyaltyError | None = None) -> None:
        self.error = error
        self.asked: list[str] = []

    def find(self, profile: Profile, name: str) -> Found | None:
        return self.require(profile).get(name)

    def require(self, profile: Profile) -> Mapping[str, Found]:
        self.asked.append(profile.name)
        if self.error:
            raise self.error
        return {name: Found(f"the-{name}", "test", "test") for name in profile.auth.fields}


def platforms(source: Source) -> PlatformClient:
    return PlatformClient(HttpClient(sleep=lambda _: None), source, AccessTokens(KeyringStore()))


def test_credentials_are_looked_for_once_a_profile() -> None:
    source = Source()
    asking = platforms(source)
    with RawServer(Answering()) as server:
        for name in ("one", "two", "one", "two", "one"):
            asking.ask(profile_at(server.url, name=name), Query("C-1"))

    assert source.asked == ["one", "two"]


def test_credentials_are_looked_for_once_by_several_threads() -> None:
    source = Source()
    asking = platforms(source)
    together = Barrier(6)

    with RawServer(Answering()) as server:
        profile = profile_at(server.url)

        def ask() -> None:
            together.wait(PATIENCE)
            asking.ask(profile, Query("C-1"))

        threads = [Thread(target=ask, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

    assert source.asked == ["card"]


def test_credentials_that_are_missing_are_missing_for_every_customer() -> None:
    source = Source(LoyaltyError(ErrorCode.CREDENTIAL_MISSING, "No api_key."))
    asking = platforms(source)
    with RawServer(Answering()) as server:
        for _ in range(3):
            with pytest.raises(LoyaltyError, match="No api_key"):
                asking.ask(profile_at(server.url), Query("C-1"))

    assert source.asked == ["card"]
    assert server.connections == 0


SIGNED: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    ("imprint", "bearer", {}, {"authorization": "Bearer the-api_key"}),
    ("imprint", "basic", {}, {"authorization": "Basic dGhlLWFwaV9rZXk6"}),
    ("gameball", "keys", {}, {"apikey": "the-api_key", "secretkey": "the-secret_key"}),
    (
        "capillary",
        "basic",
        {},
        {
            "authorization": f"Basic {b64encode(b'the-username:' + DIGEST).decode()}",
            "accept": "application/json",
        },
    ),
    ("omneo", "bearer", {}, {"authorization": "Bearer the-api_token"}),
    (
        "saasquatch",
        "api_key",
        {"settings": {"tenant": "acme"}},
        {"authorization": "Basic OnRoZS1hcGlfa2V5"},
    ),
    (
        "saasquatch",
        "user_token",
        {"settings": {"tenant": "acme"}},
        {"x-saasquatch-user-token": "the-user_token"},
    ),
]


@pytest.mark.parametrize(("provider", "auth", "more", "expected"), SIGNED)
def test_a_request_is_signed_as_the_platform_wants_it(
    provider: str, auth: str, more: dict[str, Any], expected: dict[str, str]
) -> None:
    script = Answering(reply(b"{}"))
    with RawServer(script) as server:
        profile = profile_at(server.url, provider, auth, **more)
        platforms(Source()).ask(profile, Query("C-1", profile.settings))

    (request,) = script.requests
    assert {name: header(request, name) for name in expected} == expected


def test_an_error_of_the_platform_is_raised_in_its_words() -> None:
    body = b'{"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "Nobody."}'
    with (
        RawServer(Answering(reply(body, "404 Not Found"))) as server,
        pytest.raises(LoyaltyError) as caught,
    ):
        platforms(Source()).ask(profile_at(server.url), Query("C-1"))

    assert caught.value.code is ErrorCode.NOT_FOUND
    assert caught.value.http_status == 404
    assert caught.value.provider_code == "CUSTOMER_NOT_FOUND_ERROR"


def test_a_profile_s_timeout_is_what_a_look_up_may_take() -> None:
    with RawServer(lambda wire: wire.stall()) as server:
        began = time.monotonic()
        with pytest.raises(LoyaltyError) as caught:
            platforms(Source()).ask(profile_at(server.url, timeout=0.3), Query("C-1"))

    assert caught.value.code is ErrorCode.TIMED_OUT
    assert 0.2 < time.monotonic() - began < 5


def test_a_name_of_a_customer_stays_out_of_the_address_of_another() -> None:
    script = Answering(reply(b"{}"))
    asking = platforms(Source())
    with RawServer(script) as server:
        for customer in ("C-1", "C-2"):
            asking.ask(profile_at(server.url), Query(customer))

    assert [request.split()[1] for request in script.requests] == [
        b"/v2/customers/C-1/rewards_balance",
        b"/v2/customers/C-2/rewards_balance",
    ]


def test_a_debit_s_answer_comes_as_it_came_with_what_masks_it() -> None:
    body = b'{"creditRedeemed": 5, "echo": "the-api_key"}'
    with RawServer(Answering(reply(body))) as server:
        profile = profile_at(server.url, "saasquatch", settings={"tenant": "acme"})
        came = platforms(Source()).debit(profile, Request(("x",), json={}), lambda: None)

    assert came.answer.body == body
    assert came.mask(body.decode()) == '{"creditRedeemed": 5, "echo": "***"}'
    assert "the-api_key" not in repr(came)
