"""stdout holds the document, all of it, and nothing else."""

import csv
import fcntl
import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli.output.json_schema import json_schema
from loyalty_cli.providers import BUILT_IN
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import PROGRAM, Outcome, Run, Serve

FORMATS = ["table", "json", "jsonl", "csv"]
SANDBOX = ("--sandbox", "balance", "-p", "gameball", "-p", "imprint")
EVERYWHERE = ("--sandbox", "balance", "--all-profiles")
DEBIT = ("--sandbox", "debit", "--reference", "a", "-y")
RESULTS = {
    "balance, all found": ([*EVERYWHERE, "C-1001", "C-1004", "C-1006"], 3 * len(BUILT_IN)),
    "balance, none found": ([*EVERYWHERE, "E-404", "E-401", "E-html"], 3 * len(BUILT_IN)),
    "balance, one failed": ([*SANDBOX, "C-1001", "E-404", "-v"], 4),
    "raw balance, all found": ([*EVERYWHERE, "--raw", "C-1001", "C-1006"], 2 * len(BUILT_IN)),
    "raw balance, none found": ([*EVERYWHERE, "--raw", "E-404", "E-html"], 2 * len(BUILT_IN)),
    "raw balance, one failed": ([*SANDBOX, "--raw", "C-1001", "E-404"], 4),
    "providers": (["providers"], len(BUILT_IN)),
    "one provider": (["providers", "capillary"], 1),
    "profiles": (["--sandbox", "profiles"], len(BUILT_IN)),
    "debit, made": ([*DEBIT, "C-1001", "5"], 1),
    "debit, refused": ([*DEBIT, "E-insufficient", "5"], 1),
    "debit, outcome unknown": ([*DEBIT, "E-lost-reply", "5", "-v"], 1),
    "debit, tried out": ([*DEBIT, "C-1001", "5", "--dry-run"], 1),
}
DOCUMENTS = [
    *(["--version"], ["--help"], ["sandbox", "reset", "-h"], ["schema"], ["sandbox"]),
    *(["--sandbox", "balance", "C-1001", "-o", output] for output in FORMATS),
    ["providers", "omneo", "-o", "csv"],
    ["--sandbox", "profiles", "-o", "json"],
    [*DEBIT, "C-1001", "5", "-o", "jsonl"],
    ["--sandbox", "journal", "list", "-o", "csv"],
    ["--sandbox", "journal", "reconcile", "-o", "json"],
]
"""Every command that prints something."""


def redirected(
    redirection: str, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program with its streams as a shell sets them up."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", str(PROGRAM), *arguments],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_one_document_in_every_format_that_fits_the_schema(
    loyalty: Run, name: str
) -> None:
    command, records = RESULTS[name]
    validator = Draft202012Validator(json_schema())

    array = loyalty(*command, "-o", "json")
    assert len(array.records) == records
    validator.validate(json.loads(array.out))
    assert array.out.endswith("]\n")

    lines = loyalty(*command, "-o", "jsonl").out.splitlines(keepends=True)
    assert len(lines) == records
    for line in lines:
        validator.validate([json.loads(line)])
        assert line.endswith("\n")

    header, *rows = csv.reader(io.StringIO(loyalty(*command, "-o", "csv").out, newline=""))
    assert len(set(header)) == len(header)
    assert len(rows) >= records
    assert {len(row) for row in rows} == {len(header)}

    table = loyalty(*command)
    if "none found" in name:
        assert table.out == ""
        assert table.err.startswith("Error: ")
        return
    heading, *rest = table.out.splitlines()
    assert heading.split()[0] in ("Customer", "Provider", "Profile", "About", "Reference")
    assert rest
    for word in ("Error:", "Warning:", "Hint:", "> GET", "failed."):
        assert word not in table.out


