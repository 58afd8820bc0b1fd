"""The document a command prints: records in the format asked for, nothing else."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from loyalty_cli.output.csv_text import Cell as CsvCell
from loyalty_cli.output.csv_text import csv_rows
from loyalty_cli.output.format import Format
from loyalty_cli.output.stdout import require_stdout, write_bytes, write_text

if TYPE_CHECKING:
    from loyalty_cli.output.table import Column, Group

Shown = TypeVar("Shown")


class View(Struct, Generic[Shown], frozen=True):
    """How one kind of record is shown where JSON is not asked for."""

    csv_header: Sequence[str]
    csv_rows: Callable[[Shown], Iterable[Sequence[CsvCell]]]
    table: "Callable[[Sequence[Shown]], tuple[Sequence[Column], Sequence[Group]]]"


def print_records(records: Iterable[Shown], output: Format, view: View[Shown]) -> list[Shown]:
    """Print records, `jsonl` and `csv` each as it comes, and give them all back.

    Raises LoyaltyError where they cannot be written.
    """
    require_stdout()
    match output:
        case Format.JSON:
            from loyalty_cli.output.json_text import json_document

            everything = list(records)
            write_bytes(json_document(everything))
            return everything
        case Format.JSONL:
            from loyalty_cli.output.json_text import json_line

            return list(_each(records, lambda record: write_bytes(json_line(record))))
        case Format.CSV:
            write_bytes(csv_rows([view.csv_header]))
            return list(_each(records, lambda record: write_bytes(csv_rows(view.csv_rows(record)))))
        case Format.TABLE:
            return _print_table(list(records), view)


def _each(records: Iterable[Shown], write: Callable[[Shown], None]) -> Iterator[Shown]:
    for record in records:
        write(record)
        yield record


def _print_table(records: list[Shown], view: View[Shown]) -> list[Shown]:
    columns, groups = view.table(records)
    if groups:
        from loyalty_cli.output.table import table_text

        write_text(table_text(columns, groups))
    return records
