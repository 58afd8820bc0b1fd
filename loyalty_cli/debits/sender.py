"""Who sends a debit, and whether that process is still there."""

import os
import socket
from functools import cache
from pathlib import Path

from loyalty_cli.journal.entries import Sender


def this_process() -> Sender:
    """The process that runs now."""
    return _process(os.getpid())


@cache
def _process(pid: int) -> Sender:
    return Sender(host=_host(), pid=pid, started=_started(pid), boot=_boot())


def is_gone(sender: Sender) -> bool | None:
    """Whether a sender has ended; None where it ran on another host, and there is no telling.

    Nor is there where the system does not say when a process started, or hides those of others.
    """
    if sender.host != _host() or not sender.started:
        return None
    if sender.boot != _boot():
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


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
