"""A file of debits is read strictly, and every mistake in it is named at once."""

import io
import json
import time
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from loyalty_cli.config.profile import DebitRules, Profile
from loyalty_cli.debits.checks import keep_orders
from loyalty_cli.debits.debit_list import (
    LARGEST_AMOUNT,
    Row,
    check_amount,
    check_reference,
    check_unit,
    read_rows,
)
from loyalty_cli.debits.mistakes import Mistakes
from loyalty_cli.debits.order_store import OrderStore
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.sandbox.profiles import sandbox_profiles

HEADER = "customer,amount,reference\n"
PLAIN_AMOUNT = "must be a whole number from 1 to 1000000000000000, in digits only"
SHOP = replace(
    sandbox_profiles("http://127.0.0.1:1")["saasquatch"], debit=DebitRules(allow=True, unit="CENTS")
)
WHOLE = [Row(2, "C-1", 250, "a"), Row(3, "C-2", 7, "b")]


def known(name: str) -> str:
    if name not in ("points", "club"):
        raise ValueError("there is no such profile.")
    return name


def read(content: str | bytes) -> list[Row]:
    """The rows of a file; every mistake in it is raised as the program raises it."""
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    rows: list[Row] = []

    def profile_of(row: Row) -> Profile:
        rows.append(row)
        return SHOP

    mistakes = Mistakes("f.csv")
    with closing(OrderStore()) as orders:
        keep_orders(read_rows(stream, known), profile_of, None, mistakes, orders)
    mistakes.check()
    return rows


def refused(content: str | bytes) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught:
        read(content)
    assert caught.value.code is ErrorCode.USAGE
    return caught.value


def mistakes(content: str | bytes) -> tuple[str, ...]:
    return refused(content).details


def line(**cells: Any) -> str:
    return json.dumps({"customer": "C-1", "amount": 250, "reference": "a"} | cells) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        "customer,amount,reference\nC-1,250,a\nC-2,7,b\n",
        "customer,amount,reference\r\nC-1,250,a\r\nC-2,7,b\r\n",
        "customer,amount,reference\rC-1,250,a\rC-2,7,b\r",
        "\ufeffcustomer,amount,reference\nC-1,250,a\nC-2,7,b\n",
        '"customer","amount","reference"\n"C-1","250","a"\n"C-2",7,b\n',
        "reference,customer,amount\na,C-1,250\nb,C-2,7\n",
        "customer,amount,reference,unit,profile\nC-1,250,a,,\nC-2,7,b,,\n",
        "note,customer,amount,reference,account,,\n=1+1,C-1,250,a,\x1b[31m,,x\n,C-2,7,b,,,\n",
        "customer,amount,reference\nC-1,250,a\nC-2,7,b\n\n\n",
    ],
    ids=repr,
)
def test_debits_in_csv_are_read_however_they_were_saved(content: str) -> None:
    assert read(content) == WHOLE


@pytest.mark.parametrize(
    "content",
    [
        f"\n{line()}{line(customer='C-2', amount=7, reference='b')}",
        f"\n{line()}{line(customer='C-2', amount='7', reference='b')}".replace("\n", "\r\n"),
        f"\ufeff\n{line()}{line(customer='C-2', amount=7, reference='b', unit=None)}\n",
        f"\n{line(note='of May')}{line(customer='C-2', amount=7, reference='b', tags=[1, None])}",
        f"\n{line()}{line(customer='C-2', amount=7, reference='b', unit='', profile='')}",
    ],
    ids=repr,
)
def test_debits_in_json_lines_are_read_however_they_were_saved(content: str) -> None:
    assert read(content) == WHOLE


def test_blank_lines_before_the_header_count_for_line_numbers() -> None:
    assert mistakes(f"\n\r\n{HEADER}\nC-1,0,a\n") == (f"f.csv:5: amount '0': {PLAIN_AMOUNT}",)


def test_a_row_of_debits_can_name_its_unit_and_its_profile() -> None:
    csv = "customer,amount,reference,unit,profile\nC-1,250,a,CENTS,club\n"

    assert read(csv) == [Row(2, "C-1", 250, "a", "CENTS", "club")]
    assert read(line(unit="CENTS", profile="club")) == [Row(1, "C-1", 250, "a", "CENTS", "club")]


def test_text_of_a_row_of_debits_is_kept_as_it_is() -> None:
    rows = read(f"{HEADER}0123,1,00a\nÄ ö/?#%2e,2,1e3\n=1+1,3,-x\n")

    assert [(row.customer, row.reference) for row in rows] == [
        ("0123", "00a"),
        ("Ä ö/?#%2e", "1e3"),
        ("=1+1", "-x"),
    ]


