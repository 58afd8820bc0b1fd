"""Amounts: every digit in, every digit out."""

import json
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.model.amount import MAX_DIGITS, Amount, decode_amount, encode_amount

NOT_NUMBERS = [
    *(
        "",
        " ",
        "NaN",
        "nan",
        "sNaN",
        "Infinity",
        "-inf",
        "1_000",
        "1,000",
        " 5 ",
        "5\n",
        "+5",
        ".5",
    ),
    *("5.", "0x10", "1e", "e5", "--1", "1.2.3", "\u0663", "\uff15", "$5", "true", "x" * 100_000),
]
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,59})(\.[0-9]{1,60})?", fullmatch=True)


@given(NUMBERS)
def test_an_amount_is_written_as_it_was_read(text: str) -> None:
    amount = Amount.parse(text)

    assert str(amount) == text
    assert msgspec.json.encode([amount], enc_hook=encode_amount) == f"[{text}]".encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1e5", "100000"),
        ("1E+5", "100000"),
        ("1.50e1", "15.0"),
        ("1.5e-7", "0.00000015"),
        ("0e5", "0"),
        ("-0e-3", "-0.000"),
        ("007", "7"),
        ("-0", "-0"),
    ],
)
def test_the_exponent_of_an_amount_is_written_out(text: str, shown: str) -> None:
    amount = Amount.parse(text)

    assert str(amount) == f"{amount}" == shown
    assert amount == Decimal(text)
    assert json.loads(shown, parse_float=Decimal, parse_int=Decimal) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["1e400", "1e-400", "-1e400", "9" * MAX_DIGITS], ids=lambda text: text[:9]
)
def test_the_largest_and_the_smallest_amounts_are_read(text: str) -> None:
    assert Amount.parse(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        *("1e401", "1e-401", "0e999", "9" * (MAX_DIGITS + 1), "1" * 5000, "-1e-999999999"),
        *("1e999999999", "1e99999999999999999999", "0e-99999999999999999999"),
    ],
    ids=lambda text: text[:24],
)
def test_an_amount_that_could_fill_the_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than 400 digits"):
        Amount.parse(text)


@pytest.mark.parametrize("text", NOT_NUMBERS, ids=lambda text: ascii(text[:9]))
def test_text_that_is_no_number_is_refused_and_shown_in_part(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number") as raised:
        Amount.parse(text)

    assert len(str(raised.value)) < 100


@pytest.mark.parametrize("value", [True, False, None, 1.5, [], {}, b"5"], ids=repr)
def test_a_value_that_is_neither_number_nor_text_is_no_amount(value: object) -> None:
    with pytest.raises(ValueError, match="expected a number, got"):
        Amount.convert(value)


@given(st.integers(-(10**90), 10**90), st.integers(-(10**90), 10**90), st.integers(0, 90))
def test_a_difference_of_amounts_is_exact(minuend: int, subtrahend: int, places: int) -> None:
    first, second = (Amount.convert(each).shifted(-places) for each in (minuend, subtrahend))

    difference = first.minus(second)

    assert type(difference) is Amount
    assert str(difference) == str(Amount.convert(minuend - subtrahend).shifted(-places))


def test_a_difference_of_the_largest_and_the_smallest_amount_is_exact() -> None:
    difference = Amount.parse("1e400").minus(Amount.parse("1e-400"))

    assert str(difference) == f"{'9' * 400}.{'9' * 400}"


def test_the_callers_own_rounding_does_not_change_an_amount() -> None:
    with localcontext(prec=2):
        assert str(Amount.parse("12345.678")) == "12345.678"
        assert str(Amount.parse("12345.678").minus(Decimal("0.001"))) == "12345.677"
        assert str(Amount.parse("12345").shifted(-2)) == "123.45"


@given(st.integers(-(10**60), 10**60), st.integers(0, 9))
def test_shifting_an_amount_moves_the_point_and_loses_nothing(number: int, places: int) -> None:
    shifted = Amount.convert(number).shifted(-places)

    assert str(shifted).replace(".", "").lstrip("-0") == str(abs(number)).lstrip("0")
    assert len(str(shifted).partition(".")[2]) == places


def test_the_hooks_for_amounts_refuse_every_other_type() -> None:
    with pytest.raises(NotImplementedError):
        encode_amount(object())
    with pytest.raises(NotImplementedError):
        decode_amount(complex, 1)


class Holder(msgspec.Struct):
    amount: Amount


@pytest.mark.parametrize("value", [1200, "1200", Amount("1200")], ids=repr)
def test_a_record_takes_an_amount_as_a_number_or_as_text(value: Any) -> None:
    holder = msgspec.convert({"amount": value}, Holder, dec_hook=decode_amount)

    assert (type(holder.amount), str(holder.amount)) == (Amount, "1200")
