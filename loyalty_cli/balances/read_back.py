"""Reading a file of JSON Lines back, record by record."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from loyalty_cli.model.amount import Amount, decode_amount
from loyalty_cli.model.records import Lookup, RawLookup

LONGEST_BYTES = 128 * 1024 * 1024
"""The longest line: enough for a platform's longest answer with all characters escaped."""

Record = Lookup | RawLookup

_DECODERS: Mapping[type[Record], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind, dec_hook=decode_amount, float_hook=Amount)
    for kind in (Lookup, RawLookup)
}


class ForeignError(ValueError):
    """The file has content that this program did not write for this run."""


class FileRecord(Struct, frozen=True):
    """A line of a file; `ends` is the byte after it. Only the last line can be incomplete."""

    text: bytes
    ends: int

    @property
    def is_incomplete(self) -> bool:
        """Whether the end of the line is missing."""
        return not self.text.endswith(b"\n")


class _Body(Struct):
    raw: Raw


def read_back(file: BinaryIO) -> Iterator[FileRecord]:
    """Yield the lines of a file; raise ForeignError for a line that is not JSON Lines."""
    ends = 0
    while line := file.readline(LONGEST_BYTES):
        if len(line) == LONGEST_BYTES or (line.endswith(b"\n") and not line.endswith(b"}\n")):
            raise ForeignError
        ends += len(line)
        yield FileRecord(line, ends)


def decode_record(text: bytes, kind: type[Record]) -> Record:
    """Read a record; writing it gives exactly its text. Raises ForeignError for other text."""
    try:
        record: Record = _DECODERS[kind].decode(text)
        if isinstance(record, RawLookup) and not record.error:
            return replace(record, raw=msgspec.json.decode(text, type=_Body).raw)
    except ValueError:
        raise ForeignError from None
    return record
