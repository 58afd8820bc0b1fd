"""A list of customers to look up: an identifier a line, CSV or JSON Lines, read as a stream."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Any, BinaryIO, NoReturn

from msgspec import Struct

from loyalty_cli.lists.list_format import InputFormat
from loyalty_cli.lists.rows import (
    BLANKS,
    Line,
    check_width,
    csv_rows,
    from_first,
    json_object,
    shorten,
    slip_of,
    text_lines,
)
from loyalty_cli.model.customer_id import check_customer
from loyalty_cli.model.errors import LoyaltyError, nearest, usage_error

COLUMNS = ("customer", "profile")

_PADDING = " \t"
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_DOUBTFUL = re.compile(r'[\s,;"]|^[{\[]')
_COLUMN_NAME = re.compile(r"[A-Za-z _-]+")
_AS_LINES = "If each line is one identifier, add --input-format lines."


class ListedCustomer(Struct, frozen=True):
    """A customer to look up, from which line; `profile` is None where the list leaves it open."""

    customer: str
    line: int
    profile: str | None = None


def read_customers(
    stream: BinaryIO, given: InputFormat | None, known_profiles: Collection[str]
) -> Iterator[ListedCustomer]:
    """Read a list of customers, each as soon as its line is there; `stream` is left open.

    The first line that is not blank shows the format, unless it is `given`. Raises LoyaltyError at
    the first mistake, with its line; OSError as the stream does.
    """
    first, lines = from_first(text_lines(stream))
    customers: Iterator[ListedCustomer] = iter(())
    if first is not None:
        # A format that was not given is a guess, so an error names the way out of a wrong one.
        way_out = None if given else _AS_LINES
        match given or _recognised(first[1]):
            case InputFormat.LINES:
                customers = _from_lines(lines, way_out)
            case InputFormat.CSV:
                customers = _from_csv(lines, known_profiles, way_out)
            case InputFormat.JSONL:
                customers = _from_json_lines(lines, known_profiles, way_out)
    one = next(customers, None)
    if one is None:
        usage_error("there is no customer in the file.", "Write one identifier on each line.")
    yield one
    yield from customers


def _recognised(line: str) -> InputFormat:
    text = line.strip(BLANKS)
    if text[0] in "{[":
        return InputFormat.JSONL
    if any(sign in text for sign in ',;\t"') or _likest([text]):
        return InputFormat.CSV
    return InputFormat.LINES


def _from_lines(lines: Iterator[Line], way_out: str | None) -> Iterator[ListedCustomer]:
    for number, line in lines:
        if not (text := line.rstrip(BLANKS)):
            continue
        customer = _checked(number, text)
        if way_out and (doubt := _DOUBTFUL.search(text)):
            _refuse(number, f"{shorten(text)!r} has {doubt[0]!r} in it.", way_out)
        yield ListedCustomer(customer, number)


def _from_csv(
    lines: Iterator[Line], known_profiles: Collection[str], way_out: str | None
) -> Iterator[ListedCustomer]:
    rows = csv_rows(lines)
    number, names = next(rows)
    header = [name.rstrip(_PADDING) for name in names]
    _check_header(number, header, way_out)
    customer_at = header.index("customer")
    profile_at = header.index("profile") if "profile" in header else None
    for number, cells in rows:
        text = cells[customer_at].rstrip(_PADDING) if len(cells) == len(header) else ""
        if text:
            profile = "" if profile_at is None else cells[profile_at].rstrip(_PADDING)
            customer = _checked(number, text)
            yield ListedCustomer(customer, number, _known(number, profile, known_profiles))
        elif any(cell.strip(BLANKS) for cell in cells):
            _refuse_row(number, cells, header)


def _check_header(number: int, header: Sequence[str], way_out: str | None) -> None:
    for name in COLUMNS:
        if header.count(name) > 1:
            _refuse(number, f"the header has the column {name!r} twice.", "Leave one out.")
    if "customer" not in header:
        _refuse(number, "the header has no column 'customer'.", _missing(header), way_out)
    _check_names(number, header, "the header has a column")


def _missing(header: Sequence[str]) -> str:
    """What to do about a header without a customer."""
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if any(sign in each for each in header):
            return f"Columns must be separated by commas, not by {name}."
    if likest := _likest(header):
        return f"Did you mean 'customer' by {likest!r}?"
    return "Give the column of identifiers that name."


def _refuse_row(number: int, cells: Sequence[str], header: Sequence[str]) -> NoReturn:
    try:
        check_width(cells, header)
    except ValueError as error:
        _refuse(number, f"the row {error}.")
    _refuse(number, "the row has no customer.")


def _from_json_lines(
    lines: Iterator[Line], known_profiles: Collection[str], way_out: str | None
) -> Iterator[ListedCustomer]:
    for number, line in lines:
        if not (text := line.strip(BLANKS)):
            continue
        if text[0] == "[":
            hint = "Write an object on each line, as `jq -c '.[]'` does."
            _refuse(number, "this is a JSON array.", hint, way_out)
        try:
            found = json_object(text)
        except ValueError as error:
            _refuse(number, f"{error}.", way_out)
        _check_names(number, found, "there is a key")
        if "customer" not in found:
            _refuse(number, "there is no key 'customer'.")
        customer = _checked(number, _text(number, "customer", found["customer"]))
        profile = _text(number, "profile", found.get("profile") or "")
        yield ListedCustomer(customer, number, _known(number, profile, known_profiles))
        way_out = None


def _text(number: int, name: str, value: Any) -> str:
    if not isinstance(value, str):
        _refuse(number, f"{name} must be text, in quotes.")
    return value


def _checked(number: int, text: str) -> str:
    """Take an identifier that looks like what it is; raise LoyaltyError for the rest."""
    # Few lines have anything in them that cannot be printed.
    if not text.isprintable():
        for sign in text:
            if unicodedata.category(sign) in _INVISIBLE:
                what = f"{shorten(text)!r} has the invisible character {sign!r} in it."
                _refuse(number, what, "Take it out.")
    if text != text.strip():
        _refuse(number, f"{shorten(text)!r} has a space before or after it.", "Take it out.")
    try:
        return check_customer(text)
    except LoyaltyError as error:
        _refuse(number, error.message)


def _known(number: int, profile: str, known_profiles: Collection[str]) -> str | None:
    if profile and profile not in known_profiles:
        hint = nearest(profile, known_profiles)
        _refuse(number, f"there is no profile {shorten(profile)!r}.", hint)
    return profile or None


def _check_names(number: int, names: Collection[str], there_is: str) -> None:
    """Raise LoyaltyError for a name that is a slip of the pen; others are not ours to judge."""
    for name in names:
        if column := slip_of(name, COLUMNS):
            _refuse(number, f"{there_is} {name!r}.", f"Did you mean {column!r}?")


def _likest(names: Collection[str]) -> str | None:
    """The name that may mean `customer`, if one does."""
    from difflib import get_close_matches

    words = {name.strip().lower(): name for name in names if _COLUMN_NAME.fullmatch(name)}
    likest = get_close_matches("customer", words, n=1)
    return words[likest[0]] if likest else None


def _refuse(number: int, what: str, *hints: str | None) -> NoReturn:
    hint = " ".join(each for each in hints if each)
    usage_error(f"line {number} of the file: {what}", hint or None)
