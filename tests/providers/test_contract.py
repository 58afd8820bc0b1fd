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
from tests.conftest import Outcome
from tests.providers.conftest import Ask
from tests.providers.contract import (
    CUSTOMER,
    HTML,
    Cases,
    at,
    cases_of,
    changed,
    digits,
    exact,
    full,
    with_raw,
)

ALL = [cases for name in providers.BUILT_IN if (cases := cases_of(name))]
WRONG = {"a list": [], "an object": {}, "true": True, "a word": "many", "no text": ""}
NOT_NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    '"NaN"',
    '"Infinity"',
    '"1_000"',
    '"1,000"',
    '" 5 "',
    '"5\\n"',
    '"+5"',
    '".5"',
    '"5."',
    '"0x10"',
    '"\u0663"',
    '"--1"',
    "5" * 5000,
    f'"{"5" * 5000}"',
    f'"0.{"0" * 5000}"',
    "1e999999999",
    "1e-999999999",
    '"1e999999999"',
    "1e99999999999999999999",
    "0e-99999999999999999999",
    "01",
    "+1",
    "1.",
]
NOT_JSON = {
    "nothing": b"",
    "half of it": b'{"a": 1',
    "two documents": b"{}{}",
    "a BOM": b"\xef\xbb\xbf{}",
    "Latin-1": '{"name": "Käse"}'.encode("latin-1"),
    "UTF-16": "{}".encode("utf-16"),
    "half a character": b'{"a": "\\ud800"}',
    "half a character in a key": b'[{"\\udc00": 1}]',
    "half a character in bytes": b'{"a": "\xed\xa0\x80"}',
    "a key twice": b'{"a": 1, "a": 1}',
    "a key twice, deep down": b'[{"b": {"a": 1, "a": 2}}]',
    "a hundred thousand lists": b"[" * 100_000 + b"]" * 100_000,
    "lists that never end": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "single quotes": b"{'a': 1}",
    "a comment": b"{} // fine",
    "a control character": b'{"a": "\x00"}',
}
IDENTIFIERS = [
    "a/b",
    "50%",
    "x?y",
    "ä",
    "me@host",
    "+61 4",
    "%2e%2e",
    "%2F",
    "#",
    "a#b",
    "a&accountId=b",
    "a=b",
    "a;b",
    "~.-_",
    "...",
    "../..",
    "a\\b",
    '"quoted"',
    "{}",
    "[1]",
    "日本",
    "\U0001f600",
    "e\u0301",
    "\u202eabc",
    "a+b",
    "a:b",
    "//host/x",
    "x" * 1000,
]

DIGITS = st.from_regex(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,19})?", fullmatch=True)


def each(*, of: str) -> list[Any]:
    """Each thing that the cases list under a name, with the cases it is from."""
    return [
        pytest.param(cases, thing, id=f"{cases.provider}-{thing}")
        for cases in ALL
        for thing in getattr(cases, of)
    ]


every_provider = pytest.mark.parametrize("cases", ALL, ids=lambda cases: cases.provider)


def is_told_in_one_or_two_lines(done: Outcome) -> bool:
    first, *more = done.err.splitlines()
    return first.startswith("Error: ") and len(more) <= 1 and "Traceback" not in done.err


# What goes well


@every_provider
def test_the_platforms_own_example_is_mapped_to_the_last_field(ask: Ask, cases: Cases) -> None:
    record = ask(cases).reads()

    assert record["balances"] == cases.full_balances()
    assert record["details"] == cases.details
    assert record["warnings"] == cases.warnings
    assert record["error"] is None
    assert (record["profile"], record["provider"]) == ("main", cases.provider)
    assert (record["customer"], record["sandbox"]) == (CUSTOMER, False)


@pytest.mark.parametrize(("cases", "answer"), each(of="reads"))
def test_an_answer_of_the_platform_is_read_as_its_reference_says(
    ask: Ask, cases: Cases, answer: str
) -> None:
    sent, expected, arguments = cases.reads[answer]

    record = ask(cases).replies(sent).reads(*arguments)

    if "balances" in expected:
        expected = {**expected, "balances": [full(line) for line in expected["balances"]]}
    assert exact({key: record[key] for key in expected}) == exact(expected)


@every_provider
def test_a_platform_is_asked_once_with_get_and_for_json(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)
    platform.reads()

    (received,) = platform.received
    assert (received.method, received.body) == ("GET", b"")
    assert received.headers["accept"] == "application/json"


@every_provider
def test_raw_is_its_own_answer_untouched(ask: Ask, cases: Cases) -> None:
    answer = with_raw(cases.answer, dict.fromkeys(cases.amounts, "8500.000"))

    done = ask(cases).replies(answer).run("--raw")

    assert done.code == 0
    assert digits(done)["raw"] == json.loads(answer, parse_int=str, parse_float=str)


