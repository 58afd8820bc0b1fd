"""Ending a run early: what a signal does, once and twice, and what it leaves behind."""

import signal
import subprocess
import sys
import textwrap
from contextlib import suppress

import pytest

from loyalty_cli.lists.stop import SIGNALS, Stop


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_stop_and_does_after_the_run_what_it_did_before(number: int) -> None:
    stop, before = Stop(), signal.getsignal(number)

    with suppress(ZeroDivisionError), stop.on_signals(second_kills=True):
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
        assert stop.signal == number
        raise ZeroDivisionError

    assert signal.getsignal(number) is before


def test_a_second_signal_does_not_end_a_run_that_must_not_be_killed() -> None:
    stop = Stop()

    with stop.on_signals():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)

    assert stop.is_set()


INTERRUPT = "signal.raise_signal(SIGINT)"
TERMINATE = "signal.raise_signal(SIGTERM)"
BLOCK = "signal.pthread_sigmask(SIG_BLOCK, [SIGINT, SIGTERM])"
UNBLOCK = "signal.pthread_sigmask(SIG_UNBLOCK, [SIGINT, SIGTERM])"


@pytest.mark.parametrize(
    ("raised", "same_for", "number"),
    [
        ([INTERRUPT], 60, 0),
        ([INTERRUPT, INTERRUPT], 60, 0),
        ([BLOCK, TERMINATE, INTERRUPT, UNBLOCK], 60, 0),
        ([INTERRUPT, INTERRUPT], 0, signal.SIGINT),
        ([INTERRUPT, TERMINATE], 0, signal.SIGTERM),
        ([TERMINATE, INTERRUPT], 0, signal.SIGINT),
    ],
    ids=str,
)
def test_a_second_signal_ends_the_process_unless_it_is_one_with_the_first(
    raised: list[str], same_for: float, number: int
) -> None:
    """Signals within so many seconds of the first are one with it."""
    program = f"""
        import signal
        from signal import SIGINT, SIGTERM, SIG_BLOCK, SIG_UNBLOCK
        from loyalty_cli.lists import stop as stopping
        stopping.SAME_SIGNAL_SECONDS = {same_for}
        with stopping.Stop().on_signals(second_kills=True):
            {"; ".join(raised)}
            print("goes on", flush=True)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )

    said = "" if number else "goes on\n"
    assert (done.returncode, done.stdout, done.stderr) == (-number, said, "")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_the_parent_process_ignores_is_ignored(number: signal.Signals) -> None:
    stop = Stop()
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stop.on_signals():
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)

    assert not stop.is_set()


@pytest.mark.parametrize(
    ("hangs", "code"), [(True, 100 + signal.SIGTERM), (False, 0)], ids=["hangs", "ends"]
)
def test_the_last_resort_ends_a_run_that_hangs_and_no_other(hangs: bool, code: int) -> None:
    script = (
        "import os, signal, time\n"
        "from loyalty_cli.lists.stop import LastResort, Stop\n"
        "with Stop().on_signals(last_resort=LastResort(0.2, lambda number: number + 100)):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        f"    time.sleep({60 if hangs else 0})\n"
        "time.sleep(0.6)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=50)

    assert done.returncode == code
