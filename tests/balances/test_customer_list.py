"""Lists of customers: what each format gives, what is recognised, and what is refused where."""

import csv
import io
import json
import os
import re
import time
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.balances.customer_list import ListedCustomer, ListForm, check_form, read_customers
from loyalty_cli.lists.list_file import InputFormat
from loyalty_cli.model.customer_id import LONGEST_CUSTOMER
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

LINES, CSV, JSONL = InputFormat
PROFILES = {"club": 1, "points": 2}
AS_LINES = "If each line is one identifier, add --input-format lines."

SIGNS = st.characters(categories=["L", "M", "N", "P", "S"])
IDENTIFIERS = st.text(SIGNS, min_size=1, max_size=20).filter(lambda text: text not in (".", ".."))
PLAIN = IDENTIFIERS.filter(lambda text: not re.search(r'[,;"]|^[{\[]|^[A-Za-z_-]+$', text))
NAMED = st.sampled_from(["", *PROFILES])


def read(content: str | bytes, given: InputFormat | None = None) -> list[ListedCustomer]:
    content = content.encode() if isinstance(content, str) else content
    return list(read_customers(io.BytesIO(content), ListForm(given), PROFILES))


def customers(content: str | bytes, given: InputFormat | None = None) -> list[str]:
    return [wanted.customer for wanted in read(content, given)]


def refused(content: str | bytes, given: InputFormat | None = None) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught:
        read(content, given)
    assert caught.value.code is ErrorCode.USAGE
    assert "\n" not in f"{caught.value.message}{caught.value.hint}"
    assert len(caught.value.message) < 250
    return caught.value


def as_csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def listed(rows: Iterable[tuple[str, str, str]], form: InputFormat) -> str:
    """A list of identifiers, with their profiles and ways where the format has a place for them."""
    match form:
        case InputFormat.LINES:
            return "".join(f"{name}\n" for name, _, _ in rows)
        case InputFormat.CSV:
            columns = ("points", "customer", "profile", "by")
            return as_csv([columns, *(("1", *row) for row in rows)])
        case InputFormat.JSONL:
            objects = [
                {"customer": name, "profile": profile or None, "by": by}
                for name, profile, by in rows
            ]
            return "".join(json.dumps(each) + "\n" for each in objects)


# What is read.


@pytest.mark.parametrize("form", InputFormat)
@given(
    st.data(), st.sampled_from(["", "\ufeff"]), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans()
)
def test_any_identifiers_are_read_back_however_an_editor_saves_them(
    form: InputFormat, data: st.DataObject, mark: str, end: str, is_ended: bool
) -> None:
    nothing = st.just("")
    rest = (nothing, nothing) if form is LINES else (NAMED, st.sampled_from(["", "id", "email"]))
    named = st.tuples(PLAIN if form is LINES else IDENTIFIERS, *rest)
    rows = data.draw(st.lists(named, min_size=1))
    text = listed(rows, form) if is_ended else listed(rows, form).removesuffix("\n")
    said = data.draw(st.sampled_from([None, form]))

    found = read(mark + text.replace("\n", end), said)
    assert [(each.customer, each.profile, each.by) for each in found] == [
        (name, profile or None, by or None) for name, profile, by in rows
    ]


@given(st.binary(max_size=100), st.sampled_from([None, LINES, CSV, JSONL]))
def test_any_bytes_give_customers_or_a_clear_refusal(
    content: bytes, form: InputFormat | None
) -> None:
    try:
        assert read(content, form)
    except LoyaltyError:
        return


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")))
def test_any_line_of_the_format_lines_is_taken_as_it_is_or_refused(text: str) -> None:
    try:
        (customer,) = customers(f"C-1\n{text}\n", LINES)[1:] or [""]
    except LoyaltyError:
        return
    assert customer == text.rstrip(" \t")
    assert customer.isprintable() or not customer.isascii()