def test_every_mistake_is_told_with_row_column_value_and_reason() -> None:
    error = refused(
        "customer,amount,reference,profile\n"
        "C-1,250,a,points\n"
        ",0,,shop\n"
        "\n"
        "C-3,1.5,a,club\n"
        "C-4,1\n"
        " C-5,1,c,\n"
    )

    assert error.message == "the file has 8 mistakes."
    assert error.hint == "No debit was made. Fix these rows, then run again:"
    assert error.details == (
        "f.csv:3: customer '': is missing",
        f"f.csv:3: amount '0': {PLAIN_AMOUNT}",
        "f.csv:3: reference '': is missing",
        "f.csv:3: profile 'shop': there is no such profile.",
        f"f.csv:5: amount '1.5': {PLAIN_AMOUNT}",
        "f.csv:5: reference 'a': is a duplicate of line 2",
        "f.csv:6: the row 'C-4,1': it has 2 cells where the header has 4",
        "f.csv:7: customer ' C-5': has a space before or after it",
    )


@pytest.mark.parametrize(
    "amount",
    [
        *("0", "00", "-1", "+5", "1.0", "1.5", "1e3", "1.00E+15", " 5", "5 ", "'5", "0x10", "05"),
        *("1_000", "1 000", "1,000", "1.000.000", "\uff15", "\u0663", "²", "NaN", "$5", "5\t"),
        *(str(LARGEST_AMOUNT + 1), "9" * 5000),
    ],
    ids=lambda amount: repr(amount[:20]),
)
@pytest.mark.parametrize("number", [1, 2], ids=["JSON", "CSV"])
def test_an_amount_that_is_not_written_plainly_is_refused(amount: str, number: int) -> None:
    (mistake,) = mistakes(line(amount=amount) if number == 1 else f'{HEADER}C-1,"{amount}",a\n')

    assert mistake.startswith(f"f.csv:{number}: amount {amount[:80]!r}"[:-1])
    assert mistake.endswith(PLAIN_AMOUNT)
    assert len(mistake) < 200


@pytest.mark.parametrize("amount", ["1", "250", str(LARGEST_AMOUNT)])
def test_whole_numbers_are_taken_as_amounts(amount: str) -> None:
    assert check_amount(amount) == int(amount)


@given(st.text())
def test_any_text_is_a_plain_whole_number_or_refused_as_an_amount(text: str) -> None:
    try:
        amount = check_amount(text)
    except ValueError:
        return
    assert str(amount) == text
    assert 1 <= amount <= LARGEST_AMOUNT


@given(st.text())
def test_any_reference_is_taken_as_it_is_or_refused(text: str) -> None:
    try:
        reference = check_reference(text)
    except ValueError:
        return
    assert reference == text == text.strip()
    assert text.isprintable()
    assert 1 <= len(text) <= 200


