"""JSON: the same values, every digit, and nothing that a terminal would act on."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Balance, CredentialRecord, RawLookup
from loyalty_cli.output.escape import is_shown
from loyalty_cli.output.json_text import json_document, json_line

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


def with_body(body: bytes) -> RawLookup:
    return RawLookup(
        profile="p",
        provider="imprint",
        customer="C",
        sandbox=False,
        asked={"by": "id"},
        retrieved_at="2026-11-20T05:00:00Z",
        raw=msgspec.Raw(body),
    )


@pytest.mark.parametrize(
    "digits", ["8500.000", "98765432109876543210", "-0.10", "0", "1" * 80, "0.0000000001"]
)
def test_an_amount_in_json_is_a_number_with_its_own_digits(digits: str) -> None:
    line = json_line(Balance(name="points", kind="points", available=Amount(digits)))

    assert f'"available":{digits},'.encode() in line


@given(JSON)
def test_any_value_is_read_back_from_json_without_control_characters(
    value: Any,
) -> None:
    document, line = json_document(value).decode(), json_line(value).decode()

    assert json.loads(document) == json.loads(line) == value
    assert len(line.splitlines()) == line.count("\n") == 1
    assert all(is_shown(sign) or sign == "\n" for sign in document + line)


def test_hostile_characters_are_escaped_as_in_json() -> None:
    line = json_line("\x1b\x7f\x9b\u202e\U000e0041é積🎁")

    assert line == '"\\u001b\\u007f\\u009b\\u202e\\udb40\\udc41é積🎁"\n'.encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"z":1,"a":2}',
        b'{"n":1.50,"m":1e3,"big":98765432109876543210,"e":-0.0,"x":1E+2}',
        b'{"text":"caf\\u00e9\\/\\n\\ud83c\\udf81\\u0000"}',
        '{"text":"café積"}'.encode(),
    ],
)
def test_a_platforms_json_is_printed_with_its_own_tokens(
    body: bytes,
) -> None:
    assert b'"raw":' + body in json_line(with_body(body))
    assert body in b"".join(json_document([with_body(body)]).split())


def test_a_control_character_in_a_platforms_json_is_escaped_and_means_the_same() -> None:
    line = json_line(with_body('{"name":"a\x9b31m\u202e"}'.encode()))

    assert b'{"name":"a\\u009b31m\\u202e"}' in line
    assert json.loads(line)["raw"] == {"name": "a\x9b31m\u202e"}


def test_a_file_name_that_is_no_text_is_shown_with_escapes() -> None:
    line = json_line([CredentialRecord(field="api_key", source="file /run/\udcff")])

    assert json.loads(line)[0]["source"] == r"file /run/\udcff"
