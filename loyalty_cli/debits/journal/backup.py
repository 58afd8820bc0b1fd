"""A backup of a journal: one file with everything in it, also what is only in the log."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import NoReturn

from msgspec import Struct

from loyalty_cli.config.folders import make_file, sync
from loyalty_cli.debits.journal.database import Database, refuse
from loyalty_cli.debits.journal.file import FileDatabase, integrity_faults
from loyalty_cli.debits.journal.text import shown

BESIDE = ("-journal", "-wal", "-shm")
"""Suffixes of files that SQLite may leave beside a database."""


class JournalSummary(Struct, frozen=True):
    """The content of a journal: how many debits, and when the newest change was, if any."""

    debits: int
    newest: str | None

    def __str__(self) -> str:
        newest = f", the newest change at {shown(self.newest)}" if self.newest else ""
        return f"{self.debits} debit{'s' * (self.debits != 1)}{newest}"


def back_up(database: Database, target: Path) -> JournalSummary:
    """Write the journal, which others may be using, into a new file, or raise JournalError."""
    if not isinstance(database, FileDatabase):
        refuse(
            f"the journal {database.place} is at a server.",
            "Use the server's own backups, or pg_dump.",
        )
    if os.path.lexists(target):
        _refuse_taken(target)
    try:
        with part_of(target) as part:
            with closing(sqlite3.connect(part, isolation_level=None)) as copy:
                database.copy_into(copy)
                held = sealed(copy)
            sync(part)
            # Not os.link: some file systems do not have it. An empty file reserves the name.
            make_file(target)
            part.replace(target)
            sync(target.parent)
    except FileExistsError:
        _refuse_taken(target)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        refuse(
            f"the backup {target} was not made: {why}.",
            "Name a file on a disk with free space. `loyalty journal check` checks the journal.",
        )
    return held


def _refuse_taken(target: Path) -> NoReturn:
    refuse(f"{target} exists already; nothing was written.", "Name a new file.")


@contextmanager
def part_of(target: Path) -> Iterator[Path]:
    """A private, empty file beside `target`; deleted unless it is renamed to `target`."""
    part = target.with_name(f".{target.name}.{token_hex(4)}.part")
    try:
        make_file(part)
        yield part
    finally:
        for suffix in ("", *BESIDE):
            Path(f"{part}{suffix}").unlink(missing_ok=True)


def sealed(connection: sqlite3.Connection) -> JournalSummary:
    """Complete a copy in one file, and return its summary; raise sqlite3.Error for damage."""
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("DELETE FROM senders")
    if faults := integrity_faults(connection):
        raise sqlite3.DatabaseError(f"the journal is damaged: {faults[0]}")
    (debits,) = connection.execute("SELECT count(*) FROM debits").fetchone()
    (newest,) = connection.execute("SELECT max(at) FROM events").fetchone()
    return JournalSummary(debits, newest)
