"""Reading an output file back, record by record."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any, BinaryIO

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.model.amount import Amount, decode_amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import SCHEMA_VERSION, Failure, Lookup, RawLookup
from loyalty_cli.model.tally import Record
from loyalty_cli.output.csv_text import cell_text
from loyalty_cli.output.json_text import json_cell, json_element

LONGEST_BYTES = 128 * 1024 * 1024
"""The longest line: enough for a platform's longest answer with all characters escaped."""

Add = Callable[[Record], None]

_WHO = ("profile", "provider", "customer", "sandbox", "asked")
_ASKED = b'"asked"'
_NEVER = "0001-01-01T00:00:00Z"
_DECODERS: Mapping[bool, msgspec.json.Decoder[Any]] = {
    raw: msgspec.json.Decoder(kind, dec_hook=decode_amount, float_hook=Amount)
    for raw, kind in ((False, Lookup), (True, RawLookup))
}


class ForeignError(ValueError):
    """The file has content that this program did not write for this run: why, and what to do."""

    def __init__(
        self, why: str = "is not from this run", hint: str = "Name another file, or remove it."
    ) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


class _Head(Struct):
    """What tells a record of another version or of other options from ours."""

    schema_version: int
    asked: dict[str, str] = {}


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
        raise ForeignError from None
    return record


def opening(task: LookupTask, encode: Callable[[Record], bytes]) -> bytes:
    """The beginning of a task's record as text: all that is known before the look-up."""
    return encode(task.record(_NEVER)).rpartition(b'"platform_customer"')[0]


def is_asked_otherwise(text: bytes, start: bytes) -> bool:
    """Whether a record is of the customer and the profile of an `opening`, but not that opening."""
    return text.startswith(start.partition(_ASKED)[0]) and not text.startswith(start)


def foreign(text: bytes, task: LookupTask | None) -> ForeignError:
    """What is wrong with a record of no task; `task` asks otherwise for the same, if any does."""
    try:
        head = msgspec.json.decode(text, type=_Head)
    except ValueError:
        return ForeignError()
    if head.schema_version != SCHEMA_VERSION:
        return _of_version(head.schema_version)
    return ForeignError() if task is None else _asked_otherwise(head.asked, task)


def _of_version(version: int) -> ForeignError:
    age = "an older" if version < SCHEMA_VERSION else "a newer"
    return ForeignError(
        f"was written by {age} version of loyalty", "Look up again into a new file."
    )


def _asked_otherwise(found: Mapping[str, str], task: LookupTask) -> ForeignError:
    return ForeignError(
        f"was asked otherwise: {task.customer} at {task.profile.name} has {_words(found)};"
        f" this run asks {_words(task.asked)}",
        "Use the options of the first run, or name another file.",
    )


def _words(asked: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in asked.items())


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
        if next(lines, None) != list(header):
            raise _of_other_columns(next(lines, None))
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


def _of_other_columns(row: Sequence[str] | None) -> ForeignError:
    """What is wrong with a file whose header is another one, by its first row."""
    version = row[0] if row else ""
    is_other = version.isdecimal() and int(version) != SCHEMA_VERSION
    return _of_version(int(version)) if is_other else ForeignError()


def _of_another_task(who: Sequence[str], task: LookupTask | None) -> ForeignError:
    """What is wrong with rows that are not of the task."""
    if task is None or who[:-1] != _who(task)[:-1]:
        return ForeignError()
    return _asked_otherwise(msgspec.json.decode(who[-1], type=dict[str, str]), task)


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
