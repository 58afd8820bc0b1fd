"""A database in a file, read for a moment by a process that must leave no trace of it."""

import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 0.3
"""A query that takes longer is given up."""
STEPS = 10_000
"""How often that is looked at, in instructions of SQLite."""

_held_open: list[sqlite3.Connection] = []
"""Connections beside a log: closing the last one could delete it."""


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file for a block that only reads; raise OSError or sqlite3.Error if that fails.

    Nothing is made, and nobody waits: neither this process nor one that writes.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")
    log, index, undo = (Path(f"{path.resolve()}{end}") for end in ("-wal", "-shm", "-journal"))
    if log.exists() and not index.exists():
        raise OSError("SQLite would make an index of the log")
    in_use = log.exists() or undo.exists()
    # Otherwise SQLite would make a log, only to read.
    settings = "mode=ro" if in_use else "mode=ro&immutable=1"
    address = f"{path.resolve().as_uri()}?{settings}"
    connection = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
    ends = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > ends, STEPS)
    if in_use:
        _held_open.append(connection)
    try:
        yield connection
    finally:
        if not in_use:
            connection.close()
