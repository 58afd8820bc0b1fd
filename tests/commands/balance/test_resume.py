"""`--resume`: the file becomes what one run writes, and what is in it is not asked again."""

import os
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from threading import Event, Lock
from typing import Any, NamedTuple

import pytest

from loyalty_cli.balances.lookup import BalanceReader, LookupTask
from loyalty_cli.balances.output_file import open_output
from loyalty_cli.balances.run import BalanceRun
from loyalty_cli.balances.summary import Summary
from loyalty_cli.commands.balance.action import Action
from loyalty_cli.commands.balance.chosen_output import Shape
from loyalty_cli.commands.balance.tasks import BalanceRequest, LookupTasks
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.exit_codes import exit_code_of
from loyalty_cli.model.records import Balance, NextExpiry, Value, WarningCode, WarningRecord
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.output.arrangement import Arrangement
from loyalty_cli.output.balances import BALANCES, RAW
from loyalty_cli.output.document import layout, write_records
from loyalty_cli.output.format import Amounts, Format
from loyalty_cli.providers.contract import Query, Reading
from loyalty_cli.sandbox.server import Received, Reply
from tests.commands.balance.lists import At, customers, found, piped, refused, running
from tests.conftest import Outcome, Serve
from tests.fakes.servers import profile_at

PROFILE = profile_at("http://127.0.0.1:9")
PATIENCE = 20.0
FORMATS = (Format.JSONL, Format.JSON, Format.CSV)
KINDS = [
    pytest.param(output, raw, id=f"{output}, raw" if raw else str(output))
    for output in FORMATS
    for raw in (False, True)
]

NASTY = 'a\n  }\n],"\r\n1,card'
"""Text that would end a record, if it stood in the file as it is."""
THEN = datetime(2026, 11, 20, 5, tzinfo=UTC)
LIST = ["=1", "=1", "E-not_found", 'd,é"-2', "Z-0"]
ANSWER = b'{"n": 1e5, "t": "caf\\u00e9 \\n  }\\n", "c": [%d.000]}'


