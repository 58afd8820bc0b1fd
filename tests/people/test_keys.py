"""When two keys are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.people.keys import key_of


@pytest.mark.parametrize(
    ("typed", "on_file"),
    [
        (" Ada Lovelace ", "ada lovelace"),
        ("ADA@EXAMPLE.COM", "ada@example.com"),
        ("STRASSE", "Straße"),
        ("Zoe\u0308", "Zoë"),
        ("+61 (412) 345-678", "+61412345678"),
        ("0412.345.678", "0412 345 678"),
        ("cus_8812", "CUS_8812"),
    ],
)
def test_these_keys_are_the_same(typed: str, on_file: str) -> None:
    assert key_of(typed) == key_of(on_file)


@pytest.mark.parametrize(
    ("typed", "on_file"),
    [
        ("ada lovelace", "ada  lovelace"),
        ("ada", "ada@example.com"),
        ("+61412345678", "61412345678"),
        ("0412345678", "+61412345678"),
        ("C-1001234", "C1001234"),
        ("12-34", "1234"),
        ("acct_77", "acct 77"),
    ],
)
def test_these_keys_differ(typed: str, on_file: str) -> None:
    assert key_of(typed) != key_of(on_file)


@given(st.text())
def test_a_key_that_was_made_comparable_stays_as_it_is(text: str) -> None:
    once = key_of(text)

    assert key_of(once.upper()) == key_of(once.upper().lower())
    assert key_of(f" {text}\t") == once
