"""The delimiter of CSV, as an option says it."""

import pytest

from loyalty_cli.lists.delimiter import check_delimiter, delimiter_in, option_of
from loyalty_cli.model.errors import LoyaltyError


@pytest.mark.parametrize(
    ("text", "sign"),
    [(";", ";"), (",", ","), ("|", "|"), ("tab", "\t"), ("\\t", "\t"), ("\t", "\t"), (None, None)],
)
def test_a_delimiter_is_one_sign_or_a_tab(text: str | None, sign: str | None) -> None:
    assert check_delimiter(text) == sign


@pytest.mark.parametrize("text", ["", ";;", "semicolon", "a", "1", '"', "\n", "\0", "\u200b"])
def test_what_cannot_stand_between_columns_is_no_delimiter(text: str) -> None:
    with pytest.raises(LoyaltyError, match="must be one sign"):
        check_delimiter(text)


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_the_delimiter_that_a_header_has_can_be_typed_as_an_option(sign: str) -> None:
    assert delimiter_in(f"customer{sign}name") == sign
    option, _, value = option_of(sign).partition(" ")
    assert (option, check_delimiter(value.strip("'"))) == ("--delimiter", sign)
    assert delimiter_in("customer,name") is None
