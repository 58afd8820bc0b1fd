"""Who sends a debit, and whether that process is still there."""

import os
import socket
from pathlib import Path

from loyalty_cli.journal.entries import Sender


def this_process() -> Sender:
    """The process that runs now."""
    pid = os.getpid()
    return Sender(host=_host(), pid=pid, started=_started(pid), boot=_boot())


def is_gone(sender: Sender) -> bool | None:
    """Whether a sender has ended; None where it ran on another host, and there is no telling."""
    if sender.host != _host():
        return None
    return sender.boot != _boot() or sender.started != _started(sender.pid)


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


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
