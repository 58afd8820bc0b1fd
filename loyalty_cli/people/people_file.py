"""A file of people: CSV with a header, read as a stream; its first mistake is an error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NoReturn

from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.lists.delimiter import COMMA
from loyalty_cli.lists.line_error import line_error
from loyalty_cli.lists.rows import csv_rows, from_first, text_lines
from loyalty_cli.lists.table import Columns, check_header
from loyalty_cli.model.csv_formula import bare
from loyalty_cli.model.errors import nearest
from loyalty_cli.people.person import NAME, PERSON, Person, check_identifier, check_text


class PersonRow(Struct, frozen=True):
    """A person of the file, and the line in which the row begins."""

    line: int
    person: Person


class PeopleFile(Struct, frozen=True):
    """The columns of a file, and its rows; raises LoyaltyError for a row that is wrong.

    In `person` of a row are only what its cells have: an empty cell is no identifier.
    """

    has_name: bool
    profiles: Sequence[str]
    rows: Iterator[PersonRow]


def read_people(
    stream: BinaryIO, profiles: Mapping[str, Profile], delimiter: str = COMMA
) -> PeopleFile:
    """Read the header of a file; raise LoyaltyError if it is wrong, OSError like the stream."""
    _, lines = from_first(text_lines(stream))
    rows = csv_rows(lines, delimiter)
    line, cells = next(rows, (1, []))
    if not cells:
        line_error(None, "the file of people is empty.", _FORM)
    header = [cell.strip() for cell in cells]
    profiles = {name: each for name, each in profiles.items() if name not in (PERSON, NAME)}
    _check_columns(line, header, profiles, delimiter)
    columns = [name for name in header if name in profiles]
    return PeopleFile(NAME in header, columns, _people(rows, header, profiles))


_FORM = (
    "Its first line names the columns: person, name, and a profile in each further one; then a"
    " person a line."
)
_KEYS = "The column of keys, such as e-mails, must be named person."


def _check_columns(
    line: int, header: Sequence[str], profiles: Mapping[str, Profile], delimiter: str
) -> None:
    names = (PERSON, NAME, *profiles)
    check_header(line, header, Columns(names, (PERSON,), _KEYS), delimiter=delimiter)
    for name in header:
        if name not in names:
            line_error(line, f"the column {name!r} is no profile.", nearest(name, names))


def _people(
    rows: Iterator[tuple[int, list[str]]], header: Sequence[str], profiles: Mapping[str, Profile]
) -> Iterator[PersonRow]:
    empty_line: int | None = None
    is_empty = True
    for line, cells in rows:
        if not "".join(cells).strip():
            empty_line = empty_line or line
            continue
        if empty_line:  # blank lines at the end are no rows
            break
        if len(cells) != len(header):
            _refuse(line, f"it has {len(cells)} cells where the header has {len(header)}")
        try:
            yield PersonRow(line, _person(dict(zip(header, cells, strict=True)), profiles))
        except ValueError as error:
            _refuse(line, str(error))
        is_empty = False
    else:
        if is_empty:
            line_error(None, "there is nobody in the file.", _FORM)
        return
    _refuse(empty_line, "the row is empty")


def _person(cells: Mapping[str, str], profiles: Mapping[str, Profile]) -> Person:
    texts = {name: bare(text.strip()) for name, text in cells.items()}
    person = check_text(texts[PERSON])
    if not person:
        raise ValueError("the row has no person")
    identifiers = {
        name: check_identifier(text, profiles[name])
        for name, text in texts.items()
        if name in profiles and text
    }
    return Person(person, check_text(texts.get(NAME, "")) or None, identifiers)


def _refuse(line: int, why: str) -> NoReturn:
    line_error(line, f"{why}.", "Nothing was imported.")
