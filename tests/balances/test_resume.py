"""Going on with a run: the file becomes what one run writes, and what is in it is not asked."""

import csv
import io
import json
import os
import re
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain, combinations, groupby
from pathlib import Path
from threading import Event, Lock
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from loyalty_cli.balances.lookup import BalanceReader, LookupTask
from loyalty_cli.balances.output_file import open_output
from loyalty_cli.balances.read_back import read_back
from loyalty_cli.balances.resume import Record, resume
from loyalty_cli.commands.balance import action as looking_up
from loyalty_cli.commands.balance.action import Run, RunOptions
from loyalty_cli.commands.balance.tasks import LookupTasks
from loyalty_cli.config.profile import Profile
from loyalty_cli.lists.parallel import MAX_PENDING
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.exit_codes import exit_code_of
from loyalty_cli.model.records import Balance, NextExpiry, Value
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.output.balances import BALANCES, RAW
from loyalty_cli.output.document import Layout, layout, write_records
from loyalty_cli.output.format import Format
from loyalty_cli.providers.contract import Answer, Query, Reading
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import PROGRAM, Outcome, Serve
from tests.fakes.servers import profile_at

PATIENCE = 20.0
FORMATS = (Format.JSONL, Format.JSON, Format.CSV)
KINDS = [(output, raw) for output in FORMATS for raw in (False, True)]

NASTY = 'a\n  }\n],"\r\n1,card'
"""Text that would end a record, if it stood in the file as it is."""
THEN = datetime(2026, 11, 20, 5, tzinfo=UTC)
LIST = ["=1", "=1", "E-not_found", 'd,é"-2', "Z-0"]
ANSWER = b'{"n": 1e5, "t": "caf\\u00e9 \\n  }\\n", "c": [%d.000]}'


