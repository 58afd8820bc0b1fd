"""What is read back from a file is what was written to it, however odd, and nothing else."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from loyalty_cli.balances import read_back as reading
from loyalty_cli.balances.read_back import ForeignError, Found, Record, read_back
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, Failure, Lookup, NextExpiry, RawLookup, Value
from loyalty_cli.output.balances import BALANCES, RAW
from loyalty_cli.output.document import View, layout, write_records
from loyalty_cli.output.format import Format

FORMATS = (Format.JSONL, Format.JSON, Format.CSV)


def looked_up(customer: str = "C-1", **more: Any) -> Lookup:
    return Lookup(
        profile="card",
        provider="imprint",
        customer=customer,
        sandbox=False,
        retrieved_at="2026-11-20T05:00:00Z",
        **more,
    )


def raw(body: bytes, customer: str = "C-1") -> RawLookup:
    return RawLookup(
        profile="card",
        provider="imprint",
        customer=customer,
        sandbox=False,
        retrieved_at="2026-11-20T05:00:00Z",
        raw=Raw(body),
    )


def written(records: Sequence[Record], output: Format, view: View[Any] = BALANCES) -> bytes:
    pieces: list[bytes] = []
    write_records(records, layout(output, view), pieces.append)
    return b"".join(pieces)


def read(content: bytes, output: Format, view: View[Any] = BALANCES) -> list[Found]:
    return list(read_back(io.BytesIO(content), output, view))


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
answered = st.builds(
    looked_up,
    customer=texts,
    balances=st.lists(balances, max_size=3).map(tuple),
    details=st.none() | st.dictionaries(texts, amounts | texts | st.lists(texts)),
    warnings=st.lists(texts).map(tuple),
)
failed = st.builds(looked_up, customer=texts, error=failures)


@pytest.mark.parametrize("output", [Format.JSONL, Format.JSON])
@given(records=st.lists(answered | failed, max_size=4))
def test_json_gives_back_what_was_written(output: Format, records: list[Lookup]) -> None:
    content = written(records, output)

    found = read(content, output)

    assert [each.records(1) for each in found] == [[record] for record in records]
    assert all(each.is_whole and content[: each.ends].endswith(each.text) for each in found)


def without_backslashes(record: Lookup) -> Lookup:
    """The same with nothing that looks like an escape in a cell."""
    content = msgspec.json.encode(msgspec.to_builtins(record, enc_hook=str))
    return msgspec.json.decode(content.replace(rb"\\", b"/"), type=Lookup, dec_hook=_amount)


def _amount(_: type, value: Any) -> Any:
    return Amount(value)


@given(record=answered.map(without_backslashes) | failed.map(without_backslashes))
def test_csv_gives_back_all_that_is_in_it(record: Lookup) -> None:
    (found,) = read(written([record], Format.CSV), Format.CSV)

    there = " ".join(record.warnings)
    expected = replace(record, details=None, warnings=(there,) if there else ())
    assert found.records(1) == [expected]
    assert not found.is_whole  # as more rows may have been to come


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


BODIES = {
    "17 MiB": b'"%s"' % (b"x" * (17 * 1024 * 1024)),
    "escapes alone": b'"%s"' % (b"\x7f" * 200_000),
    "many lines": b"[%s1]" % (b"1," * 50_000),
    "as deep as it may be": nested(100),
    "numbers of its own": b'[1e5, -0, 1.10, 123456789012345678901234567890, "\\u00e9"]',
}


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("name", BODIES)
def test_a_platforms_whole_answer_is_read_back(output: Format, name: str) -> None:
    records = [raw(BODIES[name]), raw(b"1", "C-2"), raw(b"2", "C-3")]
    content = written(records, output, RAW)

    found = read(content, output, RAW)

    assert [each.records(1)[0].customer for each in found] == ["C-1", "C-2", "C-3"]
    texts = [written([record], output, RAW) for record in records]
    heads = {Format.JSONL: 0, Format.JSON: 2, Format.CSV: content.index(b"\n") + 1}
    for each, text in zip(found, texts, strict=True):
        assert text[heads[output] :].startswith(each.text)


@pytest.mark.parametrize("output", FORMATS)
def test_a_line_too_long_to_be_a_record_is_not_taken_for_the_end(
    output: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = written([looked_up("x" * 900), looked_up("y")], output)
    monkeypatch.setattr(reading, "LONGEST", 800)

    with pytest.raises(ForeignError):
        read(content, output)


@pytest.mark.parametrize("output", FORMATS)
def test_wherever_a_file_ends_what_is_whole_is_given_and_then_the_rest(output: Format) -> None:
    records = [looked_up(name) for name in ("A", "B", "C")]
    content = written(records, output)
    ends = [each.ends for each in read(content, output)]

    for at in range(len(content) + 1):
        found = read(content[:at], output)

        whole = [each.ends for each in found if each.is_whole]
        rest = found[len(whole) :]
        there = [end for end in ends if end <= at]
        assert whole == (there[:-1] if output is Format.CSV else there)
        assert len(rest) <= 1
        assert all(each.text in content for each in rest)


HEAD = written([], Format.CSV)
ONE = written([looked_up()], Format.JSON)


@pytest.mark.parametrize(
    ("output", "content"),
    [
        (Format.JSONL, b"\n"),
        (Format.JSONL, b"[]\n"),
        (Format.JSONL, b'{"a": 1} \n'),
        (Format.JSON, b"{}\n"),
        (Format.JSON, b"[]\n[]\n"),
        (Format.JSON, b"[]x"),
        (Format.JSON, b"[\n]\n"),
        (Format.JSON, b"[\n\n"),
        (Format.JSON, b"[\n  1\n]\n"),
        (Format.JSON, ONE + ONE),
        (Format.JSON, ONE + b"\n"),
        (Format.JSON, ONE.replace(b"\n]", b",\n]")),
        (Format.JSON, ONE.replace(b"\n]", b"\n" + ONE[2:-2])),
        (Format.CSV, HEAD[1:]),
        (Format.CSV, HEAD[:-2] + b"\n"),
        (Format.CSV, HEAD + b"\n"),
        (Format.CSV, HEAD + b"1,card\n"),
        (Format.CSV, HEAD + b"hello"),
        (Format.CSV, HEAD + b'"1,' + b"," * HEAD.count(b",") + b"\n"),
        (Format.CSV, HEAD + b"\xff" + b"," * HEAD.count(b",") + b"\n"),
    ],
    ids=repr,
)
def test_what_is_framed_otherwise_is_foreign(output: Format, content: bytes) -> None:
    with pytest.raises(ForeignError):
        read(content, output)


@pytest.mark.parametrize(
    ("output", "spoil"),
    [
        (Format.JSONL, lambda content: content.replace(b"null", b"1")),
        (Format.JSONL, lambda content: content.replace(b'"error"', b'"mistake"')),
        (Format.JSONL, lambda content: content.replace(b"null", b"nil")),
        (Format.JSON, lambda content: content.replace(b"null", b"nil")),
        (Format.CSV, lambda content: content.replace(b",false,", b",maybe,")),
        (Format.CSV, lambda content: content.replace(b"points,,,", b"points,,one,")),
    ],
)
def test_what_is_no_record_is_foreign(output: Format, spoil: Callable[[bytes], bytes]) -> None:
    record = looked_up(balances=(Balance(name="", kind="points"),))
    content = written([record], output)
    assert spoil(content) != content

    (found,) = read(spoil(content), output)
    with pytest.raises(ForeignError):
        found.records(1)


TWO_LINES = looked_up(balances=(Balance(name="a", kind="points"), Balance(name="b", kind="points")))
ONE_LINE = looked_up(balances=(Balance(name="a", kind="points"),))
NO_LINE = looked_up()
FAILED = looked_up(error=Failure(code=ErrorCode.NOT_FOUND, message="no"))


@pytest.mark.parametrize(
    ("records", "is_sure"),
    [
        ([ONE_LINE, ONE_LINE], True),
        ([TWO_LINES, TWO_LINES], True),
        ([NO_LINE, NO_LINE, NO_LINE], True),
        ([FAILED, FAILED], True),
        ([TWO_LINES, FAILED], False),
        ([TWO_LINES, FAILED, TWO_LINES, NO_LINE], False),
    ],
)
def test_rows_of_one_customer_in_a_row_are_parted(records: list[Lookup], is_sure: bool) -> None:
    (found,) = read(written(records, Format.CSV), Format.CSV)

    parted = found.records(len(records))

    assert len(parted) == len(records)
    assert sorted(x.error is None for x in parted) == sorted(x.error is None for x in records)
    assert found.is_surely(len(records)) == is_sure


@pytest.mark.parametrize(
    ("records", "number"),
    [([ONE_LINE], 2), ([FAILED], 2), ([TWO_LINES, FAILED], 1), ([FAILED, FAILED], 1)],
)
def test_or_none_are_given_where_they_cannot_be_of_so_many(
    records: list[Lookup], number: int
) -> None:
    (found,) = read(written(records, Format.CSV), Format.CSV)

    assert found.records(number) == []


def test_rows_of_one_look_up_do_not_count_as_two() -> None:
    (found,) = read(written([TWO_LINES], Format.CSV), Format.CSV)

    assert not found.is_surely(2)
