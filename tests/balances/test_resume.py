"""Resuming an output file: its records are kept, and whatever is missing is asked for."""

import io
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_cli.balances.foreign import ForeignError
from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.balances.read_back import decode_record, read_back
from loyalty_cli.balances.resume import Resumed, resume
from loyalty_cli.lists.parallel import MAX_PENDING
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.output.json_text import json_line
from tests.balances.records import NORTH, SOUTH, URL, looked_up, tasks
from tests.fakes.servers import profile_at

if TYPE_CHECKING:
    from loyalty_cli.model.tally import Record


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


def test_a_file_that_ends_at_any_byte_is_resumed() -> None:
    content = file_of(LIST)

    for at in range(len(content) + 1):
        work = resumed(content[:at], LIST)

        there = content[:at].count(b"\n")
        assert whole_of(content, work) == (LIST, LIST[there:]), at
        assert (work.ends, work.behind_gap) == (content.rfind(b"\n", 0, at) + 1, 0), at


def test_whichever_records_are_missing_are_asked_for() -> None:
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


def test_records_before_the_first_gap_are_counted_and_those_behind_it_kept() -> None:
    added: list[Record] = []
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
        pytest.param(line("A", ErrorCode.UNREACHABLE), ["A", "B", "C"], id="not reached"),
        pytest.param(line("A", ErrorCode.UNREACHABLE) + file_of("BC"), [], id="not reached once"),
        pytest.param(line("A", ErrorCode.NOT_FOUND), ["B", "C"], id="it failed otherwise"),
    ],
)
def test_a_failure_that_may_have_ended_the_run_is_asked_again(
    content: bytes, left: list[str]
) -> None:
    work = resumed(content, ["A", "B", "C"])

    assert asked(work) == left
    assert work.again == ({0} if "A" in left else {1} if left == ["B"] else set())


def test_a_failure_long_before_the_end_is_not_asked_again() -> None:
    customers = [str(number) for number in range(MAX_PENDING + 3)]
    content = line("0", REFUSED) + file_of(customers[1:-1])
    added: list[Record] = []

    work = resume(read_back(io.BytesIO(content)), tasks(customers), added.append)

    assert asked(work) == customers[-1:]
    assert [record.customer for record in added] == customers[:-1]


def test_a_file_with_a_longer_gap_than_a_run_can_leave_is_foreign() -> None:
    customers = [f"C{number}" for number in range(MAX_PENDING + 2)]

    assert asked(resumed(file_of([*customers[:2], *customers[4:]]), customers)) == customers[2:4]
    with pytest.raises(ForeignError):
        resumed(file_of(customers[2:]), customers)


def test_records_of_one_customer_at_two_profiles_are_told_apart() -> None:
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
def test_a_file_of_other_look_ups_or_the_start_of_one_is_foreign(content: bytes) -> None:
    last = content.splitlines(keepends=True)[-1]
    name = last.index(b'"customer":"') + len(b'"customer":"X"')
    for text in (content, content[:-1], content[: len(content) - len(last) + name]):
        with pytest.raises(ForeignError):
            resumed(text, ["A", "B", "C"])


def test_a_customer_asked_in_two_ways_has_a_place_for_each() -> None:
    by_id, by_email = (LookupTask(NORTH, "A", {}, by=way) for way in ("id", "email"))
    content = json_line(by_email.record("2026-11-20T05:00:00Z"))

    work = resume(read_back(io.BytesIO(content)), iter([by_id, by_email]), lambda _: None)

    assert [(number, task.by) for number, task in work.tasks] == [(0, "id")]
    assert [number for number, _ in work.kept] == [1]


def test_a_file_that_was_asked_in_another_way_is_foreign_and_the_error_says_so() -> None:
    content = json_line(LookupTask(NORTH, "A", {"b": "2"}, by="email").record("then"))
    others = [LookupTask(NORTH, f"B{number}", {}) for number in range(2 * MAX_PENDING)]

    for tasks_before in ([], others[:5]):
        asked_again = [*tasks_before, LookupTask(NORTH, "A", {}), *others]
        with pytest.raises(ForeignError, match=r"A at north has by=email, b=2.* asks by=id"):
            resume(read_back(io.BytesIO(content)), iter(asked_again), lambda _: None)
