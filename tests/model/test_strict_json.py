"""JSON from outside: what is read, and what is refused in words."""

import json
import re
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.strict_json import MAX_DEPTH, MAX_PARTS, compact, decode

TOO_MANY = f"^it has more than {MAX_PARTS} parts$"

# Surrogates cannot be sent; floats are what this is about, so amounts take their place.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(TREES, st.booleans())
def test_any_json_is_read_back(tree: Any, escaped: bool) -> None:
    assert decode(json.dumps(tree, ensure_ascii=escaped).encode()) == tree


@given(st.binary() | st.text(alphabet='[]{}",:\\u0d8eE+-.1 tfnNI').map(str.encode))
def test_any_bytes_are_read_as_json_or_refused_with_a_value_error(body: bytes) -> None:
    with suppress(ValueError):
        decode(body)


def test_numbers_of_json_keep_their_digits() -> None:
    body = b"[8500.000, -0.00, 12345678901234567890, 1e2, -0, 0]"

    tree = decode(body)

    sent = ["8500.000", "-0.00", "12345678901234567890", "100", "-0", "0"]
    assert [str(each) for each in tree] == sent
    assert [type(each) for each in tree] == [Amount, Amount, int, Amount, Amount, int]


def test_an_escape_beside_a_json_number_changes_neither() -> None:
    assert decode(b'["\\u00e4", 1e350, 1e-350]')[1:] == [Amount("1e350"), Amount("1e-350")]
    assert decode(b'["\\ud83d\\ude00", 1]') == ["\U0001f600", 1]
    assert decode(b'["\\\\ud800"]') == ["\\ud800"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is not JSON (Expecting value at character 0)"),
        (b"<html>", "it is not JSON (Expecting value at character 0)"),
        (b"{} {}", "it is not JSON (Extra data at character 3)"),
        (b"\xef\xbb\xbf{}", "it is not JSON (Expecting value at character 0)"),
        ('"Käse"'.encode("latin-1"), "it is not UTF-8 text"),
        ("{}".encode("utf-16"), "it is not UTF-8 text"),
        (b'"\xed\xa0\x80"', "it is not UTF-8 text"),
        (b'["\\ud800"]', "it has half a character in it (one surrogate of a pair)"),
        (b'{"\\udfff": 1}', "it has half a character in it (one surrogate of a pair)"),
        (b"[NaN]", "it has NaN, which is not a JSON number"),
        (b"[-Infinity]", "it has -Infinity, which is not a JSON number"),
        (b"[" + b"1" * 401 + b"]", "it has a number of more than 400 digits"),
        (b"[" + b"1" * 5000 + b"]", "it has a number of more than 400 digits"),
        (b"[1e999999999]", "a number of more than 400 digits"),
        (b"[1e99999999999999999999]", "a number of more than 400 digits"),
        (b'{"a": 1, "b": 2, "a": 1}', "it has the key 'a' twice in one object"),
        (b'{"a": {"b": 1, "b": 1}}', "it has the key 'b' twice in one object"),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, bytes) else "",
)
def test_json_that_is_refused_is_told_with_the_reason(body: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        decode(body)


@pytest.mark.parametrize(
    ("opening", "closing", "levels"), [("[", "]", 1), ('{"a":', "}", 1), ('[{"a":', "}]", 2)]
)
def test_the_depth_of_json_has_a_limit(opening: str, closing: str, levels: int) -> None:
    def nested(times: int) -> bytes:
        return (opening * times + "1" + closing * times).encode()

    most = MAX_DEPTH // levels

    decode(nested(most))
    for times in (most + 1, 900, 5000):
        with pytest.raises(ValueError, match=r"^it is nested too deep$"):
            decode(nested(times))
    with pytest.raises(ValueError, match=TOO_MANY):
        decode(nested(200_000))


def test_wide_json_does_not_count_as_deep() -> None:
    assert decode(b"[" + b",".join([b"[[]]"] * 6000) + b"]") == [[[]]] * 6000
    assert decode(b'["' + b"[{" * 1000 + b'"]') == ["[{" * 1000]


def test_a_repeated_json_key_among_very_many_is_found_soon() -> None:
    keys = ",".join(f'"{number}":1' for number in [*range(9998), 9997])
    began = time.monotonic()

    with pytest.raises(ValueError, match="'9997' twice"):
        decode(f"{{{keys}}}".encode())

    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "part", ["[]", "{}", "0", "[{}]", '{"":""}', "1.50", '"a"', "null", "[[[[]]]]"]
)
def test_json_of_too_many_parts_is_refused_before_it_is_read(part: str) -> None:
    body = f"[{','.join([part] * (1024 * 1024 // (len(part) + 1)))}]".encode()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=TOO_MANY):
            decode(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 100_000


def test_json_of_as_many_parts_as_allowed_is_read() -> None:
    body = f"[{','.join(['1.50'] * MAX_PARTS)}]"

    assert len(decode(body.encode())) == MAX_PARTS
    with pytest.raises(ValueError, match=TOO_MANY):
        decode(body.replace("[", "[0,").encode())


def test_compact_json_has_every_token_as_it_was() -> None:
    body = b'{ "a" : [ 8500.000 , -0, 1E2 ,\n"\\u00e4 \xc3\xa4" ], "b": { } }'

    assert compact(body) == b'{"a":[8500.000,-0,1E2,"\\u00e4 \xc3\xa4"],"b":{}}'
