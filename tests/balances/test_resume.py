"""What is in a file is read back as it was and kept, and whatever is missing is asked."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from loyalty_cli.balances import resume as resuming
from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.balances.resume import (
    ForeignError,
    Resumed,
    check_csv,
    check_json,
    decode_record,
    read_back,
    resume,
)
from loyalty_cli.lists.parallel import MAX_PENDING
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, Failure, Lookup, NextExpiry, RawLookup, Value
from loyalty_cli.output.balances import BALANCES
from loyalty_cli.output.document import layout, write_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_text import json_line
from tests.fakes.servers import profile_at

URL = "http://127.0.0.1:9"
WHO: Any = {
    "profile": "north",
    "provider": "imprint",
    "sandbox": False,
    "retrieved_at": "2026-11-20T05:00:00Z",
}
NORTH, SOUTH = (profile_at(URL, name=name) for name in ("north", "south"))


def tasks(customers: Sequence[str]) -> Iterator[LookupTask]:
    return (LookupTask(NORTH, each, {}) for each in customers)


def looked_up(customer: str, lines: int = 1, code: ErrorCode | None = None) -> Lookup:
    return Lookup(
        **WHO,
        customer=customer,
        balances=tuple(Balance(name=str(each), kind="points") for each in range(lines)),
        error=Failure(code=code, message="=no", hint="'x") if code else None,
    )


def line(customer: str, code: ErrorCode | None = None) -> bytes:
    """The record of a customer, as it stands in a file."""
    return json_line(looked_up(customer, 0, code))


def file_of(customers: Sequence[str]) -> bytes:
    return b"".join(line(each) for each in customers)


def resumed(content: bytes, customers: Sequence[str]) -> Resumed:
    return resume(read_back(io.BytesIO(content)), tasks(customers), lambda _: None)


def asked(work: Resumed) -> list[str]:
    return [task.customer for _, task in work.tasks]


def whole_of(content: bytes, work: Resumed) -> tuple[list[str], list[str]]:
    """Who is in the file in the end, in its order, and who was asked for it."""
    left = list(work.tasks)
    there = [
        decode_record(text, raw=False) for text in content[: work.ends].splitlines(keepends=True)
    ]
    rest = {number: task.customer for number, task in left}
    rest |= {number: record.customer for number, record in work.kept}
    assert sorted(rest) == list(range(len(there), len(there) + len(rest)))
    customers = [each.customer for each in there] + [rest[number] for number in sorted(rest)]
    return customers, [task.customer for _, task in left]


LIST = ["A", "A", "=1", 'd,é"\n', "B"]


def test_a_file_that_ends_anywhere_is_gone_on_with() -> None:
    content = file_of(LIST)

    for at in range(len(content) + 1):
        work = resumed(content[:at], LIST)

        there = content[:at].count(b"\n")
        assert whole_of(content, work) == (LIST, LIST[there:]), at
        assert (work.ends, work.behind_gap) == (content.rfind(b"\n", 0, at) + 1, 0), at


def test_whatever_is_missing_in_between_is_asked() -> None:
    customers = ["A", "B", "C", "D", "E"]

    for size in range(6):
        for there in combinations(customers, size):
            content = file_of(there)

            work = resumed(content, customers)

            assert whole_of(content, work) == (customers, [c for c in customers if c not in there])
            gap = next((at for at, c in enumerate(customers) if c not in there), 5)
            behind = [customers.index(c) for c in there[gap:]]
            assert work.behind_gap == (behind[-1] + 1 - gap if behind else 0)


@given(
    listed=st.lists(st.tuples(st.sampled_from("ABC"), st.booleans()), min_size=1, max_size=12),
    missing=st.integers(0, 400),
)
@settings(max_examples=200, deadline=None)
def test_customers_who_are_listed_twice_are_resumed_wherever_the_file_ends(
    listed: list[tuple[str, bool]], missing: int
) -> None:
    customers = [customer for customer, _ in listed]
    content = file_of([customer for customer, is_there in listed if is_there])[: -missing or None]

    whole = [each for each in read_back(io.BytesIO(content)) if each.endswith(b"\n")]
    there = [decode_record(each, raw=False).customer for each in whole]
    everybody, left = whole_of(content, resumed(content, customers))

    assert everybody == customers
    assert Counter(left) == Counter(customers) - Counter(there)


def test_records_before_the_first_gap_are_added_and_those_behind_it_kept() -> None:
    added: list[Lookup | RawLookup] = []
    found = read_back(io.BytesIO(file_of(["A", "B", "D"])))

    work = resume(found, tasks(["A", "B", "C", "D"]), added.append)

    assert [record.customer for record in added] == ["A", "B"]
    assert [(number, record.customer) for number, record in work.kept] == [(3, "D")]


ENDED = ErrorCode.CREDENTIAL_REFUSED
REFUSED = ErrorCode.RATE_LIMITED


@pytest.mark.parametrize(
    ("content", "left"),
    [
        pytest.param(line("A", ENDED), ["A", "B", "C"], id="a bad key"),
        pytest.param(line("A", REFUSED), ["A", "B", "C"], id="asked to wait"),
        pytest.param(line("A") + line("B", ENDED) + line("C"), ["B"], id="before another one"),
        pytest.param(line("A", REFUSED) + file_of("BC"), [], id="asked to wait, but not stopped"),
        pytest.param(line("A", ErrorCode.NOT_FOUND), ["B", "C"], id="it failed otherwise"),
    ],
)
def test_what_may_have_ended_the_run_is_asked_again(content: bytes, left: list[str]) -> None:
    assert asked(resumed(content, ["A", "B", "C"])) == left


def test_what_failed_long_before_the_end_did_not_end_the_run() -> None:
    customers = [str(number) for number in range(MAX_PENDING + 3)]
    content = line("0", REFUSED) + file_of(customers[1:-1])
    added: list[Lookup | RawLookup] = []

    work = resume(read_back(io.BytesIO(content)), tasks(customers), added.append)

    assert asked(work) == customers[-1:]
    assert [record.customer for record in added] == customers[:-1]


def test_a_gap_is_as_long_as_a_run_can_leave_one_and_no_longer() -> None:
    customers = [f"C{number}" for number in range(MAX_PENDING + 2)]

    assert asked(resumed(file_of([*customers[:2], *customers[4:]]), customers)) == customers[2:4]
    with pytest.raises(ForeignError):
        resumed(file_of(customers[2:]), customers)


def test_profiles_are_told_from_each_other() -> None:
    both = [LookupTask(profile, each, {}) for each in "AAB" for profile in (NORTH, SOUTH)]

    work = resume(read_back(io.BytesIO(line("A"))), iter(both), lambda _: None)

    assert [task.profile.name for _, task in work.tasks] == ["south", *["north", "south"] * 2]


@pytest.mark.parametrize(
    "task",
    [
        LookupTask(SOUTH, "A", {}),
        LookupTask(profile_at(URL, "omneo", name="north"), "A", {}),
        LookupTask(profile_at(URL, name="north", sandbox=True), "A", {}),
        LookupTask(NORTH, "A", {}, raw=True),
    ],
    ids=["another profile", "another platform", "the sandbox", "raw"],
)
def test_a_file_of_other_records_of_the_same_customer_is_foreign(task: LookupTask) -> None:
    found = read_back(io.BytesIO(line("A")))

    with pytest.raises(ForeignError):
        resume(found, iter([task]), lambda _: None)


@pytest.mark.parametrize(
    "content",
    [file_of("BAC"), file_of("ABCD"), file_of("AX"), file_of("X"), file_of("AB") * 2],
    ids=["another order", "more", "another one behind", "another one", "twice"],
)
def test_a_file_of_other_tasks_is_foreign_and_so_is_the_start_of_one(content: bytes) -> None:
    last = content.splitlines(keepends=True)[-1]
    name = last.index(b'"customer":"') + len(b'"customer":"X"')
    for text in (content, content[:-1], content[: len(content) - len(last) + name]):
        with pytest.raises(ForeignError):
            resumed(text, ["A", "B", "C"])


# What is read back.


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
def test_a_platforms_whole_answer_is_written_again_as_it_was(name: str) -> None:
    text = json_line(RawLookup(**WHO, customer="C-1", raw=Raw(BODIES[name])))

    (found,) = read_back(io.BytesIO(text))

    assert json_line(decode_record(found, raw=True)) == text


def test_a_failed_look_up_has_no_answer() -> None:
    failed = RawLookup(**WHO, customer="C-1", error=Failure(code=ErrorCode.NOT_FOUND, message="no"))

    assert decode_record(json_line(failed), raw=True) == failed


@pytest.mark.parametrize("content", [b"\n", b"[]\n", b'{"a": 1} \n', b'{"a": 1}\r\n'])
def test_what_is_framed_otherwise_is_foreign(content: bytes) -> None:
    with pytest.raises(ForeignError):
        list(read_back(io.BytesIO(content)))


def test_a_line_too_long_to_be_a_record_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "LONGEST_BYTES", 800)

    with pytest.raises(ForeignError):
        list(read_back(io.BytesIO(json_line(Lookup(**WHO, customer="x" * 900)))))


@pytest.mark.parametrize(
    ("old", "new"), [(b"null", b"1"), (b'"error"', b'"mistake"'), (b"null", b"nil")]
)
def test_what_is_no_record_is_foreign(old: bytes, new: bytes) -> None:
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
)
def test_a_finished_file_says_what_came_of_each_look_up(records: list[Lookup]) -> None:
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
def test_what_is_not_the_file_of_these_tasks_is_foreign(output: Format, content: bytes) -> None:
    with pytest.raises(ForeignError):
        checked(content, output, ["A"])


@pytest.mark.parametrize("output", [Format.JSON, Format.CSV])
def test_a_file_with_less_than_was_asked_is_foreign(output: Format) -> None:
    for customers in (["A", "A"], ["A", "=B", "A"], ["A"] * 3):
        with pytest.raises(ForeignError):
            checked(written([A], output), output, customers)
