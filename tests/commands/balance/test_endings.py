"""`loyalty balance --from` that ends early: for a signal, a bad key, a reader that leaves."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

import pytest

from loyalty_cli.lists.parallel import MAX_PENDING
from loyalty_cli.lists.stop import SAME_SIGNAL_SECONDS
from loyalty_cli.sandbox.server import Reply
from tests.commands.balance.lists import (
    AT_ONCE,
    PATIENCE,
    At,
    BalancePlatform,
    EachAt,
    Gate,
    Listed,
    Running,
    customers,
    found,
    full_pipe,
    is_in_order,
    lines,
    names,
    refused,
    running,
)
from tests.conftest import Outcome, Run

pytestmark = pytest.mark.timeout(60)

INT, TERM = (signal.SIGINT, 130), (signal.SIGTERM, 143)
MANY = 2 * MAX_PENDING
"""More than a run asks for while the one whose turn it is has no answer."""


# Signals.


@pytest.mark.parametrize(
    ("output", "number", "code"), [("json", *INT), ("jsonl", *TERM), ("csv", *INT)]
)
def test_a_signal_ends_a_list_after_printing_all_that_was_done(
    output: str, number: int, code: int, at: At, listed: Listed
) -> None:
    gate = Gate("C-20")
    platform = at(gate)

    with running("balance", "--from", listed(lines(names(MANY))), "-o", output) as there:
        there.until(lambda read: b"C-19" in read)
        done = there.signalled(number)
    gate.open()

    assert done.code == code
    done_ones = customers(done, output)
    assert done_ones[:19] == names(19)
    assert "C-20" not in done_ones
    assert is_in_order(done_ones)
    note, *interrupted = done.err.splitlines()
    assert note == f"{len(done_ones)} of {MANY} look-ups were done."
    assert interrupted == (["Interrupted."] if code == 130 else [])
    assert len(platform.asked) < MANY


def test_a_table_of_an_interrupted_list_shows_what_was_done(at: At, listed: Listed) -> None:
    gate = Gate("C-3")
    at(gate)

    with running("balance", "--from", listed(lines(names(5))), "--jobs", "1") as there:
        assert gate.reached.wait(PATIENCE)
        done = there.signalled(signal.SIGTERM)
    gate.open()

    assert done.code == 143
    assert [line.split()[0] for line in done.out.splitlines()] == ["Customer", "C-1", "C-2"]
    assert done.err.startswith("2 of 5 look-ups were done.\n")


@pytest.mark.parametrize(
    ("output", "number", "code"),
    [("json", *INT), ("csv", *TERM), ("table", *INT)],
)
def test_a_signal_before_the_first_result_leaves_stdout_empty(
    output: str, number: int, code: int, at: At, listed: Listed
) -> None:
    gate = Gate("C-1")
    at(gate)

    with running("balance", "--from", listed(lines(names(5))), "-o", output) as there:
        assert gate.reached.wait(PATIENCE)
        done = there.signalled(number)
    gate.open()

    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("0 of 5 look-ups were done.\n")


def test_a_signal_ends_a_list_that_waits_for_stdin(at: At) -> None:
    at()

    with running("balance", "--from", "-", "-o", "json", stdin=subprocess.PIPE) as there:
        there.give("C-1\nC-2\n")
        there.until(lambda read: b"C-2" in read)
        done = there.signalled(signal.SIGINT)

    assert done.code == 130
    assert customers(done, "json") == ["C-1", "C-2"]
    assert done.err.startswith("2 look-ups were done.\n")


@pytest.mark.parametrize(("written", "number", "code"), [("", *TERM), ("C-1\n", *INT)])
def test_a_signal_ends_a_list_that_waits_for_a_named_pipe(
    number: int, code: int, written: str, at: At, tmp_path: Path
) -> None:
    platform = at()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with (
        running("balance", "--from", str(pipe), "-o", "jsonl") as there,
        pipe.open("wb", buffering=0) as sink,  # which waits for its reader
    ):
        sink.write(written.encode())
        if written:
            there.line(1)
        done = there.signalled(number)

    assert done.code in (code, -number)  # the latter where nothing was begun yet
    assert len(customers(done, "jsonl")) == len(platform.asked) == len(written.splitlines())


# A pipe that nobody reads.


@contextmanager
def stalled(at: At, listed: Listed) -> Iterator[tuple[Running, int]]:
    """The program as it waits for somebody to read its stdout, and the pipe's end to read."""
    last = Gate("C-5")  # and not many more, as long as nobody reads
    last.open()
    at(last)
    asking = ("balance", "--from", listed(lines(names(50))), "-o", "jsonl")
    with full_pipe() as (source, sink), running(*asking, stdout=sink) as there:
        os.close(sink)
        assert last.reached.wait(PATIENCE)
        yield there, source