class FixedPlatforms(PlatformClient):
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

    def raw(self, profile: Profile, query: Query) -> tuple[bytes, Reading | None]:
        del profile
        self._ask(query.customer)
        return ANSWER % len(query.customer), None

    def reading(self, profile: Profile, query: Query) -> Reading:
        del profile
        customer = query.customer
        self._ask(customer)
        number = int(customer[-1]) if customer[-1].isdigit() else 1
        is_odd = customer.startswith("d")
        return Reading(
            tuple(_line(customer, each, is_odd=is_odd) for each in range(number)),
            {"tier": NASTY, "n": Amount("8500.000")} if is_odd else None,
            (WarningRecord(WarningCode.PLATFORM, NASTY), WarningRecord(WarningCode.PLATFORM, "two"))
            if is_odd
            else (),
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


class FileRuns:
    """Makes runs that write into one output file."""

    def __init__(
        self, path: Path, output: Format, capture: pytest.CaptureFixture[str], *, raw: bool
    ) -> None:
        self.path = path
        self.output = output
        self.working = path if output is Format.JSONL else path.with_name(f"{path.name}.partial")
        self.platforms = FixedPlatforms()
        self._raw = raw
        self.capture = capture

    def run(
        self,
        customers: Sequence[str],
        *,
        jobs: int = 1,
        summary: bool = False,
        is_stopped: bool = False,
    ) -> Ended:
        """Make a run; one that `is_stopped` begins nothing."""
        tasks = [LookupTask(PROFILE, customer, {}, raw=self._raw) for customer in customers]
        made = BalanceRun(
            self.platforms, jobs, is_list=True, summary=Summary(THEN) if summary else None
        )
        request = BalanceRequest(
            *([], "list", None, [], False, None, [], self._raw, None),
            *(jobs, None, None, self.output, self.path, True, summary),
        )
        listed = LookupTasks(lambda: iter(tasks), len(tasks))
        shape = Shape(self.output, Amounts.NUMBER, Arrangement())
        action = Action(listed, made, request, shape)
        self.platforms.asked = []
        if is_stopped:
            made.stop.signal = signal.SIGTERM
            made.stop.set()
        code = action.to_the_end()
        out, err = self.capture.readouterr()
        assert not self.path.with_name(f"{self.path.name}.finishing").exists()
        return Ended(code, out, err, self.platforms.asked)

    def whole(self, customers: Sequence[str], *, summary: bool = False) -> tuple[bytes, Ended]:
        """What one run writes, and how it ends."""
        self.path.unlink(missing_ok=True)
        ended = self.run(customers, summary=summary)
        content = self.path.read_bytes()
        self.path.unlink()
        return content, ended

    def lines(self, customers: Sequence[str]) -> bytes:
        """What a run of these writes before its file is made."""
        other = FileRuns(self.path.with_name("lines"), Format.JSONL, self.capture, raw=self._raw)
        return other.whole(customers)[0] if customers else b""

    def holding(self, content: bytes) -> "FileRuns":
        """The same with that in the working file, and no finished one."""
        self.path.unlink(missing_ok=True)
        self.working.write_bytes(content)
        return self

    @property
    def customers(self) -> list[str]:
        """Whose records there are in the working file."""
        return in_lines(self.working)


def in_lines(path: Path) -> list[str]:
    """Whose records are whole in a file of JSON Lines, told by nothing of ours."""
    whole, end, _ = path.read_text().rpartition("\n")
    return customers(whole + end, Format.JSONL)


def in_file(name: str, output: Format) -> list[str]:
    return customers(Path(name).read_text(), output)


RunsInto = Callable[..., FileRuns]


@pytest.fixture
def runs_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> RunsInto:
    def make(output: Format, *, raw: bool = False) -> FileRuns:
        return FileRuns(tmp_path / f"out.{output}", output, capsys, raw=raw)

    return make


@pytest.fixture(autouse=True)
def always_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same time of each look-up, and no wait for the disk."""
    monkeypatch.setattr(BalanceReader.__init__, "__defaults__", (lambda: THEN,))
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.parametrize(("output", "raw"), KINDS)
def test_a_resumed_run_goes_on_wherever_the_one_before_it_was_killed(
    runs_into: RunsInto, output: Format, raw: bool
) -> None:
    here = runs_into(output, raw=raw)
    whole, once = here.whole(LIST, summary=not raw)
    lines = here.lines(LIST)

    for at in [*range(0, len(lines), 89), len(lines) - 1, len(lines)]:
        done = here.holding(lines[:at]).run(LIST, summary=not raw)

        assert here.path.read_bytes() == whole, at
        assert done == (*once[:3], LIST[lines[:at].count(b"\n") :]), at


@pytest.mark.parametrize(("output", "raw"), KINDS)
def test_a_resumed_run_asks_for_missing_records_and_puts_them_in_their_place(
    runs_into: RunsInto, output: Format, raw: bool
) -> None:
    here = runs_into(output, raw=raw)
    customers = ["A", "E-not_found", "B", 'd,é"-2', "C"]
    whole, once = here.whole(customers, summary=not raw)

    for size in range(len(customers)):
        for there in combinations(customers, size):
            done = here.holding(here.lines(there)).run(customers, summary=not raw)

            assert here.path.read_bytes() == whole, there
            assert done[:3] == once[:3], there
            assert set(done.asked) == set(customers) - set(there), there


@pytest.mark.parametrize(("output", "raw"), KINDS)
def test_an_output_file_has_what_is_otherwise_printed(
    runs_into: RunsInto, output: Format, raw: bool
) -> None:
    here = runs_into(output, raw=raw)
    pieces: list[bytes] = []
    reader = BalanceReader(here.platforms)
    records = [reader.look_up(LookupTask(PROFILE, each, {}, raw=raw)) for each in LIST]
    write_records(records, layout(output, RAW if raw else BALANCES), pieces.append)

    assert here.whole(LIST)[0] == b"".join(pieces)


@pytest.mark.parametrize("output", FORMATS)
def test_records_behind_a_look_up_that_hangs_are_written_and_kept(
    runs_into: RunsInto, output: Format
) -> None:
    here = runs_into(output)
    customers = ["A", "slow", "B", "b-2", "C", "last"]
    whole, _ = here.whole(customers)
    begun, over = Event(), Event()
    files: list[bytes] = []

    def hang(customer: str) -> None:
        if customer == "slow":
            files.append(here.working.read_bytes())
            begun.set()
            if len(files) > 1:
                os.kill(os.getpid(), signal.SIGTERM)
            over.wait(PATIENCE)
        elif customer == "last":  # by when all but these two are done
            assert begun.wait(PATIENCE)
            os.kill(os.getpid(), signal.SIGTERM)
            over.wait(PATIENCE)

    here.platforms.before = hang
    said = f"The records are in '{here.working}'. Continue with --resume.\n"
    try:
        for _ in range(3):
            done = here.run(customers, jobs=2)

            assert here.customers == ["A", "B", "b-2", "C"]
            assert (done.code, done.out) == (128 + signal.SIGTERM, "")
            assert done.err == "4 of 6 look-ups were done.\n" + (
                said if output is not Format.JSONL else ""
            )
            assert here.path == here.working or not here.path.exists()
        assert files[1] == files[2] == here.working.read_bytes()  # also while it waits
    finally:
        over.set()
    here.platforms.before = lambda _: None
    done = here.run(customers)

    assert (done.code, done.err, here.path.read_bytes()) == (0, "", whole)
    assert here.path == here.working or not here.working.exists()


def test_records_behind_a_gap_stay_in_the_file_until_all_gaps_are_closed(
    runs_into: RunsInto,
) -> None:
    here = runs_into(Format.JSONL)
    customers = ["A", "first", "B", "second", "C"]
    content = here.lines(["A", "B", "C"])
    there: list[bytes] = []

    def look(customer: str) -> None:
        if customer == "second":
            Event().wait(0.2)  # in which the file could be cut
            there.append(here.path.read_bytes())

    here.platforms.before = look
    done = here.holding(content).run(customers)

    assert (done.code, there) == (0, [content])
    assert here.customers == customers


@pytest.mark.parametrize("output", FORMATS)
def test_a_signal_before_the_first_result_leaves_no_output_file(
    runs_into: RunsInto, output: Format
) -> None:
    here = runs_into(output)
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
    assert not here.working.exists()


@pytest.mark.parametrize("output", FORMATS)
def test_a_signal_before_the_first_look_up_leaves_a_file_with_a_gap_as_it_is(
    runs_into: RunsInto, output: Format
) -> None:
    here = runs_into(output)
    whole, _ = here.whole(["A", "B", "C", "D"])
    content = here.lines(["A", "C", "D"])

    done = here.holding(content).run(["A", "B", "C", "D"], is_stopped=True)

    assert (done.code, done.asked) == (128 + signal.SIGTERM, [])
    assert here.working.read_bytes() == content
    assert here.run(["A", "B", "C", "D"]).code == 0
    assert here.path.read_bytes() == whole


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("code", "closed"),
    [(ErrorCode.CREDENTIAL_REFUSED, False), (ErrorCode.RATE_LIMITED, True)],
    ids=["sign-in refused", "asked too often"],
)
@pytest.mark.parametrize("ends_at", ["C", "D"])
def test_the_failure_that_ended_a_run_is_asked_again_by_the_next(
    runs_into: RunsInto, output: Format, code: ErrorCode, closed: bool, ends_at: str
) -> None:
    here = runs_into(output)
    customers = ["A", "B", "C", "D"]
    whole, once = here.whole(customers, summary=True)
    here.platforms.failing, here.platforms.closed = {ends_at: code}, closed
    ended = here.run(customers)
    assert (ended.code, here.customers[-1]) == (exit_code_of(code), ends_at)

    here.platforms.failing, here.platforms.closed = {}, False
    done = here.run(customers, summary=True)

    if closed and ends_at == "D":  # which was the last one anyway
        assert done.asked == []
        return
    assert (done[:3], done.asked) == (once[:3], customers[customers.index(ends_at) :])
    assert here.path.read_bytes() == whole


@pytest.mark.parametrize("output", FORMATS)
def test_any_other_failure_counts_and_is_not_asked_again(
    runs_into: RunsInto, output: Format
) -> None:
    here = runs_into(output)
    customers = ["E-rate_limited", "E-server_error", "B", "=1", "B", "B", "d-2"]
    _, once = here.whole(customers)

    for there in (customers[:-1], customers):
        here.holding(here.lines(there))
        for _ in range(2):  # the second time of a file that is finished
            done = here.run(customers)

            assert done[:3] == once[:3]
        assert done.asked == []


def test_summary_of_a_finished_file_works_for_json_and_not_for_csv(
    runs_into: RunsInto,
) -> None:
    here = runs_into(Format.JSON)
    _, once = here.whole(LIST, summary=True)
    assert here.run(LIST, summary=True)[:3] == once[:3]
    assert here.run(LIST, summary=True) == (*once[:3], [])

    here = runs_into(Format.CSV)
    here.run(LIST)
    with pytest.raises(LoyaltyError, match="CSV does not keep all that --summary counts"):
        here.run(LIST, summary=True)


@pytest.mark.parametrize("output", [Format.JSON, Format.CSV])
def test_a_run_that_was_killed_while_it_finished_its_file_is_finished(
    runs_into: RunsInto, output: Format
) -> None:
    here = runs_into(output)
    whole, once = here.whole(LIST)
    lines = here.lines(LIST)
    finishing = here.path.with_name(f"{here.path.name}.finishing")

    for finished in (None, whole):
        here.holding(lines)
        finishing.write_bytes(whole[:50])
        if finished:
            here.path.write_bytes(finished)
            finishing.unlink()

        assert here.run(LIST) == (*once[:3], [])
        assert here.path.read_bytes() == whole
        assert not here.working.exists()


@pytest.mark.parametrize("output", FORMATS)
def test_a_record_is_in_the_file_before_the_next_but_one_is_asked_for(
    runs_into: RunsInto, output: Format
) -> None:
    here = runs_into(output)
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


@pytest.mark.parametrize("is_working", [False, True], ids=["the file", "the working file"])
@pytest.mark.parametrize("output", FORMATS)
def test_an_output_file_of_another_list_is_refused_and_left_as_it_is(
    runs_into: RunsInto, output: Format, is_working: bool
) -> None:
    here = runs_into(output)
    others = ["E-not_found", "A"]
    content = here.lines(others) if is_working else here.whole(others)[0]
    path = here.working if is_working else here.path
    path.write_bytes(content)

    with pytest.raises(LoyaltyError, match="is not from this run") as refused:
        here.run(["E-not_found", "B", "C"])

    assert refused.value.code is ErrorCode.SETUP
    assert refused.value.hint
    assert [(each, each.read_bytes()) for each in path.parent.glob("out*")] == [(path, content)]
    assert here.platforms.asked == []
    assert here.capture.readouterr() == ("", "")


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
        return found(request.path[-2])

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
    ids=str,
)
def test_the_format_of_an_output_file_is_that_of_the_option_or_else_of_its_name(
    command: Command, name: str, more: tuple[str, ...], start: bytes
) -> None:
    assert command("--output-file", name, *more) == (0, "", "")

    assert Path(name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output-file", "out"), "the name 'out' does not show the format"),
        (("--output-file", "out.jsonl", "-o", "table"), "--output-file needs another format"),
        (("--resume",), "--resume continues an output file"),
    ],
    ids=["no format", "a table", "no file"],
)
def test_an_output_file_without_a_format_or_a_resume_without_a_file_is_refused(
    command: Command, received: list[Received], arguments: tuple[str, ...], said: str
) -> None:
    done = command(*arguments)

    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 2)
    assert said in done.err
    assert received == []
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["config.yaml", "home", "list"]


@pytest.mark.parametrize("output", FORMATS)
def test_a_finished_output_file_is_refused_without_resume_and_kept_with_it(
    command: Command, received: list[Received], output: Format
) -> None:
    name = f"out.{output}"
    Path(name).touch()
    assert command("--output-file", name).code == 0
    content = Path(name).read_bytes()
    assert in_file(name, output) == ["A", "B", "C"]
    received.clear()

    assert command("--output-file", name) == (3, "", THERE_ALREADY.format(name))
    assert Path(name).read_bytes() == content
    assert command("--output-file", name, "--resume") == (0, "", "")
    assert received == []
    assert Path(name).read_bytes() == content


THERE_ALREADY = (
    "Error: the output file '{}' is there already.\n"
    "Hint: Continue it by adding --resume, or name another one.\n"
)


@pytest.mark.parametrize("output", [Format.JSON, Format.CSV])
def test_the_working_file_of_a_stopped_run_is_refused_without_resume(
    command: Command, received: list[Received], output: Format
) -> None:
    name = f"out.{output}"
    assert command("--output-file", "out.jsonl", "--resume").code == 0
    Path("out.jsonl").rename(f"{name}.partial")
    received.clear()

    assert command("--output-file", name) == (3, "", THERE_ALREADY.format(f"{name}.partial"))
    assert command("--output-file", name, "--resume") == (0, "", "")
    assert received == []
    assert in_file(name, output) == ["A", "B", "C"]
    assert not Path(f"{name}.partial").exists()


@pytest.mark.parametrize("output", FORMATS)
def test_the_list_itself_is_refused_as_the_output_file(
    command: Command, received: list[Received], output: Format
) -> None:
    done = command("--output-file", "list", "-o", output, "--resume")

    assert (done.code, done.out, received) == (3, "", [])
    assert done.err == (
        "Error: the output file 'list' cannot be written: it is the list of customers.\n"
        "Hint: Name another one.\n"
    )
    assert Path("list").read_bytes() == b"A\nB\nC\n"


@pytest.mark.usefixtures("command")
def test_the_list_on_stdin_is_refused_as_the_output_file() -> None:
    line = ("balance", "--from", "-", "--output-file", "list", "-o", "jsonl", "--resume")
    with Path("list").open("rb") as stdin, running(*line, stdin=stdin) as there:
        done = there.ended()

    assert (done.code, done.out) == (3, "")
    assert "it is the list of customers" in done.err
    assert Path("list").read_bytes() == b"A\nB\nC\n"


def test_a_single_look_up_that_had_a_bad_key_is_asked_again_by_resume(
    at: At, loyalty: Command, tmp_path: Path
) -> None:
    key = ["bad"]
    platform = at(lambda name: refused(name) if key else found(name))
    line = ("balance", "C-1", "--output-file", str(tmp_path / "out.csv"), "--resume")

    assert loyalty(*line).code == 4
    assert not (tmp_path / "out.csv").exists()
    key.clear()
    assert loyalty(*line).code == 0
    assert platform.asked == ["C-1", "C-1"]
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("output", FORMATS)
def test_a_shard_without_customers_makes_an_output_file_without_records(
    command: Command, output: Format
) -> None:
    Path("list").write_text("A\n")
    parts = [f"{part}.{output}" for part in (1, 2)]
    for part, name in enumerate(parts):
        assert command("--shard", f"{part}/2", "--output-file", name).code == 0
        assert command("--shard", f"{part}/2", "--output-file", name, "--resume").code == 0

    assert sorted(in_file(name, output) for name in parts) == [[], ["A"]]


@pytest.mark.parametrize("output", FORMATS)
def test_a_mistake_in_the_list_leaves_no_output_file(command: Command, output: Format) -> None:
    Path("list").write_text("A\n B\n")

    assert command("--output-file", f"out.{output}").code == 2
    assert [*Path.cwd().glob("out*")] == []


def test_a_list_from_a_pipe_is_resumed_when_it_is_sent_again_from_its_start(
    command: Command, loyalty: Command, received: list[Received]
) -> None:
    assert command("--output-file", "whole.jsonl").code == 0
    whole = Path("whole.jsonl").read_bytes()
    Path("out.csv.partial").write_bytes(whole[: -len(whole) // 3])
    there = in_lines(Path("out.csv.partial"))
    received.clear()

    with piped("A\nB\nC\n") as pipe:
        done = loyalty("balance", "--from", pipe, "--output-file", "out.csv", "--resume")

    assert done == (0, "", "")
    assert in_file("out.csv", Format.CSV) == ["A", "B", "C"]
    assert sorted(request.path[-2] for request in received) == ["A", "B", "C"][len(there) :]


FULL = (
    "Error: the output file 'out.csv' cannot be written: File too large.\n"
    "Hint: Make room, then continue with --resume.\n"
)


def test_a_disk_that_gets_full_leaves_whole_records_that_resume_continues(
    command: Command, received: list[Received]
) -> None:
    customers = [f"C-{number}" for number in range(60)]
    Path("list").write_text("\n".join(customers))

    with little_room(5000):
        assert command("--output-file", "out.csv") == (3, "", FULL)

    there = in_lines(Path("out.csv.partial"))
    assert Path("out.csv.partial").read_bytes().endswith(b"}\n")
    assert there == customers[: len(there)]
    received.clear()
    assert command("--output-file", "out.csv", "--resume") == (0, "", "")
    assert in_file("out.csv", Format.CSV) == customers
    # The first run may still have been on its way to some of them.
    assert {request.path[-2] for request in received} == set(customers[len(there) :])


def test_a_disk_that_is_too_full_to_finish_a_file_leaves_its_working_file(
    command: Command, received: list[Received]
) -> None:
    assert command("--output-file", "whole.jsonl").code == 0
    # With room for the working file, but not for JSON, which is longer.
    with little_room(Path("whole.jsonl").stat().st_size + 100):
        full = command("--output-file", "out.json")

    assert full == (3, "", FULL.replace("csv", "json"))
    assert [path.name for path in Path.cwd().glob("out*")] == ["out.json.partial"]
    received.clear()
    assert command("--output-file", "out.json", "--resume") == (0, "", "")
    assert received == []
    assert [path.name for path in Path.cwd().glob("out*")] == ["out.json"]


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """Let no file be larger than that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("output", FORMATS)
def test_a_second_run_with_the_same_output_file_is_refused(
    command: Command, received: list[Received], output: Format
) -> None:
    name = f"out.{output}"
    with open_output(Path(name), is_lines=output is Format.JSONL, resume=False):
        done = command("--output-file", name, "--resume")

    assert (done.code, done.out, received) == (3, "", [])
    assert done.err == (
        f"Error: the output file '{name}' cannot be written: another run is writing to it.\n"
        "Hint: Wait for that, or name another one.\n"
    )
