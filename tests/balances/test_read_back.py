"""What is read back from a file of records is what was written to it, however odd."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from loyalty_cli.balances import read_back as reading
from loyalty_cli.balances.read_back import ForeignError, decode_record, read_back
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, Failure, Lookup, NextExpiry, RawLookup, Value
from loyalty_cli.output.json_text import json_line

WHO: Any = {
    "profile": "card",
    "provider": "imprint",
    "sandbox": False,
    "retrieved_at": "2026-11-20T05:00:00Z",
}

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
    warnings=st.lists(texts).map(tuple),
    error=st.none() | failures,
)


@given(records=st.lists(lookups, max_size=4))
def test_a_file_gives_back_what_was_written(records: list[Lookup]) -> None:
    content = b"".join(map(json_line, records))

    found = list(read_back(io.BytesIO(content)))

    assert [decode_record(each.text, Lookup) for each in found] == records
    assert b"".join(each.text for each in found) == content
    assert all(content[: each.ends].endswith(each.text) for each in found)


BODIES = {
    "17 MiB": b'"%s"' % (b"x" * (17 * 1024 * 1024)),
    "escapes alone": b'"%s"' % (b"\x7f" * 200_000),
    "as deep as it may be": b"[" * 100 + b"]" * 100,
    "numbers of its own": b'[1e5, -0, 1.10, 123456789012345678901234567890, "\\u00e9"]',
    "nothing": b"null",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_platforms_whole_answer_is_written_again_as_it_was(name: str) -> None:
    text = json_line(RawLookup(**WHO, customer="C-1", raw=Raw(BODIES[name])))

    (found,) = read_back(io.BytesIO(text * 1))

    assert json_line(decode_record(found.text, RawLookup)) == text


def test_a_failed_look_up_has_no_answer() -> None:
    failed = RawLookup(**WHO, customer="C-1", error=Failure(code=ErrorCode.NOT_FOUND, message="no"))

    assert decode_record(json_line(failed), RawLookup) == failed


def test_wherever_a_file_ends_only_its_last_line_is_incomplete() -> None:
    content = b"".join(json_line(Lookup(**WHO, customer=name)) for name in "AB")

    for at in range(len(content) + 1):
        found = list(read_back(io.BytesIO(content[:at])))

        assert b"".join(each.text for each in found) == content[:at]
        torn = [each.is_incomplete for each in found]
        assert torn == sorted(torn)
        assert torn.count(False) == content[:at].count(b"\n")


@pytest.mark.parametrize("content", [b"\n", b"[]\n", b'{"a": 1} \n', b'{"a": 1}\r\n'])
def test_what_is_framed_otherwise_is_foreign(content: bytes) -> None:
    with pytest.raises(ForeignError):
        list(read_back(io.BytesIO(content)))


def test_a_line_too_long_to_be_a_record_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_BYTES", 800)

    with pytest.raises(ForeignError):
        list(read_back(io.BytesIO(json_line(Lookup(**WHO, customer="x" * 900)))))


@pytest.mark.parametrize(
    ("old", "new"), [(b"null", b"1"), (b'"error"', b'"mistake"'), (b"null", b"nil")]
)
def test_what_is_no_record_is_foreign(old: bytes, new: bytes) -> None:
    with pytest.raises(ForeignError):
        decode_record(json_line(Lookup(**WHO, customer="C-1")).replace(old, new), Lookup)
