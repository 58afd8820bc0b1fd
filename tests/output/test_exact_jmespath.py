"""JMESPath: every result is that of the library, but for numbers, which keep every digit."""

import json
import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from loyalty_cli.model.amount import Amount
from loyalty_cli.output.exact_jmespath import is_same, parse, search

SUITE = os.environ.get("JMESPATH_SUITE", "")
"""The folder with the JSON files of JMESPath's compliance suite, which are not in this project."""

DIGITS = "12345678901234567890.1234567890"


def read(text: str) -> Any:
    """JSON, with exact numbers."""
    return json.loads(text, parse_float=Amount, parse_int=Amount)


def found(expression: str, text: str) -> Any:
    """What an expression finds in JSON."""
    return search(parse(expression), read(text))


@pytest.mark.parametrize(
    ("expression", "data", "result"),
    [
        ("a", '{"a": 9007199254740993}', "9007199254740993"),
        ("a", '{"a": 8500.000}', "8500.000"),
        ("[0]", f"[{DIGITS}]", DIGITS),
        (f"`{DIGITS}`", "null", DIGITS),
        ("sum(@)", f"[{DIGITS}, 0.0000000001]", "12345678901234567890.1234567891"),
        ("sum(@)", "[0.1, 0.2]", "0.3"),
        ("sum(@)", "[]", "0"),
        ("max(@)", "[9007199254740992, 9007199254740993, 9007199254740991]", "9007199254740993"),
        ("min(@)", "[9007199254740993, 9007199254740992.9]", "9007199254740992.9"),
        ("avg(@)", "[9007199254740993, 9007199254740995]", "9007199254740994"),
        ("avg(@)", f"[{DIGITS}]", DIGITS),
        ("avg(@)", "[1, 0, 0]", "0.33333333333333333333"),
        ("avg(@)", "[0.5, 0.25]", "0.375"),
        ("abs(@)", f"-{DIGITS}", DIGITS),
        ("ceil(@)", f"{DIGITS}", "12345678901234567891"),
        ("floor(@)", f"-{DIGITS}", "-12345678901234567891"),
        ("to_number(@)", f'"{DIGITS}"', DIGITS),
        ("to_number(@)", '"8500.000"', "8500.000"),
        ("sort(@)[0]", "[9007199254740993, 9007199254740992]", "9007199254740992"),
        ("sort_by(@, &a)[0].a", '[{"a": 1.10}, {"a": 1.1}]', "1.10"),
        (
            "max_by(@, &a).a",
            '[{"a": 9007199254740992}, {"a": 9007199254740993}]',
            "9007199254740993",
        ),
        ("min_by(@, &a).a", '[{"a": 0.30}, {"a": 0.3000001}]', "0.30"),
        (
            "[?@ > `9007199254740992`] | [0]",
            "[9007199254740992, 9007199254740993]",
            "9007199254740993",
        ),
        ("[?@ == `0.1`] | [0]", "[0.10000000000000001, 0.10]", "0.10"),
        ("map(&a, @) | [0]", '[{"a": 0.10}]', "0.10"),
    ],
)
def test_numbers_keep_every_digit(expression: str, data: str, result: str) -> None:
    assert str(found(expression, data)) == result


