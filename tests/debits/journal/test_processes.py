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


def test_this_process_is_here() -> None:
    assert this_process().pid == os.getpid()
    assert this_process().started
    assert is_gone(this_process()) is False


def test_a_process_is_here_until_it_ends_and_gone_even_before_it_is_reaped() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        other = of(running)
        assert is_gone(other) is False
        running.kill()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)  # it has ended, as a zombie
        assert is_gone(other) is True
    assert is_gone(other) is True


def test_another_process_with_the_same_number_is_not_the_same() -> None:
    assert is_gone(replace(this_process(), started="1")) is True


def test_the_same_number_after_a_restart_of_the_machine_is_not_the_same() -> None:
    assert is_gone(replace(this_process(), boot="another")) is True


@pytest.mark.parametrize("change", [{"boot": "another"}, {"pid": 1}, {"started": "1"}])
def test_there_is_no_telling_of_another_host(change: dict[str, Any]) -> None:
    assert is_gone(replace(this_process(), host="another", **change)) is None


def test_another_container_of_the_host_is_another_host() -> None:
    name, _, namespace = this_process().host.partition(" ")
    assert name == socket.gethostname()
    assert namespace.startswith("pid:[")
    assert is_gone(replace(this_process(), host=f"{name} pid:[1]", pid=1)) is None


def test_a_name_with_parentheses_and_spaces_does_not_confuse(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z (b"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "60"]) as running:
        other = of(running)
        assert other.started.isdigit()
        assert is_gone(other) is False
        running.kill()


def test_where_the_system_says_nothing_there_is_no_telling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = replace(this_process(), started="")
    monkeypatch.setattr(processes, "_started", lambda _: "")

    assert is_gone(silent) is None


def test_a_process_that_is_hidden_is_not_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    other = this_process()

    def not_yours(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(processes, "_started", lambda _: "")
    monkeypatch.setattr(os, "kill", not_yours)
    assert is_gone(other) is None