@pytest.mark.parametrize(
    "content",
    [
        "0123\n83\n",
        "0123\r\n83\r\n",
        "0123\n83",
        "\ufeff0123\n83\n",
        "\n \n\t\n0123  \n\n83\t \n\n",
        "customer\n0123\n83\n",
        '"customer"\n"0123"\n83',
        "customer,profile\n0123,\n83,\n",
        "id,customer,name\n1,0123,Jane\n2,83,\n",
        '{"customer": "0123"}\n{"customer": "83"}\n',
        '\n  {"customer": "0123"}  \n\n{"profile": null, "customer": "83", "points": 1.50}',
    ],
    ids=repr,
)
def test_a_list_is_recognised_however_it_was_saved(content: str) -> None:
    assert customers(content) == ["0123", "83"]


def test_a_line_is_an_identifier_as_it_stands() -> None:
    mails = ["a@shop.example", "custom@shop.example", "customer1", "customer-1", "alice", "Bob"]
    signs = ["#1", "=1+1", "-5", "1e3", "x/y?z#%2e", "'C-1'", "C|1", "a:b", "C[1]", "C{1}", "}"]
    others = ["o'neil", "(1)", "\\N", "2026-11-20", "a\u0308", "Zoë", "注文", "🙂"]

    for identifier in [*mails, *signs, *others]:
        assert customers(f"{identifier}\nC-2\n") == [identifier, "C-2"]


@pytest.mark.parametrize(
    "identifier",
    ["Doe, Jane", "a;b", '"C-1"', "Jane Doe", '{"customer": "C-1"}', "[1]", "customer", "Customer"],
)
def test_an_identifier_in_the_format_lines_may_look_like_csv_or_json(identifier: str) -> None:
    assert customers(f"C-0\n{identifier}  \n", LINES) == ["C-0", identifier]
    assert customers(f"{identifier}\nC-2\n", LINES) == [identifier, "C-2"]


def test_csv_cells_keep_all_but_the_spaces_at_their_end() -> None:
    content = 'customer ,profile\t\n"Doe, J. ""JD""  ",club \nJane Doe\t,\nC;1, \n'

    assert read(content) == [
        ListedCustomer('Doe, J. "JD"', "club", line=2),
        ListedCustomer("Jane Doe", line=3),
        ListedCustomer("C;1", line=4),
    ]


@pytest.mark.parametrize(
    ("before", "first", "others"),
    [
        (b"", b"C-1\n", b"C-2\nC-3,\n"),
        (b"customer,profile\n", b"C-1,\n", b"C-2,club\n..,\n"),
        (b"", b'{"customer": "C-1"}\n', b'{"customer": "C-2"}\n{}\n'),
    ],
    ids=["lines", "csv", "jsonl"],
)
@pytest.mark.timeout(20)
def test_a_customer_is_given_before_the_next_one_is_written_and_before_a_mistake(
    before: bytes, first: bytes, others: bytes
) -> None:
    source, sink = os.pipe()
    with os.fdopen(source, "rb") as stream:
        wanted = read_customers(stream, ListForm(), PROFILES)
        os.write(sink, before)
        os.write(sink, first)
        assert next(wanted).customer == "C-1"
        os.write(sink, others)
        os.close(sink)
        assert next(wanted).customer == "C-2"
        with pytest.raises(LoyaltyError, match=r"^line \d: "):
            next(wanted)
        assert not stream.closed


@pytest.mark.parametrize(
    ("header", "row"),
    [("", "C-{}\n"), ("customer,x\n", "C-{},some text\n"), ("", '{{"customer": "C-{}"}}\n')],
    ids=["lines", "csv", "jsonl"],
)
def test_many_customers_are_read_in_a_moment_and_in_flat_memory(header: str, row: str) -> None:
    content = io.BytesIO((header + "".join(map(row.format, range(50_000)))).encode())
    tracemalloc.start()
    began = time.process_time()
    try:
        count = sum(1 for _ in read_customers(content, ListForm(), PROFILES))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 50_000
    assert time.process_time() - began < 5
    assert peak < 500_000


# What is refused.


