"""Text lines of a file or a pipe, read strictly and as a stream, and CSV in them."""

import csv
import io
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO

from loyalty_cli.lists.delimiter import COMMA, delimiter_in, option_of
from loyalty_cli.lists.line_error import line_error

LONGEST_LINE = 64 * 1024
"""The most characters of one line, and of all lines of one CSV row."""
LONGEST_SHOWN = 80
"""Characters of a wrong value that are shown."""
BLANKS = " \t\r\n"

Line = tuple[int, str]
"""A line's number, counted from 1, and its text with the line's end."""

_UTF_16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")
_TO_UTF_8 = (
    "Save it as UTF-8, in Excel as 'CSV UTF-8'."
    " If it is {0}, `iconv -f {0} -t UTF-8` makes it UTF-8."
)
_FROM_UTF_16 = _TO_UTF_8.format("UTF-16")
_FROM_WINDOWS = _TO_UTF_8.format("WINDOWS-1252")
"""What Excel calls "CSV" is in this encoding in Western Europe."""


def text_lines(stream: BinaryIO) -> Iterator[Line]:
    """Yield lines of UTF-8 text, ended by LF, CRLF or CR; a byte order mark is skipped.

    Each line is yielded as soon as it is read. Raises LoyaltyError for another encoding, a NUL,
    and a line of more than `LONGEST_LINE` characters; OSError as the stream does.
    """
    # A byte that is not UTF-8 becomes a surrogate, so that the error can name its line.
    text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
    try:
        lines = iter(partial(text.readline, LONGEST_LINE + 1), "")
        for number, line in enumerate(lines, start=1):
            if "\0" in line or not line.isascii():
                _check_encoding(number, line)
            if len(line) > LONGEST_LINE:
                line_error(
                    number,
                    f"it has more than {LONGEST_LINE} characters.",
                    "Is it a text file, with a row on each line?",
                )
            yield number, line
    finally:
        if not stream.closed:  # the wrapper would close it
            text.detach()


def _check_encoding(number: int, line: str) -> None:
    if line.startswith(_UTF_16_MARKS):
        line_error(number, "the file is UTF-16 text.", _FROM_UTF_16)
    if "\0" in line:
        like = ", as UTF-16 text has" if line[:2].count("\0") == 1 else ""
        line_error(number, f"it has a NUL in it{like}.", _FROM_UTF_16)
    try:
        line.encode()
    except UnicodeEncodeError:
        line_error(number, "it is not UTF-8 text.", _FROM_WINDOWS)


def from_first(lines: Iterator[Line]) -> tuple[Line | None, Iterator[Line]]:
    """Skip blank lines; return the first other line, or None, and all lines from there on."""
    first = next((line for line in lines if line[1].strip(BLANKS)), None)
    return first, lines if first is None else chain([first], lines)


def csv_rows(lines: Iterator[Line], delimiter: str = COMMA) -> Iterator[tuple[int, list[str]]]:
    """Read CSV: each row's cells, with the number of its first line; a blank line has no cells.

    Raises LoyaltyError for text that is not CSV, and for a quote that is not closed.
    """
    first = taken = 0
    text = ""

    def texts() -> Iterator[str]:
        nonlocal first, taken, text
        for number, text in lines:
            if not taken:
                first = number
            elif taken > LONGEST_LINE:
                raise csv.Error("a quote is opened and not closed")
            taken += len(text)
            yield text

    try:
        for cells in csv.reader(texts(), delimiter=delimiter, strict=True):
            taken = 0
            yield first, cells
    except csv.Error as error:
        sign = delimiter_in(text) if delimiter == COMMA else None
        line_error(first, f"it is not CSV: {error}.", sign and f"Add {option_of(sign)}.")


def shorten(value: str) -> str:
    """Shorten a wrong value for a message."""
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"
