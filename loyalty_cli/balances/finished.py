"""A finished CSV or JSON file, which exists only after a complete run."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import BinaryIO

from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.balances.resume import LONGEST_BYTES, Add, ForeignError, decode_record, opening
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Failure, Lookup, RawLookup
from loyalty_cli.model.tally import Record
from loyalty_cli.output.csv_text import cell_text
from loyalty_cli.output.json_text import json_element

Row = Mapping[str, str]

_WHO = ("profile", "provider", "customer", "sandbox")


def check_json(file: BinaryIO, tasks: Iterator[LookupTask], add: Add) -> None:
    """Add the records of a file; raise ForeignError for a file of other tasks."""
    for text, task in zip_longest(_elements(file), tasks):
        if not text or not task or not text.startswith(opening(task, json_element)):
            raise ForeignError
        add(decode_record(text, RawLookup if task.raw else Lookup))


def check_csv(file: BinaryIO, header: Sequence[str], tasks: Iterator[LookupTask], add: Add) -> None:
    """Add records with the errors of a file, but without balances; or raise ForeignError."""
    csv.field_size_limit(LONGEST_BYTES)  # the usual limit is too low for --raw
    try:
        rows = groupby(_rows(file, header), lambda row: tuple(row[name] for name in _WHO))
        for found, asked in zip_longest(rows, groupby(tasks, _who), fillvalue=((), ())):
            if found[0] != asked[0]:
                raise ForeignError
            for record in _outcomes([*found[1]], [*asked[1]]):
                add(record)
    except (ValueError, csv.Error):
        raise ForeignError from None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_BYTES):
        if not line.endswith(b"\n") or line.endswith(b"\r\n"):
            raise ForeignError
        yield line


def _elements(file: BinaryIO) -> Iterator[bytes]:
    lines = _lines(file)
    head = next(lines, b"")
    element: list[bytes] = []
    for line in lines:
        element.append(line)
        if line in (b"  },\n", b"  }\n"):
            yield b"".join(element).rstrip(b",\n")
            element = []
    if (head, element) not in ((b"[\n", [b"]\n"]), (b"[]\n", [])):
        raise ForeignError


def _rows(file: BinaryIO, header: Sequence[str]) -> Iterator[Row]:
    rows = csv.reader((line.decode() for line in _lines(file)), strict=True)
    if next(rows, None) != list(header):
        raise ForeignError
    return (dict(zip(header, cells, strict=True)) for cells in rows)


def _who(task: LookupTask) -> tuple[str, ...]:
    profile = task.profile
    who = (profile.name, profile.provider.name, task.customer)
    return (*map(cell_text, who), "true" if profile.sandbox else "false")


def _outcomes(rows: Sequence[Row], tasks: Sequence[LookupTask]) -> Iterator[Record]:
    """The outcomes of a customer's look-ups: a row for each failure, one or more for a success."""
    failed = [row for row in rows if row["error_code"]]
    answered = len(tasks) - len(failed)
    lines = len(rows) - len(failed)
    if not bool(lines) <= answered <= lines:
        raise ForeignError
    errors = [
        Failure(
            code=ErrorCode(row["error_code"]),
            message=_text(row["error_message"]),
            hint=_text(row["error_hint"]) or None,
        )
        for row in failed
    ]
    for task, error in zip_longest(tasks, errors):
        yield task.record(rows[0]["retrieved_at"], error=error)


def _text(cell: str) -> str:
    """The text of a cell, without the quote that stops a spreadsheet from running it."""
    text = cell.removeprefix("'")
    return text if cell_text(text) == cell else cell
