"""How much time has certainly passed, even if somebody sets the wall clock."""

import time
from functools import cache
from pathlib import Path

from msgspec import Struct

UPTIME = Path("/proc/uptime")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


class Instant(Struct, frozen=True):
    """A moment by a clock that nobody can set, and that also runs while the machine sleeps.

    `clock` identifies the machine and its boot, "" if unknown; `seconds` count from that boot.
    """

    clock: str
    seconds: float

    def seconds_since(self, earlier: "Instant | None") -> float:
        """Seconds that have certainly passed; 0 if the two moments have different clocks."""
        if earlier is None or not self.clock or earlier.clock != self.clock:
            return 0.0
        return self.seconds - earlier.seconds


def instant_now() -> Instant:
    """The present moment."""
    return Instant(_clock_name(), seconds_awake_or_asleep())


def seconds_awake_or_asleep() -> float:
    """Seconds since the machine was booted, with sleep if the system counts it."""
    try:
        # Not the system call, if possible: a preloaded library can replace that.
        return float(UPTIME.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@cache
def machine_id() -> str:
    """The id of this machine, from MACHINE_IDS; "" if the system does not report it."""
    return next(filter(None, map(_content, MACHINE_IDS)), "")


@cache
def boot_id() -> str:
    """The identity of this boot of the machine; "" if the system does not report it."""
    return _content(BOOT_ID)


def namespace(kind: str) -> str:
    """The namespace of that kind that this process is in; "" if the system has none."""
    try:
        return Path(f"/proc/self/ns/{kind}").readlink().name
    except OSError:
        return ""


@cache
def _clock_name() -> str:
    boot = boot_id()
    return " ".join(filter(None, (machine_id(), boot, namespace("time")))) if boot else ""


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return ""
