"""An output file is read back as it was written, and nothing else is taken for one."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from loyalty_cli.balances import read_back as reading
from loyalty_cli.balances.foreign import ForeignError
from loyalty_cli.balances.read_back import (
    check_csv,
    check_json,
    decode_record,
    read_back,
)
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import (
    Balance,
    Failure,
    Lookup,
    NextExpiry,
    RawLookup,
    Value,
    WarningCode,
    WarningRecord,
)
from loyalty_cli.output.balances import BALANCES
from loyalty_cli.output.document import layout, write_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_text import json_line
from tests.balances.records import WHO, looked_up, tasks

texts = st.text(st.characters(exclude_categories=["Cs"]))
some_text = st.none() | texts.filter(bool)
amounts = st.none() | st.integers(-(10**30), 10**30).map(Amount)
balances = st.builds(
    Balance,
    name=texts,
    kind=st.sampled_from(["points", "other"]),
    unit=some_text,
    available=amounts,
    count=amounts,
    value=st.none() | st.builds(Value, currency=texts.filter(bool), total=amounts),
    next_expiry=st.none() | st.builds(NextExpiry, amount=amounts, at=texts.filter(bool)),
)
failures = st.builds(
    Failure,
    code=st.sampled_from(ErrorCode),
    message=texts.filter(bool),
    hint=some_text,
    http_status=st.none() | st.integers(100, 599),
)
lookups = st.builds(
    Lookup,
    **{name: st.just(value) for name, value in WHO.items()},
    customer=texts,
    balances=st.lists(balances, max_size=3).map(tuple),
    details=st.none() | st.dictionaries(texts, amounts | texts | st.lists(texts)),
    warnings=st.lists(st.builds(WarningRecord, st.sampled_from(WarningCode), texts)).map(tuple),
    error=st.none() | failures,
)


@given(records=st.lists(lookups, max_size=4))
def test_records_are_read_back_as_they_were_written(records: list[Lookup]) -> None:
    content = b"".join(map(json_line, records))

    found = list(read_back(io.BytesIO(content)))

    assert [decode_record(each, raw=False) for each in found] == records
    assert b"".join(found) == content


BODIES = {
    "17 MiB": b'"%s"' % (b"x" * (17 * 1024 * 1024)),
    "escapes alone": b'"%s"' % (b"\x7f" * 200_000),
    "as deep as it may be": b"[" * 100 + b"]" * 100,
    "numbers of its own": b'[1e5, -0, 1.10, 123456789012345678901234567890, "\\u00e9"]',
    "nothing": b"null",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_platforms_whole_answer_is_read_back_and_written_again_as_it_was(name: str) -> None:
    text = json_line(RawLookup(**WHO, customer="C-1", raw=Raw(BODIES[name])))

    (found,) = read_back(io.BytesIO(text))

    assert json_line(decode_record(found, raw=True)) == text


def test_a_failed_look_up_is_read_back_without_an_answer() -> None:
    failed = RawLookup(**WHO, customer="C-1", error=Failure(code=ErrorCode.NOT_FOUND, message="no"))

    assert decode_record(json_line(failed), raw=True) == failed


@pytest.mark.parametrize("content", [b"\n", b"[]\n", b'{"a": 1} \n', b'{"a": 1}\r\n'])
def test_a_line_that_no_run_would_write_is_foreign(content: bytes) -> None:
    with pytest.raises(ForeignError):
        list(read_back(io.BytesIO(content)))


def test_a_line_too_long_to_be_a_record_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_BYTES", 800)

    with pytest.raises(ForeignError):
        list(read_back(io.BytesIO(json_line(Lookup(**WHO, customer="x" * 900)))))


@pytest.mark.parametrize(
    ("old", "new"), [(b"null", b"1"), (b'"error"', b'"mistake"'), (b"null", b"nil")]
)
def test_a_line_that_is_no_record_is_foreign(old: bytes, new: bytes) -> None:
    with pytest.raises(ForeignError):
        decode_record(json_line(Lookup(**WHO, customer="C-1")).replace(old, new), raw=False)


# A finished file.


def written(records: Sequence[Lookup], output: Format) -> bytes:
    pieces: list[bytes] = []
    write_records(records, layout(output, BALANCES), pieces.append)
    return b"".join(pieces)


def checked(content: bytes, output: Format, customers: Sequence[str]) -> list[Lookup | RawLookup]:
    added: list[Lookup | RawLookup] = []
    if output is Format.JSON:
        check_json(io.BytesIO(content), tasks(customers), added.append)
    else:
        check_csv(io.BytesIO(content), BALANCES.csv_header, tasks(customers), added.append)
    return added


A, B, TWO, NONE = looked_up("A"), looked_up("=B"), looked_up("A", 2), looked_up("A", 0)
FAILED = looked_up("A", 0, ErrorCode.NOT_FOUND)


@pytest.mark.parametrize(
    "records",
    [[], [A, B], [TWO, TWO, B], [NONE, NONE], [FAILED, FAILED], [TWO, FAILED, NONE, B, A]],
    ids=["none", "two", "one twice", "nothing found", "failed", "all of them"],
)
def test_a_finished_file_tells_the_outcome_of_each_look_up(records: list[Lookup]) -> None:
    customers = [record.customer for record in records]

    assert checked(written(records, Format.JSON), Format.JSON, customers) == records
    found = checked(written(records, Format.CSV), Format.CSV, customers)
    assert [each.customer for each in found] == customers
    errors = [record.error for record in records]
    assert sorted(map(repr, errors)) == sorted(repr(each.error) for each in found)


JSON = written([A], Format.JSON)
HEAD = written([], Format.CSV)
CSV = written([A], Format.CSV)


@pytest.mark.parametrize(
    ("output", "content"),
    [
        (Format.JSON, b""),
        (Format.JSON, b"{}\n"),
        (Format.JSON, b"[]\n"),
        (Format.JSON, JSON[:-1]),
        (Format.JSON, JSON[:-3]),
        (Format.JSON, JSON[1:]),
        (Format.JSON, JSON * 2),
        (Format.JSON, JSON + b"\n"),
        (Format.JSON, JSON.replace(b"null", b"nil")),
        (Format.JSON, JSON.replace(b"\n", b"\r\n")),
        (Format.JSON, JSON.replace(b'"north"', b'"other"')),
        (Format.JSON, written([B], Format.JSON)),
        (Format.JSON, written([A, A], Format.JSON)),
        (Format.CSV, b""),
        (Format.CSV, HEAD),
        (Format.CSV, HEAD[1:] + CSV[len(HEAD) :]),
        (Format.CSV, HEAD + b"1,card\n"),
        (Format.CSV, HEAD + b'"1,' + b"," * HEAD.count(b",") + b"\n"),
        (Format.CSV, HEAD + b"\xff" + b"," * HEAD.count(b",") + b"\n"),
        (Format.CSV, CSV[:-1]),
        (Format.CSV, CSV.replace(b"\n", b"\r\n")),
        (Format.CSV, CSV.replace(b",north,", b",other,")),
        (Format.CSV, CSV.replace(b",imprint,", b",omneo,")),
        (Format.CSV, CSV.replace(b",false,", b",true,")),
        (Format.CSV, written([B], Format.CSV)),
        (Format.CSV, written([FAILED, FAILED], Format.CSV)),
        (Format.CSV, written([A, FAILED], Format.CSV)),
        (Format.CSV, written([FAILED], Format.CSV).replace(b"not_found", b"lost")),
    ],
)
def test_a_file_that_a_run_of_these_look_ups_would_not_write_is_foreign(
    output: Format, content: bytes
) -> None:
    with pytest.raises(ForeignError):
        checked(content, output, ["A"])


@pytest.mark.parametrize("output", [Format.JSON, Format.CSV])
def test_a_finished_file_with_fewer_records_than_look_ups_is_foreign(output: Format) -> None:
    for customers in (["A", "A"], ["A", "=B", "A"], ["A"] * 3):
        with pytest.raises(ForeignError):
            checked(written([A], output), output, customers)
