"""Reading exports: look-ups as `loyalty balance` wrote them, as JSON Lines, JSON or CSV."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import Any, BinaryIO, NoReturn, TextIO

import msgspec
from msgspec import Struct

from loyalty_cli.history.lookups import Line, PastLookup
from loyalty_cli.lists.list_file import InputFile
from loyalty_cli.model.amount import Amount, decode_amount
from loyalty_cli.model.errors import usage_error
from loyalty_cli.model.records import SCHEMA_VERSION, Failure
from loyalty_cli.output.csv_text import cell_text

LONGEST_RECORD = 32 * 1024 * 1024
"""Characters of a record: enough for a platform's longest answer with all its signs escaped."""
CHUNK = 64 * 1024

OLDEST_VERSION = 1

_BLANKS = " \t\r\n"
_BETWEEN = (*_BLANKS, ",")
_ENDS = tuple(f"]{blank}" for blank in ("", "\n", "\r\n"))
_FIND_END = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode
_FORMATS = "diff and history read what `loyalty balance` writes with -o jsonl, json or csv."
_COLUMNS = (
    *("schema_version", "profile", "provider", "customer", "sandbox", "retrieved_at"),
    *("name", "kind", "unit", "available", "total", "error_code", "error_message"),
)
_LOOKUP_COLUMNS = ("profile", "provider", "customer", "asked", "retrieved_at", "error_code")

Found = tuple[str, PastLookup]
"""Where a look-up is in its file (`line 3`), and the look-up."""


class _Lookup(Struct, frozen=True):
    """A look-up in an export, of any version; a record of anything else has other keys."""

    schema_version: int
    profile: str
    provider: str
    customer: str
    sandbox: bool
    retrieved_at: str
    balances: tuple[Line, ...]
    error: Failure | None
    asked: dict[str, str] = {}


class _NotWholeError(ValueError):
    """The end of an export is missing."""


_DECODER = msgspec.json.Decoder(_Lookup, dec_hook=decode_amount, float_hook=Amount)


def read_export(name: str, file: InputFile) -> Iterator[Found]:
    """Yield the look-ups of an export as they are read; its content shows the format.

    Raises LoyaltyError, which names the file and the place in it, for anything else.
    """
    place = ""
    try:
        with file.reading(), file.unchanged():
            for place, lookup in _lookups(name, file):
                if not OLDEST_VERSION <= lookup.schema_version <= SCHEMA_VERSION:
                    usage_error(
                        f"{place} of the file {name!r} has schema_version {lookup.schema_version},"
                        " which this version of loyalty cannot read.",
                        "Use the version of loyalty that wrote it.",
                    )
                yield place, lookup
    except _NotWholeError:
        usage_error(
            f"the file {name!r} is incomplete: its end is missing{place and f', after {place}'}.",
            "Complete it with `loyalty balance --resume`, or use the export of a whole run.",
        )
    if not place:
        usage_error(f"the file {name!r} is empty.", _FORMATS)


def _lookups(name: str, file: InputFile) -> Iterator[Found]:
    content = io.BufferedReader(_Unclosed(file.from_start()))
    sign = content.peek().lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    text = io.TextIOWrapper(content, "utf-8-sig", newline="")
    read = {b"[": _of_array, b"{": _of_lines, b"": _of_lines}.get(sign, _of_csv)
    try:
        yield from read(name, text)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise _NotWholeError from None
        usage_error(f"the file {name!r} is not UTF-8 text.", _FORMATS)


class _Unclosed(io.RawIOBase):
    """The bytes of a stream, for a reader that closes what it reads."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what the stream gives."""
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def _of_lines(name: str, text: TextIO) -> Iterator[Found]:
    for number, line in enumerate(_text_lines(text), 1):
        if record := line.strip(_BLANKS):
            is_cut = not line.endswith("\n")
            yield f"line {number}", _decoded(name, f"line {number}", record, is_cut=is_cut)


def _text_lines(text: TextIO) -> Iterator[str]:
    return iter(partial(text.readline, LONGEST_RECORD), "")


def _of_array(name: str, text: TextIO) -> Iterator[Found]:
    """Read an array, however it is indented, while holding no more of it than an element."""
    buffer, at, number = text.read(CHUNK).partition("[")[2], 0, 1
    while True:
        while buffer[at : at + 1] in _BETWEEN:
            at += 1
        if buffer.startswith("]", at):
            if (buffer[at + 1 :] + text.read(CHUNK)).strip(_BLANKS):
                usage_error(
                    f"the file {name!r} has something after its array.",
                    "Compare exports of one run each.",
                )
            return
        end = _end_of_element(buffer, at)
        if end:
            yield f"record {number}", _decoded(name, f"record {number}", buffer[at:end])
            at, number = end, number + 1
        else:
            more = text.read(max(CHUNK, len(buffer) - at))
            buffer, at = buffer[at:] + more, 0
            if len(buffer) > LONGEST_RECORD or (not more and buffer.endswith(_ENDS)):
                _refuse(name, f"record {number}", "is no JSON")
            if not more:
                raise _NotWholeError


def _end_of_element(text: str, at: int) -> int | None:
    """The end of the object that begins there; None if the text does not have all of it."""
    try:
        return _FIND_END(text, at)[1] if text.startswith("{", at) else None
    except (ValueError, RecursionError):
        return None


