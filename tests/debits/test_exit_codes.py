"""The exit code of a run whose outcome cannot be printed, or that is told to end."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from loyalty_cli.commands.debit import action
from tests.conftest import PROGRAM
from tests.debits.conftest import CliWith, CommandLine
from tests.fakes.faulty_platform import LOST, Post, honest
from tests.fakes.servers import Wire

SOON = """
import sys
from loyalty_cli.commands.debit import action
action.LAST_RESORT_SECONDS = 1.0
from loyalty_cli.__main__ import main
sys.argv[0] = "loyalty"
main()
"""
SMALLEST_PIPE = 4096


def debit(*more: str) -> list[str]:
    return [str(PROGRAM), "debit", "C-1", "50", "--reference", "r-1", "--yes", "-o", "jsonl", *more]


@pytest.mark.parametrize(("lost", "code"), [(True, 8), (False, 3)], ids=["unknown", "confirmed"])
def test_a_debit_left_unknown_exits_with_8_though_the_disk_is_full(
    cli: CommandLine, lost: bool, code: int
) -> None:
    cli.platform.debit = LOST if lost else honest
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            debit(), stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )

    assert done.returncode == code
    assert "No space left" in done.stderr
    assert ("it is unknown whether it was made" in done.stderr) == lost


@pytest.mark.parametrize(("lost", "code"), [(True, 8), (False, 141)], ids=["unknown", "confirmed"])
def test_a_debit_left_unknown_exits_with_8_though_its_reader_has_gone(
    cli: CommandLine, lost: bool, code: int
) -> None:
    cli.platform.debit = LOST if lost else honest
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nobody:
        done = subprocess.run(debit(), stdout=nobody, check=False, timeout=60)

    assert done.returncode == code


def test_reconcile_with_a_debit_left_unknown_exits_with_8_on_a_full_disk(cli: CommandLine) -> None:
    cli.platform.debit = LOST
    cli.debit()

    def hangs_up(wire: Wire) -> bool:
        wire.reset()
        return True

    cli.platform.on_read = hangs_up
    command = [str(PROGRAM), "journal", "reconcile", "-o", "jsonl"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.DEVNULL, check=False)

    assert done.returncode == 8


@pytest.fixture
def stuck(cli_with: CliWith, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A run that nobody reads, though the pipe is open, and that waits for that."""
    cli_with(timeout=1)
    rows = tmp_path / "rows.csv"
    lines = [f"C-{number},50,r-{number}\n" for number in range(400)]
    rows.write_text("".join(["customer,amount,reference\n", *lines]))
    with subprocess.Popen(
        [sys.executable, "-c", SOON, "debit", "--from", str(rows), "--yes", "-o", "json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pipesize=SMALLEST_PIPE,
    ) as running:
        assert running.stdout is not None
        ends = time.monotonic() + 60
        while unread(running.stdout.fileno()) < SMALLEST_PIPE / 2 and time.monotonic() < ends:
            time.sleep(0.01)
        yield running
        running.kill()


def unread(pipe: int) -> int:
    """How many bytes wait in a pipe."""
    number = bytearray(4)
    fcntl.ioctl(pipe, termios.FIONREAD, number)
    return int.from_bytes(number, sys.byteorder)


def test_a_run_of_debits_whose_reader_stalls_ends_soon_after_sigterm(
    stuck: "subprocess.Popen[bytes]",
) -> None:
    assert action.LAST_RESORT_SECONDS <= 10  # here it is made shorter
    began = time.monotonic()
    stuck.send_signal(signal.SIGTERM)

    assert stuck.wait(30) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 1 + 1 + 4


def test_a_run_whose_result_cannot_be_recorded_exits_with_8(cli_with: CliWith) -> None:
    cli = cli_with(timeout=1)
    arrived, held = Event(), ExitStack()
    journal = cli.journal

    def hold(wire: Wire, post: Post) -> None:
        post.apply()
        held.enter_context(journal.database.writing())
        arrived.set()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    cli.platform.debit = hold
    command = [sys.executable, "-c", SOON, *debit()[1:]]
    with (
        held,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running,
    ):
        assert arrived.wait(60)
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)

        assert running.wait(60) == 8
    assert time.monotonic() - began < 1 + 1 + 4
