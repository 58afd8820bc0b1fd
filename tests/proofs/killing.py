"""Programs that are ended at random moments of what they do: kill -9, and now and then SIGTERM."""

import random
import signal
import time
from threading import Lock

from tests.proofs.installation import TIMEOUT, Installation
from tests.proofs.programs import Run
from tests.proofs.truth_server import Truth, Watch

MOMENTS = ("any", "any", "balance", "debit")
TERMINATED = (128 + signal.SIGTERM, -signal.SIGTERM)
"""How a program ends that was asked to: in good order, or before it could hear it."""
KILLED = {-signal.SIGKILL, *TERMINATED}


class Killer:
    """Kills programs at random moments of what they do, and knows how long they last."""

    def __init__(self) -> None:
        self._lasts = 0.15
        self._lock = Lock()

    def spoil(
        self,
        chance: random.Random,
        truth: Truth,
        installation: Installation,
        *arguments: str,
        host: str = "",
    ) -> Run:
        """Run a command, and end it if it comes to that."""
        watch = truth.watch()
        began = time.monotonic()
        run = installation.start(*arguments, host=host)
        match chance.choice(MOMENTS):
            case "any":
                run.is_running(chance.uniform(0, 1.3 * self._lasts))
            case "balance":
                _await(watch, "GET", run)
                run.is_running(chance.expovariate(100))
            case "debit":
                _await(watch, "POST", run)
                run.is_running(chance.expovariate(100))
        if chance.random() < 0.2:
            run.send(signal.SIGTERM)
            run.wait()
        run.kill()
        if run.code == 0:
            with self._lock:
                self._lasts = 0.9 * self._lasts + 0.1 * (time.monotonic() - began)
        return run


def _await(watch: Watch, method: str, run: Run) -> None:
    """Wait for a request, as long as the program can still make one."""
    ends = time.monotonic() + 2 * TIMEOUT
    while time.monotonic() < ends and run.is_running(0) and not watch.arrived(method, 0.05):
        pass


def how_it_ended(run: Run) -> str:
    if run.code == -signal.SIGKILL:
        return "killed"
    return "ended by SIGTERM" if run.code in TERMINATED else "ended before the kill"