def test_after_a_signal_a_list_whose_reader_stalled_ends_once_it_reads_on(
    at: At, listed: Listed
) -> None:
    with stalled(at, listed) as (there, source):
        there.process.send_signal(signal.SIGTERM)
        there.process.send_signal(signal.SIGTERM)  # as `timeout` does; together they are one
        with open(source, closefd=False) as reader:
            out = reader.read()
        done = there.ended(AT_ONCE)

    assert done.code == 143
    done_ones = customers(Outcome(0, out.lstrip(), ""), "jsonl")
    assert is_in_order(done_ones)
    assert done.err.startswith(f"{len(done_ones)} of 50 look-ups were done.\n")


def test_a_second_signal_ends_a_list_whose_reader_stalls_for_ever(at: At, listed: Listed) -> None:
    with stalled(at, listed) as (there, _):
        there.process.send_signal(signal.SIGINT)
        while there.process.poll() is None:  # a busy machine may deliver the first one late
            with suppress(subprocess.TimeoutExpired):
                there.process.wait(SAME_SIGNAL_SECONDS + 0.2)
            there.process.send_signal(signal.SIGTERM)
        done = there.ended(AT_ONCE)

    assert (done.code, done.err) == (-signal.SIGTERM, "")


# Whoever reads stops reading.


@pytest.mark.parametrize("output", ["json", "jsonl", "csv"])
def test_a_reader_that_leaves_ends_a_list(output: str, at: At, listed: Listed) -> None:
    gate = Gate("C-30")
    platform = at(gate)

    with running("balance", "--from", listed(lines(names(MANY))), "-o", output) as there:
        there.until(lambda read: b"C-29" in read)
        assert there.process.stdout
        there.process.stdout.close()
        there.process.stdout = None
        gate.open()
        done = there.ended(AT_ONCE)

    assert done.code == 141
    assert done.err == ""
    assert len(platform.asked) < MANY


# What would fail for all that follow.


def ended_by(done: Outcome, *, code: int, error: str) -> bool:
    """Whether a run was ended by that, and said so in the end."""
    assert done.code == code
    assert error in done.err.splitlines()[0]
    assert done.err.splitlines()[-1].startswith("The run was ended, because all others at ")
    return True


@pytest.mark.parametrize(
    ("output", "jobs"),
    [("json", "1"), ("jsonl", "8"), ("csv", "256")],
)
def test_of_a_list_with_a_bad_key_one_request_is_sent(
    output: str, jobs: str, loyalty: Run, at: At, listed: Listed
) -> None:
    platform = at(refused)

    done = loyalty("balance", "--from", listed(lines(names(99))), "-o", output, "--jobs", jobs)

    assert platform.asked == ["C-1"]
    assert customers(done, output) == ["C-1"]
    assert ended_by(done, code=4, error="Imprint rejected the credentials of profile 'card'")
    assert "1 of 99 look-ups were done." in done.err.splitlines()[-1]


def test_a_table_of_a_list_with_a_bad_key_is_an_error_alone_and_for_one_as_without_a_list(
    loyalty: Run, at: At, listed: Listed
) -> None:
    at(refused)

    many = loyalty("balance", "--from", listed(lines(names(9))))
    one = loyalty("balance", "--from", listed("C-1\n"))
    plain = loyalty("balance", "C-1")

    assert (many.code, many.out, many.err.count("Error: ")) == (4, "", 1)
    assert (one.code, one.err) == (plain.code, plain.err)


