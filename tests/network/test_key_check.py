"""Does a platform take a profile's credentials? A look-up tells, and changes nothing."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli import providers
from loyalty_cli.config.descriptions.find import read_file
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens, Holder
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import KEYRING, Credential
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.key_check import KeyCheck, check_key
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Auth, Request, Token, Way
from loyalty_cli.providers.description.provider import provider_of
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.embedded import serving
from loyalty_cli.sandbox.server import Received, Reply, Server
from tests.fakes import backends
from tests.fakes.servers import Answering, RawServer, profile_at, reply, unused_port
from tests.network.shop import Shop, each_of, one, said, shop_at

SIGN_INS = [(name, auth) for name in APIS for auth in providers.load(name).auths]
named = pytest.mark.parametrize(
    ("name", "auth"), SIGN_INS, ids=[f"{name} by {auth.name}" for name, auth in SIGN_INS]
)


class Known:
    """Credentials that are given; without them there are none."""

    def __init__(self, secrets: Mapping[str, str] | None) -> None:
        self._secrets = secrets

    def find(self, profile: Profile, name: str) -> Credential | None:
        return self.require(profile).get(name)

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        if self._secrets is None:
            raise LoyaltyError(ErrorCode.CREDENTIAL_MISSING, "No api_key.")
        return {
            name: Credential(self._secrets[name], "test", KEYRING) for name in profile.auth.fields
        }


def client(secrets: Mapping[str, str] | None) -> PlatformClient:
    return PlatformClient(HttpClient(sleep=lambda _: None), Known(secrets), AccessTokens(None))


def asked(profile: Profile, customer: str | None = None) -> KeyCheck:
    return check_key(client(dict.fromkeys(profile.auth.fields, "s3cret")), profile, customer)


def answered(answer: bytes, **more: Any) -> tuple[KeyCheck, list[bytes]]:
    """What is told of an Imprint key where this is the answer, and the requests."""
    script = Answering(answer)
    with RawServer(script) as server:
        return asked(profile_at(server.url, **more)), script.requests


def problem(body: Any, status: str) -> bytes:
    return reply(json.dumps(body).encode(), status)


NO_CUSTOMER = problem({"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "No."}, "404 Not Found")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with serving() as url:
            yield url


@named
def test_the_sandbox_of_each_platform_takes_the_right_key_and_refuses_a_wrong_one(
    sandbox: str, name: str, auth: Auth
) -> None:
    api, real = APIS[name], "C-1001" if auth.for_one_customer else None
    profile = profile_at(f"{sandbox}/{name}", name, auth.name, settings=api.settings, by=api.by)

    assert check_key(client(api.credentials), profile, real) == KeyCheck("accepted")

    wrong = client(dict.fromkeys(api.credentials, "wrong"))
    refused = check_key(wrong, profile, real)
    assert refused.result == "refused"
    assert refused.error
    assert refused.error.code == ErrorCode.CREDENTIAL_REFUSED


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (NO_CUSTOMER, "accepted"),
        (problem({"type": "X", "message": "Not here."}, "404 Not Found"), "accepted"),
        (problem({"type": "X", "message": "No."}, "401 Unauthorized"), "refused"),
        (problem({"type": "X", "message": "No."}, "403 Forbidden"), "refused"),
        (reply(b"<html>", "401 Unauthorized"), "refused"),
        (reply(b"<html>Nothing here", "404 Not Found"), "unclear"),
        (reply(b"<html>Welcome", "200 OK"), "unclear"),
        (problem({"type": "X", "message": "Not so."}, "400 Bad Request"), "unclear"),
        (reply(b"", "302 Found", "Location: https://elsewhere.example"), "unclear"),
        (reply(b"", "503 Service Unavailable"), "unclear"),
        (reply(b"", "429 Too Many Requests"), "unclear"),
        (reply(), "unclear"),  # another customer's balance
    ],
)
def test_only_the_platforms_own_answer_about_the_customer_means_a_good_key(
    answer: bytes, result: str
) -> None:
    check, requests = answered(answer)

    assert check.result == result
    assert (check.error is None) == (result == "accepted")
    assert all(request.startswith(b"GET ") for request in requests)


def test_a_customer_that_is_named_is_asked_for_by_the_way_of_the_profile() -> None:
    script = Answering(reply(b'{"entityId": 1, "entityType": "CUSTOMER", "mainPoints": 1}'))
    with RawServer(script) as server:
        check = asked(profile_at(server.url, "capillary", "basic", by="email"), "a@host.example")
        nobody = asked(profile_at(server.url, "capillary", "basic", by="email"))

    assert check == KeyCheck("accepted")
    assert nobody.result == "unclear"  # it answered about customer 1
    first, second = (request.split()[1] for request in script.requests)
    assert b"identifierName=email&identifierValue=a%40host.example" in first
    assert b"/v2/customers/2147483647/points/balance" in second


def test_an_address_that_nobody_answers_at_leaves_it_unclear() -> None:
    check = asked(profile_at(f"http://127.0.0.1:{unused_port()}"))

    assert check.result == "unclear"
    assert check.error
    assert check.error.code == ErrorCode.UNREACHABLE


def test_a_page_at_a_wrong_address_that_may_mean_an_unknown_customer_proves_nothing() -> None:
    profile = profile_at("", "omneo")
    for body, result in ((b"<html>", "unclear"), (b'{"message": "No profile."}', "accepted")):
        with RawServer(Answering(reply(body, "404 Not Found"))) as server:
            assert asked(replace(profile, base_url=server.url)).result == result
            twice = replace(profile, base_url=f"{server.url}/api/v3")
            assert asked(twice).result == "unclear"


def test_such_a_page_is_enough_where_a_look_up_without_credentials_is_refused() -> None:
    def handle(received: Received) -> Reply:
        return Reply(404, b"<html>") if "authorization" in received.headers else Reply(401, b"")

    with Server(handle) as server:
        assert asked(profile_at(server.url, "omneo")) == KeyCheck("accepted")


def test_credentials_of_one_customer_are_asked_about_only_with_that_customer() -> None:
    profile = profile_at("http://127.0.0.1:9", "saasquatch", "user_token", settings={"tenant": "a"})

    check = asked(profile)

    assert check.result == "unclear"
    assert check.error
    assert "only for its own customer" in check.error.message
    assert "`loyalty balance CUSTOMER -p " in str(check.error.hint)


class OddShop(Shop):
    """Its ids are numbers, and it forgot to name one that nobody has."""

    ways = (Way("id", "a number", int),)  # type: ignore[arg-type] # the defect


def test_a_provider_whose_ids_have_a_form_must_name_an_impossible_one() -> None:
    check = asked(shop_at("http://127.0.0.1:9", OddShop()))

    assert check.result == "unclear"
    assert check.error
    assert "'loyalty-no-such-customer' cannot be a customer's id" in check.error.message


@pytest.mark.parametrize("customer", ["", "..", "a\nb"])
def test_an_identifier_that_cannot_be_sent_is_refused_before_anything(customer: str) -> None:
    with pytest.raises(LoyaltyError, match="identifier"):
        asked(profile_at("http://127.0.0.1:9"), customer)


def test_missing_credentials_are_an_error_and_nothing_is_asked() -> None:
    for profile in (profile_at("http://127.0.0.1:9"), shop_at("http://127.0.0.1:9", OddShop())):
        with pytest.raises(LoyaltyError, match=r"No api_key\."):
            check_key(client(None), profile)


def test_a_kept_access_token_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    backends.use(monkeypatch, backends.Memory())
    api = APIS["capillary"]
    secrets = {name: api.credentials[name] for name in ("client_key", "client_secret")}
    script = Answering(problem({"errors": [{"code": 401, "message": "No."}]}, "401 Unauthorized"))
    with RawServer(script) as server:
        profile = profile_at(server.url, "capillary", "oauth")
        kept = Holder(profile, secrets, lambda: Token("kept", 3600), keep=True)
        AccessTokens(KeyringStore()).get(kept)
        check = check_key(client(secrets), profile)

    assert check.result == "refused"
    assert b"POST /v3/oauth/token/generate" in script.requests[0]
    assert len(script.requests) == 1


DESCRIBED = """
base_url: https://loyalty.acme.example
auth: {bearer: {credentials: [api_key], headers: {Authorization: "Bearer {api_key}"}}}
look_up: {id: {get: /customers, query: {number: "{customer}"}, at: found, one_of_a_list: true}}
lines: [{name: points, kind: points, unit: points, available: points}]
"""


@pytest.mark.parametrize(
    ("more", "customer"),
    [("", b"loyalty-no-such-customer"), ("impossible_customer: 0\n", b"0")],
)
def test_a_platform_described_in_yaml_is_asked_too(
    tmp_path: Path, more: str, customer: bytes
) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(DESCRIBED + more)
    file.chmod(0o600)
    provider = provider_of(read_file(file)[0])
    script = Answering(said({"found": []}), said({"error": "x"}, "401 Unauthorized"))
    with RawServer(script) as server:
        profile = Profile("acme", provider, provider.auths[0], server.url)
        assert [asked(profile).result for _ in range(2)] == ["accepted", "refused"]

    assert script.requests[0].startswith(b"GET /customers?number=" + customer + b" HTTP")


def test_a_look_up_of_several_requests_is_good_where_the_last_one_finds_nobody() -> None:
    steps = each_of(one("find"), Request(("wallet",)))
    script = Answering(said({"found": []}), said({"error": "nobody"}, "404 Not Found"))
    with RawServer(script) as server:
        assert asked(shop_at(server.url, Shop(steps))) == KeyCheck("accepted")
    assert len(script.requests) == 2
