"""Runs of the program that can be killed, dozens a second: each is forked off one that is loaded.

`python -m tests.proofs.programs` is the process they are forked off. It has no threads and no
open journal, so what a fork has is what a new process has. In it the pause between two looks at
an account is short; the program itself has no option for that. Nor has it one to switch a rule off
that keeps a debit from being made twice; here `tests.proofs.without` does.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
BETWEEN_LOOKS_SECONDS = 0.3
PATIENCE = 60.0


class Run:
    """One run: its process id, and once it has ended, its exit code and what it printed."""

    def __init__(self, programs: "Programs", pid: int, output: Path) -> None:
        self.pid = pid
        self.code: int | None = None
        self._programs = programs
        self._output = output
        self._ended = Event()

    @property
    def out(self) -> str:
        return Path(f"{self._output}.out").read_text()

    @property
    def err(self) -> str:
        return Path(f"{self._output}.err").read_text()

    @property
    def records(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        self._programs.tell({"signal": number, "pid": self.pid})

    def kill(self) -> int:
        """End it as a power cut does."""
        self.send(signal.SIGKILL)
        return self.wait()

    def is_running(self, seconds: float) -> bool:
        """Whether it still runs after that time."""
        return not self._ended.wait(seconds)

    def wait(self) -> int:
        """The exit code, or minus the signal that ended it."""
        assert self._ended.wait(PATIENCE), f"it never ended; it said: {self.err}"
        assert self.code is not None
        return self.code

    def end(self, code: int) -> None:
        self.code = code
        self._ended.set()


class Programs:
    """Starts runs; safe to use from several threads."""

    def __init__(self, without: str = "") -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.programs", without],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = Lock()
        self._started: SimpleQueue[Run | None] = SimpleQueue()
        self._runs: dict[int, Run] = {}
        self._outputs = 0
        self._output = Path()
        self._reader = Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with suppress(BrokenPipeError):
            self._server.stdin.close()
        self._server.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self._server.stdout.close()

    def start(
        self, folder: Path, environment: Mapping[str, str], *arguments: str, host: str = ""
    ) -> Run:
        """Start the program, on another `host` as far as it can tell."""
        with self._lock:
            self._outputs += 1
            self._output = folder / f"run-{self._outputs}"
            self._write(
                {
                    "arguments": arguments,
                    "environment": dict(environment),
                    "output": str(self._output),
                    "host": host,
                }
            )
            run = self._started.get(timeout=PATIENCE)
            assert run is not None, "the process that programs are forked off has ended"
            return run

    def run(self, folder: Path, environment: Mapping[str, str], *arguments: str) -> Run:
        """Run the program to its end."""
        run = self.start(folder, environment, *arguments)
        run.wait()
        return run

    def tell(self, message: Any) -> None:
        with self._lock:
            self._write(message)

    def _write(self, message: Any) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(message).encode() + b"\n")
        self._server.stdin.flush()

    def _read(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            message = json.loads(line)
            pid = message["pid"]
            if "code" in message:
                self._runs.pop(pid).end(message["code"])
            else:
                self._runs[pid] = Run(self, pid, self._output)
                self._started.put(self._runs[pid])
        self._started.put(None)


def _serve(without: str) -> None:
    """Fork off a run for each line on stdin, and say on stdout which begin and how they end."""
    from loyalty_cli.debits import reconcile
    from tests.proofs.without import RULES

    reconcile.BETWEEN_LOOKS_SECONDS = BETWEEN_LOOKS_SECONDS
    _load()
    if without:
        RULES[without].switch_off()
    orders, answers = os.dup(0), os.dup(1)
    waking, awake = os.pipe()
    for each in (waking, awake):
        os.set_blocking(each, False)
    for each in (orders, answers, waking, awake):
        os.set_inheritable(each, False)
    signal.set_wakeup_fd(awake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: set[int] = set()
    rest, over = b"", False
    while running or not over:
        ready, _, _ = select.select([waking] if over else [orders, waking], [], [])
        if waking in ready:
            os.read(waking, 4096)
            _reap(running, answers)
        if orders in ready:
            content = os.read(orders, 65536)
            over = not content
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                _obey(json.loads(line), running, answers, (orders, waking, awake))
        if over:
            for pid in running:
                os.kill(pid, signal.SIGKILL)


def _load() -> None:
    """Import what a debit imports."""
    import keyring.backends.fail
    import psycopg
    import requests

    import loyalty_cli.cli
    import loyalty_cli.commands.debit.action
    import loyalty_cli.commands.journal.backup
    import loyalty_cli.commands.journal.reconcile
    import loyalty_cli.output.debits
    import loyalty_cli.providers.gameball
    import loyalty_cli.providers.saasquatch

    del keyring, psycopg, requests, loyalty_cli


def _obey(message: Any, running: set[int], answers: int, ours: tuple[int, ...]) -> None:
    if "signal" in message:
        if message["pid"] in running:
            os.kill(message["pid"], message["signal"])
        return
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (*ours, answers):
            os.close(each)
        _become(message)
    running.add(pid)
    _say(answers, {"pid": pid})


def _reap(running: set[int], answers: int) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        running.discard(pid)
        _say(answers, {"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _say(answers: int, message: Any) -> None:
    os.write(answers, json.dumps(message).encode() + b"\n")


def _become(message: Any) -> None:
    """Be the program, from here to its end."""
    from loyalty_cli import cli
    from loyalty_cli.debits.journal import processes

    for descriptor, name in ((0, "/dev/null"), (1, ".out"), (2, ".err")):
        path = name if descriptor == 0 else message["output"] + name
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(message["environment"])
    if message["host"]:
        processes._host = lambda: message["host"]
    sys.argv = ["loyalty", *message["arguments"]]
    try:
        cli.main()
    finally:
        os._exit(111)


if __name__ == "__main__":
    _serve(sys.argv[1])