class Fixed(PlatformClient):
    """Platforms that answer the same each time; keep who was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.failing: dict[str, ErrorCode] = {}
        self.closed = False
        self.rate_limits: Any = self
        self._lock = Lock()

    def is_closed(self, profile: str, *, debits: bool = False) -> bool:
        del profile, debits
        return self.closed

    def ask(self, profile: Profile, query: Query) -> Answer:
        del profile
        self._ask(query.customer)
        return Answer(200, {}, ANSWER % len(query.customer))

    def reading(self, profile: Profile, query: Query) -> Reading:
        del profile
        customer = query.customer
        self._ask(customer)
        number = int(customer[-1]) if customer[-1].isdigit() else 1
        is_odd = customer.startswith("d")
        return Reading(
            tuple(_line(customer, each, is_odd=is_odd) for each in range(number)),
            {"tier": NASTY, "n": Amount("8500.000")} if is_odd else None,
            (NASTY, "two") if is_odd else (),
        )

    def _ask(self, customer: str) -> None:
        with self._lock:
            self.asked.append(customer)
        self.before(customer)
        if customer.startswith("E-"):
            raise LoyaltyError(ErrorCode(customer[2:]), f"{customer}: {NASTY}", hint="=x")
        if customer in self.failing:
            raise LoyaltyError(self.failing[customer], "no")


def _line(customer: str, number: int, *, is_odd: bool) -> Balance:
    if not is_odd:
        return Balance(name=f"-{number}", kind="points", available=Amount(len(customer)))
    return Balance(
        name=f"={number}" if number else "",
        kind="points",
        unit="@pts\u200b",
        available=Amount(f"{len(customer)}.50"),
        pending=Amount("123456789012345678901234567890"),
        value=Value(currency="USD", available=Amount("-1")),
        next_expiry=NextExpiry(amount=Amount("0"), at=NASTY),
    )


class Ended(NamedTuple):
    """How a run ended, what it said, and whom it asked for."""

    code: int
    out: str
    err: str
    asked: list[str]


class Desk:
    """Makes runs into one file."""

    def __init__(
        self, path: Path, output: Format, capture: pytest.CaptureFixture[str], *, raw: bool
    ) -> None:
        self.path = path
        self.output = output
        self.platforms = Fixed()
        self.profiles = [profile_at("http://127.0.0.1:9")]
        self._raw = raw
        self.capture = capture

    def run(
        self,
        customers: Sequence[str],
        *,
        jobs: int = 1,
        resume: bool = True,
        summary: bool = False,
    ) -> Ended:
        """Make a run."""
        tasks = [
            LookupTask(profile, customer, {}, raw=self._raw)
            for customer in customers
            for profile in self.profiles
        ]

        way = RunOptions(jobs, None, self.output, self.path, resume, summary)
        run = Run(
            LookupTasks(lambda: iter(tasks), len(tasks)),
            way,
            self.output,
            self.platforms,
            is_list=True,
            raw=self._raw,
        )
        self.platforms.asked = []
        code = run.to_the_end()
        out, err = self.capture.readouterr()
        return Ended(code, out, err, self.platforms.asked)

    def whole(self, customers: Sequence[str], *, summary: bool = False) -> tuple[bytes, Ended]:
        """What one run writes, and how it ends."""
        self.path.unlink(missing_ok=True)
        ended = self.run(customers, summary=summary)
        content = self.path.read_bytes()
        self.path.unlink()
        return content, ended

    def holding(self, content: bytes) -> "Desk":
        """The same with that in the file."""
        self.path.write_bytes(content)
        return self

    @property
    def customers(self) -> list[str]:
        """Whose records there are in the file, by its looks; in CSV once for all in a row."""
        return customers_in(self.path.read_bytes(), self.output)


def customers_in(content: bytes, output: Format) -> list[str]:
    """Whose records are whole there, told by nothing of ours."""
    text = content.decode(errors="replace")
    match output:
        case Format.JSONL:
            whole = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
            return [json.loads(line)["customer"] for line in whole]
        case Format.JSON:
            ends = [found.end() for found in re.finditer(r"^  \}", text, re.MULTILINE)]
            found = json.loads(text[: ends[-1]] + "]") if ends else []
            return [record["customer"] for record in found]
        case _:
            rows = csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
            return [name for name, _ in groupby(row[3] for row in list(rows)[1:])]


def left_to_ask(content: bytes, output: Format, customers: Sequence[str]) -> list[str]:
    """Who is not in a file without gaps; of CSV, its last customer counts as not there."""
    there = len(customers_in(content, output))
    if output is not Format.CSV:
        return list(customers[there:])
    runs = [list(run) for _, run in groupby(customers)]
    return [*chain(*runs[max(there - 1, 0) :])]


Open = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Open:
    def make(output: Format, *, raw: bool = False) -> Desk:
        return Desk(tmp_path / f"out.{output}", output, capsys, raw=raw)

    return make


@pytest.fixture(autouse=True)
def always_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same time of each look-up, and no wait for the disk."""
    monkeypatch.setattr(BalanceReader.__init__, "__defaults__", (lambda: THEN,))
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.parametrize(("output", "raw"), KINDS)
def test_a_file_that_ends_anywhere_becomes_the_whole_one(
    desk: Open, output: Format, raw: bool
) -> None:
    here = desk(output, raw=raw)
    whole, once = here.whole(LIST)

    for at in range(len(whole) + 1):
        done = here.holding(whole[:at]).run(LIST)

        assert here.path.read_bytes() == whole, at
        assert done == (*once[:3], left_to_ask(whole[:at], output, LIST)), at


def some_of(desk: Desk, customers: Sequence[str]) -> bytes:
    """A file with the records of these, as a run that was stopped may leave it."""
    return desk.whole(customers)[0] if customers else b""


@pytest.mark.parametrize(("output", "raw"), KINDS)
def test_whatever_is_missing_in_between_is_asked_and_put_in_its_place(
    desk: Open, output: Format, raw: bool
) -> None:
    here = desk(output, raw=raw)
    customers = ["A", "E-not_found", "B", 'd,é"-2', "C"]
    whole, once = here.whole(customers, summary=not raw)

    for size in range(len(customers)):
        for there in combinations(customers, size):
            content = some_of(here, there)

            done = here.holding(content).run(customers, summary=not raw)

            assert here.path.read_bytes() == whole, there
            assert done[:3] == once[:3], there
            left = set(customers) - set(there[:-1] if output is Format.CSV else there)
            assert set(done.asked) == left, there


MANY = ["A0", "B1", "C2", "d2", "E-not_found"]
"""Customers with no line of balance, one, two, and one that there is not."""


