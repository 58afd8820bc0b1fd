"""What a platform repeats of a sign-in, wherever and however, is neither printed nor kept."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

import pytest

from loyalty_cli import providers
from loyalty_cli.providers.contract import DebitProvider
from tests.conftest import Run
from tests.credentials.test_redaction import SPELLINGS, shows
from tests.fakes.faulty_platform import (
    LOST,
    NEVER,
    FaultyPlatform,
    IdempotentPlatform,
    ListingPlatform,
    answers,
    as_json,
)
from tests.fakes.servers import RawServer, Wire, reply
from tests.providers.contract import cases_of, changed, with_raw

TOKEN = "T0ken/that+nobody=may-see"
WAYS = [(name, auth.name) for name in providers.BUILT_IN for auth in providers.load(name).auths]
pytestmark = pytest.mark.usefixtures("no_pauses")

HERE = "@@"
"""Where in an answer the secret stands."""

SPELT = (
    "as it is",
    "percent-encoded in lower case",
    "in JSON as PHP writes it",
    "in JSON in capitals",
    "in base64",
)
every_spelling = pytest.mark.parametrize("spelling", SPELT)
every_way = pytest.mark.parametrize(("name", "auth"), WAYS, ids=map("-".join, WAYS))


def secret_of(field: str) -> str:
    return f"S3cret/{field}+of=mine"


class SignedIn(NamedTuple):
    """A profile, and all that must stay secret of how it signs in."""

    name: str
    auth: str
    secrets: tuple[str, ...]

    def profile(self, url: str, more: str = "") -> str:
        tenant = ", tenant: acme" if self.name == "saasquatch" else ""
        keys = f"provider: {self.name}, auth: {self.auth}, base_url: '{url}'{tenant}{more}"
        return f"default_profile: shop\nprofiles:\n  shop: {{{keys}}}\n"

    def shown_in(self, text: str) -> list[tuple[str, str]]:
        """Which secrets a text shows, and how they are spelt there."""
        return [
            (each, spelling)
            for each in self.secrets
            for spelling in SPELT
            if shows(text, each, spelling)
        ]


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch, name: str, auth: str) -> SignedIn:
    way = providers.load(name).auth(auth)
    assert way is not None
    secrets = {field: secret_of(field) for field in way.fields}
    for field, secret in secrets.items():
        monkeypatch.setenv(f"LOYALTY_SHOP_{field.upper()}", secret)
    if way.exchange:
        return SignedIn(name, auth, (*secrets.values(), TOKEN))
    headers = [value.partition(" ")[2] or value for value in way.headers(secrets).values()]
    more = [value for value in headers if value != "application/json"]
    if "password" in secrets:
        more.append(md5(secrets["password"].encode(), usedforsecurity=False).hexdigest())
    return SignedIn(name, auth, (*secrets.values(), *more))


JournalAt = Callable[[FaultyPlatform], Callable[[], bytes]]


@pytest.fixture
def journal_at(
    signed_in: SignedIn, loyalty: Run, profile_file: Callable[[str], Path], tmp_path: Path
) -> JournalAt:
    """Make a profile that may debit at a platform, and an empty journal; give what it keeps."""

    def write(platform: FaultyPlatform) -> Callable[[], bytes]:
        rules = f", by: {platform.by}, debit: {{allow: true, unit: {platform.unit}}}"
        profile_file(f"journal: {tmp_path}/journal.db\n{signed_in.profile(platform.url, rules)}")
        loyalty("journal", "init")
        return lambda: b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))

    return write


# Where a secret can stand in an answer.

WAIT = "Retry-After: 1000"  # which nobody does
OWN: Mapping[str, str] = {
    "imprint": '{"type": "@@", "message": "who is @@?"}',
    "gameball": '{"code": "@@", "message": "who is @@?"}',
    "capillary": '{"errors": [{"code": "@@", "message": "who is @@?"}]}',
    "omneo": '{"message": "who is @@?", "errors": {"@@": ["@@"]}}',
    "saasquatch": '{"statusCode": 400, "rsCode": "@@", "message": "who is @@?"}',
}


def json_reply(body: str, status: str = "200 OK", *headers: str) -> bytes:
    return reply(body.encode(), status, *headers)


def typed_reply(body: bytes, content_type: str, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode("latin-1") + body


def own_error(name: str) -> str:
    """A platform's own error with HERE in it: the one above, or else one of its cases."""
    cases = cases_of(name)
    assert cases is not None
    return OWN.get(name) or re.sub(r'": "[^"]*"', f'": "{HERE}"', json.dumps(cases.refused.body))


