"""Runs checks at the same time, each until its deadline."""

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Thread

from msgspec import Struct

from loyalty_cli.commands.doctor.finding import Finding, broken, failed, too_slow
from loyalty_cli.model.errors import LoyaltyError


class Check(Struct, frozen=True):
    """A check: its name, what it finds, and how many seconds it may take.

    Without `seconds` the check has a limit of its own.
    """

    name: str
    find: Callable[[], Iterable[Finding]]
    seconds: float | None


def run_all(checks: Sequence[Check]) -> list[Finding]:
    """Run all checks at once, and return what they found, in their order.

    A check that fails, or does not end in time, is broken; what it found before that is kept.
    """
    began = time.monotonic()
    found: list[list[Finding]] = [[] for _ in checks]
    threads = [
        Thread(target=_run, args=(check, into), name=check.name, daemon=True)
        for check, into in zip(checks, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    findings: list[Finding] = []
    for check, thread, into in zip(checks, threads, found, strict=True):
        left = None if check.seconds is None else max(0.0, began + check.seconds - time.monotonic())
        thread.join(left)
        findings += into
        if thread.is_alive() and check.seconds is not None:
            findings.append(too_slow(check.name, check.seconds))
    return findings


def _run(check: Check, into: list[Finding]) -> None:
    try:
        into.extend(check.find())
    except LoyaltyError as error:
        into.append(broken(check.name, error))
    except Exception as error:  # noqa: BLE001 - the other checks must go on
        into.append(failed(check.name, error))
