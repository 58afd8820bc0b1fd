"""Tokens: exchanged once, used while they live, kept where the credentials are."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any, NamedTuple

import pytest

from loyalty_cli.credentials.access_tokens import (
    LONGEST_LIFETIME_SECONDS,
    MARGIN_SECONDS,
    AccessTokens,
    Holder,
)
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.providers.contract import Token
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Outcome, Run, Serve
from tests.fakes import backends
from tests.fakes.servers import profile_at
from tests.fakes.standing_clock import StandingClock

PATIENCE = 20.0
ENTRY = ("loyalty-cli/club", "token")
FIELDS = ("client_key", "client_secret")
KEY, SECRET = "the-client-key", "the-client-secret"
OTHERS: list[dict[str, Any]] = [{"key": "another"}, {"url": "https://b.example"}]


class Exchanges:
    """Gives a new token each time, and counts."""

    def __init__(self, lifetime: float = 3600.0) -> None:
        self.count = 0
        self.lifetime = lifetime

    def __call__(self) -> Token:
        self.count += 1
        return Token(f"t-{self.count}", self.lifetime)


def holder(
    exchange: Callable[[], Token],
    *,
    keep: bool = False,
    url: str = "https://a.example",
    name: str = "club",
    key: str = KEY,
) -> Holder:
    profile = profile_at(url, "capillary", "oauth", name=name)
    return Holder(profile, dict(zip(FIELDS, (key, SECRET), strict=True)), exchange, keep)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def tokens(clock: StandingClock) -> AccessTokens:
    return AccessTokens(KeyringStore(), clock)


@pytest.mark.parametrize(
    ("lifetime", "passes", "then"),
    [
        (3600, 3600 - MARGIN_SECONDS - 1, "t-1"),
        (3600, 3600 - MARGIN_SECONDS, "t-2"),
        (MARGIN_SECONDS, 0, "t-2"),
        (0, 0, "t-2"),
        (-5, 0, "t-2"),
        (1e18, LONGEST_LIFETIME_SECONDS, "t-2"),
    ],
)
def test_a_token_is_used_only_while_it_lives(
    tokens: AccessTokens, clock: StandingClock, lifetime: float, passes: float, then: str
) -> None:
    exchange = Exchanges(lifetime)
    assert tokens.get(holder(exchange)) == "t-1"
    clock.move(passes)

    assert tokens.get(holder(exchange)) == then


@pytest.mark.parametrize("other", [*OTHERS, {"name": "other"}])
def test_a_token_is_not_used_for_another_account_or_profile(
    tokens: AccessTokens, other: dict[str, Any]
) -> None:
    exchange = Exchanges()
    tokens.get(holder(exchange))

    assert tokens.get(holder(exchange, **other)) == "t-2"


def test_a_refused_token_is_replaced_once(tokens: AccessTokens) -> None:
    """Of two that were refused the same token, the second gets what the first exchanged."""
    exchange = Exchanges()
    refused = tokens.get(holder(exchange))

    assert tokens.replace(holder(exchange), refused) == "t-2"
    assert tokens.replace(holder(exchange), refused) == "t-2"
    assert exchange.count == 2


def in_threads(*targets: Callable[[], object]) -> None:
    threads = [Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


def test_several_threads_exchange_credentials_for_one_token(tokens: AccessTokens) -> None:
    together = Barrier(8)
    exchange = Exchanges()
    got: list[str] = []

    def get() -> None:
        together.wait(PATIENCE)
        got.append(tokens.get(holder(exchange)))

    in_threads(*[get] * 8)

    assert got == ["t-1"] * 8
    assert exchange.count == 1


def test_exchanges_of_two_profiles_do_not_wait_for_each_other(tokens: AccessTokens) -> None:
    other_has_its_token = Event()

    def slow() -> Token:
        assert other_has_its_token.wait(PATIENCE)
        return Token("slow", 60)

    def get_other() -> None:
        tokens.get(holder(Exchanges(), name="other"))
        other_has_its_token.set()

    in_threads(lambda: tokens.get(holder(slow)), get_other)


@pytest.mark.parametrize(
    ("passes", "other", "then"),
    [(0, {}, "t-1"), (3600, {}, "t-2"), *((0, other, "t-2") for other in OTHERS)],
)
def test_a_kept_token_is_used_by_the_next_run_for_the_same_account(
    memory: backends.Memory, clock: StandingClock, passes: float, other: dict[str, Any], then: str
) -> None:
    exchange = Exchanges()
    AccessTokens(KeyringStore(), clock).get(holder(exchange, keep=True))
    clock.move(passes)

    assert AccessTokens(KeyringStore(), clock).get(holder(exchange, keep=True, **other)) == then
    kept = memory.entries[ENTRY]
    assert f'"{then}"' in kept
    assert SECRET not in kept
    assert KEY not in kept


def test_a_token_is_kept_and_read_only_where_it_may_be(
    memory: backends.Memory, clock: StandingClock
) -> None:
    exchange = Exchanges()
    AccessTokens(KeyringStore(), clock).get(holder(exchange))
    assert memory.entries == {}

    AccessTokens(KeyringStore(), clock).get(holder(exchange, keep=True))
    assert AccessTokens(KeyringStore(), clock).get(holder(exchange)) == "t-3"


CORRUPT = {
    "nothing": "",
    "no JSON": "certainly not",
    "another JSON": "[1, 2]",
    "no token": '{"ends": 1e12, "owner": "OWNER"}',
    "a number": '{"token": 5, "ends": 1e12, "owner": "OWNER"}',
    "an end that is none": '{"token": "x", "ends": "late", "owner": "OWNER"}',
    "an empty token": '{"token": "", "ends": 1e12, "owner": "OWNER"}',
    "a token with a line break": '{"token": "x\\r\\nEvil: yes", "ends": 1e12, "owner": "OWNER"}',
    "a token that cannot be sent": '{"token": "\\u2026", "ends": 1e12, "owner": "OWNER"}',
}


@pytest.mark.parametrize("kept", CORRUPT.values(), ids=CORRUPT.keys())
def test_a_kept_token_that_makes_no_sense_is_replaced(
    memory: backends.Memory, tokens: AccessTokens, kept: str
) -> None:
    mine = holder(Exchanges(), keep=True)
    memory.entries[ENTRY] = kept.replace("OWNER", mine.owner)

    assert tokens.get(mine) == "t-1"
    assert '"t-1"' in memory.entries[ENTRY]


def test_a_keyring_that_fails_on_a_token_costs_only_an_exchange(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends.use(monkeypatch, backends.Failing(at="token"))
    exchange = Exchanges()

    assert tokens.get(holder(exchange, keep=True)) == "t-1"
    assert tokens.get(holder(exchange, keep=True)) == "t-1"
    assert exchange.count == 1


# Through the program, against a platform that takes the last token it gave.


class TokenPlatform:
    """A Capillary that counts the tokens it gives and the balances it is asked for."""

    def __init__(self) -> None:
        self.given = 0
        self.asked = 0
        self.good = ""
        self.exchange: Reply | None = None
        self.keys: list[bytes] = []

    def __call__(self, received: Received) -> Reply:
        if received.path == ("v3", "oauth", "token", "generate"):
            self.given += 1
            self.keys.append(received.body)
            self.good = f"token-{self.given}"
            data = {"accessToken": self.good, "ttlSeconds": 3600}
            return self.exchange or Reply(body={"data": data})
        self.asked += 1
        if received.headers.get("x-cap-api-oauth-token") != self.good:
            return Reply(401, {"errors": [{"code": 401, "message": "Unknown token"}]})
        return Reply(body={"mainPoints": 5})


class Club(NamedTuple):
    """Looks customers up at a profile that exchanges its credentials for a token."""

    platform: TokenPlatform
    loyalty: Run

    def __call__(self, *more: str) -> Outcome:
        return self.loyalty("balance", *(more or ["C-1"]), "-p", "club", "-o", "json")


@pytest.fixture
def club(
    memory: backends.Memory, serve: Serve, profile_file: Callable[[str], Path], loyalty: Run
) -> Club:
    """A club whose credentials are in the keyring."""
    memory.entries = {("loyalty-cli/club", "client_key"): KEY}
    memory.entries["loyalty-cli/club", "client_secret"] = SECRET
    platform = TokenPlatform()
    keys = f"provider: capillary, auth: oauth, base_url: '{serve(platform)}'"
    profile_file(f"profiles:\n  club: {{{keys}}}\n")
    return Club(platform, loyalty)


def test_many_look_ups_need_one_token(club: Club) -> None:
    assert club(*(f"C-{number}" for number in range(20))).code == 0

    assert (club.platform.given, club.platform.asked) == (1, 20)
    assert json.loads(club.platform.keys[0]) == {"key": KEY, "secret": SECRET}


@pytest.mark.parametrize(
    ("environment", "given"),
    [((), 1), (FIELDS, 2), (FIELDS[:1], 2)],
    ids=["all in the keyring", "none", "some"],
)
def test_a_token_is_kept_only_where_all_credentials_are_in_the_keyring(
    memory: backends.Memory,
    monkeypatch: pytest.MonkeyPatch,
    environment: tuple[str, ...],
    given: int,
    club: Club,
) -> None:
    for field in environment:
        monkeypatch.setenv(f"LOYALTY_CLUB_{field.upper()}", "from the environment")

    assert [club().code, club().code] == [0, 0]
    assert (club.platform.given, club.platform.asked) == (given, 2)
    assert (ENTRY in memory.entries) == (given == 1)


def test_a_kept_token_that_the_platform_no_longer_knows_is_replaced(club: Club) -> None:
    club()
    club.platform.good = "forgotten"
    assert [club().code, club().code] == [0, 0]

    assert (club.platform.given, club.platform.asked) == (2, 4)


def with_token(token: str) -> Reply:
    return Reply(200, {"data": {"accessToken": token, "ttlSeconds": 5}})


def with_error(status: int) -> Reply:
    return Reply(status, {"errors": [{"code": status, "message": "No"}]})


REFUSALS = {
    "401": (with_error(401), 4, "credential_refused"),
    "403": (Reply(403, {}), 4, "credential_refused"),
    "400": (with_error(400), 4, "credential_refused"),
    "404": (with_error(404), 4, "credential_refused"),
    "busy": (Reply(503, {}), 7, "server_error"),
    "a page": (Reply(404, b"<html>", content_type="text/html"), 7, "bad_response"),
    "a redirect": (Reply(302, headers={"Location": "/x"}), 7, "redirected"),
    "no JSON": (Reply(200, b"<html>"), 7, "bad_response"),
    "no token": (Reply(200, {"data": {}}), 7, "bad_response"),
    "an empty token": (with_token(""), 7, "bad_response"),
    "a broken token": (with_token("hush\r\nhush"), 7, "bad_response"),
    "a strange token": (with_token("hush…hush"), 7, "bad_response"),
    "a token that is refused": (with_token("hush, never good"), 4, "credential_refused"),
    "no lifetime": (Reply(200, {"data": {"accessToken": "hushhush"}}), 7, "bad_response"),
}


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("how", REFUSALS)
def test_a_sign_in_that_brings_no_valid_token_is_an_error(how: str, club: Club) -> None:
    club.platform.exchange, code, name = REFUSALS[how]

    done = club()

    assert (done.code, done.record["error"]["code"]) == (code, name)
    given, asked = {"busy": (3, 0), "a token that is refused": (2, 2)}.get(how, (1, 0))
    assert (club.platform.given, club.platform.asked) == (given, asked)
    for hidden in ("hush", KEY, SECRET):
        assert hidden not in done.out + done.err
    if code == 4:
        assert done.record["error"]["message"].startswith("Capillary rejected the credentials of")
