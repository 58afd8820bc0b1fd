"""Ask the user on the terminal; nothing goes to stdout."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from select import select
from typing import NoReturn

from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import stderr
from loyalty_cli.output.escape import visible
from loyalty_cli.output.stderr import wrapped
from loyalty_cli.output.waiting import LINE

POLL_SECONDS = 0.2
ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}


def is_interactive() -> bool:
    """Whether a person can be asked: stdin and stderr are terminals, and stderr is not JSON."""
    if stderr.is_json():
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


@contextmanager
def terminal_as_stdin() -> Iterator[bool]:
    """For a block, let a person at the terminal answer where stdin is a pipe; whether one can."""
    with ExitStack() as opened:
        terminal = None
        if sys.stderr is not None and sys.stderr.isatty():
            with suppress(OSError):  # the terminal of another session, or another system
                terminal = opened.enter_context(Path("/dev/tty").open(encoding="utf-8"))
        stdin = sys.stdin
        sys.stdin = terminal or stdin
        try:
            yield terminal is not None
        finally:
            sys.stdin = stdin


def confirmed(question: str) -> bool:
    """Ask until there is an answer; Enter and Ctrl-D mean no. Ctrl-C raises KeyboardInterrupt."""
    # Not typer.confirm, which writes a part of its question to stdout.
    while True:
        sys.stderr.write(f"{wrapped(f'{visible(question)} [y/N]')} ")
        sys.stderr.flush()
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            raise
        if not line:
            sys.stderr.write("\n")
        answer = ANSWERS.get(line.strip().lower())
        if answer is not None:
            return answer


@LINE.asking()
def typed(question: str, is_stopped: Callable[[], bool]) -> str:
    """Ask for a text, such as a one-time code, which is shown as it is typed.

    Raises LoyaltyError if nothing is typed: at Ctrl-D, or if the run `is_stopped`. That is asked
    meanwhile, because a signal does not interrupt a thread.
    """
    sys.stderr.write(f"{visible(question)}: ")
    sys.stderr.flush()
    # Windows can wait only for sockets.
    while sys.platform != "win32" and not select([sys.stdin], [], [], POLL_SECONDS)[0]:
        if is_stopped():
            _not_typed(question)
    line = sys.stdin.readline()
    return line.strip() if line else _not_typed(question)


def _not_typed(question: str) -> NoReturn:
    sys.stderr.write("\n")
    usage_error(f"{question} was not typed.", "Nothing was sent; run the same command again.")
