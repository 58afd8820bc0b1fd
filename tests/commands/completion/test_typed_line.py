"""Lines that are typed in bash, and text quoted so that bash reads it as nothing else."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.commands.completion.typed_line import Word, quoted, unquoted, words_of

PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("line", "before", "last"),
    [
        ("loyalty ", [], ""),
        ("loyalty ba", [], "ba"),
        ("A=1 B='2 3' loyalty ba", [], "ba"),
        ("loyalty balance 'a b' c\\ d ", ["balance", "a b", "c d"], ""),
        ("loyalty balance c\\ ", ["balance"], "c\\ "),
        ("loyalty balance 'a b", ["balance"], "'a b"),
        ('loyalty -P "a \\" $x" \'\' "', ["-P", 'a " $x', ""], '"'),
        ("loyalty balance x\\", ["balance"], "x\\"),
        ("loyalty --person='a b", [], "--person='a b"),
    ],
)
def test_a_line_has_words_before_the_one_at_the_cursor(
    line: str, before: list[str], last: str
) -> None:
    assert words_of(line) == (before, last)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("a\\ b", Word("a b")),
        ("'a b", Word("a b", "'")),
        ("'a'\\''b", Word("a'b", "'")),
        ("'a'\\''b'", Word("a'b")),
        ('"a\\$b\\c', Word("a$b\\c", '"')),
        ("--x='", Word("--x=", "'")),
        ("'", Word("", "'")),
        ("a\\", Word("a")),
        ("", Word("")),
    ],
)
def test_a_typed_word_is_read_without_its_quotes(typed: str, word: Word) -> None:
    assert unquoted(typed) == word


@given(PRINTABLE)
def test_quoted_text_is_read_as_that_text(text: str) -> None:
    for quote in ("", "'", '"'):
        if (written := quoted(text, quote)) is not None:
            assert unquoted(f"{quote}{written}{quote}") == Word(text)


def test_bash_reads_quoted_text_as_that_text_too() -> None:
    text = "".join(map(chr, range(32, 127))) + "äß€😀e\u0308\u00a0\u200d"
    typed = [f"{quote}{quoted(text, quote)}{quote}" for quote in ("", "'")]
    typed += [f'"{quoted(text.replace("!", ""), chr(34))}"']

    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {' '.join(typed)}"], capture_output=True, check=True
    )

    assert done.stdout.decode().splitlines() == [text, text, text.replace("!", "")]
