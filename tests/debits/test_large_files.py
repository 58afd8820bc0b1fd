"""A large file takes no more memory than a small one, and what was checked is what is made."""

import json
import signal
import subprocess
from pathlib import Path
from threading import Event

import pytest

from tests.conftest import PROGRAM
from tests.debits.conftest import CommandLine
from tests.fakes.faulty_platform import Post, honest
from tests.fakes.servers import Wire

HEADER = "customer,amount,reference\n"
FEW, MANY = 2_000, 50_000
MADE = 100
ROWS = 600
MOST_MEBIBYTES = 10.0
"""More of memory for many rows than for a few; held in lists they took 1.5 KiB each."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


def debits(path: Path, rows: int) -> Path:
    """A file of debits, each of another account, in no order of accounts."""
    with path.open("w") as file:
        file.write(HEADER)
        file.writelines(f"C-{n * 7919 % 1_000_003},1,{path.name}-{n}\n" for n in range(rows))
    return path


def peak_mebibytes(file: Path) -> tuple[float, list[str]]:
    """The peak of memory when some debits are made, and their references as they were printed."""
    command = [str(PROGRAM), "debit", "--from", str(file), "-y", "-o", "jsonl"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        printed = [json.loads(process.stdout.readline())["reference"] for _ in range(MADE)]
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.send_signal(signal.SIGTERM)
        for _ in process.stdout:
            pass
    assert process.returncode == 128 + signal.SIGTERM
    (peak,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peak) / 1024, printed


def test_a_file_of_many_debits_takes_no_more_memory_than_one_of_few(
    cli: CommandLine, tmp_path: Path
) -> None:
    few, _ = peak_mebibytes(debits(tmp_path / "few", FEW))

    many, printed = peak_mebibytes(debits(tmp_path / "many", MANY))

    assert many - few < MOST_MEBIBYTES
    assert printed == [f"many-{n}" for n in range(MADE)]
    assert len(cli.platform.posts) >= 2 * MADE


def test_the_debits_that_were_checked_are_made_though_the_file_changes(
    cli: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "debits"
    file.write_text(HEADER + "".join(f"C-{n},1,ref-{n}\n" for n in range(ROWS)))
    changed = Event()

    def debit(wire: Wire, post: Post) -> None:
        if not changed.is_set():
            file.write_text(HEADER + "".join(f"C-{n},999,ref-{n}\n" for n in range(2 * ROWS)))
            changed.set()
        honest(wire, post)

    cli.platform.debit = debit

    done = cli.loyalty("debit", "--from", str(file), "-y", "-o", "jsonl")

    assert done.code == 0
    assert {json.loads(line)["amount"] for line in done.out.splitlines()} == {1}
    assert {post.order["amount"] for post in cli.platform.posts} == {1}
    assert len(cli.platform.posts) == ROWS