@pytest.mark.parametrize(
    ("forms", "content"),
    [
        ((None, LINES, CSV, JSONL), ""),
        ((None, LINES, CSV, JSONL), "\ufeff\r\n \t\n\n"),
        ((None, CSV), "customer,profile\n"),
        ((None, CSV), "customer\n\n\n"),
        ((None, CSV), "customer,x\n,\n \t, \n"),
    ],
    ids=["empty", "blank lines", "a header", "a header and blank lines", "empty rows"],
)
def test_a_file_without_a_customer_is_refused(
    forms: Iterable[InputFormat | None], content: str
) -> None:
    for form in forms:
        error = refused(content, form)

        assert error.message == "there is no customer in the file."
        assert error.hint == "Write one identifier on each line."


@pytest.mark.parametrize(
    ("line", "sign"),
    [
        *((f"C-2{sign}club", sign) for sign in (",", ";", '"', " ", "\u00a0", "\u3000")),
        *(('{"customer": "C-2"}', "{"), ("[C-2]", "["), ("{C-2}", "{")),
    ],
)
def test_a_doubtful_sign_in_a_line_is_named_with_the_line(line: str, sign: str) -> None:
    error = refused(f"C-1\n\n{line}\nC-3\n")

    assert error.message == f"line 3: {line!r} has {sign!r} in it."
    assert error.hint == AS_LINES


@pytest.mark.parametrize(
    "form", [None, LINES, CSV, JSONL], ids=["recognised", "lines", "csv", "jsonl"]
)
@pytest.mark.parametrize(
    ("identifier", "why"),
    [
        (" C-2", "has a space before or after it."),
        ("\u00a0C-2", "has a space before or after it."),
        ("C-2\u00a0", "has a space before or after it."),
        ("C-2\u3000", "has a space before or after it."),
        ("\u2003", "has a space before or after it."),
        ("C\t2", r"has the invisible character '\t' in it."),
        ("\tC-2", r"has the invisible character '\t' in it."),
        ("C\x1b[31m2", r"has the invisible character '\x1b' in it."),
        ("C-2\x7f", r"has the invisible character '\x7f' in it."),
        ("C\x85\x32", r"has the invisible character '\x85' in it."),
        ("\u200bC-2", r"has the invisible character '\u200b' in it."),
        ("C\u202e-2", r"has the invisible character '\u202e' in it."),
        ("C\u00ad2", r"has the invisible character '\xad' in it."),
        ("C-2\ufeff", r"has the invisible character '\ufeff' in it."),
        ("C-2\u2028", r"has the invisible character '\u2028' in it."),
        ("C-2\u2029", r"has the invisible character '\u2029' in it."),
        ("x" * 90 + "\u200b", r"has the invisible character '\u200b' in it."),
        (".", "the identifier '.' would change the address of the request."),
        ("..", "the identifier '..' would change the address of the request."),
        ("x" * (LONGEST_CUSTOMER + 1), "of 1001 characters is too long."),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_doubtful_identifier_is_refused_in_every_format(
    form: InputFormat | None, identifier: str, why: str
) -> None:
    if form is CSV:
        content = as_csv([["customer"], ["C-1"], [identifier]])
    elif form is JSONL:
        content = "".join(json.dumps({"customer": each}) + "\n\n" for each in ("C-1", identifier))
    else:
        content = f"C-1\n\n{identifier}\n"

    error = refused(content, form)

    assert error.message.startswith("line 3: ")
    assert error.message.endswith(why)


@pytest.mark.parametrize("header", ["Customer", "CUSTOMER", "customers", "customer_id"])
def test_a_header_of_one_column_is_recognised_by_its_name(header: str) -> None:
    error = refused(f"{header}\nC-1\n")

    assert (error.hint or "").startswith(f"If it has the customers, add --column {header}. ")
    assert error.message.startswith("line 1: the header has ")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("C-2", "it has 1 cells where the header has 2."),
        ("C-2,1,", "it has 3 cells where the header has 2."),
        (",1", "the row has no customer."),
        ('" ",1', "the row has no customer."),
        ('"C-2\n",1', r"'C-2\n' has the invisible character '\n' in it."),
    ],
)
def test_a_csv_row_with_a_wrong_number_of_cells_or_no_customer_is_refused(
    row: str, why: str
) -> None:
    error = refused(f'customer,x\n"C-1","a\nb"\n\n{row}\nC-3,1\n')

    assert error.message == f"line 5: {why}"


