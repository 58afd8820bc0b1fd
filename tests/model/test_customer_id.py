"""What identifiers are taken, which is whatever can be sent as it is."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.model.customer_id import check_customer
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
