"""The program in a real terminal: run to its end, or driven."""

import os
import re
import subprocess
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pexpect

from tests.conftest import PROGRAM, Outcome

PATIENCE = 20.0
"""Seconds after which what is waited for will not come any more."""
STYLE = re.compile(r"\x1b\[[0-9;]*m")


def in_terminal(
    *arguments: str,
    width: int = 80,
    env: Mapping[str, str] | None = None,
    stderr: int | None = None,
) -> Outcome:
    """Run the program in a terminal; what it shows there is `out`, both streams of it.

    With `stderr=subprocess.PIPE`, that goes to `err` instead.
    """
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (50, width))
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
        stdin=slave,
        stdout=slave,
        stderr=slave if stderr is None else stderr,
        start_new_session=True,
    )
    try:
        os.close(slave)
        shown = _everything(master).decode().replace("\r\n", "\n")
        _, err = process.communicate(timeout=30)
    finally:
        os.close(master)
        process.kill()
        process.wait()
    return Outcome(process.returncode, shown, (err or b"").decode())


@contextmanager
def terminal(
    *arguments: str, command: str = 'exec "$@"', env: Mapping[str, str] | None = None
) -> Iterator[Any]:
    """A shell command in a terminal, `$@` being the program and its arguments."""
    child = pexpect.spawn(
        "/bin/bash",
        ["-c", command, "bash", str(PROGRAM), *arguments],
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(50, 100),
    )
    try:
        yield child
    finally:
        child.close(force=True)


def to_the_end(child: Any) -> str:
    """All that it shows from now on."""
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


def _everything(descriptor: int) -> bytes:
    """Read until nobody holds the other end; Linux says so with an error."""
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def unstyled(shown: str) -> str:
    """What a person reads, without colours and weights."""
    return STYLE.sub("", shown)


def run_together(text: str) -> str:
    """A text without any white space, line breaks among it."""
    return "".join(text.split())