def answers_with(name: str, good: str) -> Iterator[bytes]:
    """Answers of every kind, good and bad ones, with HERE in all the places that there are."""
    html = b"<title>@@</title>"
    own = own_error(name)
    for status in ("400 No", "401 No", "404 No", "422 No", "429 Wait", "500 Oops"):
        yield json_reply(own, f"{status} @@", "X-Echo: @@", WAIT)
        yield typed_reply(html, f"text/html; x=@@\r\n{WAIT}", status)
        yield json_reply('{"error": "@@", "@@": 1}', status, WAIT)
    yield json_reply(own)
    yield json_reply(good, "200 @@", "X-Echo: @@", "Set-Cookie: @@")
    yield json_reply(good.replace("{", '{"@@": "@@", ', 1))
    yield json_reply('{"@@": 1, "@@": 2}')
    yield json_reply('["@@"]')
    yield json_reply('{"a": @@}')
    yield typed_reply(html, "text/html; x=@@")
    yield typed_reply(b"\xff@@", "@@")
    yield json_reply("", "302 Moved", "Location: https://evil.example/?key=@@")
    yield json_reply("", "307 Moved @@", "Location: @@")
    yield b"HTTP/1.1 @@ OK\r\n\r\n"
    yield b"@@\r\n\r\n"
    yield b"HTTP/1.1 200 OK\r\n@@\r\n\r\n{}"
    yield b"HTTP/1.1 200 OK\r\nContent-Length: @@\r\n\r\n{}"
    yield b"HTTP/1.1 200 OK\r\nContent-Encoding: @@\r\n\r\n{}"
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n@@\r\n{}\r\n0\r\n\r\n"
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n@@"


def echoing(content: bytes, signed_in: SignedIn, spelling: str) -> bytes:
    """An answer that repeats all the secrets, wherever it repeats any."""
    spelt = " ".join(map(SPELLINGS[spelling], signed_in.secrets)).encode()
    if b"Content-Length: @@" in content or b"\r\nContent-Length: 500" in content:
        return content.replace(b"@@", spelt)
    head, _, body = content.replace(b"@@", spelt).partition(b"\r\n\r\n")
    lines = [
        b"Content-Length: %d" % len(body) if line.startswith(b"Content-Length:") else line
        for line in head.split(b"\r\n")
    ]
    return b"\r\n".join([*lines, b"", body])


def look_up_answers(name: str) -> list[bytes]:
    cases = cases_of(name)
    assert cases is not None
    good = json.dumps(cases.answer)
    wrong = [with_raw(cases.answer, {place: f'"{HERE}"'}).decode() for place in cases.amounts]
    texts = [json.dumps(changed(cases.answer, place, HERE)) for place in cases.texts]
    return [*answers_with(name, good), *(json_reply(each) for each in (*wrong, *texts))]


class SettableAnswers:
    """A server that answers what it is told to, and with a token who asks for one."""

    def __init__(self) -> None:
        self.balance = b""
        self.token = json_reply(json.dumps({"data": {"accessToken": TOKEN, "ttlSeconds": 3600}}))

    def __call__(self, wire: Wire) -> None:
        if request := wire.request():
            wire.send(self.token if request.startswith(b"POST") else self.balance)


