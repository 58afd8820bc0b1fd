"""CSV: what comes out reads back, and no spreadsheet runs it."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.model.amount import Amount
from loyalty_cli.output.csv_text import CsvCell, csv_rows
from loyalty_cli.output.escape import visible


def read_back(*cells: CsvCell) -> list[str]:
    (row,) = csv.reader(io.StringIO(csv_rows([cells]).decode(), newline=""))
    return row


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_text_that_a_spreadsheet_would_run_gets_a_quote_in_front(start: str) -> None:
    text = f"{start}cmd|'/c calc'!A1"

    assert read_back(text) == [f"'{visible(text)}"]


def test_csv_has_bare_numbers_empty_nulls_and_true_or_false() -> None:
    amounts: list[CsvCell] = [Amount("-350"), Amount("8500.000"), Amount("-0.10"), 0, Decimal(-1)]

    assert read_back(*amounts) == ["-350", "8500.000", "-0.10", "0", "-1"]
    assert read_back(None, True, False, "") == ["", "true", "false", ""]


@given(st.lists(st.text(), min_size=1))
def test_any_text_is_read_back_from_csv_as_it_is_shown(texts: list[str]) -> None:
    back = read_back(*texts)

    for cell, text in zip(back, texts, strict=True):
        assert cell in (visible(text), f"'{visible(text)}")


@given(st.lists(st.lists(st.text(), min_size=1, max_size=3)))
def test_a_csv_row_is_one_line(rows: list[list[str]]) -> None:
    assert csv_rows(rows).count(b"\n") == len(rows)
    assert b"\r" not in csv_rows(rows)
