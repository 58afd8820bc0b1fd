"""Markdown as plain text: nothing of it is lost, and nothing is too wide that can be broken."""

import pytest

from loyalty_cli.commands.help.text import as_text


def text(markdown: str, width: int = 40, **pages: str) -> str:
    return as_text(markdown, width, pages.get)


LONG = "$ a long line " + "x" * 50


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("# One\n\n## Two\n\n### Three\n", "One\n===\n\nTwo\n---\n\nThree\n"),
        ("a\nb **c** *d* `e  f`\n", "a b c d `e  f`\n"),
        ("a [b](here) [c](there)\n", "a b (`x y`) c\n"),
        ("[x](x)\n", "x\n"),
        (f"```sh\n{LONG}\n\n  b\n```\n", f"    {LONG}\n\n      b\n"),
        ("- a\n- b\n  c\n\n  d\n", "- a\n- b c\n\n  d\n"),
        ("3. a\n4. b\n   - c\n", "3. a\n4. b\n\n   - c\n"),
        ("1. a\n\n   ```sh\n   b\n   ```\n", "1. a\n\n       b\n"),
        ("> a\n", "  a\n"),
        ("a &lt; \\*b\\*\n", "a < *b*\n"),
        ("![what is seen](a.svg)\n", "what is seen\n"),
    ],
)
def test_each_kind_of_markdown_is_laid_out(markdown: str, plain: str) -> None:
    assert text(markdown, here="`x y`", x="x") == plain


def test_a_paragraph_is_wrapped_between_words_and_never_within_a_command() -> None:
    assert text("one two three `four five six` seven\n", 20) == (
        "one two three\n`four five six`\nseven\n"
    )


TABLE = "| key | what it means |\n| --- | --- |\n| `a` b | c |\n| `d` | e e e e e e e |\n"


@pytest.mark.parametrize(
    ("table", "width", "plain"),
    [
        (
            TABLE,
            60,
            "key    what it means\n--------------------\n`a` b  c\nd      e e e e e e e\n",
        ),
        (TABLE, 18, "key: what it means\n------------------\n`a` b\n    c\nd\n    e e e e e e e\n"),
        ("| | |\n| --- | --- |\n| a | b |\n", 40, "a  b\n"),
        (
            "| a | b | c |\n| --- | --- | --- |\n| " + "x" * 20 + " | y | z |\n",
            20,
            "x" * 20 + "\n    b: y\n    c: z\n",
        ),
        (
            "| a | b |\n| --- | --- |\n| x | " + "y " * 30 + "|\n",
            40,
            "a  b\n" + "-" * 40 + "\nx  " + "y " * 18 + "y\n   " + "y " * 10 + "y\n",
        ),
    ],
)
def test_a_table_has_columns_if_there_is_room(table: str, width: int, plain: str) -> None:
    assert text(table, width) == plain
