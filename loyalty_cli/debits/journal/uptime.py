"""How much time has passed for certain, whatever anybody does to the wall clock."""

import time
from functools import cache
from pathlib import Path

from msgspec import Struct

UPTIME = Path("/proc/uptime")
MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


class Instant(Struct, frozen=True):
    """A moment by a clock that nobody can set, and that runs on while the machine sleeps.

    `clock` names the machine and its boot, "" where the system names none; `seconds` are since it
    was booted.
    """

    clock: str
    seconds: float

    def seconds_since(self, earlier: "Instant | None") -> float:
        """Seconds that have passed for certain; 0 where the two are not of one clock."""
        if earlier is None or not self.clock or earlier.clock != self.clock:
            return 0.0
        return self.seconds - earlier.seconds


def instant_now() -> Instant:
    """This moment."""
    return Instant(_clock_name(), seconds_awake_or_asleep())


def seconds_awake_or_asleep() -> float:
    """Seconds since the machine was booted, its sleep included where the system counts it."""
    try:
        # Not the system call where it can be helped: a library can be put in front of that one.
        return float(UPTIME.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@cache
def machine_id() -> str:
    """What tells this machine from its clones; "" where the system does not say."""
    for path in MACHINE_IDS:
        try:
            if name := path.read_text(encoding="ascii").strip():
                return name
        except (OSError, UnicodeError):
            continue
    return ""


@cache
def boot_id() -> str:
    """What tells this boot of the machine from every other; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def _clock_name() -> str:
    boot = boot_id()
    if not boot:
        return ""
    try:
        offset = Path("/proc/self/ns/time").readlink().name
    except OSError:
        offset = ""
    return " ".join(filter(None, (machine_id(), boot, offset)))