AROUND = "must not be empty or have spaces around it"
CONTROL = "must not contain control characters"


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        *((text, AROUND) for text in ("", "  ", " a", "a\n")),
        ("a" * 201, "must have at most 200 characters"),
        *((text, CONTROL) for text in ("a\x1b[31mb", "a\x00b", "a\u202eb", "a\udc80b")),
    ],
    ids=repr,
)
def test_a_reference_that_cannot_be_found_again_is_refused(reference: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_reference(reference)


def test_a_reference_can_be_long_and_in_any_script() -> None:
    assert check_reference("ü" * 200) == "ü" * 200
    assert check_reference("Rückgabe 12/3 · 注文") == "Rückgabe 12/3 · 注文"


@pytest.mark.parametrize("unit", ["", " ", " CENTS", "CENTS\n", "C\x1bENTS"])
def test_a_unit_that_no_platform_writes_is_refused(unit: str) -> None:
    with pytest.raises(ValueError, match="must not be empty, have spaces"):
        check_unit(unit)


@pytest.mark.parametrize(
    ("customer", "why"),
    [
        ("..", "would change the address"),
        (" ", "a space before or after it"),
        ("C-1 ", "a space before or after it"),
        ("x" * 1001, "is too long"),
        ("C\x1b[31m", "the invisible character"),
        ("C-1\u200b", "the invisible character"),
        ('"C\n1"', "the invisible character"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_customer_that_must_not_be_sent_is_refused(customer: str, why: str) -> None:
    error = refused(f"{HEADER}{customer},1,a\n")

    assert error.message == "the file has 1 mistake."
    (mistake,) = error.details
    assert mistake.startswith("f.csv:2: customer ")
    assert why in mistake


def test_a_header_without_the_columns_of_a_debit_is_refused() -> None:
    error = refused("C-1,250,a\nC-2,7,b\n")

    assert error.message == "f.csv:1: the header has 3 mistakes."
    assert error.hint == (
        "The first line must name customer (or person), amount and reference; unit and profile are"
        " optional."
    )


CUT_SHORT = (
    "has no newline: the file may be incomplete. Make or copy the file again."
    " If nothing is missing, add a newline to that line."
)


@pytest.mark.parametrize(
    "content",
    [f"{HEADER}C-1,500,a\nC-2,50", line() + line(reference="b").rstrip(), f"{HEADER}\nC-1,5,a"],
    ids=repr,
)
def test_a_file_whose_last_line_has_no_end_is_refused_as_cut_short(content: str) -> None:
    error = refused(content)

    number = len(content.splitlines())
    assert f"{error.message} {error.hint}" == f"f.csv:{number}: the last line {CUT_SHORT}"


def test_a_file_without_an_end_is_told_with_its_other_mistakes() -> None:
    before = f"f.csv:2: amount '0': {PLAIN_AMOUNT}"
    cut_short = f"f.csv:3: the last line {CUT_SHORT}"
    unreadable = "f.csv:3: it is not CSV: unexpected end of data."

    assert mistakes(f"{HEADER}C-1,0,a\nC-2,5") == (before, cut_short)
    assert mistakes(f'{HEADER}C-1,0,a\n"C-2,5,b\n') == (before, unreadable)


def test_a_row_over_several_lines_is_counted_once() -> None:
    rows = f'{HEADER}C-1,1,"a\nb"\n\nC-2,0,c\n"C\r\n3",1,d\nC-4,0,e\n'

    assert [mistake[: mistake.index(": ", 8)] for mistake in mistakes(rows)] == [
        "f.csv:2: reference 'a\\nb'",
        "f.csv:5: amount '0'",
        "f.csv:6: customer 'C\\r\\n3'",
        "f.csv:8: amount '0'",
    ]


@pytest.mark.parametrize(
    "content",
    ["", "\n\n", "\ufeff", "customer,amount,reference\n", "\r\ncustomer,amount,reference\r\n\r\n"],
    ids=repr,
)
def test_a_file_without_debits_is_refused(content: str) -> None:
    error = refused(content)

    assert error.message == "f.csv: there is no debit in the file."
    assert error.hint == "It needs a header and at least one row."


@pytest.mark.parametrize("row", ["C-1", "C-1,1", "C-1,1,a,b", ",,,,", "   ", "x" * 3000])
def test_a_row_with_a_wrong_number_of_cells_is_refused(row: str) -> None:
    (mistake,) = mistakes(f"{HEADER}{row}\nC-2,1,b\n")

    assert mistake.startswith("f.csv:2: the row ")
    assert "cells where the header has 3" in mistake
    assert len(mistake) < 200


TEXTS = ("customer", "reference", "unit", "profile")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        *(("amount", each, "a whole number") for each in (1.0, 250.5, 1e3, True, False, [1])),
        ("amount", {"a": 1}, "a whole number"),
        *((name, value, "text") for name in TEXTS for value in (1001, 1.5, True, ["C-1"])),
    ],
)
def test_a_json_value_of_another_type_is_refused(name: str, value: object, why: str) -> None:
    (mistake,) = mistakes(line(**{name: value}))

    assert mistake.startswith(f"f.csv:1: {name} ")
    assert mistake.endswith(f"must be {why}")


@pytest.mark.parametrize("name", ["customer", "amount", "reference"])
def test_a_json_line_without_a_required_value_is_refused(name: str) -> None:
    assert mistakes(line(**{name: None})) == (f"f.csv:1: {name} '': is missing",)


def test_a_repeated_reference_is_told_even_in_a_row_with_other_mistakes() -> None:
    assert mistakes(f"{HEADER}C-1,0,a\nC-2,1,a\nC-3,0,a\n") == (
        f"f.csv:2: amount '0': {PLAIN_AMOUNT}",
        "f.csv:3: reference 'a': is a duplicate of line 2",
        f"f.csv:4: amount '0': {PLAIN_AMOUNT}",
        "f.csv:4: reference 'a': is a duplicate of line 2",
    )


@pytest.mark.parametrize("kind", ["csv", "json lines"])
def test_ten_thousand_rows_of_debits_are_read_in_a_moment(kind: str) -> None:
    csv = HEADER + "".join(f"C-{n},{n + 1},ref-{n}\n" for n in range(10_000))
    rows = (line(customer=f"C-{n}", amount=n + 1, reference=f"ref-{n}") for n in range(10_000))
    content = csv if kind == "csv" else "".join(rows)

    began = time.process_time()
    *others, last = read(content)

    assert time.process_time() - began < 3
    assert len(others) == 9_999
    assert (last.customer, last.amount, last.reference) == ("C-9999", 10_000, "ref-9999")


def test_a_hundred_mistakes_are_told_and_the_rest_are_counted() -> None:
    error = refused(HEADER + "C-1,0,\n" * 10_000)

    assert error.message == "the file has 20000 mistakes."
    assert len(error.details) == 101
    assert error.details[-1] == "and 19900 more."


def test_a_misspelt_key_is_told_with_the_other_mistakes_of_its_row() -> None:
    row = {"customer": "..", "ammount": 0, "refrence": "a", "note": 1}

    assert mistakes(json.dumps(row) + "\n") == (
        "f.csv:1: ammount '0': is no key. Did you mean 'amount'?",
        "f.csv:1: refrence 'a': is no key. Did you mean 'reference'?",
        "f.csv:1: customer '..': the identifier '..' would change the address of the request",
        f"f.csv:1: amount '0': {PLAIN_AMOUNT}",
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_of_debits_or_a_clear_refusal(content: bytes) -> None:
    with suppress(LoyaltyError):
        assert read(content)