@pytest.fixture
def one_of_each(loyalty: Run) -> None:
    """A debit that was made and one whose outcome is not known, in the sandbox's journal."""
    for customer, reference, code in (("C-1001", "a", 0), ("E-lost-reply", "b", 8)):
        done = loyalty("--sandbox", "debit", customer, "5", "--reference", reference, "-y")
        assert done.code == code


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize(
    ("command", "records", "rows"),
    [
        (["list"], 2, 2),
        (["show", "b"], 1, 3),
        (["reconcile"], 1, 1),
        (["resolve", "b", "--confirmed", "--why", "seen"], 1, 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("output", FORMATS)
def test_journal_commands_print_one_document_in_every_format(
    loyalty: Run, command: list[str], records: int, rows: int, output: str
) -> None:
    done = loyalty("--sandbox", "journal", *command, "-o", output)

    lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\n")
    match output:
        case "json":
            assert len(done.records) == records
        case "jsonl":
            assert [type(json.loads(line)) for line in lines] == [dict] * records
        case "csv":
            header, *cells = csv.reader(io.StringIO(done.out, newline=""))
            assert {len(row) for row in cells} == {len(header)}
            assert len(cells) == rows
        case "table":
            if command[0] == "show":  # the debit itself, its events, what can be next
                _, lines, _ = (part.splitlines() for part in done.out.split("\n\n"))
            assert lines[0].split()[0] == ("At" if command[0] == "show" else "Reference")
            assert len(lines) == 1 + rows


@pytest.mark.parametrize("output", FORMATS)
def test_a_debit_that_could_not_be_printed_is_on_record(loyalty: Run, output: str) -> None:
    asked = (*DEBIT, "C-1001", "5", "-o", output)

    done = redirected(">/dev/full", *asked)
    again = loyalty(*asked, "-o", "json")

    assert done.returncode == 3
    assert (again.code, again.record["state"]) == (0, "confirmed")
    # Where a header could not be written, nothing was begun.
    assert again.record["replayed"] is (output != "csv")


@pytest.mark.parametrize("command", DOCUMENTS, ids=" ".join)
def test_a_closed_stdout_and_a_full_disk_are_errors(command: list[str]) -> None:
    closed, full = redirected(">&-", *command), redirected(">/dev/full", *command)

    assert (closed.returncode, full.returncode) == (3, 3)
    assert closed.stderr.startswith("Error: the result cannot be written: stdout is closed.\n")
    assert "No space left on device" in full.stderr
    assert len(full.stderr.splitlines()) <= 3


@pytest.mark.parametrize("command", DOCUMENTS, ids=" ".join)
def test_a_reader_that_has_gone_ends_the_program_without_a_message(
    program: Run, command: list[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert program(*command, stdout=writer) == (141, "", "")
    finally:
        os.close(writer)


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_a_command_that_prints_nothing_works_without_stdout(redirection: str) -> None:
    done = redirected(redirection, "sandbox", "reset")

    assert (done.returncode, done.stderr) == (
        0,
        "the sandbox is reset: all its debits, people and history are gone.\n",
    )


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["--help"], 0),
        (["providers"], 0),
        ([*SANDBOX, "C-1001"], 0),
        ([*SANDBOX, "E-404"], 5),
        ([*SANDBOX, "C-1001", "E-404", "-v"], 9),
        (["balance"], 2),
        (["profiles"], 3),
        (["sandbox", "reset"], 0),
        ([*DEBIT, "C-1001", "5"], 0),
        ([*DEBIT, "E-insufficient", "5"], 6),
        ([*DEBIT, "E-lost-reply", "5"], 8),
        (["--sandbox", "journal", "show", "none"], 2),
    ],
    ids=str,
)
def test_the_exit_code_is_the_same_without_a_stderr(
    redirection: str, command: list[str], code: int
) -> None:
    done = redirected(redirection, *command)

    assert done.returncode == code
    assert (done.stdout == "") == (code in (2, 3, 5) or "reset" in command)


class HoldingPlatform:
    """Platforms whose answer about C-2 waits until the record of C-1 was read."""

    def __init__(self) -> None:
        self.first_was_read = Event()
        self.in_time = True

    def __call__(self, received: Received) -> Reply:
        if received.method == "POST":
            asked = json.loads(received.body)
            points = {"redeemEquivalentPoints": asked["points"]}
            return Reply(body={"transactionId": asked["transactionId"], **points})
        if "C-2" in received.path:
            self.in_time = self.first_was_read.wait(timeout=20)
        return Reply(body=b'{\n  "availablePointsBalance": 100\n}\n')


@pytest.mark.parametrize(
    "command",
    [
        f"{command} -o {output}"
        for command in ("balance", "balance --raw", "debit -y")
        for output in ("jsonl", "csv")
    ],
)
def test_a_record_is_printed_before_the_next_one_is_there(
    serve: Serve,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    loyalty: Run,
    command: str,
) -> None:
    held = HoldingPlatform()
    file = profile_file(
        f"default_profile: points\nprofiles:\n  points: {{provider: gameball, "
        f"base_url: '{serve(held)}', debit: {{allow: true, unit: points}}}}\n"
    )
    for name in ("API_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"LOYALTY_POINTS_{name}", "secret")
    rows = file.with_name("debits.csv")
    rows.write_text("customer,amount,reference\nC-1,5,a\nC-2,5,b\n")
    assert loyalty("journal", "init").code == 0
    whom = ["--from", str(rows)] if "debit" in command else ["C-1", "C-2"]

    with subprocess.Popen(
        [PROGRAM, *command.split(), *whom],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        if "csv" in command:
            assert "customer" in process.stdout.readline()
        first = process.stdout.readline()
        held.first_was_read.set()
        rest = process.stdout.readlines()

    assert process.returncode == 0
    assert held.in_time
    assert "C-1" in first
    assert "C-2" in rest[-1]


@pytest.fixture
def narrow_pipe() -> Iterator[tuple[int, int]]:
    """A pipe with room for one page, which is full."""
    reader, writer = os.pipe()
    size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * size)
    yield reader, writer
    os.close(reader)


def through(pipe: tuple[int, int], *command: str) -> Outcome:
    """Run the program with its stdout in a pipe that is read only when it is known to wait."""
    reader, writer = pipe
    with subprocess.Popen(
        [PROGRAM, *command], stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE
    ) as process:
        os.close(writer)
        chunks = iter(lambda: os.read(reader, 512), b"")
        content = b"".join(chunks).removeprefix(b"x" * 4096).decode()
        _, err = process.communicate(timeout=30)
    return Outcome(process.returncode, content, err.decode())


@pytest.mark.parametrize("command", [["--help"], ["schema"]], ids=str)
def test_a_slow_reader_gets_the_whole_help_page(
    narrow_pipe: tuple[int, int], program: Run, command: list[str]
) -> None:
    assert through(narrow_pipe, *command) == program(*command)


@pytest.mark.parametrize("output", FORMATS)
def test_a_slow_reader_gets_the_whole_of_a_large_document(
    narrow_pipe: tuple[int, int],
    program: Run,
    answer: Callable[..., str],
    card: Callable[..., object],
    output: str,
) -> None:
    card(answer({f"field {number}": "x" * 90 for number in range(1500)}))
    command = ("balance", "C-1", "--raw", "-o", output)

    done = through(narrow_pipe, *command)

    assert done.code == 0
    assert len(done.out) > 150_000
    assert "field 1499" in done.out
    assert len(done.out.splitlines()) == len(program(*command).out.splitlines())