@every_spelling
@every_way
def test_no_look_up_shows_a_secret(
    signed_in: SignedIn, spelling: str, loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    settable = SettableAnswers()
    with RawServer(settable) as server:
        profile_file(signed_in.profile(server.url))
        for content in look_up_answers(signed_in.name):
            settable.balance = echoing(content, signed_in, spelling)
            for raw in ((), ("--raw",)):
                done = loyalty("-vv", "balance", "C-1", "-o", "json", *raw)
                assert (content, signed_in.shown_in(f"{done}")) == (content, [])
                assert done.code != 1


@every_spelling
@pytest.mark.parametrize(("name", "auth"), [("capillary", "oauth")])
def test_no_exchange_for_a_token_shows_a_secret(
    signed_in: SignedIn, spelling: str, loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    settable = SettableAnswers()
    known = signed_in._replace(secrets=signed_in.secrets[:-1])  # the token is not yet
    with RawServer(settable) as server:
        profile_file(signed_in.profile(server.url))
        good = '{"data": {"accessToken": "@@", "ttlSeconds": "@@"}}'
        for content in answers_with("capillary", good):
            settable.token = echoing(content, known, spelling)
            done = loyalty("-vv", "balance", "C-1", "-o", "json")
            assert (content, known.shown_in(f"{done}")) == (content, [])


GOOD = {
    "saasquatch": '{"creditRedeemed": 50, "unit": "CENTS", "creditAvailable": "@@", "@@": "@@"}',
    "gameball": '{"transactionId": "%s", "redeemEquivalentPoints": 50,'
    ' "gameballTransactionId": "@@", "@@": "@@"}',
    "capillary": '{"response": {"status": {"success": "true"}, "responses": {"points": {'
    '"points_redeemed": 50, "redemption_id": "@@", "balance": "@@", "is_group_redemption": "true",'
    ' "item_status": {"success": "true", "code": 800, "message": "@@"}}}}}',
}
LISTED = {
    "saasquatch": '{"data": {"user": {"rewardRedemptionTransactions": {"data": [{"id": "@@",'
    ' "creditRedeemed": 50, "unit": "CENTS", "dateRedeemed": "%t"}]}}}}',
    "gameball": '{"transactions": [{"transactionId": "%s", "points": 50,'
    ' "gameballTransactionId": "@@"}]}',
    "capillary": '{"response": {"status": {"success": "true"}, "customer": {"redemptions":'
    ' {"points": {"point": [{"points_redeemed": 50, "external_reference_number": "%s",'
    ' "redemption_id": "@@"}]}}}}}',
}
KINDS = {
    "saasquatch": FaultyPlatform,
    "gameball": IdempotentPlatform,
    "capillary": ListingPlatform,
}
DEBIT_WAYS = [
    (name, auth)
    for name, auth in WAYS
    if isinstance(provider := providers.load(name), DebitProvider)
    and auth in (provider.debit_auths or [auth])
]
WRONG = (
    '{"creditRedeemed": 50, "unit": "@@"}',
    '{"creditRedeemed": "@@", "unit": "CENTS"}',
    '{"transactionId": "@@", "redeemEquivalentPoints": 50}',
    '{"transactionId": "%s", "redeemEquivalentPoints": "@@"}',
)


@pytest.mark.parametrize("spelling", SPELT[::2])
@pytest.mark.parametrize(("name", "auth"), DEBIT_WAYS)
def test_no_debit_shows_or_keeps_a_secret(
    signed_in: SignedIn, spelling: str, loyalty: Run, journal_at: JournalAt
) -> None:
    contents = [*answers_with(signed_in.name, GOOD[signed_in.name]), *map(json_reply, WRONG)]
    with KINDS[signed_in.name]() as platform:
        kept = journal_at(platform)
        for number, content in enumerate(contents):
            reference = f"r-{number}"
            sent = echoing(content.replace(b"%s", reference.encode()), signed_in, spelling)
            platform.debit = answers(sent)
            options = ("--reference", reference, "--yes", "-o", "json")
            done = loyalty("-vv", "debit", f"C-{number}", "50", *options)
            shown = loyalty("journal", "show", reference, "-o", "json")
            assert (content, signed_in.shown_in(f"{done}{shown}")) == (content, [])
            assert done.code != 1
        assert len(platform.posts) == len(contents)
    assert b"HTTP 400: " in kept()
    assert signed_in.shown_in(kept().decode("latin-1")) == []


@pytest.mark.parametrize("spelling", SPELT[::2])
@pytest.mark.parametrize(("name", "auth"), DEBIT_WAYS)
def test_no_list_of_debits_shows_a_secret_or_leaves_one_in_the_journal(
    signed_in: SignedIn, spelling: str, loyalty: Run, journal_at: JournalAt
) -> None:
    def refused(wire: Wire) -> bool:
        wire.reset()
        return True

    good = LISTED[signed_in.name].replace("%t", datetime.now(UTC).isoformat())
    contents = [*answers_with(signed_in.name, good), json_reply(good)]
    with KINDS[signed_in.name](LOST) as platform:
        kept = journal_at(platform)
        loyalty("debit", "C-1", "50", "--reference", "r-1", "--yes")
        for content in contents:
            platform.debit = NEVER
            platform.on_read = refused
            platform.listed = echoing(content.replace(b"%s", b"r-1"), signed_in, spelling)
            done = loyalty("-vv", "journal", "reconcile", "-o", "json")
            assert (content, signed_in.shown_in(f"{done}")) == (content, [])
            assert done.code != 1
    shown = loyalty("journal", "show", "r-1", "-o", "json")
    if signed_in.name != "saasquatch":  # whose list has no references, so the balance decides, too
        assert shown.record["debit"]["state"] == "confirmed"
        assert "***" in shown.record["debit"]["provider_reference"]
    assert signed_in.shown_in(f"{shown}{kept().decode('latin-1')}") == []


@pytest.mark.parametrize(("name", "auth"), [("saasquatch", "api_key")])
def test_a_secret_in_the_age_header_of_a_cache_is_not_shown(
    loyalty: Run, journal_at: JournalAt
) -> None:
    secret = secret_of("api_key")

    def from_a_cache(wire: Wire) -> bool:
        wire.send(as_json(platform.balance("/?accountId=C-1"), "200 OK", f"Age: {secret}"))
        return True

    with FaultyPlatform() as platform:
        platform.on_read = from_a_cache
        kept = journal_at(platform)
        done = loyalty("debit", "C-1", "50", "--reference", "r", "--yes", "-o", "json")

    assert "Age: ***" in f"{done}"
    assert secret[:20] not in f"{done}"
    assert secret[:20].encode() not in kept()


# What must not be spoilt by it.


@pytest.mark.parametrize(("name", "auth"), [("saasquatch", "api_key")])
def test_a_key_that_is_a_number_does_not_change_an_amount(
    loyalty: Run, journal_at: JournalAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyPlatform(
        answers(json_reply('{"creditRedeemed": 10007, "unit": "CENTS"}'))
    ) as platform:
        platform.assigned = 20_000
        journal_at(platform)
        monkeypatch.setenv("LOYALTY_SHOP_API_KEY", "1000")
        looked = loyalty("balance", "C-1", "-o", "json")
        done = loyalty("debit", "C-1", "10007", "--reference", "r", "--yes", "-o", "json")

    assert looked.record["balances"][0]["available"] == 20_000
    assert (done.code, done.record["state"]) == (0, "confirmed")
