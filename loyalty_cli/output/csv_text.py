"""Rows as CSV, with formulas made harmless for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from loyalty_cli.model.csv_formula import harmless
from loyalty_cli.output.escape import visible
from loyalty_cli.output.json_text import json_cell

CsvCell = str | int | Decimal | bool | dict[str, Any] | tuple[Any, ...] | None


def csv_rows(rows: Iterable[Sequence[CsvCell]]) -> bytes:
    """Rows in UTF-8, each ended with a line feed; null is an empty cell, a map or list is JSON.

    Text that looks like a formula to a spreadsheet gets a `'` in front; numbers stay numbers.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def values(record: object, names: Iterable[str]) -> list[Any]:
    """The fields of a record, one cell each; empty cells if there is no record."""
    return [getattr(record, name, None) for name in names]


def _cell(cell: CsvCell) -> str:
    return cell_text(cell) if isinstance(cell, str) else cell_value(cell)


def cell_value(cell: CsvCell) -> str:
    """A value as text, unchanged: null is empty, and a map or list is JSON."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return json_cell(cell) if isinstance(cell, dict | tuple) else str(cell)


def cell_text(text: str) -> str:
    """The text of a cell, escaped."""
    return visible(harmless(text))
