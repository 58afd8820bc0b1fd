"""The document a command prints: records in the chosen format, and nothing else."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from msgspec import Struct

from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.output import messages
from loyalty_cli.output.csv_text import csv_rows
from loyalty_cli.output.format import Amounts, Format, TableLayout
from loyalty_cli.output.stdout import ReaderGoneError, require_stdout, write_bytes, write_text
from loyalty_cli.output.view import Table, View

Shown = TypeVar("Shown")
Write = Callable[[bytes], object]

LINES_AT_ONCE = 1000


class Layout(Struct, frozen=True):
    """How a document is made from encoded records and the bytes around them.

    The `head` is written before the first record is known, and `empty` if there is no record.
    """

    encode: Callable[[Any], bytes]
    head: bytes = b""
    before: bytes = b""
    between: bytes = b""
    after: bytes = b""
    empty: bytes = b""


def layout(output: Format, view: View[Any], amounts: Amounts = Amounts.NUMBER) -> Layout:
    """The layout of a document in a format for programs."""
    match output:
        case Format.JSON:
            from loyalty_cli.output.json_text import json_element

            element = partial(json_element, amounts=amounts)
            return Layout(element, before=b"[\n", between=b",\n", after=b"\n]\n", empty=b"[]\n")
        case Format.JSONL:
            from loyalty_cli.output.json_text import json_line

            return Layout(partial(json_line, amounts=amounts))
        case _:
            header = csv_rows([view.csv_header])
            return Layout(lambda record: csv_rows(view.csv_rows(record)), header)


def print_records(
    records: Iterable[Shown],
    output: Format,
    view: View[Shown],
    table_layout: TableLayout = TableLayout.AUTO,
) -> None:
    """Print records, each at once unless in a table; raise LoyaltyError if that fails."""
    if output.is_for_people:
        print_table(view.table(records), output, table_layout)
        return
    require_stdout()
    write_records(records, layout(output, view), write_bytes)


def print_table(
    table: Table, output: Format = Format.TABLE, table_layout: TableLayout = TableLayout.AUTO
) -> None:
    """Print a table, of any length in little memory; raise LoyaltyError if that fails."""
    require_stdout()
    if output is Format.MARKDOWN:
        from loyalty_cli.output.markdown import markdown

        lines = markdown(table)
    else:
        from loyalty_cli.output.table import table_text

        lines = table_text(table, table_layout.chosen)
    while some := "".join(islice(lines, LINES_AT_ONCE)):
        write_text(some)


def write_records(records: Iterable[Any], layout: Layout, write: Write) -> None:
    """Write a document, record by record.

    Even after an error, it contains whole records and ends correctly.
    """
    is_begun = False
    write(layout.head)
    try:
        for record in records:
            write((layout.between if is_begun else layout.before) + layout.encode(record))
            is_begun = True
    finally:
        if is_begun:
            write(layout.after)
    if not is_begun:
        write(layout.empty)


def collecting(records: Iterable[Shown], into: list[Shown]) -> Iterator[Shown]:
    """Yield records, and collect them for the report after the last one."""
    for record in records:
        into.append(record)
        yield record


def is_unprinted(error: BaseException) -> bool:
    """Whether an error only means that a record could not be printed; if so, print the error.

    Then only the exit code can report the result.
    """
    if isinstance(error, ReaderGoneError):
        return True
    if isinstance(error, LoyaltyError):
        messages.failure(error)
        return True
    return False
