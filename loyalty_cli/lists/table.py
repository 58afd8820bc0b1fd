"""A list as a table: rows of CSV with a header, of JSON Lines, or of one value a line."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from loyalty_cli.lists.delimiter import COMMA, delimiter_in, option_of
from loyalty_cli.lists.line_error import LineError, line_error
from loyalty_cli.lists.list_file import InputFormat
from loyalty_cli.lists.rows import BLANKS, Line, csv_rows, shorten
from loyalty_cli.model.strict_json import decode

THE_ROW = "the row"
"""The `column` of a problem with the whole row."""

_WORD = re.compile(r"\w+")
_SIMILARITY = 0.85
"""A misspelt name is at least this similar to its column; `customer_id` is less similar."""


class Columns(Struct, frozen=True):
    """The known columns of a list, and those that it must have; other columns are ignored.

    `hint` is for a missing column; characters in `padding` are ignored at the end of a cell. The
    column `by_option` can have any name, which the option --column says; with `is_chosen` it did.
    """

    names: tuple[str, ...]
    required: tuple[str, ...]
    hint: str
    padding: str = ""
    by_option: str | None = None
    is_chosen: bool = False

    @property
    def guarded(self) -> tuple[str, ...]:
        """The columns of which a name that is nearly right is a mistake."""
        return tuple(name for name in self.names if not (self.is_chosen and name == self.by_option))


class Problem(Struct, frozen=True):
    """A mistake in a row: its column, the value, and the reason."""

    column: str
    value: str
    why: str


class TableRow(Struct, frozen=True):
    """A row: its cells by column, without empty ones; None if it cannot be read.

    `line` is the line in which it begins. Values from CSV and from lines are text.
    """

    line: int
    cells: Mapping[str, Any] | None
    problems: Sequence[Problem] = ()
    is_blank: bool = False


def read_table(
    lines: Iterator[Line],
    columns: Columns,
    form: InputFormat,
    way_out: str | None = None,
    delimiter: str = COMMA,
) -> Iterator[TableRow]:
    """Read rows as they come, from a first line that is not blank; `delimiter` is that of CSV.

    Raises LoyaltyError for a wrong header and for a JSON array, both with `way_out` as a hint, and
    for text that is not CSV.
    """
    match form:
        case InputFormat.LINES:
            name = columns.names[0]
            texts = ((number, line.rstrip(BLANKS)) for number, line in lines)
            return (TableRow(number, {name: text}) for number, text in texts if text)
        case InputFormat.CSV:
            return _csv(lines, columns, way_out, delimiter)
        case InputFormat.JSONL:
            return _json_lines(lines, columns, way_out)


def names_people(line: str) -> bool:
    """Whether a header, or a first object, has the column `person` in place of `customer`."""
    words = _WORD.findall(line)
    return "person" in words and "customer" not in words


def likest(name: str, names: Collection[str]) -> str | None:
    """The most similar name; None if no name is similar enough."""
    from difflib import get_close_matches

    words = {each.strip().lower(): each for each in names}
    found = get_close_matches(name.lower(), words, n=1)
    return words[found[0]] if found else None


def _csv(
    lines: Iterator[Line], columns: Columns, way_out: str | None, delimiter: str
) -> Iterator[TableRow]:
    rows = csv_rows(lines, delimiter)
    first, names = next(rows, (0, []))
    if not names:
        return
    header = [_name(each, columns) for each in names]
    check_header(first, header, columns, way_out, delimiter)
    places = [(name, header.index(name)) for name in columns.names if name in header]
    for line, cells in rows:
        is_blank = not "".join(cells).strip(BLANKS)
        if len(cells) == len(header):
            padded = [(name, cells[at].rstrip(columns.padding)) for name, at in places]
            given = {name: text for name, text in padded if text}
            yield TableRow(line, given, is_blank=is_blank)
        elif cells:
            why = f"it has {len(cells)} cells where the header has {len(header)}"
            problem = Problem(THE_ROW, shorten(",".join(cells)), why)
            yield TableRow(line, None, [problem], is_blank)


def _name(cell: str, columns: Columns) -> str:
    """The name of a column; spaces around one that the user chose do not count."""
    if columns.is_chosen and cell.strip() == columns.by_option:
        return columns.by_option
    return cell.rstrip(columns.padding)


def check_header(
    line: int,
    header: Sequence[str],
    columns: Columns,
    way_out: str | None = None,
    delimiter: str = COMMA,
) -> None:
    """Raise LoyaltyError with all mistakes of a header."""
    slips = {name: meant for name in header if (meant := _misspelt(name, columns.guarded))}
    twice = [name for name in columns.names if header.count(name) > 1]
    missing = [name for name in columns.required if name not in (*header, *slips.values())]
    way = f" {way_out}" if way_out and not set(columns.required) <= set(header) else ""
    how = _how_to_name(header, missing, columns, delimiter)
    errors = [
        *(
            (f"an unknown column {slip!r}.", _meant(slip, it, columns))
            for slip, it in slips.items()
        ),
        *((f"the column {name!r} twice.", "Leave one out.") for name in twice),
        *((f"no column {name!r}.", how) for name in missing),
    ]
    if len(errors) == 1:
        what, hint = errors[0]
        line_error(line, f"the header has {what}", f"{hint}{way}")
    if errors:
        raise LineError(
            line,
            f"the header has {len(errors)} mistakes.",
            f"{how}{way}" if missing else "Fix these, then run it again:",
            tuple(f"{what} {hint}" if hint != how else what for what, hint in errors),
        )


def _how_to_name(
    header: Sequence[str], missing: Sequence[str], columns: Columns, delimiter: str
) -> str:
    sign = delimiter_in(delimiter.join(header)) if delimiter == COMMA else None
    if sign:
        names = [name.strip() for name in delimiter.join(header).split(sign)]
        lacks_it = columns.by_option is not None and columns.by_option not in names
        column = f" {_column_option(names, columns)}" if lacks_it else ""
        return f"Add {option_of(sign)}{column}."
    if len(missing) == 1 and (meant := likest(missing[0], header)):
        is_by_option = missing[0] == columns.by_option
        by = f"Did you mean {missing[0]!r} by {meant!r}?"
        return _meant(meant, missing[0], columns) if is_by_option else by
    return f"It has: {shorten(', '.join(header))}." if columns.is_chosen else columns.hint


def _meant(found: str, name: str, columns: Columns) -> str:
    """What to do about a column with another name than the one that it probably means."""
    if name == columns.by_option:
        return f"If it has the customers, add {_column_option([found], columns)}."
    return f"Did you mean {name!r}?"


def _column_option(names: Sequence[str], columns: Columns) -> str:
    from shlex import quote

    found = likest(columns.by_option or "", names) or (names[0] if len(names) == 1 else "NAME")
    return f"--column {quote(found.strip())}"


def _json_lines(lines: Iterator[Line], columns: Columns, way_out: str | None) -> Iterator[TableRow]:
    first: int | None = None
    guarded = columns.guarded
    for number, line in lines:
        if not (text := line.strip(BLANKS)):
            continue
        if first is None and text.startswith("["):
            hint = "Write an object on each line, as `jq -c '.[]'` does."
            line_error(number, "it is a JSON array.", f"{hint} {way_out}" if way_out else hint)
        first = first or number
        try:
            cells = decode(text.encode())
            why = "it is not an object"
        except ValueError as error:
            cells, why = None, str(error)
        if not isinstance(cells, dict):
            yield TableRow(number, None, [Problem(THE_ROW, shorten(text), why)])
            continue
        slips = {name: meant for name in cells if (meant := _misspelt(name, guarded))}
        problems = [
            Problem(name, shorten(str(cells[name])), f"is no key. Did you mean {meant!r}?")
            for name, meant in slips.items()
        ]
        # A misspelt column is not missing, too.
        found = {meant: cells[name] for name, meant in slips.items()} | cells
        # Empty text is a value only in a required column.
        given = {
            name: cell
            for name, cell in found.items()
            if cell is not None and (cell != "" or name in columns.required)
        }
        yield TableRow(number, given, problems)


@lru_cache(maxsize=4096)
def _misspelt(name: str, columns: tuple[str, ...]) -> str | None:
    """The column that a misspelt name probably means; None if it is similar to none."""
    from difflib import get_close_matches

    text = name.strip().lower()
    if name in columns or not text:
        return None
    if swapped := [each for each in columns if sorted(each) == sorted(text)]:
        return swapped[0]
    meant = get_close_matches(text, columns, n=1, cutoff=_SIMILARITY)
    return meant[0] if meant else None
