"""A list of customers to look up, read as a stream: lines, CSV or JSON Lines."""

import re
from collections.abc import Collection, Iterator
from typing import BinaryIO, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.lists.delimiter import COMMA
from loyalty_cli.lists.line_error import line_error
from loyalty_cli.lists.list_file import InputFormat
from loyalty_cli.lists.rows import BLANKS, from_first, shorten, text_lines
from loyalty_cli.lists.table import (
    THE_ROW,
    Columns,
    TableRow,
    likest,
    names_people,
    read_table,
)
from loyalty_cli.model.customer_id import check_customer, doubt_about
from loyalty_cli.model.errors import LoyaltyError, nearest, usage_error
from loyalty_cli.model.records import Failure
from loyalty_cli.providers.ways import no_such_way, wrong_for

COLUMNS = Columns(
    ("customer", "profile", "by"),
    ("customer",),
    "Name the column of identifiers 'customer', or add --column NAME.",
    " \t",
    by_option="customer",
)
PEOPLE = Columns(
    ("person", "profile"), ("person",), "Name the column of people's keys 'person'.", " \t"
)
"""The columns of a list that names people; which column it has decides."""

_DOUBTFUL = re.compile(r'[\s,;"]|^[{\[]')
_COLUMN_NAME = re.compile(r"[A-Za-z _-]+")


class ListedCustomer(Struct, frozen=True):
    """A customer to look up; `profile` and `by` are None if the list does not say.

    `line` is its line in the list, None for a customer on the command line. If it `is_person`,
    `customer` is a key of that person until the identifier at a profile is found; `no_id` is why
    there is none, and nothing can be asked.
    """

    customer: str
    profile: str | None = None
    by: str | None = None
    line: int | None = None
    is_person: bool = False
    no_id: Failure | None = None

    def check_way(self, profile: Profile, by: str) -> None:
        """Raise LoyaltyError if the platform finds no customer by this name."""
        if unknown := no_such_way(profile.provider, by):
            what, hint = unknown
            self.refuse(f"{what} (profile {profile.name!r}).", hint)
        if why := wrong_for(profile.provider, by, self.customer):
            self.refuse(why)

    def refuse(self, what: str, hint: str | None = None) -> NoReturn:
        """Raise LoyaltyError for a mistake in what was asked."""
        line_error(self.line, what, hint)


class ListForm(Struct, frozen=True):
    """What the user says about a list: its format, its delimiter, the column of customers.

    What is None shows itself, or is as usual.
    """

    format: InputFormat | None = None
    delimiter: str | None = None
    column: str | None = None

    def of(self, first_line: str) -> InputFormat:
        """The format of a list that begins with this line."""
        if self.format or self.delimiter:
            return self.format or InputFormat.CSV
        form = _recognised(first_line)
        return InputFormat.CSV if self.column and form is InputFormat.LINES else form

    @property
    def is_guess(self) -> bool:
        """Whether the list itself must show its format."""
        return not (self.format or self.delimiter or self.column)


def check_form(form: ListForm) -> ListForm:
    """Return a form that a list can have; raise LoyaltyError for any other."""
    if form.delimiter and form.format not in (None, InputFormat.CSV):
        hint = f"Leave --input-format {form.format} out, or --delimiter."
        usage_error("--delimiter stands between the columns of CSV.", hint)
    if form.column and form.format is InputFormat.LINES:
        usage_error("--input-format lines has no columns.", "Leave it out, or --column.")
    if form.column is not None and form.column.strip() in ("", "profile", "by"):
        usage_error(f"--column {form.column!r} cannot be the column of customers.")
    return form


def read_customers(
    stream: BinaryIO, given: ListForm, known_profiles: Collection[str]
) -> Iterator[ListedCustomer]:
    """Read a list of customers, and yield each as soon as its line is read.

    The first line that is not blank shows the format, unless it is given. `stream` stays open.
    Raises LoyaltyError at the first mistake, with its line; OSError as the stream does.
    """
    first, lines = from_first(text_lines(stream))
    start = first[1] if first else ""
    form = given.of(start)
    # A format that was not given is a guess, so an error shows how to choose another format.
    way_out = (
        "If each line is one identifier, add --input-format lines." if given.is_guess else None
    )
    columns = _columns(start, form, given.column)
    is_empty = True
    for row in read_table(lines, columns, form, way_out, given.delimiter or COMMA):
        if not row.is_blank:
            if is_empty or form is InputFormat.LINES:
                _check_guess(row, form, way_out)
            yield _customer(row, columns, known_profiles)
            is_empty = False
    if is_empty:
        line_error(None, "there is no customer in the file.", "Write one identifier on each line.")


def _recognised(line: str) -> InputFormat:
    text = line.strip(BLANKS)
    if text.startswith(("{", "[")):
        return InputFormat.JSONL
    is_name = _COLUMN_NAME.fullmatch(text) and (text == "person" or likest("customer", [text]))
    if is_name or any(sign in text for sign in ',;\t"'):
        return InputFormat.CSV
    return InputFormat.LINES


def _columns(start: str, form: InputFormat, chosen: str | None) -> Columns:
    """The columns of a list that starts like this; `chosen` is the one of customers."""
    if chosen is None:
        is_of_people = form is not InputFormat.LINES and names_people(start)
        return PEOPLE if is_of_people else COLUMNS
    name = chosen.strip()
    if name == "person":
        return PEOPLE
    return replace(
        COLUMNS, names=(name, "profile", "by"), required=(name,), by_option=name, is_chosen=True
    )


def _check_guess(row: TableRow, form: InputFormat, way_out: str | None) -> None:
    """Raise LoyaltyError for a row that makes a guessed format doubtful."""
    if way_out and form is InputFormat.JSONL and row.problems:
        line_error(row.line, f"{row.problems[0].why}.", way_out)
    if way_out and form is InputFormat.LINES and row.cells:
        text = row.cells["customer"]
        _check_visible(row.line, text)
        if doubt := _DOUBTFUL.search(text):
            line_error(row.line, f"{shorten(text)!r} has {doubt[0]!r} in it.", way_out)


def _customer(row: TableRow, columns: Columns, known_profiles: Collection[str]) -> ListedCustomer:
    for problem in row.problems:
        what = "" if problem.column == THE_ROW else f"{problem.column!r} "
        line_error(row.line, f"{what}{problem.why}{'' if problem.why.endswith('?') else '.'}")
    cells = row.cells or {}
    (who,) = columns.required
    customer, profile = cells.get(who), cells.get("profile")
    if customer is None:
        line_error(row.line, f"the row has no {who}.")
    for name in (who, "profile", "by"):
        if not isinstance(cells.get(name, ""), str):
            line_error(row.line, f"{name} must be text, in quotes.")
    _check_visible(row.line, customer)
    try:
        check_customer(customer)
    except LoyaltyError as error:
        line_error(row.line, error.message)
    if profile and profile not in known_profiles:
        hint = nearest(profile, known_profiles)
        line_error(row.line, f"there is no profile {shorten(profile)!r}.", hint)
    is_person = columns is PEOPLE
    return ListedCustomer(customer, profile, cells.get("by"), row.line, is_person)


def _check_visible(line: int, text: str) -> None:
    """Raise LoyaltyError for an identifier with something in it that nobody sees."""
    if doubt := doubt_about(text):
        line_error(line, f"{shorten(text)!r} {doubt}.", "Take it out.")
