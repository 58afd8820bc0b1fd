"""Reading an output file back, as far as what is in it is whole."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from loyalty_cli.amount import decode_amount
from loyalty_cli.model import Lookup, RawLookup
from loyalty_cli.output.csv_text import cell_text, csv_rows
from loyalty_cli.output.document import View
from loyalty_cli.output.format import Format
from loyalty_cli.output.lookups import RAW, csv_record
from loyalty_cli.strict_json import decode

LONGEST = 16 * 1024 * 1024
"""Bytes of a record: with `--raw`, a platform's whole answer is in it."""
ELEMENT_END = b"  }"
LINE_START = b'{"schema_version":1,"profile":"'
ELEMENT_START = b'  {\n    "schema_version": 1,\n    "profile": "'
ROW_START = b"1,"

Record = Lookup | RawLookup
Key = tuple[str, str]
"""The profile and the customer, as the format shows them."""


class ForeignError(ValueError):
    """The file holds something that the program did not write there."""


class Found(Struct, frozen=True):
    """What is there of one customer, or of one again and again where nothing parts them.

    `ends` is the byte after it.
    """

    key: Key
    ends: int
    pieces: Sequence[Any]
    read: Callable[[Sequence[Any]], Record]

    def records(self, number: int) -> list[Record]:
        """The records of so many look-ups."""
        cuts = [len(self.pieces) * at // number for at in range(number + 1)]
        return [self.read(self.pieces[start:end]) for start, end in pairwise(cuts)]


def key_of(profile: str, customer: str, output: Format) -> Key:
    """How a file shows whose record it is."""
    return (profile, cell_text(customer) if output is Format.CSV else customer)


def read_back(file: BinaryIO, output: Format, view: View[Any]) -> Iterator[Found]:
    """Give what is whole; what is torn at the end is left out.

    Of CSV, where a customer can have several rows, the last customer is left out, too. Raises
    ForeignError for what is no record.
    """
    kind = RawLookup if view is RAW else Lookup
    match output:
        case Format.JSONL:
            return _json_lines(file, kind)
        case Format.JSON:
            return _json_array(file, kind)
        case _:
            return _csv(file, view.csv_header, kind)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.readline(LONGEST), b"")


def _json_lines(file: BinaryIO, kind: type[Record]) -> Iterator[Found]:
    ends = 0
    for line in _lines(file):
        if not line.endswith(b"\n"):
            _check_torn(line, LINE_START)
            return
        ends += len(line)
        yield _found(line, ends, kind)


def _json_array(file: BinaryIO, kind: type[Record]) -> Iterator[Found]:
    at, element, is_closed = 0, b"", False
    for line in _lines(file):
        bracket = line.strip(b"\n")
        if is_closed or len(element) > LONGEST:
            raise ForeignError
        if not element and bracket in (b"[", b"]", b"[]"):
            if (bracket == b"]") == (at == 0):
                raise ForeignError
            is_closed = bracket != b"["
        else:
            element += line
            _check_torn(element, ELEMENT_START)
            if line.rstrip(b",\n") == ELEMENT_END:
                whole = element.rstrip(b",\n")
                yield _found(whole, at + len(ELEMENT_END), kind)
                element = b""
        at += len(line)


def _found(text: bytes, ends: int, kind: type[Record]) -> Found:
    record = _record(decode, text, kind)
    return Found((record.profile, record.customer), ends, (record,), lambda pieces: pieces[0])


def _record(read: Callable[[Any], Any], content: Any, kind: type[Record]) -> Record:
    try:
        return msgspec.convert(read(content), kind, dec_hook=decode_amount, strict=False)
    except ValueError:
        raise ForeignError from None


def _csv(file: BinaryIO, header: Sequence[str], kind: type[Record]) -> Iterator[Found]:
    expected = csv_rows([header])
    first = file.readline(len(expected))
    if first != expected:
        if expected.startswith(first):
            return
        raise ForeignError
    last: Found | None = None
    for key, run in groupby(_rows(file, header, len(first)), key=lambda row: row[0]):
        if last:
            yield last
        rows = list(run)
        pieces = [row for _, row, _ in rows]
        last = Found(key, rows[-1][2], pieces, lambda them: _record(csv_record, them, kind))


def _rows(
    file: BinaryIO, header: Sequence[str], at: int
) -> Iterator[tuple[Key, Mapping[str, str], int]]:
    for line in _lines(file):
        if not line.endswith(b"\n"):
            _check_torn(line, ROW_START)
            return
        at += len(line)
        try:
            (cells,) = csv.reader([line.decode()], strict=True)
            row = dict(zip(header, cells, strict=True))
        except (ValueError, csv.Error):
            raise ForeignError from None
        yield (row["profile"], row["customer"]), row, at


def _check_torn(rest: bytes, start: bytes) -> None:
    """Raise ForeignError for the rest of a file that cannot be the start of a record."""
    if not (rest.startswith(start) or start.startswith(rest)):
        raise ForeignError
