"""A file of debits, as CSV with a header or JSON Lines: read strictly, and as a stream."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from msgspec import Struct

from loyalty_cli.lists.delimiter import COMMA
from loyalty_cli.lists.line_error import line_error
from loyalty_cli.lists.list_file import InputFormat
from loyalty_cli.lists.rows import BLANKS, Line, from_first, shorten, text_lines
from loyalty_cli.lists.table import Columns, names_people, read_table
from loyalty_cli.model.customer_id import check_customer, doubt_about
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

PERSON = "person"
_FORM = (
    "The first line must name customer (or person), amount and reference; unit and profile are"
    " optional."
)
COLUMNS = Columns(
    ("customer", "amount", "unit", "reference", "profile"),
    ("customer", "amount", "reference"),
    _FORM,
)
PEOPLE = Columns(
    (PERSON, "amount", "unit", "reference", "profile"), (PERSON, "amount", "reference"), _FORM
)
"""The columns of a file that names people; which column it has decides."""
LARGEST_AMOUNT = 10**15
LONGEST_REFERENCE = 200

_AMOUNT = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class Row(Struct, frozen=True):
    """One debit of a file; `unit` and `profile` are None if the file does not set them.

    `line` is the line in which it begins. If it `is_person`, `customer` is a key of that person
    until the identifier is found.
    """

    line: int
    customer: str
    amount: int
    reference: str
    unit: str | None = None
    profile: str | None = None
    is_person: bool = False


class Mistake(Struct, frozen=True):
    """A mistake in a row: the line in which it begins, the column, the value, and the reason."""

    line: int
    column: str
    value: str
    why: str
    code: ErrorCode = ErrorCode.USAGE

    def __str__(self) -> str:
        return f"{self.column} {self.value!r}: {self.why}"


class FileRow(Struct, frozen=True):
    """A row of the file, and the mistakes in it.

    `row` has harmless values in place of wrong ones, so that the others can still be checked;
    None if the row or its profile is wrong.
    """

    line: int
    row: Row | None
    mistakes: Sequence[Mistake] = ()
    reference: str | None = None


def check_amount(text: str) -> int:
    """Read an amount: a whole number above zero, in digits only. Raises ValueError."""
    if not _AMOUNT.fullmatch(text) or int(text) > LARGEST_AMOUNT:
        raise ValueError(f"must be a whole number from 1 to {LARGEST_AMOUNT}, in digits only")
    return int(text)


def check_reference(text: str) -> str:
    """Accept a reference that is unambiguous and can be found again. Raises ValueError."""
    if not text.strip() or text != text.strip():
        raise ValueError("must not be empty or have spaces around it")
    if len(text) > LONGEST_REFERENCE:
        raise ValueError(f"must have at most {LONGEST_REFERENCE} characters")
    if not text.isprintable():
        raise ValueError("must not contain control characters")
    return text


def check_unit(text: str) -> str:
    """Accept a unit as the platform writes it. Raises ValueError."""
    if not text or text != text.strip() or not text.isprintable():
        raise ValueError("must not be empty, have spaces around it or contain control characters")
    return text


def read_rows(
    stream: BinaryIO, check_profile: Callable[[str], str], delimiter: str | None = None
) -> Iterator[FileRow]:
    """Read a file of debits row by row; `stream` is left open. With a `delimiter`, it is CSV.

    Raises LoyaltyError if the file cannot be read further, or may be incomplete; OSError like the
    stream.
    """
    first, lines = from_first(text_lines(stream))
    is_json = not delimiter and first is not None and first[1].lstrip(BLANKS).startswith(("{", "["))
    form = InputFormat.JSONL if is_json else InputFormat.CSV
    columns = PEOPLE if first and names_people(first[1]) else COLUMNS
    is_empty = True
    for row in read_table(_ended(lines), columns, form, delimiter=delimiter or COMMA):
        is_empty = False
        mistakes = [Mistake(row.line, each.column, each.value, each.why) for each in row.problems]
        yield _file_row(row.line, row.cells, mistakes, check_profile, columns)
    if is_empty:
        line_error(
            None, "there is no debit in the file.", "It needs a header and at least one row."
        )


def _ended(lines: Iterator[Line]) -> Iterator[Line]:
    """Yield complete lines; raise LoyaltyError for an incomplete one: 500 may have become 50."""
    for number, text in lines:
        if not text.endswith(("\n", "\r")):
            line_error(
                number,
                "the last line has no newline: the file may be incomplete.",
                "Make or copy the file again. If nothing is missing, add a newline to that line.",
            )
        yield number, text


def _file_row(
    line: int,
    cells: Mapping[str, Any] | None,
    mistakes: list[Mistake],
    check_profile: Callable[[str], str],
    columns: Columns,
) -> FileRow:
    if cells is None:
        return FileRow(line, None, mistakes)
    who = columns.required[0]
    if who == PERSON and cells.get("customer"):
        why = "a row that names a person must not name a customer, too"
        mistakes.append(Mistake(line, "customer", shorten(str(cells["customer"])), why))
    checks: Mapping[str, Callable[[str], Any]] = {
        who: _customer,
        "amount": check_amount,
        "reference": check_reference,
        "unit": check_unit,
        "profile": check_profile,
    }
    values: dict[str, Any] = {who: "", "amount": 0, "reference": ""}
    wrong: set[str] = set()
    for name, check in checks.items():
        cell = cells.get(name)
        if cell is None:
            if name in columns.required:
                mistakes.append(Mistake(line, name, "", "is missing"))
            continue
        try:
            values[name] = check(_cell(name, cell))
        except ValueError as error:
            wrong.add(name)
            mistakes.append(Mistake(line, name, shorten(str(cell)), str(error)))
    if "unit" in wrong:
        values["unit"] = "?"
    customer, is_person = values.pop(who), who == PERSON
    row = None if "profile" in wrong else Row(line, customer, is_person=is_person, **values)
    reference = cells.get("reference")
    return FileRow(line, row, mistakes, reference if isinstance(reference, str) else None)


def _cell(name: str, cell: Any) -> str:
    """A cell as text; only an amount may be a JSON number."""
    if isinstance(cell, str):
        return cell
    if name == "amount" and isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    raise ValueError("must be text" if name != "amount" else "must be a whole number")


def _customer(text: str) -> str:
    if doubt := doubt_about(text):
        raise ValueError(doubt)
    try:
        return check_customer(text)
    except LoyaltyError as error:
        raise ValueError(error.message.rstrip(".")) from None
