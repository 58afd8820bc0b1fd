"""Ask the user on the terminal; nothing goes to stdout."""

import sys
from collections.abc import Callable
from select import select

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.output.escape import visible

POLL_SECONDS = 0.2
ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}


def is_interactive() -> bool:
    """Whether a person can be asked: stdin and stderr are terminals."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def confirmed(question: str) -> bool:
    """Ask until there is an answer; Enter means no. Ctrl-C and Ctrl-D raise KeyboardInterrupt."""
    # Not typer.confirm, which writes a part of its question to stdout.
    while True:
        sys.stderr.write(f"{visible(question)} [y/N] ")
        sys.stderr.flush()
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = ""
        if not line:
            sys.stderr.write("\n")
            raise KeyboardInterrupt
        answer = ANSWERS.get(line.strip().lower())
        if answer is not None:
            return answer


def typed(question: str, is_stopped: Callable[[], bool]) -> str:
    """Ask for a text, such as a one-time code, which is shown as it is typed.

    Ctrl-D raises KeyboardInterrupt. A signal does not interrupt a thread, so `is_stopped` is asked
    while nothing is typed; then it raises LoyaltyError.
    """
    sys.stderr.write(f"{visible(question)}: ")
    sys.stderr.flush()
    # Windows can wait only for sockets.
    while sys.platform != "win32" and not select([sys.stdin], [], [], POLL_SECONDS)[0]:
        if is_stopped():
            sys.stderr.write("\n")
            message = "the run was stopped before the answer was typed."
            hint = "Nothing was sent; run the same command again."
            raise LoyaltyError(ErrorCode.REFUSED, message, hint=hint)
    line = sys.stdin.readline()
    if not line:
        sys.stderr.write("\n")
        raise KeyboardInterrupt
    return line.strip()
