"""A document is put together record by record, and ends as it must however the records end."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from loyalty_cli.model.records import Lookup
from loyalty_cli.output.balances import BALANCES
from loyalty_cli.output.document import layout, write_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_text import json_document, json_line

FORMATS = (Format.JSONL, Format.JSON, Format.CSV)
RECORDS = [
    Lookup(
        profile="card",
        provider="imprint",
        customer=name,
        sandbox=False,
        asked={"by": "id"},
        retrieved_at="then",
    )
    for name in ("A", "B", "C")
]


def written(records: Any, output: Format) -> bytes:
    pieces: list[bytes] = []
    write_records(records, layout(output, BALANCES), pieces.append)
    return b"".join(pieces)


def customers(content: bytes, output: Format) -> list[str]:
    match output:
        case Format.JSONL:
            return [json.loads(line)["customer"] for line in content.splitlines()]
        case Format.JSON:
            return [record["customer"] for record in json.loads(content)]
        case _:
            rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
            return [row["customer"] for row in rows]


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("number", range(4))
def test_a_document_is_whole_even_if_its_records_break_off(output: Format, number: int) -> None:
    content = written(RECORDS[:number], output)
    pieces: list[bytes] = []

    def breaking_off() -> Iterator[Lookup]:
        yield from RECORDS[:number]
        raise KeyError

    with pytest.raises(KeyError):
        write_records(breaking_off(), layout(output, BALANCES), pieces.append)

    assert customers(content, output) == ["A", "B", "C"][:number]
    assert b"".join(pieces) == (content if number or output is not Format.JSON else b"")


def test_json_written_record_by_record_is_the_same_as_in_one_piece() -> None:
    assert written(RECORDS, Format.JSON) == json_document(RECORDS)
    assert written([], Format.JSON) == json_document([])
    assert written(RECORDS, Format.JSONL) == b"".join(json_line(record) for record in RECORDS)


@pytest.mark.parametrize("output", FORMATS)
def test_a_record_is_written_in_one_piece_and_before_the_next_is_asked_for(output: Format) -> None:
    pieces: list[bytes] = []

    def watching() -> Iterator[Lookup]:
        for number, record in enumerate(RECORDS):
            so_far = b"".join(pieces)
            # What a run that went no further leaves, as a document.
            end = layout(output, BALANCES).after if so_far else layout(output, BALANCES).empty
            assert customers(so_far + end, output) == ["A", "B", "C"][:number]
            yield record

    write_records(watching(), layout(output, BALANCES), pieces.append)

    for record in RECORDS:
        assert sum(record.customer.encode() in piece for piece in pieces) == 1