@pytest.mark.parametrize(
    ("expression", "data", "result"),
    [
        ("to_string(@)", DIGITS, DIGITS),
        ("to_string(@)", '{"a": [8500.000, "x"]}', '{"a":[8500.000,"x"]}'),
        ("type(@)", "1.0", "number"),
        ("to_number(@)", '"1_000"', None),
        ("to_number(@)", '" 5"', None),
        ("to_number(@)", '"007"', None),
        ("to_number(@)", '"0.5"', Amount("0.5")),
        ("to_number(@)", "true", None),
        ("contains(@, `1`)", "[true]", False),
        ("contains(@, `1.0`)", "[1]", True),
        ("contains(@, `1`)", '"1"', False),
        ("@ == `true`", "1", False),
        ("@ == `[true]`", "[1]", False),
        ("@ != `{}`".replace("{}", '{"a": true}'), '{"a": 1}', True),
        ("a < b", '{"a": "1", "b": 2}', None),
        ("!@", "0", False),
        ("length(@)", "[1.0, 2]", 2),
        ("`running`", "null", "running"),
        ("`NaN`.a", "null", "refused"),
        ("`1e999999999`", "null", "refused"),
        ("[0:5:0]", "[]", "refused"),
        ("sum(@)", '["1"]', "refused"),
        ("missing(@)", "null", "refused"),
        ("length(@, @)", "null", "refused"),
        ("not_null()", "null", "refused"),
    ],
)
def test_what_is_no_number_stays_what_it_is(expression: str, data: str, result: Any) -> None:
    try:
        assert is_same(found(expression, data), result)
    except JMESPathError:
        assert result == "refused"


NAMES = st.sampled_from(["a", "b", "c"])
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
EXPRESSIONS = [
    *("a", "a.b", "a.b.c", "[0]", "[-1]", "[1:]", "[::-1]", "a[*].b", "[].a", "[][]", "*.a", "*"),
    *("a || b", "a && b", "!a", "a == b", "a != b", "a < b", "a >= b", "[?a == `1`]", "[?a > b].c"),
    *("[?!a]", "[a, b]", "{x: a, y: b.c}", "a | b", "@", "[?contains(@, `1`)]", "a[?b].c | [0]"),
    *("sum(a)", "max(a)", "min(a)", "sort(a)", "sort_by(@, &a)", "abs(a)", "ceil(a)", "floor(a)"),
    *("length(a)", "reverse(a)", "keys(@)", "values(@)", "merge(a, b)", "type(a)", "to_array(a)"),
    *("to_string(a)", "not_null(a, b)", "join('-', a)", "starts_with(a, b)", "map(&a, b)"),
    *("min_by(@, &a)", "max_by(@, &a)", "[*].to_number(a)", "a.*.b[]", "[?a || b && !c]"),
]


@given(st.sampled_from(EXPRESSIONS), DATA)
def test_an_expression_gives_what_the_library_gives(expression: str, data: Any) -> None:
    try:
        expected = jmespath.search(expression, data)
    except JMESPathError:
        with pytest.raises(JMESPathError):
            search(parse(expression), data)
        return
    except TypeError:
        return  # what has no order, where the library does not say so itself
    made = search(parse(expression), data)
    if "contains" not in expression and not _has_booleans(data):  # for the library 1 is true
        assert is_same(made, expected)


def _has_booleans(data: Any) -> bool:
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return isinstance(data, bool) or any(map(_has_booleans, inner))


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=6), max_size=8))
def test_a_sum_is_exact_and_sorting_changes_no_digit(numbers: list[Decimal]) -> None:
    amounts = [Amount(number) for number in numbers]

    assert Fraction(search(parse("sum(@)"), amounts)) == sum(map(Fraction, numbers))
    assert [*map(str, search(parse("sort(@)"), amounts))] == [*map(str, sorted(amounts))]


@pytest.mark.skipif(not SUITE, reason="JMESPATH_SUITE names no folder with the suite")
def test_the_compliance_suite_of_jmespath_passes() -> None:
    cases = [
        (path.name, case, group["given"])
        for path in Path(SUITE).glob("*.json")
        for group in read(path.read_text())
        for case in group["cases"]
        if "bench" not in case
    ]

    assert len(cases) > 500
    assert [(name, case) for name, case, data in cases if not _passes(case, data)] == []


def _passes(case: dict[str, Any], data: Any) -> bool:
    try:
        made = search(parse(case["expression"]), data)
    except JMESPathError:
        return "error" in case
    return "result" in case and is_same(made, case["result"])
