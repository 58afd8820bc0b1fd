"""JSON trees: what differs in two of them, and where the customer stands."""

from decimal import Decimal
from typing import Any

import pytest

from loyalty_cli.testing.json_tree import about, difference, exact, places, shown


@pytest.mark.parametrize(
    ("got", "expected", "told"),
    [
        ({"a": 1}, {"a": 1}, None),
        ([1, {"a": None}], [1, {"a": None}], None),
        ({"a": 1}, {}, "x.a is 1; expected no such key"),
        ({}, {"a": "b"}, "x.a is missing; expected 'b'"),
        ([{"a": None}], [{"a": 5}], "x.0.a is null; expected 5"),
        ([1], [1, 2], "x is [1]; expected [1, 2]"),
        (True, 1, "x is True; expected 1"),
        (Decimal("1.50"), 1.5, None),
        (exact(Decimal("1.50")), exact(1.5), "x is 1.50; expected 1.5"),
        (exact(Decimal("8500.000")), exact(Decimal("8500.000")), None),
    ],
)
def test_the_first_difference_of_two_trees_is_told(
    got: Any, expected: Any, told: str | None
) -> None:
    assert difference(got, expected, "x") == told


def test_the_customer_takes_the_place_of_a_text_of_two_braces() -> None:
    assert (
        about({"id": "{}", "b": {}, "c": "{}x"}, 'a"b') == b'{"id": "a\\"b", "b": {}, "c": "{}x"}'
    )
    assert about(b'["{}"]', "C-1") == b'["C-1"]'


def test_every_place_of_an_object_is_found_from_the_top_down() -> None:
    assert list(places({"a": {"b": 1, "c": [{"d": 2}]}, "e": None})) == ["a", "a.b", "a.c", "e"]


def test_a_long_value_is_cut() -> None:
    assert len(shown("x" * 1000)) == 201
