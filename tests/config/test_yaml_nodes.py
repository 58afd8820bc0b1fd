"""YAML for settings: what is read, and what is refused and where."""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty_cli.config.yaml_nodes import Items, Map, MistakeError, Node, Text, parse


def plain(node: Node) -> Any:
    """The same without lines."""
    match node:
        case Text(value):
            return value
        case Items(items):
            return [plain(item) for item in items]
        case Map(items):
            return {name: plain(item) for name, item in items.items()}
    return None


def mistake(text: str) -> MistakeError:
    with pytest.raises(MistakeError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    "written", ["0123", "12:30:45", "no", "1e3", "0x1F", "2024-12-01", ".inf", "1_000", "true", "="]
)
def test_a_yaml_scalar_is_the_text_that_stands_there(written: str) -> None:
    assert plain(parse(f"a: {written}")) == {"a": written}
    assert plain(parse(f"a: '{written}'")) == {"a": written}


def test_null_in_yaml_is_nothing_and_in_quotes_it_is_text() -> None:
    found = plain(parse("{a: null, b: ~, c: , d: 'null', e: '', f: NULL}"))

    assert found == {"a": None, "b": None, "c": None, "d": "null", "e": "", "f": None}
    for text in ("", "\n\n", "# a comment alone\n", "---\n", "null"):
        assert parse(text) is None


def test_each_node_and_each_key_of_yaml_knows_its_line() -> None:
    root = parse("# first\na:\n  - x\n  - {b: 1,\n     c: 2}\nd: y\n")

    assert isinstance(root, Map)
    assert root.line == 2
    assert root.keys == {"a": 2, "d": 6}
    items = root.items["a"]
    assert isinstance(items, Items)
    assert items.items[0] == Text("x", 3)
    inner = items.items[1]
    assert isinstance(inner, Map)
    assert inner.keys == {"b": 4, "c": 5}


# A busy machine is no mistake, and nothing is left behind.
CALM = settings(database=None, suppress_health_check=[HealthCheck.too_slow])

TREES = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc_-. :#é", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(CALM, max_examples=60)
@given(TREES)
def test_any_json_is_read_as_yaml(tree: Any) -> None:
    assert plain(parse(json.dumps(tree, ensure_ascii=False))) == tree


@settings(CALM, max_examples=120)
@given(st.text(max_size=60) | st.text("{}[]:-?&*!|>'\"%@`#, \n\tab0~", max_size=60))
def test_any_text_is_read_as_yaml_or_refused(text: str) -> None:
    found = None
    try:
        parse(text)
    except MistakeError as error:
        found = error

    if found:
        assert str(found).isprintable()
        assert found.line is None or 1 <= found.line <= len(text.splitlines()) + 1


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: &x 1\nb: *x", 1, "anchors"),
        ("b: *x", 1, "aliases"),
        ("a: 1\nb: !!str 2", 2, "tags"),
        ("a: !mine {}", 1, "tags"),
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' is a duplicate (first on line 1)"),
        ("a: {b: 1, 'b': 2}", 1, "the key 'b' is a duplicate"),
        ("a: 1\n? [b]\n: 2", 2, "a key must be text"),
        ("a: 1\nnull: 2", 2, "a key must be text"),
        ("a: 1\n---\nb: 1", 3, "a second document"),
        ("a:\n\tb: 1", 2, "this line begins with a TAB"),
        ("a: 1\nb: 'x\nc: 2\n", 2, "a quote is not closed"),
        ("a: 1\n\nb\0: 1", 3, "U+0000"),
        ("a: \x1b[31m", 1, "U+001B"),
        ('a: 1\nb: "\\0"', 2, "control character"),
        ('a: "\\e[31m"', 1, "control character"),
        ("a: |\n  x\n", 1, "line break"),
        ('a: "x\\ny"', 1, "line break"),
        ("a: 'x\n\n  y'", 1, "line break"),
        ("%FOO bar\n---\na: 1", 1, "directive"),
        ("a: b: c", 1, "a second colon is not allowed"),
        ("{a: 1", 1, "a { is not closed"),
    ],
)
def test_refused_yaml_is_told_with_its_line(text: str, line: int, message: str) -> None:
    error = mistake(text)

    assert message in str(error)
    assert error.line == line


def test_a_yaml_tag_is_not_repeated_since_a_secret_can_look_like_one() -> None:
    assert "hunter2" not in str(mistake("password: !hunter2"))
    assert "hunter2" not in str(mistake("password: *hunter2"))


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n"
    for before, name in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True)
)


@pytest.mark.parametrize(
    "text",
    ["[" * 500, "[" * 1_000_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000, BOMB],
    ids=["[500", "[1000000", "{", "-", "?", "alias bomb"],
)
def test_hostile_yaml_is_refused_at_once(text: str) -> None:
    began = time.monotonic()
    error = mistake(text)

    assert error.line == 1
    assert time.monotonic() - began < 5
