"""Signed requests, forms, other methods, and other hosts: as they really are on the wire."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.network.trace import Trace
from loyalty_cli.output.json_text import json_line
from loyalty_cli.providers.contract import (
    Attempt,
    Auth,
    Headers,
    Query,
    Reading,
    Request,
    Secrets,
    Steps,
)
from tests.fakes.servers import Answering, RawServer, Wire, header, reply
from tests.network.shop import SECRET, Shop, client, each_of, one, said, shop_at

ASKED = Query("C-1")
VERSION = "2024-12-01"


def signature_of(text: bytes, key: str) -> str:
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


def sign(secrets: Secrets, attempt: Attempt) -> Headers:
    at = attempt.at.isoformat()
    lines = [attempt.method, attempt.path, attempt.query, at, attempt.nonce, ""]
    signature = signature_of("\n".join(lines).encode() + attempt.body, secrets["api_key"])
    return {"X-Time": at, "X-Nonce": attempt.nonce, "X-Signature": signature}


SIGNED = Auth("signed", ("api_key",), lambda _: {"X-Version": VERSION}, sign=sign)


def is_valid(request: bytes) -> bool:
    """Whether the signature is that of the bytes that came."""
    head, _, body = request.partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    path, _, query = target.partition("?")
    at, nonce = header(request, "x-time") or "", header(request, "x-nonce") or ""
    text = "\n".join([method, path, query, at, nonce, ""]).encode() + body
    return header(request, "x-signature") == signature_of(text, SECRET)


REQUESTS = {
    "a plain one": one("balance"),
    "a path": Request(("a/b", "50%", "x?y#z", "ä 日本", "~.-_+:@")),
    "a query": Request(("x",), {"a&b": "c=d;e", "ä": "\U0001f600 +", "none": None, "empty": ""}),
    "JSON": Request(("x",), json={"who": "ä/\u2028", "number": 5}),
    "a form": Request(("x",), {"q": "1"}, form={"who": "ä b&c=d", "plus": "+", "slash": "/"}),
    "PUT": Request(("x",), json={"a": 1}, method="PUT"),
    "nothing to PUT": Request(("x",), method="PUT"),
    "nothing to POST": Request(("x",), method="POST"),
}


@pytest.mark.parametrize("prefix", ["", "/prefix/%7Ev1"])
@pytest.mark.parametrize("which", REQUESTS)
def test_what_is_signed_is_what_is_on_the_wire(which: str, prefix: str) -> None:
    script = Answering(said({}))
    with RawServer(script) as server:
        profile = shop_at(f"{server.url}{prefix}", Shop(each_of(REQUESTS[which])), SIGNED)
        client().reading(profile, ASKED)

    (request,) = script.requests
    assert is_valid(request)
    at = datetime.fromisoformat(header(request, "x-time") or "")
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    nonce = header(request, "x-nonce") or ""
    assert (len(nonce), int(nonce, 16) > 0) == (32, True)


def test_each_retry_is_signed_again_with_a_new_time_and_nonce() -> None:
    script = Answering(said({}, "500 No"), said({}, "429 No", "Retry-After: 0"), said({}))
    with RawServer(script) as server:
        client().reading(shop_at(server.url, Shop(each_of(REQUESTS["JSON"])), SIGNED), ASKED)

    assert len(script.requests) == 3
    assert all(map(is_valid, script.requests))
    for name in ("x-time", "x-nonce", "x-signature"):
        assert len({header(request, name) for request in script.requests}) == 3


def test_a_debit_is_signed_as_it_is_sent() -> None:
    script = Answering(said({}))
    with RawServer(script) as server:
        profile = shop_at(server.url, Shop(), SIGNED)
        client().debit(profile, REQUESTS["JSON"], lambda: None)

    (request,) = script.requests
    assert is_valid(request)


def test_an_exception_while_a_debit_is_signed_comes_before_its_first_byte() -> None:
    def broken(_: Secrets, __: Attempt) -> Headers:
        raise LoyaltyError(ErrorCode.PROVIDER_FAILED, "It cannot sign.")

    begun: list[bool] = []
    auth = Auth("signed", ("api_key",), lambda _: {}, sign=broken)
    with RawServer(Answering()) as server:
        profile = shop_at(server.url, Shop(), auth)
        with pytest.raises(NotSentError, match="cannot sign"):
            client().debit(profile, one("x"), lambda: begun.append(True))

    assert (begun, server.connections) == ([], 0)


# What is shown of a signature


class Echo:
    """A platform that repeats the sign-in that came, as an error page of a careless one does."""

    def __init__(self) -> None:
        self.signatures: list[str] = []

    def __call__(self, wire: Wire) -> None:
        while request := wire.request():
            names = ("x-time", "x-nonce", "x-signature", "x-version")
            shown = {name: str(header(request, name)) for name in names}
            self.signatures.append(shown["x-signature"])
            if b"/refuse " in request:
                wire.send(said({"error": json.dumps(shown)}, "400 No"))
            else:
                wire.send(said(shown))


def reading_of(query: Query) -> Steps[Reading]:
    answer = yield one(query.customer)
    return Reading((), answer.json())


def refusal(asked: PlatformClient, profile: Profile) -> str:
    with pytest.raises(LoyaltyError) as caught:
        asked.reading(profile, Query("refuse"))
    return str(vars(caught.value))


OUTPUTS: dict[str, Callable[[PlatformClient, Profile], str]] = {
    "reading": lambda asked, profile: json_line(asked.reading(profile, ASKED)).decode(),
    "raw": lambda asked, profile: asked.raw(profile, ASKED)[0].decode(),
    "error": refusal,
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_output_shows_a_signature_and_what_is_no_secret_stays_readable(output: str) -> None:
    traced, echo = list[str](), Echo()
    with RawServer(echo) as server:
        profile = shop_at(server.url, Shop(reading_of), SIGNED)
        shown = OUTPUTS[output](
            client(Trace(lambda *lines: traced.extend(lines), whole=True)), profile
        )

    (signature,) = echo.signatures
    assert len(signature) == 64
    assert signature not in f"{shown}{traced}"
    assert SECRET not in f"{shown}{traced}"
    assert "***" in shown
    assert VERSION in shown
    assert str(datetime.now(UTC).year) in shown


# Forms and methods


@pytest.mark.parametrize(
    ("which", "first", "kind", "body"),
    [
        ("a plain one", b"GET /balance ", None, b""),
        ("JSON", b"POST /x ", "application/json", '{"who":"ä/\u2028","number":5}'.encode()),
        (
            "a form",
            b"POST /x?q=1 ",
            "application/x-www-form-urlencoded",
            b"who=%C3%A4%20b%26c%3Dd&plus=%2B&slash=%2F",
        ),
        ("PUT", b"PUT /x ", "application/json", b'{"a":1}'),
        ("nothing to PUT", b"PUT /x ", None, b""),
        ("nothing to POST", b"POST /x ", None, b""),
    ],
)
def test_a_request_has_its_method_its_body_and_the_length_of_that(
    which: str, first: bytes, kind: str | None, body: bytes
) -> None:
    script = Answering(said({}))
    with RawServer(script) as server:
        client().reading(shop_at(server.url, Shop(each_of(REQUESTS[which]))), ASKED)

    (request,) = script.requests
    assert request.startswith(first)
    assert request.partition(b"\r\n\r\n")[2] == body
    assert header(request, "content-type") == kind
    length = None if first.startswith(b"GET") else str(len(body))
    assert header(request, "content-length") == length


# Another host of the same platform


def test_another_host_of_the_platform_is_asked_with_the_same_sign_in() -> None:
    here, there = Answering(said({})), Answering(said({}))
    with RawServer(here) as first, RawServer(there) as second:
        more = Request(("more",), base_url=f"{second.at('localhost')}/prefix/")
        shop = Shop(each_of(one("1"), more, one("3")))
        client().reading(shop_at(first.url, shop, SIGNED), ASKED)

    assert [request.split()[1] for request in here.requests] == [b"/1", b"/3"]
    (request,) = there.requests
    assert request.startswith(b"GET /prefix/more ")
    assert header(request, "host") == f"localhost:{second.port}"
    assert is_valid(request)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said({}, "302 Found", "Location: http://127.0.0.1:1/"), ErrorCode.REDIRECTED),
        (reply(b"<html>", "404 No"), ErrorCode.BAD_RESPONSE),
        (b"HTTP/1.1 2", ErrorCode.BAD_RESPONSE),
    ],
    ids=["redirected", "a stranger", "no HTTP"],
)
def test_an_error_of_another_host_names_that_host(answer: bytes, code: ErrorCode) -> None:
    def script(wire: Wire) -> None:
        wire.request()
        wire.send(answer)

    with RawServer(Answering(said({}))) as first, RawServer(script) as second:
        shop = Shop(each_of(one("1"), Request(("2",), base_url=second.url)))
        with pytest.raises(LoyaltyError) as caught:
            client().reading(shop_at(first.url, shop), ASKED)

    assert caught.value.code in {code, ErrorCode.UNREACHABLE}
    assert f"127.0.0.1:{second.port}" in caught.value.message
    assert str(first.port) not in caught.value.message


@pytest.mark.parametrize(
    "address",
    [
        "http://platform.example",
        "ftp://127.0.0.1",
        "https://user:pass-w0rd@platform.example",
        "https://platform.example/?a=1",
        "platform.example",
        "",
    ],
)
def test_another_host_is_asked_over_https_or_on_loopback_and_otherwise_not(address: str) -> None:
    with RawServer(Answering(said({}))) as server:
        shop = Shop(each_of(one("1"), Request(("2",), base_url=address)))
        with pytest.raises(LoyaltyError) as caught:
            client().reading(shop_at(server.url, shop), ASKED)

    assert caught.value.code is ErrorCode.PROVIDER_FAILED
    assert "the provider 'shop' asks at another address, which must" in caught.value.message
    assert "pass-w0rd" not in caught.value.message


def test_the_sandbox_is_asked_in_place_of_every_host() -> None:
    here, there = Answering(said({})), Answering(said({}))
    with RawServer(here) as first, RawServer(there) as second:
        shop = Shop(each_of(one("1"), Request(("2",), base_url=second.url)))
        client().reading(shop_at(first.url, shop, sandbox=True), ASKED)

    assert [request.split()[1] for request in here.requests] == [b"/1", b"/2"]
    assert there.requests == []