def _decoded(name: str, place: str, text: str, *, is_cut: bool = False) -> PastLookup:
    try:
        found = _DECODER.decode(text)
    except msgspec.ValidationError:
        _refuse_record(name, place, msgspec.json.decode(text))
    except (ValueError, RecursionError):
        if is_cut:
            raise _NotWholeError from None
        _refuse(name, place, "is no JSON")
    return _past(found)


def _past(found: _Lookup) -> PastLookup:
    asked = {name: value for name, value in sorted(found.asked.items()) if name != "by"}
    return PastLookup(
        schema_version=found.schema_version,
        profile=found.profile,
        provider=found.provider,
        customer=found.customer,
        sandbox=found.sandbox,
        by=found.asked.get("by", "id"),
        asked=", ".join(f"{name}={value}" for name, value in asked.items()),
        retrieved_at=found.retrieved_at,
        lines=found.balances,
        error=found.error,
    )


def _of_csv(name: str, text: TextIO) -> Iterator[Found]:
    lines = _CountedLines(_text_lines(text))
    rows = csv.reader(lines, strict=True)
    with _long_cells():
        try:
            header = next((row for row in rows if row), [])
            _check_header(name, header)
            cells = (_row(name, header, row, lines) for row in rows if row)
            for _, group in groupby(cells, _whose):
                numbered = list(group)
                place = f"line {numbered[0][0]}"
                yield place, _of_rows(name, place, [row for _, row in numbered])
        except csv.Error as error:
            if lines.is_cut:
                raise _NotWholeError from None
            _refuse(name, f"line {lines.number}", f"is no CSV ({error})")
    if lines.is_cut:
        raise _NotWholeError


class _CountedLines:
    """The lines of a file, counted; `is_cut` if the last one that was read has no end."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.number = 0
        self.is_cut = False
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            self.is_cut = not line.endswith(("\n", "\r"))
            yield line


def _whose(row: tuple[int, Mapping[str, str]]) -> list[str | None]:
    """What the rows of one look-up have in common."""
    return [row[1].get(column) for column in _LOOKUP_COLUMNS]


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be as long as a record, which the csv module allows only for the whole process."""
    limit = csv.field_size_limit(LONGEST_RECORD)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _check_header(name: str, header: Sequence[str]) -> None:
    missing = [column for column in _COLUMNS if column not in header]
    if "schema_version" in header and "field" in header:
        _refuse_raw(name)
    if missing:
        what = "no export of look-ups" if len(missing) > 3 else "no whole export"
        usage_error(
            f"the file {name!r} is {what}: its first line has no column {missing[0]!r}.", _FORMATS
        )


def _row(
    name: str, header: Sequence[str], row: Sequence[str], lines: _CountedLines
) -> tuple[int, Mapping[str, str]]:
    if len(row) != len(header):
        if lines.is_cut:
            raise _NotWholeError
        why = f"has {len(row)} cells where the header has {len(header)}"
        _refuse(name, f"line {lines.number}", why)
    return lines.number, dict(zip(header, row, strict=True))


def _of_rows(name: str, place: str, rows: Sequence[Mapping[str, str]]) -> PastLookup:
    """A look-up, of which each balance line has a row."""
    first = rows[0]
    record: dict[str, Any] = {
        **{key: _text(first[key]) for key in ("profile", "provider", "customer")},
        "sandbox": first["sandbox"] == "true",
        "retrieved_at": first["retrieved_at"],
        "balances": [_line(row) for row in rows if row["name"]],
        "error": _error(first) if first["error_code"] else None,
    }
    try:
        record |= {
            "schema_version": int(first["schema_version"]),
            "asked": msgspec.json.decode(first.get("asked") or "{}"),
        }
        found = msgspec.convert(record, _Lookup, dec_hook=decode_amount)
    except ValueError:
        _refuse_record(name, place, record)
    return _past(found)


def _line(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": _text(row["name"]),
        "kind": row["kind"],
        "unit": _text(row["unit"]) or None,
        "basis": row.get("basis") or "stated",
        "sum_of": msgspec.json.decode(row.get("sum_of") or "null"),
        "available": row["available"] or None,
        "total": row["total"] or None,
    }


def _error(row: Mapping[str, str]) -> dict[str, Any]:
    status = row.get("error_http_status")
    return {
        "code": row["error_code"],
        "message": _text(row["error_message"]),
        "hint": _text(row.get("error_hint") or "") or None,
        "http_status": int(status) if status else None,
        "provider_code": _text(row.get("error_provider_code") or "") or None,
    }


def _text(cell: str) -> str:
    """The text of a cell, without the quote that stops a spreadsheet from running it."""
    text = cell.removeprefix("'")
    return text if cell_text(text) == cell else cell


def _refuse_record(name: str, place: str, record: Any) -> NoReturn:
    if isinstance(record, dict) and {"raw", "asked", "customer"} <= record.keys():
        _refuse_raw(name)
    _refuse(name, place, "is no record of a look-up")


def _refuse_raw(name: str) -> NoReturn:
    usage_error(
        f"the file {name!r} was written with --raw, and has no balance lines.",
        "Export without --raw.",
    )


def _refuse(name: str, place: str, what: str) -> NoReturn:
    usage_error(f"{place} of the file {name!r} {what}.", _FORMATS)
