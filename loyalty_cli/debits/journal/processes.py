"""Which process this is, and whether another one is still there."""

import os
import socket
from functools import cache
from pathlib import Path

from loyalty_cli.debits.journal.entries import Process
from loyalty_cli.debits.journal.uptime import boot_id, machine_id


def this_process() -> Process:
    """The process that runs now."""
    return _process(os.getpid())


@cache
def _process(pid: int) -> Process:
    return Process(
        host=_host(), pid=pid, started=_started(pid), boot=boot_id(), machine=machine_id()
    )


def actor() -> str:
    """Who does something, as events have it."""
    return f"uid {os.getuid()} on {socket.gethostname()}, process {os.getpid()}"


def is_gone(sender: Process) -> bool | None:
    """Whether a sender has ended; None where it ran on another host, and there is no telling.

    Nor is there where the system does not say when a process started, or hides those of others.
    """
    is_other_machine = sender.machine not in ("", machine_id())  # "": an earlier version's
    if sender.host != _host() or is_other_machine or not sender.started:
        return None
    if sender.boot != boot_id():
        return True
    started = _started(sender.pid)
    if not started and _is_hidden(sender.pid):
        return None
    return sender.started != started


def _host() -> str:
    """This host, and which processes can be seen from here: a container sees its own alone."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = ""
    return f"{socket.gethostname()} {namespace}".rstrip()


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks since boot; "" where there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name, in parentheses, can hold anything; the fields count from behind it.
    state, *rest = status.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]


def _is_hidden(pid: int) -> bool:
    """Whether there is a process of another user that cannot be looked at."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False