@pytest.mark.parametrize(("output", "raw"), KINDS)
@given(
    listed=st.lists(st.tuples(st.sampled_from(MANY), st.booleans()), min_size=1, max_size=12),
    missing=st.integers(0, 400),
)
@settings(max_examples=200, deadline=None)
def test_so_it_is_whoever_is_in_the_list_again_and_wherever_the_file_ends(
    output: Format, raw: bool, listed: list[tuple[str, bool]], missing: int
) -> None:
    view = RAW if raw else BALANCES
    into = layout(output, view)
    look_up = BalanceReader(Fixed(), lambda: THEN).look_up
    profile = profile_at("http://127.0.0.1:9")
    tasks = [LookupTask(profile, customer, {}, raw=raw) for customer, _ in listed]
    there = [task for task, (_, is_there) in zip(tasks, listed, strict=True) if is_there]
    whole = written(map(look_up, tasks), into)
    content = written(map(look_up, there), into)[: -missing or None]

    found = read_back(io.BytesIO(content), output, view)
    added: list[Record] = []
    resumed = resume(found, iter(tasks), output, into.encode, added.append)
    asked = [task for task in resumed.tasks() if task]
    texts = resumed.in_place(map(look_up, asked), into.encode, added.append)
    rest = written(texts, replace(into, encode=bytes), is_begun=resumed.ends > 0)

    assert content[: resumed.ends] + rest == whole
    if output is not Format.CSV:
        names = [task.customer for task in asked]
        assert Counter(names) == Counter(c for c, _ in listed) - Counter(
            customers_in(content, output)
        )


def written(records: Iterable[Any], into: Layout, *, is_begun: bool = False) -> bytes:
    pieces: list[bytes] = []
    write_records(records, into, pieces.append, is_begun=is_begun)
    return b"".join(pieces)


def test_a_customer_who_is_in_a_row_in_csv_and_answered_alike_is_not_asked_again(
    desk: Open,
) -> None:
    here = desk(Format.CSV)
    customers = ["A", "A", "b-2", "b-2", "E-not_found", "E-not_found", "C-0", "C-0", "Z"]
    whole, _ = here.whole(customers)

    assert here.holding(whole).run(customers).asked == ["Z"]


def test_nor_is_one_who_was_answered_differently_far_from_the_end_of_it(desk: Open) -> None:
    here = desk(Format.CSV)
    customers = ["A", "A", *(f"C{number}" for number in range(MAX_PENDING + 1)), "Z"]
    whole, _ = here.whole(customers)
    content = whole.replace(b"-0,points,,1,", b"-0,points,,2,", 1)
    assert content != whole

    done = here.holding(content).run(customers)

    assert (done.asked, here.path.read_bytes()) == (["Z"], content)


@pytest.mark.parametrize("output", FORMATS)
def test_what_is_done_behind_a_look_up_that_hangs_is_written_and_stays(
    desk: Open, output: Format
) -> None:
    here = desk(output)
    customers = ["A", "slow", "B", "b-2", "C", "last"]
    whole, _ = here.whole(customers)
    begun, over = Event(), Event()
    files: list[bytes] = []

    def hang(customer: str) -> None:
        if customer == "slow":
            files.append(here.path.read_bytes())
            begun.set()
            if len(files) > 1:
                os.kill(os.getpid(), signal.SIGTERM)
            over.wait(PATIENCE)
        elif customer == "last":  # by when all but these two are done
            assert begun.wait(PATIENCE)
            os.kill(os.getpid(), signal.SIGTERM)
            over.wait(PATIENCE)

    here.platforms.before = hang
    try:
        done = here.run(customers, jobs=2)
        left = here.path.read_bytes()
        there = here.customers
        assert there == ["A", "B", "b-2", "C"]
        assert (done.code, done.err) == (
            128 + signal.SIGTERM,
            "4 of 6 look-ups were done.\n",
        )
        for _ in range(2):
            there = there[:-1] if output is Format.CSV else there  # whose last one is asked again
            done = here.run(customers, jobs=2)

            assert (done.code, done.err.split()[0]) == (128 + signal.SIGTERM, str(len(there)))
            assert here.customers == there
        assert files[1] == left  # also while it is waited for what is missing
        assert output is Format.CSV or here.path.read_bytes() == left
    finally:
        over.set()
    here.platforms.before = lambda _: None
    done = here.run(customers)

    assert (done.code, done.err, here.path.read_bytes()) == (0, "", whole)


