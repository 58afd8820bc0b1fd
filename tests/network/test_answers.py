"""Verdicts: what an answer amounts to, whatever its status and whoever wrote its body."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli import providers
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.exit_codes import exit_code_of
from loyalty_cli.network.answers import body_of, error_in, undocumented
from loyalty_cli.providers.contract import Answer, Query

OWN = {
    "imprint": {"error": {"type": "SOME_ERROR", "message": "In its own words."}},
    "gameball": {"code": 77777, "message": "In its own words."},
    "capillary": {"errors": [{"code": 77777, "message": "In its own words."}]},
    "omneo": {"message": "In its own words."},
    "saasquatch": {"statusCode": 1, "message": "In its own words.", "rsCode": "RS777"},
}
HTML = {"content-type": "text/html"}


def profile(name: str = "imprint") -> Profile:
    provider = providers.load(name)
    return Profile("main", provider, provider.auths[0], "https://api.example.com:8443/v1")


def judged(
    status: int, body: Any = b"<html>", headers: Mapping[str, str] = HTML, name: str = "imprint"
) -> LoyaltyError | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_in(Answer(status, headers, content), profile(name), "C-1")


def error_of(*arguments: Any, **named: Any) -> LoyaltyError:
    error = judged(*arguments, **named)
    assert error is not None
    return error


@pytest.mark.parametrize("name", providers.BUILT_IN)
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"a": 1'])
def test_a_200_without_an_error_in_it_is_left_to_the_provider(name: str, body: bytes) -> None:
    assert judged(200, body, name=name) is None


@pytest.mark.parametrize("name", sorted(OWN.keys() - {"capillary", "gameball"}))
def test_a_platforms_error_text_with_200_is_no_error(name: str) -> None:
    assert judged(200, OWN[name], name=name) is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, ErrorCode.REFUSED),
        (400, ErrorCode.REFUSED),
        (401, ErrorCode.CREDENTIAL_REFUSED),
        (404, ErrorCode.NOT_FOUND),
        (429, ErrorCode.RATE_LIMITED),
        (461, ErrorCode.SERVER_ERROR),
        (521, ErrorCode.SERVER_ERROR),
        (503, ErrorCode.SERVER_ERROR),
    ],
)
def test_an_error_of_capillary_is_read_at_any_status(status: int, code: ErrorCode) -> None:
    assert error_of(status, OWN["capillary"], name="capillary").code == code


OWN_WORDS = [
    (400, ErrorCode.REFUSED, 6),
    (401, ErrorCode.CREDENTIAL_REFUSED, 4),
    (403, ErrorCode.CREDENTIAL_REFUSED, 4),
    (404, ErrorCode.NOT_FOUND, 5),
    (405, ErrorCode.REFUSED, 6),
    (407, ErrorCode.UNREACHABLE, 7),
    (408, ErrorCode.SERVER_ERROR, 7),
    (409, ErrorCode.REFUSED, 6),
    (422, ErrorCode.REFUSED, 6),
    (425, ErrorCode.SERVER_ERROR, 7),
    (429, ErrorCode.RATE_LIMITED, 7),
    (500, ErrorCode.SERVER_ERROR, 7),
    (503, ErrorCode.SERVER_ERROR, 7),
    (599, ErrorCode.SERVER_ERROR, 7),
]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(("status", "code", "exit_code"), OWN_WORDS)
def test_an_error_of_the_platform_itself_is_judged_by_the_status(
    name: str, status: int, code: ErrorCode, exit_code: int
) -> None:
    error = error_of(status, OWN[name], name=name)

    assert (error.code, exit_code_of(error.code), error.http_status) == (code, exit_code, status)
    assert "In its own words)." in error.message


@pytest.mark.parametrize("name", sorted(OWN.keys() - {"omneo"}))
@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b'{"a": "b"}', b"null"])
@pytest.mark.parametrize("status", [201, 204, 206, 400, 404, 405, 410, 418, 422])
def test_a_refusal_by_something_else_than_the_platform_is_a_bad_response(
    name: str, body: bytes, status: int
) -> None:
    error = error_of(status, body, name=name)

    assert (error.code, error.http_status) == (ErrorCode.BAD_RESPONSE, status)
    assert error.message.startswith("the server at api.example.com:8443 is not ")
    assert f"(HTTP {status}, text/html)" in error.message


@pytest.mark.parametrize("name", providers.BUILT_IN)
@pytest.mark.parametrize(
    ("status", "code"), [case[:2] for case in OWN_WORDS if case[2] != 6 and case[0] != 404]
)
def test_an_answer_of_something_else_is_judged_by_a_status_that_is_plain(
    name: str, status: int, code: ErrorCode
) -> None:
    assert error_of(status, name=name).code == code


@pytest.mark.parametrize("body", [b"<html>", OWN["imprint"]], ids=["HTML", "the platform's error"])
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 304])
def test_a_redirect_is_an_error_that_names_its_target(status: int, body: Any) -> None:
    error = error_of(status, body, {"location": "https://elsewhere.example.com/x"})

    assert (error.code, exit_code_of(error.code)) == (ErrorCode.REDIRECTED, 7)
    assert "redirects to https://elsewhere.example.com/x, which is not followed" in error.message
    assert error.http_status == status
    assert "redirects to nowhere" in error_of(status, body, {}).message


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        ({}, "Wait a while, then try again."),
        ({"retry-after": "7"}, "Wait 7 s, then try again."),
        ({"retry-after": "0"}, "Wait a while, then try again."),
        ({"retry-after": "soon"}, "Wait a while, then try again."),
    ],
    ids=str,
)
def test_a_throttled_user_is_told_how_long_to_wait(headers: Mapping[str, str], hint: str) -> None:
    assert error_of(429, b"", headers).hint == hint


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, OWN["imprint"], "Imprint refused the request (HTTP 400, SOME_ERROR: {own})."),
        (404, OWN["imprint"], "Imprint has no customer 'C-1' (HTTP 404, SOME_ERROR: {own})."),
        (401, b"", "Imprint rejected the credentials of profile 'main' (HTTP 401)."),
        (503, b"", "Imprint cannot answer now (HTTP 503)."),
    ],
)
def test_an_error_names_the_platform_the_status_its_code_and_its_message(
    status: int, body: Any, message: str
) -> None:
    error = error_of(status, body)

    assert error.message == message.format(own="In its own words")
    assert error.provider_code == ("SOME_ERROR" if body else None)


NO_CUSTOMER = "Omneo has no customer 'C-1'"
ENDS_IN = "it ends in {}, with which each request begins"


@pytest.mark.parametrize(
    ("base_url", "body", "message"),
    [
        ("https://x.example", OWN["omneo"], f"{NO_CUSTOMER} (HTTP 404, In its own words)."),
        ("https://x.example/v3", OWN["omneo"], f"{NO_CUSTOMER} (HTTP 404, In its own words)."),
        ("https://x.example", b"<html>", f"{NO_CUSTOMER}, or base_url is wrong (HTTP 404)."),
        ("https://x.example/v3", b"", f"{NO_CUSTOMER}, or base_url is wrong (HTTP 404)."),
        *(
            (
                f"https://x.example{end}",
                body,
                f"{NO_CUSTOMER}, or base_url is wrong: {ENDS_IN.format(twice)} (HTTP 404{own}).",
            )
            for end, twice in (
                ("/api/v3", "/api/v3"),
                ("/a/api/v3/profiles", "/api/v3/profiles"),
                ("/api", "/api"),
            )
            for body, own in ((b"<html>", ""), (OWN["omneo"], ", In its own words"))
        ),
    ],
)
def test_a_404_that_may_be_of_a_wrong_address_says_so(
    base_url: str, body: Any, message: str
) -> None:
    omneo = replace(profile("omneo"), base_url=base_url)
    path = omneo.provider.request(Query("C-1")).path
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    error = error_in(Answer(404, HTML, content), omneo, "C-1", path)

    assert error is not None
    assert (error.code, error.message) == (ErrorCode.NOT_FOUND, message)
    assert "base_url" in str(error.hint)


def test_the_platforms_own_code_leaves_no_doubt_about_the_address() -> None:
    imprint = replace(profile("imprint"), base_url="https://x.example/v2")
    body = json.dumps({"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "No"}).encode()

    error = error_in(Answer(404, {}, body), imprint, "C-1", ("v2", "customers"))

    assert error is not None
    assert "base_url" not in error.message + str(error.hint)


@pytest.mark.parametrize(
    ("headers", "kind"), [(HTML, "(text/html)"), ({}, "(no content type)")], ids=["HTML", "none"]
)
def test_a_body_that_is_not_json_is_told_with_its_content_type(
    headers: Mapping[str, str], kind: str
) -> None:
    with pytest.raises(LoyaltyError, match="it is not JSON") as raised:
        body_of(Answer(200, headers, b"<html>"), profile(), "C-1")

    assert (raised.value.code, raised.value.http_status) == (ErrorCode.BAD_RESPONSE, 200)
    assert kind in raised.value.message


def test_a_body_that_is_json_is_read() -> None:
    assert body_of(Answer(200, {}, b'{"a": [1]}'), profile(), "C-1") == {"a": [1]}


def test_json_of_a_wrong_shape_is_told_in_the_providers_words() -> None:
    error = undocumented(Answer(200, {}, b""), profile(), ValueError("Expected 'str' - at 'unit'"))

    assert (error.code, error.http_status) == (ErrorCode.BAD_RESPONSE, 200)
    assert error.message == ("Imprint's answer is not as documented: Expected 'str' - at 'unit'.")