@every_provider
def test_zero_is_zero_and_not_unknown(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)
    for zero in ("0", '"0"', "0.00"):
        platform.replies(with_raw(cases.answer, dict.fromkeys(cases.amounts, zero)))
        record = platform.reads()
        for place in cases.amounts.values():
            assert at(record, place) == 0
        assert record["error"] is None


@every_provider
def test_keys_that_nobody_knows_are_ignored(ask: Ask, cases: Cases) -> None:
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


@every_provider
@pytest.mark.parametrize(
    "text",
    ["0.0000000", "-0.00", "-0", "8500.000", "1" * 60, f"{'9' * 41}.{'0' * 19}", "-1.10"],
)
def test_zeros_signs_and_long_numbers_keep_their_digits(ask: Ask, cases: Cases, text: str) -> None:
    platform = ask(cases)
    for raw in (text, f'"{text}"'):
        done = platform.replies(with_raw(cases.answer, dict.fromkeys(cases.amounts, raw))).run()
        for place in cases.amounts.values():
            assert at(digits(done), place) == text


# What makes no sense is never zero


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize(("cases", "place"), each(of="amounts"))
def test_an_amount_of_the_wrong_type_is_a_bad_answer(
    ask: Ask, cases: Cases, place: str, what: str
) -> None:
    told = ask(cases).replies(changed(cases.answer, place, WRONG[what])).tells()

    assert (told.exit_code, told.code) == (7, "bad_response")
    assert place.rpartition(".")[2] in told.message


@pytest.mark.parametrize("value", [5, True, [], {}], ids=str)
@pytest.mark.parametrize(("cases", "place"), each(of="texts"))
def test_a_text_of_the_wrong_type_is_a_bad_answer(
    ask: Ask, cases: Cases, place: str, value: Any
) -> None:
    told = ask(cases).replies(changed(cases.answer, place, value)).tells()

    assert (told.exit_code, told.code) == (7, "bad_response")


@pytest.mark.parametrize("value", [..., None], ids=["missing", "null"])
@pytest.mark.parametrize(("cases", "place"), each(of="required"))
def test_an_answer_without_what_it_must_have_is_a_bad_one(
    ask: Ask, cases: Cases, place: str, value: Any
) -> None:
    told = ask(cases).replies(changed(cases.answer, place, value)).tells()

    assert (told.exit_code, told.code) == (7, "bad_response")


@pytest.mark.parametrize("value", [..., None], ids=["missing", "null"])
@pytest.mark.parametrize(("cases", "place"), each(of="optional"))
def test_an_amount_that_is_not_there_is_null_and_not_zero(
    ask: Ask, cases: Cases, place: str, value: Any
) -> None:
    record = ask(cases).replies(changed(cases.answer, place, value)).reads()

    assert at(record, cases.amounts[place]) is None


@every_provider
def test_json_of_another_shape_is_a_bad_answer(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)
    for body in cases.not_answers:
        told = platform.replies(body).tells()
        assert (told.exit_code, told.code) == (7, "bad_response")
        assert platform.provider.title in told.message


@pytest.mark.parametrize("raw", NOT_NUMBERS, ids=lambda raw: raw[:24])
@every_provider
def test_an_amount_that_is_no_number_is_a_bad_answer(ask: Ask, cases: Cases, raw: str) -> None:
    place = next(iter(cases.amounts))

    told = ask(cases).replies(with_raw(cases.answer, {place: raw})).tells()

    assert (told.exit_code, told.code) == (7, "bad_response")


@pytest.mark.parametrize("what", NOT_JSON)
@every_provider
def test_a_body_that_is_not_json_is_a_bad_answer(ask: Ask, cases: Cases, what: str) -> None:
    platform = ask(cases).replies(Reply(body=NOT_JSON[what]))

    told = platform.tells()

    assert (told.exit_code, told.code) == (7, "bad_response")
    assert len(platform.received) == 1
    assert platform.run("--raw").code == 7


# What the platform refuses


