"""What identifiers are taken, which is whatever can be sent as it is."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.model.customer_id import check_customer, check_typed, check_typed_alone
from loyalty_cli.model.errors import ErrorCode, LoyaltyError


@given(customer=st.text(max_size=40))
def test_any_identifier_is_taken_as_it_is_or_refused(customer: str) -> None:
    if any(category(sign) in ("Cc", "Cs") for sign in customer) or not customer.strip():
        with pytest.raises(LoyaltyError) as caught:
            check_customer(customer)
        assert caught.value.code is ErrorCode.USAGE
        assert caught.value.message.isprintable()
    elif customer not in (".", ".."):
        assert check_customer(customer) == customer


@pytest.mark.parametrize(
    ("customer", "words"),
    [
        (".", "would change the address"),
        ("..", "would change the address"),
        ("y" * 1001, "of 1001 characters is too long"),
        ("a\x85", r"'a\x85' has a control character"),
        ("\udcff", "or half a character"),
    ],
    ids=lambda text: ascii(text[:25]),
)
def test_an_identifier_that_cannot_be_sent_is_refused_with_the_reason(
    customer: str, words: str
) -> None:
    with pytest.raises(LoyaltyError) as caught:
        check_customer(customer)

    assert words in caught.value.message


@pytest.mark.parametrize("customer", ["...", "y" * 1000], ids=["dots", "1000 characters"])
def test_an_odd_identifier_that_can_be_sent_is_taken(customer: str) -> None:
    assert check_customer(customer) == customer


@pytest.mark.parametrize(
    ("typed", "said", "meant"),
    [
        ("C-1001 ", "has a space before or after it", "'C-1001'"),
        (" C-1001", "has a space before or after it", "'C-1001'"),
        ("C-1001\u00a0", "has a space before or after it", "'C-1001'"),
        (
            "C\u00a01001",
            r"has the space '\xa0' in it, which is not that of the keyboard",
            "'C 1001'",
        ),
        ("C-1001\u200b", r"has the invisible character '\u200b' in it", "'C-1001'"),
        ("\ufeffC-1001", r"has the invisible character '\ufeff' in it", "'C-1001'"),
        ("C-\u20601001", r"has the invisible character '\u2060' in it", "'C-1001'"),
        ("C-1001\r", r"has the invisible character '\r' in it", "'C-1001'"),
        ("C-1\r\nC-2\n", r"has the invisible character '\r' in it", "'C-1' 'C-2'"),
        ("C-1\tx", r"has the invisible character '\t' in it", "'C-1 x'"),
    ],
    ids=ascii,
)
def test_what_was_pasted_with_an_identifier_is_told_with_what_was_meant(
    typed: str, said: str, meant: str
) -> None:
    with pytest.raises(LoyaltyError) as caught:
        check_typed(typed)

    assert caught.value.message == f"{typed!r} {said}."
    assert caught.value.hint == f"Did you mean {meant}?"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("C-1,C-2", "'C-1' 'C-2'"),
        ("C-1, C-2 ;C-3", "'C-1' 'C-2' 'C-3'"),
        ("C-1,", "'C-1'"),
        ("a@x.example;b@y.example", "'a@x.example' 'b@y.example'"),
    ],
)
def test_several_identifiers_in_one_are_told_with_a_way_for_one_that_has_a_comma(
    typed: str, meant: str
) -> None:
    with pytest.raises(LoyaltyError) as caught:
        check_typed_alone(typed)

    assert caught.value.message == f"{typed!r} has a comma or a semicolon in it."
    assert (caught.value.hint or "").startswith(f"Did you mean {meant}? If it is one identifier, ")
    assert "--input-format lines" in (caught.value.hint or "")
    assert check_typed(typed) == typed


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "0123",
            "C 1",
            "+47 123 45 678",
            "a.b+c@x.example",
            "Ada L\u00f6velace",
            "\u6ce8\u6587-7",
        ),
        *("{3F25}", '"x"', "a/b?c#d%20", "--", "\u2013", "C\u20111", "=1+1", "--sandbox", "*"),
    ],
    ids=ascii,
)
def test_an_identifier_that_one_can_see_is_taken_as_it_is_typed(typed: str) -> None:
    assert check_typed_alone(typed) == check_typed(typed) == typed


@pytest.mark.parametrize("typed", ["-", "", " ", "\u200b", "\r\n", "."], ids=ascii)
def test_what_is_no_identifier_at_all_is_refused(typed: str) -> None:
    with pytest.raises(LoyaltyError) as caught:
        check_typed(typed)
    assert caught.value.code is ErrorCode.USAGE
