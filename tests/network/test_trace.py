"""What -v and -vv show of requests and answers, and what never."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from loyalty_cli.credentials.redaction import mask
from loyalty_cli.network.trace import Secrecy, Trace
from loyalty_cli.providers.contract import (
    Auth,
    Debit,
    DebitSteps,
    Exchange,
    Headers,
    Query,
    Question,
    Request,
    Secrets,
    Token,
    bearer,
)
from tests.conftest import Run
from tests.credentials.test_redaction import SPELLINGS, shows
from tests.fakes.servers import Answering, RawServer, reply
from tests.network.conftest import Ask
from tests.network.shop import SECRET, Shop, client, each_of, one, said, shop_at

ASKED = Query("C-1")
BODY = {"available": 12, "name": "Café"}


def whole() -> tuple[list[str], Trace]:
    shown = list[str]()
    return shown, Trace(lambda *lines: shown.extend(lines), whole=True)


def looked_up(*answers: bytes, request: Request, auth: Auth | None = None) -> list[str]:
    """What -vv shows of a look-up of one request."""
    shown, trace = whole()
    with RawServer(Answering(*answers)) as server:
        shop = Shop(each_of(request))
        client(trace).reading(shop_at(server.url, shop, auth), ASKED)
    return shown


def test_twice_verbose_shows_headers_and_bodies() -> None:
    request = Request(("x",), {"q": "1"}, json={"who": "C-1"})
    shown = looked_up(said(BODY, "200 OK", "Retry-After: 3"), request=request)

    (sent,) = (line for line in shown if line.startswith("> POST"))
    assert sent.endswith("/x?q=1")
    assert {"> Content-Type: application/json", '> {"who":"C-1"}'} <= {*shown}
    assert {"< retry-after: 3", f"< {json.dumps(BODY)}"} <= {*shown}
    assert shown.index('> {"who":"C-1"}') < shown.index("< retry-after: 3")


def test_only_headers_of_a_list_are_shown_with_their_values() -> None:
    request = Request(("x",), headers={"X-Version": "secretly-7", "Accept": "a/b"})
    cookie = "Set-Cookie: session=secretly-8"
    shown = looked_up(said({}, "200 OK", cookie, "Server: nginx", "X-New: 1"), request=request)

    assert {"> X-Version: ***", "> Accept: a/b", "> Authorization: ***"} <= {*shown}
    assert {"< set-cookie: ***", "< server: nginx", "< x-new: ***"} <= {*shown}
    assert "secretly" not in "".join(shown)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_masked_wherever_a_platform_repeats_it(spelling: str) -> None:
    spelt = SPELLINGS[spelling](SECRET)
    shown = looked_up(
        reply(f'{{"echo": "{spelt}"}}'.encode(), "200 OK", f"Server: {spelt}", f"{SECRET}: 1"),
        request=Request(("x",), {"key": SECRET}, form={"key": SECRET}),
    )

    assert not shows("\n".join(shown), SECRET, spelling)
    assert SECRET not in "".join(shown)
    assert {"> key=***", "< ***: ***"} <= {*shown}
    assert sum("***" in line for line in shown) == 6


def exchanged(credentials: Secrets, *, form: bool) -> Request:
    pairs = {"id": credentials["api_key"], "kind": "short"}
    if form:
        return Request(("token",), {"k": credentials["api_key"], "z": "short"}, form=pairs)
    return Request(("token",), {"k": credentials["api_key"], "z": "short"}, json=pairs)


def read_token(body: Mapping[str, object]) -> Token:
    return Token(str(body["token"]), 60.0)


@pytest.mark.parametrize("form", [False, True], ids=["JSON", "form"])
@pytest.mark.parametrize("token", ["a-new-token", 12345678, "x"], ids=str)
def test_nothing_is_shown_of_the_values_in_a_request_for_a_token(form: bool, token: object) -> None:
    def headers(secrets: Secrets) -> Headers:
        return bearer(secrets["token"])

    exchange = Exchange(lambda secrets: exchanged(secrets, form=form), read_token)
    auth = Auth("oauth", ("api_key",), headers, exchange)
    answer = said({"token": token, "deep": [{"refresh": "r-1"}], "ok": True})
    shown = looked_up(answer, said({"echo": token}), request=one("x"), auth=auth)

    assert '< {"token":"***","deep":[{"refresh":"***"}],"ok":true}' in shown
    assert any(line.endswith("/token?k=***&z=***") for line in shown)
    asked = shown[: shown.index("> Authorization: ***")]
    assert not any("short" in line or SECRET in line or "r-1" in line for line in asked)
    if len(str(token)) > 4:
        assert str(token) not in "".join(shown)


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe\x00secret", SECRET.encode("utf-16"), SECRET.encode("utf-16-le")],
    ids=["binary", "UTF-16", "UTF-16 without a mark"],
)
def test_a_body_that_is_no_text_is_not_shown(body: bytes) -> None:
    shown, trace = whole()
    trace.answer(200, {}, body, 0.5, Secrecy())

    assert shown == [f"< 200, {len(body)} bytes in 0.500 s", f"< ({len(body)} bytes, not shown)"]


@pytest.mark.parametrize(
    "body",
    [
        b"a" + b" " * 1_000_000 + b"b",
        b"\n" * 1_000_000,
        b" \n" * 500_000,
        b'"' + b"\\u00e9" * 30_000 + b'"',
        b"[" * 1_000_000,
    ],
    ids=["spaces", "lines", "both", "escapes", "nested"],
)
@pytest.mark.parametrize("keys_only", [False, True])
def test_no_body_takes_long_to_show(body: bytes, keys_only: bool) -> None:
    shown, trace = whole()
    began = time.monotonic()
    trace.answer(200, {}, body, 0.5, Secrecy(partial(mask, secrets={SECRET}), keys_only))

    assert time.monotonic() - began < 10
    assert len(shown) in (2, 1)


def test_a_token_that_is_no_json_is_not_shown() -> None:
    shown, trace = whole()
    trace.answer(200, {}, b"access_token=abc", 0.5, Secrecy(keys_only=True))

    assert shown[1:] == ["< (16 bytes, not shown)"]


def test_a_one_time_code_is_masked() -> None:
    shown, trace = whole()

    def steps() -> DebitSteps:
        code: Any = yield Question("the code")
        yield Request(("code", code), {"code": code}, json={"code": code})
        return one("debit")

    with RawServer(Answering(said({"echo": "73 91/55"}))) as server:
        profile = shop_at(server.url, Shop(debit_taken=steps))
        debit = Debit("C-1", "CENTS", 5, "r-1", datetime.now(UTC))
        client(trace).debit_request(profile, ASKED, debit, lambda _: "73 91/55")

    assert any(line.endswith("/code/***?code=***") for line in shown)
    assert {'> {"code":"***"}', '< {"echo": "***"}'} <= {*shown}


def test_what_a_platform_sends_cannot_steer_a_terminal_or_fill_it(ask: Ask) -> None:
    page = b"<p>\x1b]0;owned\x07\r\n  \xe2\x80\xaeEvil</p>\n" + b"x" * 100_000
    with RawServer(Answering(reply(page, "500 No", "Server: \x1b[2J"))) as server:
        done = ask(server.url, "-vv")

    assert done.err.isprintable() or all(line.isprintable() for line in done.err.splitlines())
    assert r"< <p>\x1b]0;owned\x07 \u202eEvil</p> xxx" in done.err
    assert r"< server: \x1b[2J" in done.err
    assert max(map(len, done.err.splitlines())) < 5000
    assert done.code == 7


@pytest.mark.parametrize("options", [["-vv"], ["-v", "-v"], ["--verbose", "--verbose"]], ids=str)
def test_each_retry_is_shown_whole(options: list[str], ask: Ask) -> None:
    good = b'{"customer_id": "C-1", "reward_balance": 1, "reward_symbol": "points"}'
    with RawServer(Answering(reply(b"busy", "503 No"), reply(good))) as server:
        done = ask(server.url, *options)

    lines = done.err.splitlines()
    assert lines.count("> Authorization: ***") == 2
    assert sum(line.startswith(("< 503, 4 bytes", "< 200, ")) for line in lines) == 2
    assert "< busy" in lines
    assert f"< {good.decode()}" in lines
    assert lines.count("* retry in 0.00 s") == 1
    assert done.record["error"] is None


def test_once_verbose_shows_no_headers_and_no_bodies(ask: Ask) -> None:
    with RawServer(Answering()) as server:
        lines = ask(server.url, "-v").err.splitlines()

    assert [line[:2] for line in lines] == ["> ", "< "]


@pytest.mark.parametrize("verbose", ["-v", "-vv", "-vvv"])
def test_verbose_and_quiet_exclude_each_other(verbose: str, loyalty: Run) -> None:
    done = loyalty("--sandbox", verbose, "-q", "balance", "C-1001", "-p", "imprint")

    assert done.code == 2
    assert "exclude each other" in done.err


def test_a_debit_shows_its_request_and_answer_once_each(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    line = "debit --sandbox C-1001 5 -p saasquatch --reference r-1 --yes -o json -vv"
    done = loyalty(*line.split())

    assert done.code == 0
    lines = done.err.splitlines()
    assert lines.count('> {"accountId":"C-1001","unit":"CENTS","amount":5}') == 1
    assert sum(line.startswith('< {"creditRedeemed":5,') for line in lines) == 1
    assert not any(line.startswith("> Authorization: B") for line in lines)
