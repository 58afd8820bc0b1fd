"""A file of debits, CSV with a header or JSON Lines: read whole and strictly before any is made."""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from msgspec import Struct

from loyalty_cli.errors import ErrorCode, LoyaltyError, nearest, usage_error
from loyalty_cli.input_rows import (
    BLANKS,
    Line,
    check_width,
    csv_rows,
    cut,
    from_first,
    json_object,
    text_lines,
)
from loyalty_cli.lookup import check_customer

COLUMNS = ("customer", "amount", "unit", "reference", "profile")
NEEDED = ("customer", "amount", "reference")
LARGEST_AMOUNT = 10**15
LONGEST_REFERENCE = 200

_AMOUNT = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class Row(Struct, frozen=True):
    """One debit of a file; `unit` and `profile` are None where the file leaves them open."""

    number: int
    customer: str
    amount: int
    reference: str
    unit: str | None = None
    profile: str | None = None


class Mistake(Struct, frozen=True):
    """What is wrong with a row: in which column, with which value, and why."""

    number: int
    column: str
    value: str
    why: str

    def __str__(self) -> str:
        return f"row {self.number}, {self.column} {self.value!r}: {self.why}"


def check_amount(text: str) -> int:
    """Read an amount: a whole number above zero, written plainly. Raises ValueError."""
    if not _AMOUNT.fullmatch(text) or int(text) > LARGEST_AMOUNT:
        raise ValueError(f"must be a whole number from 1 to {LARGEST_AMOUNT}, written plainly")
    return int(text)


def check_reference(text: str) -> str:
    """Take a reference that can be told apart and found again. Raises ValueError."""
    if not text.strip() or text != text.strip():
        raise ValueError("must not be empty, nor have spaces around it")
    if len(text) > LONGEST_REFERENCE:
        raise ValueError(f"must have at most {LONGEST_REFERENCE} characters")
    if not text.isprintable():
        raise ValueError("must not have control characters in it")
    return text


def check_unit(text: str) -> str:
    """Take a unit as the platform writes it. Raises ValueError."""
    if not text or text != text.strip() or not text.isprintable():
        raise ValueError("must be a unit as the platform writes it")
    return text


def read_rows(content: bytes, check_profile: Callable[[str], str]) -> list[Row]:
    """Read a file of debits.

    Raises LoyaltyError that names every mistake in it, with row, column, value and reason.
    """
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    seen: dict[str, int] = {}
    for number, cells in _cells(content):
        if isinstance(cells, Mistake):
            mistakes.append(cells)
            continue
        if row := _row(number, cells, check_profile, mistakes):
            rows.append(row)
        reference = cells.get("reference")
        if isinstance(reference, str) and seen.setdefault(reference, number) != number:
            why = f"is there already, in row {seen[reference]}"
            mistakes.append(Mistake(number, "reference", cut(reference), why))
    if mistakes:
        _refuse(mistakes)
    if not rows:
        usage_error("there is no debit in the file.", "It needs a header and at least one row.")
    return rows


def _cells(content: bytes) -> Iterator[tuple[int, Mapping[str, Any] | Mistake]]:
    """Each row's cells by their column, or what is wrong with it, with its number."""
    first, lines = from_first(text_lines(io.BytesIO(content), longest=len(content)))
    if first is None:
        return iter(())
    number, text = first
    sign = text.lstrip(BLANKS)[0]
    if sign == "[":
        usage_error("the file is a JSON array.", "Write each debit on a line of its own.")
    return _json_lines(lines) if sign == "{" else _csv(lines, number)


def _csv(lines: Iterator[Line], start: int) -> Iterator[tuple[int, Mapping[str, Any] | Mistake]]:
    header: list[str] = []
    # Rows as a spreadsheet counts them, whose cells can have several lines.
    for number, (_, cells) in enumerate(csv_rows(lines), start):
        if not cells:
            continue
        if not header:
            header = _checked_header(cells)
            continue
        try:
            check_width(cells, header)
        except ValueError as error:
            yield number, Mistake(number, "the row", cut(",".join(cells)), str(error))
        else:
            given = zip(header, cells, strict=True)
            yield number, {name: cell for name, cell in given if cell != ""}


def _checked_header(header: list[str]) -> list[str]:
    for name in header:
        if name not in COLUMNS:
            usage_error(f"the file has a column {name!r}.", nearest(name, COLUMNS))
        if header.count(name) > 1:
            usage_error(f"the file has the column {name!r} twice.", "Leave one out.")
    missing = [name for name in NEEDED if name not in header]
    if missing:
        usage_error(
            f"the file has no column {missing[0]!r}.",
            f"Its first line must name {', '.join(NEEDED)}, and may name unit and profile.",
        )
    return header


def _json_lines(lines: Iterator[Line]) -> Iterator[tuple[int, Mapping[str, Any] | Mistake]]:
    for number, line in lines:
        if not (text := line.strip(BLANKS)):
            continue
        try:
            cells = _object(text)
        except ValueError as error:
            yield number, Mistake(number, "the row", cut(text), str(error))
        else:
            yield number, {name: cell for name, cell in cells.items() if _says(name, cell)}


def _says(name: str, cell: Any) -> bool:
    """Whether a cell holds something; an empty text does not where the column may be left out."""
    return cell is not None and not (cell == "" and name not in NEEDED)


def _object(line: str) -> Mapping[str, Any]:
    cells = json_object(line)
    unknown = [name for name in cells if name not in COLUMNS]
    if unknown:
        raise ValueError(f"it has a key {unknown[0]!r}. {nearest(unknown[0], COLUMNS)}")
    return cells


def _row(
    number: int,
    cells: Mapping[str, Any],
    check_profile: Callable[[str], str],
    mistakes: list[Mistake],
) -> Row | None:
    checks: Mapping[str, Callable[[str], Any]] = {
        "customer": _customer,
        "amount": check_amount,
        "reference": check_reference,
        "unit": check_unit,
        "profile": check_profile,
    }
    values: dict[str, Any] = {}
    before = len(mistakes)
    for name, check in checks.items():
        cell = cells.get(name)
        if cell is None:
            if name in NEEDED:
                mistakes.append(Mistake(number, name, "", "is missing"))
            continue
        try:
            values[name] = check(_cell(name, cell))
        except ValueError as error:
            mistakes.append(Mistake(number, name, cut(str(cell)), str(error)))
    return Row(number, **values) if len(mistakes) == before else None


def _cell(name: str, cell: Any) -> str:
    """A cell as text; an amount alone may be a JSON number."""
    if isinstance(cell, str):
        return cell
    if name == "amount" and isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    raise ValueError("must be text" if name != "amount" else "must be a whole number")


def _customer(text: str) -> str:
    if text != text.strip():
        raise ValueError("has spaces around it")
    try:
        return check_customer(text)
    except LoyaltyError as error:
        raise ValueError(error.message.rstrip(".")) from None


def _refuse(mistakes: list[Mistake]) -> NoReturn:
    raise LoyaltyError(
        ErrorCode.USAGE,
        f"the file has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}.",
        hint="No debit was made. Mend these, and run it again:",
        details=tuple(str(mistake) for mistake in mistakes),
    )
