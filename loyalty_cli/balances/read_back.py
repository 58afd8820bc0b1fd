"""Reading an output file back, as far as what is in it is whole."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby, pairwise
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from loyalty_cli.model.amount import Amount, decode_amount
from loyalty_cli.model.records import SCHEMA_VERSION, LookedUp, Lookup, RawLookup
from loyalty_cli.output.balances import RAW, csv_record
from loyalty_cli.output.csv_text import csv_rows
from loyalty_cli.output.document import View
from loyalty_cli.output.format import Format

LONGEST = 128 * 1024 * 1024
"""Bytes of a line: more than escapes can make of a platform's longest answer."""

Record = Lookup | RawLookup
Row = Mapping[str, str]

_DECODERS: Mapping[type[Record], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind, dec_hook=decode_amount, float_hook=Amount)
    for kind in (Lookup, RawLookup)
}
_ELEMENT_START = b"  {\n"
_ELEMENT_ENDS = (b"  },\n", b"  },", b"  }\n", b"  }")
_ROW_START = b"%d," % SCHEMA_VERSION
_WHEN = "retrieved_at"
_WHO = tuple(name for name in LookedUp.__struct_fields__ if name != _WHEN)


class ForeignError(ValueError):
    """The file holds something that the program did not write there."""


class Found(Struct, frozen=True):
    """What a file has of one look-up, or CSV of one customer's that stand one after the other.

    `ends` is the byte after its `text`, and `rows` are of CSV. What is not whole is the last.
    """

    text: bytes
    ends: int
    kind: type[Record]
    is_whole: bool = True
    rows: Sequence[Row] = ()

    def records(self, number: int) -> list[Record]:
        """The records of so many look-ups, and none where they are not so many.

        Raises ForeignError for what is no record.
        """
        try:
            if not self.rows:
                return [_DECODERS[self.kind].decode(self.text)]
            return [
                msgspec.convert(csv_record(rows), self.kind, dec_hook=decode_amount, strict=False)
                for rows in _parted(self.rows, number)
            ]
        except ValueError:
            raise ForeignError from None

    def is_surely(self, number: int) -> bool:
        """Whether the rows say the same so many times; no look-up has a line twice."""
        said = [{**row, _WHEN: ""} for row in self.rows]
        return number == 1 or said == said[: len(said) // number] * number


def read_back(file: BinaryIO, output: Format, view: View[Any]) -> Iterator[Found]:
    """Give what a file has, one after the other; raise ForeignError for what is no such file.

    Of CSV the last customer counts as not whole: there may be more rows to come.
    """
    kind = RawLookup if view is RAW else Lookup
    match output:
        case Format.JSONL:
            return _json_lines(_lines(file), kind)
        case Format.JSON:
            return _json_array(_lines(file), kind)
        case _:
            return _csv(_lines(file), kind, view.csv_header)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST):
        if len(line) == LONGEST:
            raise ForeignError
        yield line


def _json_lines(lines: Iterator[bytes], kind: type[Record]) -> Iterator[Found]:
    ends = 0
    for line in lines:
        is_whole = line.endswith(b"\n")
        if is_whole and not line.endswith(b"}\n"):
            raise ForeignError
        ends += len(line)
        yield Found(line, ends, kind, is_whole)


def _json_array(lines: Iterator[bytes], kind: type[Record]) -> Iterator[Found]:
    head = next(lines, b"")
    if head != b"[\n":
        _check_last(head, b"[]\n", lines)
        return
    ends = len(head)
    element: list[bytes] = []
    for line in lines:
        if not element and not _ELEMENT_START.startswith(line):
            raise ForeignError
        element.append(line)
        ends += len(line)
        if line in _ELEMENT_ENDS:
            after = line.lstrip(b" }")
            yield Found(b"".join(element).removesuffix(after), ends - len(after), kind)
            element = []
            if after == b"\n":
                _check_last(next(lines, b""), b"]\n", lines)
    if element:
        yield Found(b"".join(element), ends, kind, is_whole=False)


def _csv(lines: Iterator[bytes], kind: type[Record], header: Sequence[str]) -> Iterator[Found]:
    head = csv_rows([header])
    first = next(lines, b"")
    if first != head:
        _check_last(first, head, lines)
        return
    ends = len(head)
    customers = groupby(_rows(lines, header), lambda row: [row[1][name] for name in _WHO])
    for run, following in pairwise(chain((list(rows) for _, rows in customers), [[]])):
        text, rows = b"".join(line for line, _ in run), [row for _, row in run]
        ends += len(text)
        yield Found(text, ends, kind, is_whole=bool(following), rows=rows)


def _check_last(line: bytes, last: bytes, lines: Iterator[bytes]) -> None:
    """Raise ForeignError for anything but the `last` line, torn or not, with nothing after it."""
    if not last.startswith(line) or next(lines, None) is not None:
        raise ForeignError


def _rows(lines: Iterator[bytes], header: Sequence[str]) -> Iterator[tuple[bytes, Row]]:
    """Read rows; the rest of one counts as the same as the one before it."""
    row = dict.fromkeys(header, "")
    for line in lines:
        if line.endswith(b"\n"):
            row = _row(line, header)
        elif not (line.startswith(_ROW_START) or _ROW_START.startswith(line)):
            raise ForeignError
        yield line, row


def _row(line: bytes, header: Sequence[str]) -> dict[str, str]:
    limit = csv.field_size_limit(LONGEST)  # of the whole process, and too little for --raw
    try:
        (cells,) = csv.reader([line.decode()], strict=True)
        return dict(zip(header, cells, strict=True))
    except (ValueError, csv.Error):
        raise ForeignError from None
    finally:
        csv.field_size_limit(limit)


def _parted(rows: Sequence[Row], number: int) -> list[Sequence[Row]]:
    """The rows of so many look-ups: one of each that failed, of the others as many as of each."""
    failed: list[Sequence[Row]] = [[row] for row in rows if row["error_code"]]
    found = [row for row in rows if not row["error_code"]]
    answered = number - len(failed)
    if not bool(found) <= answered <= len(found):
        return []
    cuts = [len(found) * at // answered for at in range(answered + 1)] if answered else []
    return failed + [found[start:end] for start, end in pairwise(cuts)]