@pytest.mark.parametrize("output", FORMATS)
def test_a_stop_before_anything_is_done_leaves_no_file(desk: Open, output: Format) -> None:
    here = desk(output)
    over = Event()

    def hang(_: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        over.wait(PATIENCE)

    here.platforms.before = hang
    try:
        done = here.run(["A", "B"])
    finally:
        over.set()

    assert done[:3] == (128 + signal.SIGTERM, "", "0 of 2 look-ups were done.\n")
    assert not here.path.exists()


@pytest.mark.parametrize("output", FORMATS)
def test_a_file_with_a_gap_is_left_as_it_is_by_a_stop_before_anything_was_begun(
    desk: Open, output: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = desk(output)
    whole, _ = here.whole(["A", "B", "C", "D"])
    content = some_of(here, ["A", "C", "D"])

    def then_stop(*arguments: Any) -> Any:
        resumed = resume(*arguments)
        os.kill(os.getpid(), signal.SIGTERM)
        return resumed

    with monkeypatch.context() as patch:
        patch.setattr(looking_up, "resume", then_stop)
        done = here.holding(content).run(["A", "B", "C", "D"])

    assert (done.code, done.asked) == (128 + signal.SIGTERM, [])
    assert here.customers[:2] == ["A", "C"]
    assert here.run(["A", "B", "C", "D"]).code == 0
    assert here.path.read_bytes() == whole


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("code", "closed"),
    [(ErrorCode.CREDENTIAL_REFUSED, False), (ErrorCode.RATE_LIMITED, True)],
    ids=["sign-in refused", "asked too often"],
)
def test_what_ended_a_run_is_asked_again(
    desk: Open, output: Format, code: ErrorCode, closed: bool
) -> None:
    here = desk(output)
    customers = ["A", "B", "C", "D", "D"]
    whole, once = here.whole(customers, summary=True)
    here.platforms.failing, here.platforms.closed = {"C": code}, closed
    ended = here.run(customers)
    assert (ended.code, here.customers) == (exit_code_of(code), ["A", "B", "C"])

    here.platforms.failing, here.platforms.closed = {}, False
    done = here.run(customers, summary=True)

    assert (done[:3], done.asked) == (once[:3], ["C", "D", "D"])
    assert here.path.read_bytes() == whole


@pytest.mark.parametrize("output", FORMATS)
def test_what_failed_otherwise_is_not(desk: Open, output: Format) -> None:
    here = desk(output)
    customers = ["E-rate_limited", "E-server_error", "B", "C"]
    content = here.whole(customers)[0]

    done = here.holding(content).run(customers)

    assert done.asked == (["C"] if output is Format.CSV else [])


@pytest.mark.parametrize("output", FORMATS)
def test_the_summary_is_of_the_joined_run(desk: Open, output: Format) -> None:
    here = desk(output)
    customers = ["d-1", "d-2", "E-not_found", "C-0", "d-3", "C-1"]
    whole, once = here.whole(customers, summary=True)

    for at in range(0, len(whole) + 1, 97):
        done = here.holding(whole[:at]).run(customers, summary=True)

        assert done[:3] == once[:3], at


@pytest.mark.parametrize("output", FORMATS)
def test_a_record_is_in_the_file_before_the_next_but_one_is_asked_for(
    desk: Open, output: Format
) -> None:
    here = desk(output)
    customers = [f"C{number}" for number in range(12)]
    waited = Event()

    def look(customer: str) -> None:
        before = max(customers.index(customer) - 1, 0)
        for _ in range(1000):
            if len(here.customers) >= before:
                return
            waited.wait(PATIENCE / 1000)
        raise AssertionError

    here.platforms.before = look
    assert here.run(customers).code == 0


def test_several_profiles_are_told_from_each_other(desk: Open) -> None:
    here = desk(Format.CSV)
    here.profiles = [profile_at("http://127.0.0.1:9", name=name) for name in ("north", "south")]
    whole, once = here.whole(["A", "A", "B"])

    for at in range(len(whole) + 1):
        done = here.holding(whole[:at]).run(["A", "A", "B"])

        assert (done[:3], here.path.read_bytes()) == (once[:3], whole), at
    assert done.asked == ["B"]  # at the last profile


def _as(desk: Desk, output: Format, *, raw: bool = False) -> Desk:
    return Desk(desk.path, output, desk.capture, raw=raw)


def _with_profile(desk: Desk, **more: Any) -> Desk:
    other = _as(desk, desk.output)
    other.profiles = [profile_at("http://127.0.0.1:9", **more)]
    return other


def _changed(desk: Desk, change: Callable[[bytes], bytes]) -> Desk:
    return desk.holding(change(desk.whole(["A", "B", "C"])[0]))


def _damaged(whole: bytes) -> bytes:
    """What is there, with a quote too many in the second of three records."""
    at = whole.index(b"points", len(whole) // 2 - 100 if b"{" in whole else whole.index(b",B,"))
    return whole[:at] + b'"' + whole[at:]


OTHERS: dict[str, Callable[[Desk], object]] = {
    "another list": lambda desk: desk.run(["X", "Y", "Z"]),
    "one of another list": lambda desk: desk.run(["X"]),
    "another order": lambda desk: desk.run(["B", "A", "C"]),
    "a longer list": lambda desk: desk.run(["A", "B", "C", "D"]),
    "another profile": lambda desk: _with_profile(desk, name="other").run(["A", "B"]),
    "another platform": lambda desk: _with_profile(desk, provider="omneo").run(["A", "B"]),
    "the sandbox": lambda desk: _with_profile(desk, sandbox=True).run(["A", "B"]),
    "raw records": lambda desk: _as(desk, desk.output, raw=True).run(["A", "B"]),
    "JSON Lines": lambda desk: _as(desk, Format.JSONL).run(["A", "B"]),
    "JSON": lambda desk: _as(desk, Format.JSON).run(["A", "B"]),
    "CSV": lambda desk: _as(desk, Format.CSV).run(["A", "B"]),
    "notes": lambda desk: desk.holding(b"Monday: call A\n"),
    "notes without an end": lambda desk: desk.holding(b"Monday: call A"),
    "an empty line": lambda desk: desk.holding(b"\n"),
    "empty lines": lambda desk: desk.holding(b"\n\n\n"),
    "SQLite": lambda desk: desk.holding(b"SQLite format 3\0\x10\0\x01\x01\0" + bytes(4096)),
    "the list": lambda desk: desk.holding(b"A\nB\nC\n"),
    "nothing but NUL": lambda desk: desk.holding(bytes(4096)),
    "another array": lambda desk: desk.holding(b'[\n  {\n    "a": 1\n  }\n]\n'),
    "numbers": lambda desk: desk.holding(b"[\n  1,\n  2\n]\n"),
    "an array in a line": lambda desk: desk.holding(b'[{"schema_version":1,"profile":"card"}]'),
    "an empty array, written otherwise": lambda desk: desk.holding(b"[\n]\n"),
    "another record": lambda desk: desk.holding(b'{"schema_version":1,"profile":"card"}\n'),
    "other columns": lambda desk: desk.holding(b"schema_version,profile\n1,card\n"),
    "a mark before it": lambda desk: _changed(desk, lambda whole: b"\xef\xbb\xbf" + whole),
    "CRLF": lambda desk: _changed(desk, lambda whole: whole.replace(b"\n", b"\r\n")),
    "something after it": lambda desk: _changed(desk, lambda whole: whole + b"hello"),
    "a line after it": lambda desk: _changed(desk, lambda whole: whole + b"hello\n"),
    "the same after it": lambda desk: _changed(desk, lambda whole: whole + whole),
    "an empty line after it": lambda desk: _changed(desk, lambda whole: whole + b"\n"),
    "a record that is damaged": lambda desk: _changed(desk, _damaged),
}
TORN = ("one of another list", "another profile", "the sandbox", "another platform")
OWN = {("JSON Lines", Format.JSONL), ("JSON", Format.JSON), ("CSV", Format.CSV)}


@pytest.mark.parametrize(
    ("name", "output"),
    [(name, output) for name in OTHERS for output in FORMATS if (name, output) not in OWN],
)
def test_a_file_of_something_else_is_refused_and_not_touched(
    desk: Open, name: str, output: Format
) -> None:
    here = desk(output)
    OTHERS[name](here)
    content = here.path.read_bytes()

    assert_refused(here, content)
    if name in TORN:
        for at in range(1, 40):
            assert_refused(here, content[:-at])


def assert_refused(here: Desk, content: bytes) -> None:
    with pytest.raises(LoyaltyError, match="does not hold the start of this run") as refused:
        here.holding(content).run(["A", "B", "C"])

    assert refused.value.code is ErrorCode.SETUP
    assert refused.value.hint
    assert here.path.read_bytes() == content
    assert here.platforms.asked == []
    assert here.capture.readouterr() == ("", "")


@pytest.mark.parametrize("output", FORMATS)
def test_a_file_with_more_than_a_run_can_leave_behind_a_gap_is_refused(
    desk: Open, output: Format
) -> None:
    here = desk(output)
    customers = [f"C{number}" for number in range(MAX_PENDING + 2)]
    whole, _ = here.whole(customers)

    content = some_of(here, [*customers[:2], *customers[4:]])
    assert here.holding(content).run(customers).asked[:2] == ["C2", "C3"]
    assert here.path.read_bytes() == whole
    content = some_of(here, customers[2:])
    with pytest.raises(LoyaltyError, match="does not hold the start"):
        here.holding(content).run(customers)


def found(request: Received) -> Reply:
    return Reply(body={"reward_balance": len(request.path[-2]), "reward_symbol": "points"})


Command = Callable[..., Outcome]


@pytest.fixture
def command(
    serve: Serve,
    card: Callable[..., Path],
    loyalty: Command,
    *,
    received: list[Received],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    """Look up what is in the file `list`, in a folder of its own."""

    def handle(request: Received) -> Reply:
        received.append(request)
        return found(request)

    card(serve(handle))
    monkeypatch.chdir(tmp_path)
    Path("list").write_text("A\nB\nC\n")
    return lambda *arguments: loyalty("balance", "--from", "list", *arguments)


@pytest.mark.parametrize(
    ("name", "more", "start"),
    [
        ("out.jsonl", (), b'{"schema'),
        ("out.json", (), b"[\n"),
        ("out.csv", (), b"schema_version,"),
        ("out.csv", ("-o", "jsonl"), b'{"schema'),
        ("out", ("-o", "csv"), b"schema_version,"),
        ("out.txt", ("-o", "json"), b"[\n"),
    ],
)
def test_the_option_or_else_the_name_says_in_which_format(
    command: Command, name: str, more: tuple[str, ...], start: bytes
) -> None:
    assert command("--output-file", name, *more) == (0, "", "")

    assert Path(name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output-file", "out"), "cannot be told from the name 'out'"),
        (("--output-file", "out.txt"), "cannot be told from the name 'out.txt'"),
        (("--output-file", "out.jsonl", "-o", "table"), "--output-file needs another format"),
        (("--resume",), "--resume goes on with a file"),
        (("--resume", "-o", "jsonl"), "--resume goes on with a file"),
    ],
)
def test_what_makes_no_file_is_a_mistake_in_the_command(
    command: Command, received: list[Received], arguments: tuple[str, ...], said: str
) -> None:
    done = command(*arguments)

    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 2)
    assert said in done.err
    assert received == []
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["config.yaml", "home", "list"]


@pytest.mark.parametrize("output", FORMATS)
def test_a_file_that_is_there_needs_resume_and_then_nothing_more(
    command: Command, received: list[Received], output: Format
) -> None:
    name = f"out.{output}"
    assert command("--output-file", name).code == 0
    content = Path(name).read_bytes()
    received.clear()

    again = command("--output-file", name)
    assert (again.code, again.out, received) == (3, "", [])
    assert again.err == (
        f"Error: the output file '{name}' is there already.\n"
        "Hint: Go on with it by adding --resume, or name another one.\n"
    )
    assert Path(name).read_bytes() == content
    assert command("--output-file", name, "--resume") == (0, "", "")
    asked = [request.path[-2] for request in received]
    assert asked == (["C"] if output is Format.CSV else [])
    assert output is Format.CSV or Path(name).read_bytes() == content


@pytest.mark.parametrize("output", FORMATS)
def test_a_file_that_is_not_there_yet_or_is_empty_can_be_gone_on_with(
    command: Command, output: Format
) -> None:
    assert command("--output-file", f"a.{output}", "--resume").code == 0
    Path(f"b.{output}").touch()
    assert command("--output-file", f"b.{output}").code == 0

    for name in "ab":
        there = customers_in(Path(f"{name}.{output}").read_bytes(), output)
        assert there == ["A", "B", "C"]


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("arguments", [("--resume",), ()])
@pytest.mark.parametrize("kind", ["lines", "csv", "jsonl", "records"])
def test_the_list_itself_is_not_written_to(
    command: Command,
    received: list[Received],
    output: Format,
    arguments: tuple[str, ...],
    kind: str,
) -> None:
    match kind:
        case "csv":
            Path("list").write_text("customer\nA\n")
        case "jsonl":
            Path("list").write_text('{"customer": "A"}\n')
        case "records" if output is not Format.JSON:  # which is a list, too
            command("--output-file", "made", "-o", output)
            Path("made").replace("list")
    received.clear()
    before = Path("list").read_bytes()

    done = command("--output-file", "list", "-o", output, *arguments)

    assert (done.code, done.out, received) == (3, "", [])
    assert done.err == (
        "Error: the output file 'list' cannot be written: it is the list of customers.\n"
        "Hint: Name another one.\n"
    )
    assert Path("list").read_bytes() == before


@pytest.mark.usefixtures("command")
def test_nor_is_it_when_it_comes_from_stdin() -> None:
    line = [
        str(PROGRAM),
        "balance",
        "--from",
        "-",
        "--output-file",
        "list",
        "-o",
        "jsonl",
        "--resume",
    ]
    with Path("list").open("rb") as stdin:
        done = subprocess.run(line, stdin=stdin, capture_output=True, check=False, timeout=60)

    assert (done.returncode, done.stdout) == (3, b"")
    assert b"it is the list of customers" in done.stderr
    assert Path("list").read_bytes() == b"A\nB\nC\n"


@pytest.mark.parametrize("output", FORMATS)
def test_a_part_without_customers_makes_a_file_without_records(
    command: Command, output: Format
) -> None:
    Path("list").write_text("A\n")
    parts = [f"{part}.{output}" for part in (1, 2)]
    for part, name in enumerate(parts):
        assert command("--shard", f"{part}/2", "--output-file", name).code == 0
        assert command("--shard", f"{part}/2", "--output-file", name, "--resume").code == 0

    there = [customers_in(Path(name).read_bytes(), output) for name in parts]
    assert sorted(there) == [[], ["A"]]


@pytest.mark.parametrize("output", FORMATS)
def test_a_mistake_in_the_list_leaves_no_file(command: Command, output: Format) -> None:
    Path("list").write_text("A\n B\n")

    assert command("--output-file", f"out.{output}").code == 2
    assert not Path(f"out.{output}").exists()


@pytest.mark.parametrize("output", FORMATS)
def test_a_list_from_a_pipe_is_gone_on_with_from_its_start(
    command: Command, program: Command, received: list[Received], output: Format
) -> None:
    name = f"out.{output}"
    assert command("--output-file", name).code == 0
    whole = Path(name).read_bytes()
    Path(name).write_bytes(whole[: -len(whole) // 3])
    there = customers_in(Path(name).read_bytes(), output)
    received.clear()

    done = program(
        *("balance", "--from", "-", "--output-file", name, "--resume"), input="A\nB\nC\n"
    )

    assert done == (0, "", "")
    assert customers_in(Path(name).read_bytes(), output) == ["A", "B", "C"]
    kept = there[:-1] if output is Format.CSV else there
    assert sorted(request.path[-2] for request in received) == ["A", "B", "C"][len(kept) :]


@pytest.mark.parametrize("output", FORMATS)
def test_a_disk_that_gets_full_leaves_whole_records_and_is_gone_on_with(
    command: Command, program: Command, received: list[Received], output: Format
) -> None:
    customers = [f"C-{number}" for number in range(60)]
    Path("list").write_text("\n".join(customers))
    name = f"out.{output}"
    line = ("balance", "--from", "list", "--output-file", name)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    # Nor is there room for what Python would write of its own.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    full = program(*line, preexec_fn=little_room, env=environment)

    assert (full.code, full.out) == (3, "")
    assert full.err == (
        f"Error: the output file '{name}' cannot be written: File too large.\n"
        "Hint: Make room, and go on with --resume.\n"
    )
    content = Path(name).read_bytes()
    there = customers_in(content, output)
    assert there == customers[: len(there)]
    assert there
    assert content.endswith((b"\n  }", b"\n  }\n]\n") if output is Format.JSON else b"\n")
    received.clear()
    assert command("--output-file", name, "--resume") == (0, "", "")
    assert customers_in(Path(name).read_bytes(), output) == customers
    kept = there[:-1] if output is Format.CSV else there
    assert sorted(request.path[-2] for request in received) == sorted(customers[len(kept) :])


def test_a_second_run_on_the_same_file_is_refused(
    command: Command, received: list[Received]
) -> None:
    with open_output(Path("out.jsonl"), resume=False):
        done = command("--output-file", "out.jsonl", "--resume")

    assert (done.code, done.out, received) == (3, "", [])
    assert done.err == (
        "Error: the output file 'out.jsonl' cannot be written: another run is writing to it.\n"
        "Hint: Wait for that, or name another one.\n"
    )