@pytest.mark.parametrize(("jobs", "output"), [(1, "json"), (8, "jsonl"), (32, "csv")])
def test_a_key_that_is_revoked_meanwhile_ends_a_list(
    jobs: int, output: str, loyalty: Run, at: At, listed: Listed
) -> None:
    lock, answered = Lock(), list[str]()

    def until_revoked(customer: str) -> Reply:
        with lock:
            answered.append(customer)
            return found(customer) if len(answered) <= 100 else refused(customer)

    at(until_revoked)

    done = loyalty(
        *("balance", "--from", listed(lines(names(MANY))), "-o", output, "--jobs", str(jobs))
    )

    assert ended_by(done, code=4, error="rejected the credentials")
    assert len(answered) <= 100 + jobs
    done_ones = customers(done, output)
    assert is_in_order(done_ones)
    assert len(set(answered[:100]) - set(done_ones)) < jobs  # which were on their way back
    assert f"{len(done_ones)} of {MANY} look-ups were done." in done.err.splitlines()[-1]


def test_a_bad_key_ends_a_list_that_waits_for_more_from_a_pipe(at: At) -> None:
    at(refused)

    with running("balance", "--from", "-", "-o", "jsonl", stdin=subprocess.PIPE) as there:
        there.give("C-1\n")
        done = there.ended(AT_ONCE)

    assert (done.code, customers(done, "jsonl")) == (4, ["C-1"])


def test_of_a_list_without_a_credential_nothing_is_asked(
    loyalty: Run, at: At, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = at()
    monkeypatch.delenv("LOYALTY_CARD_API_KEY")

    done = loyalty("balance", "--from", listed(lines(names(50))), "-o", "json")

    assert platform.asked == []
    assert ended_by(done, code=4, error="no api_key for the profile 'card'")
    assert customers(done, "json")[0] == "C-1"


def test_a_redirect_ends_a_list_after_one_request(loyalty: Run, at: At, listed: Listed) -> None:
    platform = at(lambda _: Reply(302, headers={"Location": "https://new.example/"}))

    done = loyalty("balance", "--from", listed(lines(names(50))), "-o", "json")

    assert platform.asked == ["C-1"]
    assert ended_by(done, code=7, error="redirects to https://new.example/")


@pytest.fixture
def good_and_bad(each_at: EachAt) -> dict[str, BalancePlatform]:
    """Two profiles, of which the key of one is bad."""
    platforms = {"good": BalancePlatform(), "bad": BalancePlatform(refused)}
    each_at(**platforms)
    return platforms


def test_one_of_several_profiles_with_a_bad_key_ends_a_list(
    loyalty: Run, good_and_bad: dict[str, BalancePlatform], listed: Listed
) -> None:
    done = loyalty(
        *("balance", "--from", listed(lines(names(200))), "-p", "good", "-p", "bad", "-o", "json")
    )

    assert ended_by(done, code=4, error="C-1 at bad: Imprint rejected the credentials")
    assert "all others at bad would fail" in done.err
    assert good_and_bad["bad"].asked == ["C-1"]
    assert len(good_and_bad["good"].asked) < 100


def test_a_row_whose_profile_has_a_bad_key_ends_a_list_there(
    loyalty: Run, good_and_bad: dict[str, BalancePlatform], listed: Listed
) -> None:
    rows = [f"{name},{'bad' if number >= 30 else ''}" for number, name in enumerate(names(60))]

    done = loyalty(
        *("balance", "--from", listed(lines(["customer,profile", *rows])), "-o", "jsonl")
    )

    assert ended_by(done, code=4, error="C-31 at bad: Imprint rejected the credentials")
    assert good_and_bad["bad"].asked == ["C-31"]
    assert customers(done, "jsonl")[-1] == "C-31"
    assert set(customers(done, "jsonl")) <= set(names(31))
