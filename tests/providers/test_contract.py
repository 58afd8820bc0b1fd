"""The contract: the same questions to every provider, through the program and a real server."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_cli import providers
from loyalty_cli.sandbox.server import Reply
from tests.providers.conftest import Ask
from tests.providers.contract import (
    CUSTOMER,
    HTML,
    Cases,
    about,
    at,
    cases_of,
    changed,
    digits,
    exact,
    full,
    with_raw,
)

ALL = [cases for name in providers.BUILT_IN if (cases := cases_of(name))]
WRONG: dict[str, tuple[Any, ...]] = {
    "amounts": ([], {}, True, "many", ""),
    "texts": (5, True, [], {}),
    "required": (..., None),
}
"""What may not stand in a place that the cases list so; `...` takes the key away."""
NOT_NUMBERS = ["NaN", '"NaN"', '"1,000"', '" 5 "', "5" * 5000, "1e999999999", "01"]
NOT_JSON = {
    "nothing": b"",
    "half of it": b'{"a": 1',
    "Latin-1": '{"name": "Käse"}'.encode("latin-1"),
    "half a character": b'{"a": "\\ud800"}',
    "a key twice, deep down": b'[{"b": {"a": 1, "a": 2}}]',
    "a hundred thousand lists": b"[" * 100_000 + b"]" * 100_000,
}
IDENTIFIERS = [
    *("a/b", "50%", "%2e%2e", "x?y#z", "a&accountId=b", "a=b;c", "~.-_+:@\\", "...", "../.."),
    *('"quoted" {}[1]', "ä 日本 \U0001f600", "e\u0301\u202eabc", "//host/x", "x" * 1000),
]

DIGITS = st.from_regex(r"-?(0|[1-9][0-9]{0,59})(\.[0-9]{1,19})?", fullmatch=True)
"""Amounts of up to 60 digits, with zeros in front, behind, and alone."""


def each(*, of: str) -> list[Any]:
    """Each thing that the cases list under a name, with the cases it is from."""
    return [
        pytest.param(cases, thing, id=f"{cases.provider}-{thing}")
        for cases in ALL
        for thing in getattr(cases, of)
    ]


every_provider = pytest.mark.parametrize("cases", ALL, ids=lambda cases: cases.provider)


# What goes well


@every_provider
def test_a_look_up_is_one_signed_get_whose_answer_is_mapped_to_the_last_field(
    ask: Ask, cases: Cases
) -> None:
    platform = ask(cases)
    record = platform.reads()

    (received,) = platform.received
    assert (received.method, received.body) == ("GET", b"")
    assert received.headers["accept"] == "application/json"
    first = cases.signs_in[platform.provider.auths[0].name]
    assert first.items() <= received.headers.items()
    assert record["balances"] == cases.full_balances()
    assert record["details"] == cases.details
    assert record["warnings"] == cases.warnings
    assert record["error"] is None
    assert (record["profile"], record["provider"]) == ("main", cases.provider)
    assert (record["customer"], record["sandbox"]) == (CUSTOMER, False)


@pytest.mark.parametrize(("cases", "answer"), each(of="reads"))
def test_an_answer_is_read_as_the_platforms_reference_says(
    ask: Ask, cases: Cases, answer: str
) -> None:
    sent, expected, arguments = cases.reads[answer]

    record = ask(cases).replies(sent).reads(*arguments)

    if "balances" in expected:
        expected = {**expected, "balances": [full(line) for line in expected["balances"]]}
    assert exact({key: record[key] for key in expected}) == exact(expected)


@every_provider
def test_raw_prints_the_platforms_answer_untouched(ask: Ask, cases: Cases) -> None:
    answer = with_raw(cases.answer, dict.fromkeys(cases.amounts, "8500.000"))

    done = ask(cases).replies(answer).run("--raw")

    assert done.code == 0
    sent = about(answer, CUSTOMER)
    assert digits(done)["raw"] == json.loads(sent, parse_int=str, parse_float=str)


@every_provider
def test_an_amount_of_zero_is_zero_and_not_null(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)
    for zero in ("0", '"0"', "0.00"):
        platform.replies(with_raw(cases.answer, dict.fromkeys(cases.amounts, zero)))
        record = platform.reads()
        for place in cases.amounts.values():
            assert at(record, place) == 0
        assert record["error"] is None


@every_provider
def test_unknown_keys_of_an_answer_are_ignored(ask: Ask, cases: Cases) -> None:
    answer = cases.answer
    for home in dict.fromkeys(("", cases.home)):
        node = answer
        for step in filter(None, home.split(".")):
            node = node[int(step) if step.isdigit() else step]
        if isinstance(node, dict):
            extra = {"unheardOf": {"deep": [1]}, "message": "Good day", "code": 9, "type": "new"}
            answer = changed(answer, home, {**extra, **node})

    record = ask(cases).replies(answer).reads()

    assert record["balances"] == cases.full_balances()


# Exactness


@every_provider
def test_every_amount_comes_out_with_the_digits_it_was_sent_with(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)

    @settings(max_examples=40)
    @given(sent=st.fixed_dictionaries(dict.fromkeys(cases.amounts, DIGITS)), quoted=st.booleans())
    def check(sent: dict[str, str], quoted: bool) -> None:
        raw = {place: f'"{text}"' if quoted else text for place, text in sent.items()}
        done = platform.replies(with_raw(cases.answer, raw)).run()

        assert done.code == 0
        assert {place: at(digits(done), cases.amounts[place]) for place in sent} == sent

    check()


# What makes no sense is never zero


@pytest.mark.parametrize(
    ("cases", "kind", "place"),
    [
        pytest.param(cases, kind, place, id=f"{cases.provider}-{kind}-{place}")
        for cases in ALL
        for kind in WRONG
        for place in getattr(cases, kind)
    ],
)
def test_a_value_of_a_wrong_type_in_an_answer_is_a_bad_response(
    ask: Ask, cases: Cases, kind: str, place: str
) -> None:
    platform = ask(cases)
    for value in WRONG[kind]:
        told = platform.replies(changed(cases.answer, place, value)).tells()
        assert (told.exit_code, told.code) == (7, "bad_response")
        assert place.rpartition(".")[2] in told.message


@pytest.mark.parametrize(("cases", "place"), each(of="optional"))
def test_a_missing_amount_is_null_and_not_zero(ask: Ask, cases: Cases, place: str) -> None:
    platform = ask(cases)
    for nothing in (..., None):
        record = platform.replies(changed(cases.answer, place, nothing)).reads()
        assert at(record, cases.amounts[place]) is None


@every_provider
def test_json_of_a_wrong_shape_is_a_bad_response(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)
    for body in cases.not_answers:
        told = platform.replies(body).tells()
        assert (told.exit_code, told.code) == (7, "bad_response")
        assert platform.provider.title in told.message


@pytest.mark.parametrize("raw", NOT_NUMBERS, ids=lambda raw: raw[:24])
@every_provider
def test_an_amount_that_is_no_number_is_a_bad_response(ask: Ask, cases: Cases, raw: str) -> None:
    place = next(iter(cases.amounts))

    told = ask(cases).replies(with_raw(cases.answer, {place: raw})).tells()

    assert (told.exit_code, told.code) == (7, "bad_response")


@pytest.mark.parametrize("what", NOT_JSON)
@every_provider
def test_a_body_that_is_not_json_is_a_bad_response(ask: Ask, cases: Cases, what: str) -> None:
    platform = ask(cases).replies(Reply(body=NOT_JSON[what]))

    told = platform.tells()

    assert (told.exit_code, told.code) == (7, "bad_response")
    assert len(platform.received) == 1
    assert platform.run("--raw").code == 7


# What the platform refuses


@pytest.mark.parametrize(("cases", "error"), each(of="fails"))
def test_an_error_of_a_platform_is_told_as_its_reference_says(
    ask: Ask, cases: Cases, error: str
) -> None:
    expected = cases.fails[error]
    body = expected.body if isinstance(expected.body, bytes) else json.dumps(expected.body).encode()
    platform = ask(cases).replies(Reply(expected.status, body))

    told = platform.tells()

    assert (told.exit_code, told.code) == (expected.exit_code, expected.code)
    assert told.provider_code == expected.provider_code
    assert expected.words in told.message
    assert len(platform.received) == expected.requests


@pytest.mark.parametrize(
    ("reply", "expected", "words"),
    [
        ("not_found", (5, "not_found", 1), f" has no customer '{CUSTOMER}'"),
        ("refused", (4, "credential_refused", 1), "profile 'main'"),
        ("throttled", (7, "rate_limited", 3), ""),
    ],
    ids=["not found", "refused", "throttled"],
)
@every_provider
def test_not_found_refused_and_throttled_are_told_apart_at_every_platform(
    ask: Ask, cases: Cases, reply: str, expected: tuple[int, str, int], words: str
) -> None:
    platform = ask(cases).replies(getattr(cases, reply))

    told = platform.tells()

    assert (told.exit_code, told.code, len(platform.received)) == expected
    assert platform.provider.title in told.message
    assert words in told.message


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, (7, "bad_response", 1)),
        (400, (7, "bad_response", 1)),
        (401, (4, "credential_refused", 1)),
        (403, (4, "credential_refused", 1)),
        (502, (7, "server_error", 3)),
    ],
    ids=["200", "400", "401", "403", "502"],
)
@every_provider
def test_html_in_place_of_json_is_an_error_at_any_status(
    ask: Ask, cases: Cases, status: int, expected: tuple[int, str, int]
) -> None:
    platform = ask(cases).replies(Reply(status, HTML, content_type="text/html"))

    told = platform.tells()

    assert (told.exit_code, told.code, len(platform.received)) == expected


@every_provider
def test_a_404_of_something_else_than_the_platform_is_not_not_found(ask: Ask, cases: Cases) -> None:
    platform = ask(cases).replies(Reply(404, HTML, content_type="text/html"))

    assert platform.tells().exit_code == cases.foreign_404


@every_provider
def test_a_look_up_that_was_throttled_is_retried_and_succeeds(ask: Ask, cases: Cases) -> None:
    platform = ask(cases).replies(cases.throttled, Reply(503, HTML), cases.answer)

    record = platform.reads()

    assert record["balances"] == cases.full_balances()
    assert len({received.target for received in platform.received}) == 1
    assert len(platform.received) == 3


# What is sent


@every_provider
def test_an_identifier_reaches_the_platform_byte_for_byte(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)
    for customer in IDENTIFIERS:
        assert platform.run(customer=customer).record["customer"] == customer

        (received,) = platform.received
        path = [customer if step == "{}" else step for step in cases.path]
        query = {key: customer if value == "{}" else value for key, value in cases.query.items()}
        assert (list(received.path), received.query) == (path, query)
        address = "/" + "/".join(quote(step, safe="") for step in path)
        assert urlsplit(received.target).path == address
        assert quote(customer, safe="") in received.target


@pytest.mark.parametrize(("cases", "auth"), each(of="signs_in"))
def test_each_way_of_signing_in_sends_its_headers(ask: Ask, cases: Cases, auth: str) -> None:
    platform = ask(cases)
    platform.profile(auth=auth)

    platform.reads()

    sent = platform.received[-1].headers
    expected = cases.signs_in[auth]
    others = {name for headers in cases.signs_in.values() for name in headers} - expected.keys()
    assert {name: sent[name] for name in expected} == expected
    assert not others & sent.keys()


@every_provider
def test_the_cases_cover_every_sign_in_option_and_credential(
    cases: Cases,
) -> None:
    provider = providers.load(cases.provider)

    assert list(cases.signs_in) == [auth.name for auth in provider.auths]
    assert set(cases.options) == {option.name for option in provider.options}
    assert set(cases.credentials) == set(provider.credential_fields())


@pytest.mark.parametrize("where", ["command line", "profile"])
@pytest.mark.parametrize(("cases", "option"), each(of="options"))
def test_an_option_is_sent_under_the_name_that_the_platform_uses(
    ask: Ask, cases: Cases, option: str, where: str
) -> None:
    value, sent = cases.options[option]
    platform = ask(cases)
    if where == "profile":
        platform.profile(options={option: value})
    arguments = ["-O", f"{option}={value}"] if where == "command line" else []

    assert platform.run(*arguments).code == 0

    ours = {name: CUSTOMER if text == "{}" else text for name, text in cases.query.items()}
    assert platform.received[-1].query == {**ours, **sent}


@pytest.mark.parametrize(("cases", "option"), each(of="options"))
def test_an_option_that_cannot_be_sent_is_refused_before_any_request(
    ask: Ask, cases: Cases, option: str
) -> None:
    platform = ask(cases)
    for value in ("", " ", "a\nb", "\udcff"):
        done = platform.run("-O", f"{option}={value}")

        assert (done.code, done.out, platform.received) == (2, "", [])
        assert done.err.startswith("Error: ")
        assert len(done.err.splitlines()) <= 2


@pytest.mark.parametrize("reply", ["answer", "refused", "not_found", "throttled"])
@pytest.mark.parametrize(("cases", "auth"), each(of="signs_in"))
def test_no_output_of_a_look_up_shows_a_secret(
    ask: Ask, cases: Cases, auth: str, reply: str
) -> None:
    platform = ask(cases).replies(getattr(cases, reply))
    platform.profile(auth=auth)

    done = platform.run("-v")

    shown = done.out + done.err
    assert f"> GET {platform.url}/" in done.err
    for secret in (*cases.credentials.values(), *cases.signs_in[auth].values()):
        if secret == "application/json":
            continue
        for form in (secret, quote(secret), b64encode(secret.encode()).decode()):
            assert form not in shown
        assert secret.rpartition(" ")[2] not in shown
