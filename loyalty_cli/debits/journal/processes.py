"""Which process this is, and whether another process still runs."""

import os
import socket
from functools import cache
from pathlib import Path

from loyalty_cli.database.user import user_name
from loyalty_cli.debits.journal.entries import Process
from loyalty_cli.debits.journal.uptime import boot_id, machine_id, namespace


def this_process() -> Process:
    """The present process."""
    return _process(os.getpid())


@cache
def _process(pid: int) -> Process:
    return Process(
        host=_host(), pid=pid, started=_started(pid), boot=boot_id(), machine=machine_id()
    )


def actor() -> str:
    """The present user and process, as events name them."""
    return f"{user_name()} on {socket.gethostname()}, process {os.getpid()}"


def is_gone(sender: Process) -> bool | None:
    """Whether a sender has ended; None if the system does not tell, as on another host."""
    is_other_machine = sender.machine not in ("", machine_id())  # "": from an earlier version
    if sender.host != _host() or is_other_machine or not sender.started:
        return None
    if sender.boot != boot_id():
        return True
    started = _started(sender.pid)
    if not started and _is_hidden(sender.pid):
        return None
    return sender.started != started


def _host() -> str:
    """This host and its process namespace: a container sees only its own processes."""
    return f"{socket.gethostname()} {namespace('pid')}".rstrip()


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks since boot; "" if there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name, in parentheses, can hold anything; the fields are counted after it.
    state, *rest = status.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]


def _is_hidden(pid: int) -> bool:
    """Whether the process exists but belongs to another user and is hidden."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False