@pytest.mark.parametrize(
    "content",
    [
        "customer,profile\nC-1,club\nC-2,clup\n",
        '{"customer": "C-1"}\n\n{"customer": "C-2", "profile": "clup"}\n',
    ],
    ids=["csv", "jsonl"],
)
def test_a_row_with_an_unknown_profile_is_refused_with_the_nearest_name(content: str) -> None:
    error = refused(content)

    assert error.message == "line 3: there is no profile 'clup'."
    assert error.hint == "Did you mean 'club'?"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"customer": 83}', "customer must be text, in quotes."),
        ('{"customer": null}', "the row has no customer."),
        ('{"customer": "C-2 "}', "'C-2 ' has a space before or after it."),
        ('{"customer": ["C-2"]}', "customer must be text, in quotes."),
        ('{"customer": ""}', "a customer's identifier must not be empty."),
        ('{"customer": "C-2", "profile": 1}', "profile must be text, in quotes."),
        ('{"customer": "C-2", "by": true}', "by must be text, in quotes."),
        ('{"customer": "C-2", "By": "id"}', "'By' is no key. Did you mean 'by'?"),
        ('{"name": "C-2"}', "the row has no customer."),
        ("{}", "the row has no customer."),
        ("C-2", "it is not JSON (Expecting value at character 0)."),
    ],
)
def test_a_json_line_that_names_no_customer_is_refused(line: str, why: str) -> None:
    error = refused(f'{{"customer": "C-1"}}\n\n{line}\n')

    assert error.message == f"line 3: {why}"
    assert error.hint == ("Take it out." if "space" in why else None)


def test_an_identifier_that_looks_like_json_is_refused_with_the_way_out() -> None:
    assert refused("{3F2504E0}\n{3F2504E1}\n").hint == AS_LINES
    assert customers("{3F2504E0}\n", LINES) == ["{3F2504E0}"]


def read_as(content: str, form: ListForm) -> list[ListedCustomer]:
    return list(read_customers(io.BytesIO(content.encode()), form, PROFILES))


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("customer;name\nC-1;Jane\nC-2;\n", ListForm(delimiter=";")),
        ("\ufeffCustomer;Name\r\nC-1;Jane\r\nC-2;\r\n", ListForm(delimiter=";", column="Customer")),
        ("CUSTOMER \tname\nC-1\tJane\nC-2\t\n", ListForm(delimiter="\t", column="CUSTOMER")),
        ("id\nC-1\nC-2\n", ListForm(column="id")),
        ("customer,id\nJane,C-1\nJoe,C-2\n", ListForm(column="id")),
        ("customer,id\nJane,C-1\nJoe,C-2\n", ListForm(CSV, column=" id ")),
        ('{"id": "C-1", "customer": 7}\n{"id": "C-2"}\n', ListForm(column="id")),
        ('{"id": "C-1"}\n{"id": "C-2"}\n', ListForm(JSONL, column="id")),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_list_of_another_shape_is_read_by_option(content: str, form: ListForm) -> None:
    assert [each.customer for each in read_as(content, form)] == ["C-1", "C-2"]


def test_a_chosen_column_of_keys_names_people() -> None:
    assert [each.is_person for each in read_as("person\nada\n", ListForm(column="person"))] == [
        True
    ]
    assert [each.is_person for each in read_as("id,person\n1,ada\n", ListForm(column="id"))] == [
        False
    ]


@pytest.mark.parametrize(
    "form",
    [
        ListForm(LINES, delimiter=";"),
        ListForm(JSONL, delimiter=";"),
        ListForm(LINES, column="id"),
        *(ListForm(column=name) for name in ("", " ", "profile", "by")),
    ],
    ids=str,
)
def test_a_form_that_no_list_has_is_refused(form: ListForm) -> None:
    with pytest.raises(LoyaltyError) as caught:
        check_form(form)
    assert caught.value.code is ErrorCode.USAGE
