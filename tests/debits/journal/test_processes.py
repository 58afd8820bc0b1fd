"""Whether the process that sends a debit is still there."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.journal import processes
from loyalty_cli.debits.journal.entries import Process
from loyalty_cli.debits.journal.processes import is_gone, this_process

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="there is no /proc to look at"
)


def of(process: "subprocess.Popen[bytes]") -> Process:
    return replace(this_process(), pid=process.pid, started=processes._started(process.pid))


NAME, _, NAMESPACE = this_process().host.partition(" ")


def test_this_process_is_known_by_its_number_start_and_container() -> None:
    assert this_process().pid == os.getpid()
    assert this_process().started
    assert socket.gethostname() == NAME
    assert NAMESPACE.startswith("pid:[")


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({}, False),
        ({"started": "1"}, True),  # another process with the same number
        ({"boot": "another"}, True),  # the same number after a restart of the machine
        ({"host": "another", "boot": "another"}, None),
        ({"host": "another", "pid": 1}, None),
        ({"host": "another", "started": "1"}, None),
        ({"host": f"{NAME} pid:[1]", "pid": 1}, None),  # another container of the host
        ({"machine": "another"}, None),  # a clone with the same name
        ({"machine": ""}, False),  # on record by an earlier version
        ({"started": ""}, None),
    ],
    ids=str,
)
def test_only_a_process_of_this_machine_can_be_known_to_be_gone(
    change: dict[str, Any], gone: bool | None
) -> None:
    assert is_gone(replace(this_process(), **change)) is gone


def test_a_process_is_gone_once_it_ends_even_before_it_is_reaped() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        other = of(running)
        assert is_gone(other) is False
        running.kill()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)  # it has ended, as a zombie
        assert is_gone(other) is True
    assert is_gone(other) is True


def test_a_process_name_with_parentheses_and_spaces_is_read(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z (b"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "60"]) as running:
        other = of(running)
        assert other.started.isdigit()
        assert is_gone(other) is False
        running.kill()


def test_a_process_that_is_hidden_is_not_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    other = this_process()

    def not_yours(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(processes, "_started", lambda _: "")
    monkeypatch.setattr(os, "kill", not_yours)
    assert is_gone(other) is None
