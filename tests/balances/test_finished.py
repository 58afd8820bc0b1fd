"""A finished file says what came of each look-up, and is taken for no other one."""

import io
from collections.abc import Sequence

import pytest

from loyalty_cli.balances.finished import check_csv, check_json
from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.balances.resume import ForeignError
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, Failure, Lookup
from loyalty_cli.model.tally import Record
from loyalty_cli.output.balances import BALANCES
from loyalty_cli.output.document import layout, write_records
from loyalty_cli.output.format import Format
from tests.fakes.servers import profile_at

PROFILE = profile_at("http://127.0.0.1:9")


def looked_up(customer: str, lines: int = 1, *, failed: bool = False) -> Lookup:
    return Lookup(
        profile=PROFILE.name,
        provider=PROFILE.provider.name,
        customer=customer,
        sandbox=False,
        retrieved_at="2026-11-20T05:00:00Z",
        balances=tuple(Balance(name=str(each), kind="points") for each in range(lines)),
        error=Failure(code=ErrorCode.NOT_FOUND, message="=no", hint="'x") if failed else None,
    )


def written(records: Sequence[Lookup], output: Format) -> bytes:
    pieces: list[bytes] = []
    write_records(records, layout(output, BALANCES), pieces.append)
    return b"".join(pieces)


def checked(content: bytes, output: Format, customers: Sequence[str]) -> list[Record]:
    tasks = (LookupTask(PROFILE, each, {}) for each in customers)
    added: list[Record] = []
    if output is Format.JSON:
        check_json(io.BytesIO(content), tasks, added.append)
    else:
        check_csv(io.BytesIO(content), BALANCES.csv_header, tasks, added.append)
    return added


A, B, TWO, NONE = looked_up("A"), looked_up("=B"), looked_up("A", 2), looked_up("A", 0)
FAILED = looked_up("A", 0, failed=True)


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
        (Format.JSON, JSON.replace(b'"card"', b'"other"')),
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
        (Format.CSV, CSV.replace(b",card,", b",other,")),
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