@pytest.mark.parametrize(("cases", "error"), each(of="fails"))
def test_an_error_of_the_platform_is_told_as_its_reference_says(
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


@every_provider
def test_an_unknown_customer_is_told_apart(ask: Ask, cases: Cases) -> None:
    platform = ask(cases).replies(cases.not_found)

    told = platform.tells()

    assert (told.exit_code, told.code) == (5, "not_found")
    assert f"{platform.provider.title} has no customer '{CUSTOMER}'" in told.message
    assert len(platform.received) == 1


@every_provider
def test_a_refused_sign_in_is_told_apart(ask: Ask, cases: Cases) -> None:
    platform = ask(cases).replies(cases.refused)

    told = platform.tells()

    assert (told.exit_code, told.code) == (4, "credential_refused")
    assert "profile 'main'" in told.message
    assert len(platform.received) == 1


@pytest.mark.parametrize("status", [401, 403])
@every_provider
def test_a_refused_sign_in_needs_no_words(ask: Ask, cases: Cases, status: int) -> None:
    assert ask(cases).replies(Reply(status, HTML, {}, "text/html")).tells().exit_code == 4


@every_provider
def test_a_throttled_read_is_tried_three_times(ask: Ask, cases: Cases) -> None:
    platform = ask(cases).replies(cases.throttled)

    told = platform.tells()

    assert (told.exit_code, told.code) == (7, "rate_limited")
    assert len(platform.received) == 3


@every_provider
def test_a_read_that_was_throttled_goes_well_the_next_time(ask: Ask, cases: Cases) -> None:
    platform = ask(cases).replies(cases.throttled, Reply(503, HTML), cases.answer)

    record = platform.reads()

    assert record["balances"] == cases.full_balances()
    assert len({received.target for received in platform.received}) == 1
    assert len(platform.received) == 3


@pytest.mark.parametrize(
    ("status", "code", "tries"),
    [(200, "bad_response", 1), (400, "bad_response", 1), (502, "server_error", 3)],
)
@every_provider
def test_html_in_place_of_json_is_nobodys_balance(
    ask: Ask, cases: Cases, status: int, code: str, tries: int
) -> None:
    platform = ask(cases).replies(Reply(status, HTML, content_type="text/html"))

    told = platform.tells()

    assert (told.exit_code, told.code) == (7, code)
    assert len(platform.received) == tries


@every_provider
def test_a_404_that_is_not_the_platforms_says_nothing_of_the_customer(
    ask: Ask, cases: Cases
) -> None:
    platform = ask(cases).replies(Reply(404, HTML, content_type="text/html"))

    assert platform.tells().exit_code == cases.foreign_404


# What is sent


@pytest.mark.parametrize("customer", IDENTIFIERS, ids=lambda text: ascii(text[:20]))
@every_provider
def test_an_identifier_arrives_byte_for_byte(ask: Ask, cases: Cases, customer: str) -> None:
    platform = ask(cases)

    assert platform.run(customer=customer).record["customer"] == customer

    (received,) = platform.received
    place = {"{}": customer}
    query = {name: place.get(value, value) for name, value in cases.query.items()}
    assert received.path == tuple(place.get(step, step) for step in cases.path)
    assert received.query == query
    assert urlsplit(received.target).path == "/" + "/".join(
        quote(place.get(step, step), safe="") for step in cases.path
    )
    assert f"{quote(customer, safe='')}".encode("ascii") in received.target.encode()


@pytest.mark.parametrize(
    "customer",
    ["", " ", ".", "..", "a\nb", "\x00", "\x7f", "\x85", "\udcff", "y" * 1001],
    ids=ascii,
)
@every_provider
def test_an_identifier_that_cannot_arrive_is_refused_before(
    ask: Ask, cases: Cases, customer: str
) -> None:
    platform = ask(cases)

    done = platform.run(customer=customer)

    assert (done.code, done.out) == (2, "")
    assert is_told_in_one_or_two_lines(done)
    assert platform.received == []


@pytest.mark.parametrize(("cases", "auth"), each(of="signs_in"))
def test_a_way_of_signing_in_sends_its_headers(ask: Ask, cases: Cases, auth: str) -> None:
    platform = ask(cases)
    platform.profile(auth=auth)

    platform.reads()

    sent = platform.received[-1].headers
    expected = cases.signs_in[auth]
    others = {name for headers in cases.signs_in.values() for name in headers} - expected.keys()
    assert {name: sent[name] for name in expected} == expected
    assert not others & sent.keys()


@every_provider
def test_the_first_way_of_signing_in_is_the_usual_one(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)
    platform.reads()

    first = cases.signs_in[platform.provider.auths[0].name]
    assert first.items() <= platform.received[-1].headers.items()


@every_provider
def test_the_cases_have_every_way_of_signing_in_every_option_and_every_credential(
    cases: Cases,
) -> None:
    provider = providers.load(cases.provider)

    assert list(cases.signs_in) == [auth.name for auth in provider.auths]
    assert set(cases.options) == {option.name for option in provider.options}
    assert set(cases.credentials) == set(provider.credential_fields())


@pytest.mark.parametrize("where", ["command line", "profile"])
@pytest.mark.parametrize(("cases", "option"), each(of="options"))
def test_an_option_is_sent_under_the_platforms_name(
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


@pytest.mark.parametrize("value", ["", "a\nb", "\udcff"], ids=ascii)
@pytest.mark.parametrize(("cases", "option"), each(of="options"))
def test_an_option_that_cannot_be_sent_is_refused_before(
    ask: Ask, cases: Cases, option: str, value: str
) -> None:
    platform = ask(cases)

    done = platform.run("-O", f"{option}={value}")

    assert (done.code, done.out) == (2, "")
    assert is_told_in_one_or_two_lines(done)
    assert platform.received == []


@pytest.mark.parametrize("reply", ["answer", "refused", "not_found", "throttled"])
@pytest.mark.parametrize(("cases", "auth"), each(of="signs_in"))
def test_a_secret_is_never_shown(ask: Ask, cases: Cases, auth: str, reply: str) -> None:
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
