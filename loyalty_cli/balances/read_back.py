"""Reading an output file back, record by record."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any, BinaryIO

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from loyalty_cli.balances.foreign import (
    ForeignError,
    asked_otherwise,
    foreign,
    is_asked_otherwise,
    of_other_columns,
    of_other_kind,
    of_texts,
)
from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.model.amount import Amount, decode_amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Failure, Lookup, RawLookup
from loyalty_cli.model.tally import Record
from loyalty_cli.output.csv_text import cell_text
from loyalty_cli.output.json_text import json_cell, json_element

LONGEST_BYTES = 128 * 1024 * 1024
"""The longest line: enough for a platform's longest answer with all characters escaped."""

Add = Callable[[Record], None]

_WHO = ("profile", "provider", "customer", "sandbox", "asked")
_NEVER = "0001-01-01T00:00:00Z"


def _decode_number(kind: type, value: Any) -> Any:
    """Decode an amount that is no text: a file must not have some as numbers and some as texts."""
    if isinstance(value, str):
        raise ValueError("an amount is a text")  # noqa: TRY004 - msgspec takes it for an error
    return decode_amount(kind, value)


_DECODERS: Mapping[bool, msgspec.json.Decoder[Any]] = {
    raw: msgspec.json.Decoder(kind, dec_hook=_decode_number, float_hook=Amount)
    for raw, kind in ((False, Lookup), (True, RawLookup))
}
_ANY_AMOUNTS = msgspec.json.Decoder(Lookup, dec_hook=decode_amount, float_hook=Amount)


def read_back(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; raise ForeignError for a line that is not JSON Lines."""
    while line := file.readline(LONGEST_BYTES):
        if len(line) == LONGEST_BYTES or (line.endswith(b"\n") and not line.endswith(b"}\n")):
            raise ForeignError
        yield line


def decode_record(text: bytes, *, raw: bool) -> Record:
    """Read a record; writing it gives exactly its text. Raises ForeignError for other text."""
    try:
        record: Record = _DECODERS[raw].decode(text)
        if isinstance(record, RawLookup) and not record.error:
            return replace(record, raw=msgspec.json.decode(text, type=dict[str, Raw])["raw"])
    except ValueError:
        if _is_of(text, _DECODERS[not raw]):
            raise of_other_kind(raw=raw) from None
        raise of_texts() if _is_of(text, _ANY_AMOUNTS) else ForeignError() from None
    return record


def _is_of(text: bytes, decoder: msgspec.json.Decoder[Any]) -> bool:
    try:
        decoder.decode(text)
    except ValueError:
        return False
    return True


def opening(task: LookupTask, encode: Callable[[Record], bytes]) -> bytes:
    """The beginning of a task's record as text: all that is known before the look-up."""
    return encode(task.record(_NEVER)).rpartition(b'"platform_customer"')[0]


def check_json(file: BinaryIO, tasks: Iterator[LookupTask], add: Add) -> None:
    """Add the records of a finished file; raise ForeignError for a file of other tasks."""
    for text, task in zip_longest(_elements(file), tasks):
        if not text or not task:
            raise ForeignError
        start = opening(task, json_element)
        if not text.startswith(start):
            raise foreign(text, task if is_asked_otherwise(text, start) else None)
        add(decode_record(text, raw=task.raw))


def check_csv(file: BinaryIO, header: Sequence[str], tasks: Iterator[LookupTask], add: Add) -> None:
    """Add the records of a finished file, without balances; raise ForeignError for other tasks."""
    limit = csv.field_size_limit(LONGEST_BYTES)  # of the whole process, and too low for --raw
    lines = csv.reader((line.decode() for line in _lines(file)), strict=True)
    try:
        if (columns := next(lines, [])) != list(header):
            raise of_other_columns(columns, next(lines, []), header)
        rows = (dict(zip(header, cells, strict=True)) for cells in lines)
        grouped = groupby(rows, lambda row: tuple(row[name] for name in _WHO))
        for found, asked in zip_longest(grouped, groupby(tasks, _who), fillvalue=((), iter(()))):
            if found[0] != asked[0]:
                raise _of_another_task(found[0], next(asked[1], None))
            for record in _outcomes([*found[1]], [*asked[1]]):
                add(record)
    except ForeignError:
        raise
    except (ValueError, csv.Error):
        raise ForeignError from None
    finally:
        csv.field_size_limit(limit)


def _of_another_task(who: Sequence[str], task: LookupTask | None) -> ForeignError:
    """What is wrong with rows that are not of the task."""
    if task is None or who[:-1] != _who(task)[:-1]:
        return ForeignError()
    return asked_otherwise(msgspec.json.decode(who[-1], type=dict[str, str]), task)


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


def _who(task: LookupTask) -> tuple[str, ...]:
    profile = task.profile
    who = (profile.name, profile.provider.name, task.customer)
    return (*map(cell_text, who), "true" if profile.sandbox else "false", json_cell(task.asked))


def _outcomes(rows: Sequence[Mapping[str, str]], tasks: Sequence[LookupTask]) -> Iterator[Record]:
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
