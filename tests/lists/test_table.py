"""A table is read alike from CSV, JSON Lines and plain lines, and says what is wrong with it."""

import csv
import io
import json
from typing import Any

import pytest

from loyalty_cli.lists.list_file import InputFormat
from loyalty_cli.lists.rows import text_lines
from loyalty_cli.lists.table import Columns, TableRow, read_table
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

LINES, CSV, JSONL = InputFormat
COLUMNS = Columns(("customer", "amount", "unit"), ("customer", "amount"), "Name both.")
PADDED = Columns(("customer", "profile"), ("customer",), "Name it.", padding=" \t")
WAY_OUT = "Or say what it is."


def read(
    content: str, form: InputFormat, columns: Columns = COLUMNS, way_out: str | None = None
) -> list[TableRow]:
    lines = text_lines(io.BytesIO(content.encode()))
    return list(read_table(lines, columns, form, way_out))


def refused(
    content: str, form: InputFormat, columns: Columns = COLUMNS, way_out: str | None = None
) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught:
        read(content, form, columns, way_out)
    assert caught.value.code is ErrorCode.USAGE
    return caught.value


def as_csv(*rows: list[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def problems(content: str, form: InputFormat) -> list[tuple[str, str, str]]:
    """What is wrong with the second row; nothing is with the first."""
    first, second = read(content, form)
    assert not first.problems
    return [(each.column, each.value, each.why) for each in second.problems]


@pytest.mark.parametrize(
    ("form", "content"),
    [
        (CSV, "customer,amount\nA,1\nB,2\n"),
        (CSV, '"amount",x,"customer",x\r\n1,,"A",y\r\n2,,"B",\r\n'),
        (CSV, "customer,amount,unit\nA,1,\n\n\nB,2,"),
        (JSONL, '{"customer": "A", "amount": "1"}\n{"customer": "B", "amount": "2"}'),
        (JSONL, '  {"amount": "1", "customer": "A", "x": 1}\n\n{"customer": "B", "amount": "2"}\n'),
        (
            JSONL,
            '{"customer":"A","amount":"1","unit":""}\n{"customer":"B","amount":"2","unit":null}',
        ),
    ],
)
def test_columns_are_found_by_their_names_in_any_order(form: InputFormat, content: str) -> None:
    names = [(each.cells or {}).get("customer") for each in read(content, form)]
    amounts = [(each.cells or {}).get("amount") for each in read(content, form)]

    assert (names, amounts) == (["A", "B"], ["1", "2"])
    assert all("unit" not in (each.cells or {}) for each in read(content, form))


def test_plain_lines_are_values_of_the_first_column() -> None:
    assert read("A b\t \n\n C,1\n", LINES) == [
        TableRow(1, {"customer": "A b"}),
        TableRow(3, {"customer": " C,1"}),
    ]


@pytest.mark.parametrize("form", [CSV, JSONL])
def test_an_empty_table_has_no_rows(form: InputFormat) -> None:
    assert read("", form) == []


def test_a_row_has_the_line_in_which_it_begins() -> None:
    found = read('customer,amount\nA,"1\n\n2"\n\nB,2\n', CSV)
    assert [each.line for each in found] == [2, 6]

    found = read('\n{"customer": "A"}\n\n{"customer": "B"}\n', JSONL)
    assert [each.line for each in found] == [2, 4]


def test_names_and_cells_lose_the_padding_at_their_end_alone() -> None:
    (row,) = read("customer \t,profile\n  A b \t, \n", CSV, PADDED)
    assert row.cells == {"customer": "  A b"}

    (row,) = read("customer,amount\nA ,1 \n", CSV)
    assert row.cells == {"customer": "A ", "amount": "1 "}


@pytest.mark.parametrize("row", [",", " ,\t", ",,,", '"",""'])
def test_a_row_of_empty_cells_is_blank(row: str) -> None:
    blank, full = read(f"customer,amount\n{row}\nA,1\n", CSV)

    assert (blank.is_blank, full.is_blank) == (True, False)


@pytest.mark.parametrize("cells", ["A", "A,1,2", "A,"])
def test_a_row_has_a_cell_for_each_column(cells: str) -> None:
    number = cells.count(",") + 1
    found = problems(f"customer,amount,unit,x\nA,1,,\n{cells}\n", CSV)

    assert found == [("the row", cells, f"it has {number} cells where the header has 4")]


SLIPS = {
    "Customer": "customer",
    "custmer": "customer",
    "customers": "customer",
    " customer": "customer",
    "customer\u00a0": "customer",
    "\ufeffcustomer": "customer",
    "AMOUNT": "amount",
    "ammount": "amount",
    "unti": "unit",
    "units": "unit",
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_column_with_nearly_one_of_our_names_is_a_slip(name: str) -> None:
    header = refused(as_csv(["customer", "amount", name], ["A", "1", "x"]), CSV)
    key = '{"customer": "A"}\n' + json.dumps({"customer": "A", "amount": "1", name: "x"})

    assert header.message == f"line 1: the header has an unknown column {name!r}."
    assert header.hint == f"Did you mean {SLIPS[name]!r}?"
    assert problems(key, JSONL) == [(name, "x", f"is no key. Did you mean {SLIPS[name]!r}?")]


@pytest.mark.parametrize("name", ["customer_id", "customer_name", "amounts_due", "u", "", "name"])
def test_columns_with_other_names_are_left_alone(name: str) -> None:
    assert len(read(as_csv(["customer", "amount", name], ["A", "1", "x"]), CSV)) == 1
    (row,) = read(json.dumps({"customer": "A", "amount": "1", name: "x"}), JSONL)
    assert not row.problems


NO_CUSTOMER, NO_AMOUNT = "no column 'customer'.", "no column 'amount'."


def test_a_slip_in_a_json_key_keeps_the_value_that_was_meant() -> None:
    (row,) = read('{"custmer": "A", "Amount": 1}', JSONL)

    assert row.cells
    assert (row.cells["customer"], row.cells["amount"]) == ("A", 1)


@pytest.mark.parametrize(
    ("header", "what", "hint"),
    [
        ("amount,id", NO_CUSTOMER, "Name both."),
        ("customer_id,x,amount", NO_CUSTOMER, "Did you mean 'customer' by 'customer_id'?"),
        ("amount,customer,customer", "the column 'customer' twice.", "Leave one out."),
    ],
)
def test_one_mistake_in_a_header_is_told_with_what_to_do(header: str, what: str, hint: str) -> None:
    error = refused(f"{header}\nA,1,x\n", CSV)

    assert error.message == f"line 1: the header has {what}"
    assert error.hint == hint


@pytest.mark.parametrize(
    ("header", "hint", "details"),
    [
        (
            "Customer,ammount,unit,unit",
            "Fix these, then run it again:",
            [
                "an unknown column 'Customer'. Did you mean 'customer'?",
                "an unknown column 'ammount'. Did you mean 'amount'?",
                "the column 'unit' twice. Leave one out.",
            ],
        ),
        ("A,1", "Name both.", [NO_CUSTOMER, NO_AMOUNT]),
        ("customer;amount", "Add --delimiter ';'.", [NO_CUSTOMER, NO_AMOUNT]),
        ("customer\tamount", "Add --delimiter tab.", [NO_CUSTOMER, NO_AMOUNT]),
    ],
)
def test_all_mistakes_in_a_header_are_told_at_once(
    header: str, hint: str, details: list[str]
) -> None:
    error = refused(f"{header}\nA,1\n", CSV)

    assert error.message == f"line 1: the header has {len(details)} mistakes."
    assert (error.hint, list(error.details)) == (hint, details)


NAMED = Columns(("customer", "profile"), ("customer",), "Name it.", " ", by_option="customer")


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("Customer,name", "If it has the customers, add --column Customer."),
        ("Customer ID,name", "If it has the customers, add --column 'Customer ID'."),
        ("id,name", "Name it."),
        ("customer;name", "Add --delimiter ';'."),
        ("customer|name", "Add --delimiter '|'."),
        ("Customer;Name", "Add --delimiter ';' --column Customer."),
        ("CUSTOMER \tName", "Add --delimiter tab --column CUSTOMER."),
        ("Kunde;Name", "Add --delimiter ';' --column NAME."),
        ("customer,Profile", "Did you mean 'profile'?"),
    ],
)
def test_a_header_that_an_option_would_read_is_refused_with_that_option(
    header: str, hint: str
) -> None:
    assert refused(f"{header}\nA,1\n", CSV, NAMED).hint == hint


CHOSEN = Columns(
    ("Customer", "profile"), ("Customer",), "", " ", by_option="Customer", is_chosen=True
)


@pytest.mark.parametrize(
    "header", ["Customer,x", "x, Customer ", "customer,Customer", "customers,Customer"]
)
def test_a_chosen_column_is_found_and_similar_names_are_no_mistakes(header: str) -> None:
    (row,) = read(f"{header}\nA,A\n", CSV, CHOSEN)

    assert row.cells == {"Customer": "A"}


def test_a_chosen_column_that_is_not_there_is_told_with_those_that_are() -> None:
    assert refused("Kunde,Name\n", CSV, CHOSEN).hint == "It has: Kunde, Name."
    assert refused("name,customer\n", CSV, CHOSEN).hint == (
        "If it has the customers, add --column customer."
    )
    assert refused("Customer,Customer\n", CSV, CHOSEN).message == (
        "line 1: the header has the column 'Customer' twice."
    )


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_columns_are_separated_by_the_delimiter(sign: str) -> None:
    lines = text_lines(io.BytesIO(f'customer{sign}amount\n"A{sign}"{sign}1,5\n'.encode()))
    (row,) = read_table(lines, COLUMNS, CSV, delimiter=sign)

    assert row.cells == {"customer": f"A{sign}", "amount": "1,5"}


def test_the_hint_has_a_way_out_where_the_format_may_be_wrong() -> None:
    assert refused("x,y\n", CSV, PADDED, WAY_OUT).hint == f"Name it. {WAY_OUT}"
    assert refused("Customer,y\n", CSV, PADDED, WAY_OUT).hint == (
        f"Did you mean 'customer'? {WAY_OUT}"
    )
    assert refused("customer,Profile\n", CSV, PADDED, WAY_OUT).hint == "Did you mean 'profile'?"
    assert (refused("[1]", JSONL, PADDED, WAY_OUT).hint or "").endswith(WAY_OUT)


@pytest.mark.parametrize(
    ("content", "line"),
    [('[{"customer": "A"}]', 1), ("[", 1), ('\n [\n{"customer": "A"}\n]', 2)],
)
def test_a_json_array_is_refused_with_what_is_expected_instead(content: str, line: int) -> None:
    error = refused(content, JSONL)

    assert error.message == f"line {line}: it is a JSON array."
    assert error.hint == "Write an object on each line, as `jq -c '.[]'` does."


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"customer": "B", "customer": "C"}', "it has the key 'customer' twice in one object"),
        ('{"customer": 0123}', "it is not JSON (Expecting ',' delimiter at character 14)"),
        ('{"amount": ' + "9" * 5000 + "}", "digits"),
        ('{"customer": "C-\\ud800"}', "it has half a character in it (one surrogate of a pair)"),
        ("B", "it is not JSON (Expecting value at character 0)"),
        ("null", "it is not an object"),
        ("{}" + "[" * 30_000, "it has more than 20000 parts"),
    ],
    ids=lambda text: text[:40],
)
def test_a_line_that_is_no_json_object_is_told_and_shown_in_part(line: str, why: str) -> None:
    ((column, value, said),) = problems(f'{{"customer": "A"}}\n{line}\n', JSONL)

    assert column == "the row"
    assert line.startswith(value.removesuffix("…"))
    assert len(value) < 100
    assert why in said


@pytest.mark.parametrize("value", [1, 1.5, True, ["A"], {"a": 1}, ""], ids=repr)
def test_a_json_value_of_a_table_is_given_as_it_is(value: Any) -> None:
    (row,) = read(json.dumps({"customer": value}), JSONL)

    assert row.cells == {"customer": value}
