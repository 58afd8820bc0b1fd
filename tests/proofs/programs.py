"""Runs of the program that can be killed, dozens a second: each is forked off one that is loaded.

The process that they are forked off has no threads and no open journal, so what a fork has is what
a new process has. In a run the pause between two looks at an account is short; the program itself
has no option for that. Nor has it one to switch a rule off that keeps a debit from being made
twice; here `tests.proofs.without` does.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from multiprocessing import connection, get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).parents[2]
BETWEEN_LOOKS_SECONDS = 0.3
PATIENCE = 60.0

# What a debit imports, and what the commands of the proofs do: each fork has their main module.
LOADED = [
    *("keyring.backends.fail", "psycopg", "requests", "loyalty_cli.cli"),
    *("loyalty_cli.commands.debit.action", "loyalty_cli.commands.journal.reconcile"),
    *("loyalty_cli.debits.journal.backup", "loyalty_cli.output.debits"),
    *("loyalty_cli.providers.gameball", "loyalty_cli.providers.saasquatch"),
    *("tests.proofs.command", "tests.proofs.neighbours", "tests.proofs.without"),
]
_forks = get_context("forkserver")
_forks.set_forkserver_preload(LOADED)
_numbers = count()
_one_at_a_time = Lock()
"""multiprocessing reads the exit codes of all processes where it starts one."""


class Run:
    """One run: what it printed, and once it has ended, its exit code."""

    def __init__(self, process: ForkServerProcess, output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def out(self) -> str:
        return Path(f"{self._output}.out").read_text()

    @property
    def err(self) -> str:
        return Path(f"{self._output}.err").read_text()

    @property
    def records(self) -> Any:
        return json.loads(self.out)

    @property
    def code(self) -> int | None:
        """The exit code, or minus the signal that ended it; None while it runs."""
        with _one_at_a_time:
            return self._process.exitcode

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.code is None:
            assert self._process.pid is not None
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def kill(self) -> int:
        """End it as a power cut does."""
        self.send(signal.SIGKILL)
        return self.wait()

    def is_running(self, seconds: float) -> bool:
        return not connection.wait([self._process.sentinel], seconds)

    def wait(self) -> int:
        assert not self.is_running(PATIENCE), f"it never ended; it said: {self.err}"
        code = self.code
        assert code is not None
        return code


def start(
    folder: Path,
    environment: Mapping[str, str],
    *arguments: str,
    host: str = "",
    without: str = "",
) -> Run:
    """Start the program, on another `host` as far as it can tell, `without` a rule."""
    output = folder / f"run-{next(_numbers)}"
    given = (arguments, dict(environment), output, host, without)
    process = _forks.Process(target=_become, args=given, daemon=True)
    with _one_at_a_time:
        process.start()
    return Run(process, output)


def _become(
    arguments: tuple[str, ...], environment: dict[str, str], output: Path, host: str, without: str
) -> None:
    """Be the program, from here to its end."""
    from loyalty_cli import cli
    from loyalty_cli.debits import reconcile
    from loyalty_cli.debits.journal import processes
    from tests.proofs.without import RULES

    for descriptor, path in enumerate(("/dev/null", f"{output}.out", f"{output}.err")):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    reconcile.BETWEEN_LOOKS_SECONDS = BETWEEN_LOOKS_SECONDS
    if without:
        RULES[without].switch_off()
    if host:
        processes._host = lambda: host
    sys.argv = ["loyalty", *arguments]
    try:
        cli.main()
    finally:
        os._exit(111)
