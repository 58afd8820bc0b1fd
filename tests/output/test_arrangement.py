"""Columns and their order: each row keeps its digits, its unit, and what must be known of it."""

from collections.abc import Sequence

import pytest

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import (
    Balance,
    Failure,
    Lookup,
    NextExpiry,
    WarningCode,
    WarningRecord,
)
from loyalty_cli.output.arrangement import read_arrangement
from loyalty_cli.output.balances import BALANCES
from loyalty_cli.output.csv_text import csv_rows
from loyalty_cli.output.format import TableLayout
from loyalty_cli.output.markdown import markdown
from loyalty_cli.output.table import plain_text


def lookup(customer: str, *lines: Balance, warning: str = "", failed: bool = False) -> Lookup:
    """A record of one customer."""
    return Lookup(
        profile="p",
        provider="acme",
        customer=customer,
        sandbox=False,
        asked={"by": "id"},
        retrieved_at="2026-11-20T05:00:00Z",
        balances=lines,
        warnings=(WarningRecord(code=WarningCode.PLATFORM, message=warning),) if warning else (),
        error=Failure(code=ErrorCode.NOT_FOUND, message="no such customer.") if failed else None,
    )


def line(name: str, available: str | None, unit: str = "points", **others: object) -> Balance:
    """A balance line."""
    amount = None if available is None else Amount(available)
    return Balance(name=name, kind="points", unit=unit, available=amount, **others)  # type: ignore[arg-type]


RECORDS = (
    lookup("C-1", line("a", "9"), line("b", "10.0"), warning="look twice"),
    lookup("C-2", line("c", None), line("d", "2", "EUR"), line("e", "10")),
    lookup("C-3", failed=True),
    lookup("C-4"),
    lookup("C-5", line("f", "100", "EUR"), line("g", "-1"), line("h", "5", "")),
)


def names(sort: str, records: Sequence[Lookup] = RECORDS) -> list[object]:
    """The lines by name in this order, or the customer of a row without a line."""
    arrangement = read_arrangement(BALANCES, None, sort, is_csv=True)
    rows, _ = arrangement.of(BALANCES, records)
    return [row.values["name"] or row.values["customer"] for row in rows]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("available", "d f g a b e h c C-3 C-4"),
        ("-available", "f d b e a g h c C-3 C-4"),
        ("name", "a b c d e f g h C-3 C-4"),
        ("-name", "h g f e d c b a C-3 C-4"),
        ("-customer", "f g h C-4 C-3 c d e a b"),
        ("error_code", "C-3 a b c d e C-4 f g h"),
        ("Available", "d f g a b e h c C-3 C-4"),
    ],
)
def test_rows_are_sorted_in_each_unit_and_missing_values_are_last(sort: str, order: str) -> None:
    assert names(sort) == order.split()


def test_amounts_of_an_unknown_scale_are_not_among_the_others() -> None:
    lines = (line("a", "120000", "$", basis="scale_unknown"), line("b", "7", "$"))

    assert names("-available", [lookup("C-1", *lines)]) == ["b", "a"]


def test_numbers_that_a_float_would_confuse_are_sorted() -> None:
    numbers = ("9007199254740993", "9007199254740992", "9007199254740992.5")
    lines = [line(number, number) for number in numbers]

    assert names("available", [lookup("C-1", *lines)]) == [numbers[1], numbers[2], numbers[0]]


def test_the_next_expiry_is_sorted_by_its_date() -> None:
    dates = ("2027-01-01", "2026-12-31", None)
    lines = [line(str(at), "1", next_expiry=NextExpiry(amount=Amount(5), at=at)) for at in dates]

    assert names("next_expiry", [lookup("C-1", *lines)]) == ["2026-12-31", "2027-01-01", "None"]


def text(columns: str | None, sort: str | None = None) -> list[list[str]]:
    """The cells of a table in a pipe."""
    arrangement = read_arrangement(BALANCES, columns, sort, is_csv=False)
    rows, view = arrangement.of(BALANCES, RECORDS)
    table = view.table(rows)
    return [each.split() for each in "".join(plain_text(table)).splitlines()]


def test_a_table_has_the_chosen_columns_in_their_order_with_units() -> None:
    header, first, second, third, *_ = text("available,customer,earned")

    assert header == ["Available", "Customer"]
    assert (first, second, third) == (
        ["9", "points", "C-1"],
        ["10.0", "points", "C-1"],
        ["not", "stated", "C-2"],
    )


def test_a_look_up_without_a_line_says_why_in_whatever_columns() -> None:
    rows = text("customer,available")

    assert ["C-3", "not", "found"] in rows
    assert ["C-4", "nothing", "yet"] in rows


def test_a_list_of_facts_names_the_customer_of_a_failed_look_up() -> None:
    rows, view = read_arrangement(BALANCES, "customer", None, is_csv=False).of(BALANCES, RECORDS)

    facts = "".join(plain_text(view.table(rows), TableLayout.LIST))

    assert "Customer: C-3\nError: NOT FOUND: no such customer.\n" in facts


def test_a_sorted_table_has_all_its_columns_and_each_note_once() -> None:
    arrangement = read_arrangement(BALANCES, None, "-available", is_csv=False)
    rows, view = arrangement.of(BALANCES, RECORDS)

    made = "".join(markdown(view.table(rows)))

    assert made.startswith("| Customer | Profile | Name | Available |\n")
    assert made.count("[^1]") == 2  # the mark, and the footnote
    assert "look twice" in made


def test_csv_has_the_chosen_columns_unchanged() -> None:
    arrangement = read_arrangement(BALANCES, "name, available ,next_expiry_at", None, is_csv=True)
    rows, view = arrangement.of(BALANCES, RECORDS[:1])
    cells = [each for row in rows for each in view.csv_rows(row)]

    assert csv_rows([view.csv_header, *cells]) == (
        b"name,available,next_expiry_at\na,9,\nb,10.0,\n"
    )


@pytest.mark.parametrize(
    ("columns", "sort", "is_csv", "message", "hint"),
    [
        ("avialable", None, False, "--columns: there is no column 'avialable'.", "'available'"),
        ("worth", None, True, "--columns: there is no column 'worth'.", "'value_available'"),
        ("name,", None, False, "--columns has an empty name.", "Available: customer, profile"),
        ("", None, True, "--columns has an empty name.", "Available: schema_version"),
        ("name,name", None, False, "--columns has 'name' twice.", "Leave one out."),
        (None, "-nam", False, "--sort: there is no column 'nam'.", "'name'"),
        (None, "-", False, "--sort: there is no column ''.", "Available: customer"),
    ],
)
def test_an_unknown_column_names_the_nearest(
    columns: str | None, sort: str | None, is_csv: bool, message: str, hint: str
) -> None:
    with pytest.raises(LoyaltyError) as raised:
        read_arrangement(BALANCES, columns, sort, is_csv=is_csv)

    assert raised.value.message == message
    assert hint in str(raised.value.hint)
