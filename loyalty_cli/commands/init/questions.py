"""Questions of `loyalty init`: on stderr, again until the answer is one."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import typer

from loyalty_cli.model.errors import ErrorCode, nearest
from loyalty_cli.output import messages
from loyalty_cli.output.escape import visible

Answer = TypeVar("Answer")


def ask(question: str, check: Callable[[str], Answer], usual: str | None = None) -> Answer:
    """Ask until `check` takes the answer, which raises ValueError; Enter means the usual one.

    Ctrl-C and Ctrl-D end the program.
    """
    # Not typer.prompt, which writes a part of its question to stdout.
    while True:
        shown = f"{question} [{usual}]" if usual else question
        sys.stderr.write(f"{visible(shown)}: ")
        sys.stderr.flush()
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            raise
        if not line:
            sys.stderr.write("\n")
            raise typer.Abort
        answer = line.strip() or usual or ""
        try:
            return check(answer)
        except ValueError as error:
            wrong = f"{answer!r} {str(error).rstrip('.')}." if answer else "type an answer."
            messages.error(wrong, code=ErrorCode.USAGE)


def choice(names: Sequence[str]) -> Callable[[str], str]:
    """A check that accepts one of some names."""

    def check(answer: str) -> str:
        if answer not in names:
            raise ValueError(f"is none of them. {nearest(answer, names)}")
        return answer

    return check
