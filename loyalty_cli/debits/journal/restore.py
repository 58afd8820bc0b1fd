"""Restores a journal from a backup; keeps the old file, and records what may be missing."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from loyalty_cli.config.folders import make_folder, sync
from loyalty_cli.debits.journal.backup import JournalSummary, part_of, sealed
from loyalty_cli.debits.journal.database import refuse
from loyalty_cli.debits.journal.file import CLOSING_SECONDS, SCHEMA_TABLE, NoJournalError, tables_of
from loyalty_cli.debits.journal.file_location import (
    check_file,
    check_folder,
    has_foreign_log,
    index_of,
    is_empty,
    log_of,
)
from loyalty_cli.debits.journal.incomplete_copy import LogLock, is_bare_copy
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.processes import actor
from loyalty_cli.debits.journal.tables import SCHEMA_VERSION, versions
from loyalty_cli.debits.journal.text import time_text

FOREVER = "1970-01-01T00:00:00.000000+00:00"
"""The start of the gap if the backup has no debits at all."""

NEVER = "9999"
"""Later than every time."""

# Whether the present journal has entries that the backup lacks.
_MORE = """
    SELECT EXISTS (
        SELECT platform, reference FROM main.debits
        EXCEPT SELECT platform, reference FROM other.debits
    ) OR EXISTS (
        SELECT platform, reference, at, attempt, "before", "after", why FROM main.events
        EXCEPT
        SELECT platform, reference, at, attempt, "before", "after", why FROM other.events
    )
"""
_UNREVIEWED = """
    SELECT min(since) FROM main.gaps AS mine WHERE reviewed_at IS NULL AND NOT EXISTS
    (SELECT 1 FROM other.gaps WHERE reviewed_at IS NULL AND since <= mine.since)
"""
_NOTE_GAP = "INSERT INTO gaps (since, at, actor, why) VALUES (?, ?, ?, ?)"


class Restored(Struct, frozen=True):
    """What was restored, where the old journal is kept, and the start of the gap, if any."""

    held: JournalSummary
    aside: Path | None
    gap: str | None


def restore(path: Path, source: Path, *, older: bool) -> Restored:
    """Put a backup in the place of the journal.

    Raises JournalError, and changes nothing, if the backup is no journal or the journal is in use.
    Without `older`, also if the backup is a copy without its log, or lacks entries of the journal.
    """
    path = path.resolve()
    try:
        if not source.is_file():
            refuse(f"there is no file {source}.", "Name a backup of the journal.")
        make_folder(path.parent)
        check_folder(path)
        if os.path.lexists(path):
            check_file(path)
        with part_of(path) as part:
            return _installed(part, path, source, older=older)
    except OSError as error:
        why = f"{source} cannot be restored to {path}: {error}."
        refuse(why, "Fix this, then run the same command again.")


def _prepared(part: Path, source: Path) -> tuple[JournalSummary, bool]:
    """Copy the backup into `part`, as one file, and tell whether its log is missing."""
    try:
        # Copied as bytes: opening it would change it, and perhaps delete its log.
        shutil.copyfile(source, part)
        foreign = has_foreign_log(source)
        if not (foreign or is_empty(log_of(source))):
            shutil.copyfile(log_of(source), log_of(part))
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            version = _version(connection, source)
            bare = foreign or is_bare_copy(connection, log_of(part))
        if version != SCHEMA_VERSION:
            open_journal(str(part)).close()
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            return sealed(connection), bare
    except sqlite3.Error as error:
        refuse(f"{source} cannot be restored: {error}.", "Nothing was changed; try another backup.")


def _version(connection: sqlite3.Connection, source: Path) -> int:
    if SCHEMA_TABLE not in tables_of(connection):
        refuse(f"{source} holds no journal.", "Nothing was changed; name a backup of the journal.")
    found = versions(connection)
    if found not in ([1], [SCHEMA_VERSION]):
        version = f"version {', '.join(map(str, found))}" if found else "no version"
        refuse(
            f"{source} has {version}, this program knows {SCHEMA_VERSION}.",
            "Nothing was changed; use the version of loyalty that made it, or a newer one.",
        )
    return found[0]


def _installed(part: Path, path: Path, source: Path, *, older: bool) -> Restored:
    held, bare = _prepared(part, source)
    usable = _is_usable(path)
    is_itself = os.path.lexists(path) and path.samefile(source)
    if usable and is_itself:
        refuse(f"{source} is the journal itself.", "Name a backup of it.")
    if bare and not (older or is_itself):
        refuse(
            f"{source} is a copy without its log, made while debits were being sent: some"
            " may be missing.",
            "Nothing was changed. Put its -wal back beside it, or name another backup; --older"
            " restores it all the same.",
        )
    with _alone(path) if usable else nullcontext() as present:
        since, why = held.newest or FOREVER, ""
        if present is None:
            why = "the earlier journal was lost"
        elif more := _has_more(present, part):
            if not older:
                refuse(
                    f"{source} is older than the journal {path}, or of another journal: it lacks"
                    " entries.",
                    "Nothing was changed. Add --older to restore it all the same; then check what"
                    " is missing, and confirm that with --reviewed.",
                )
            since, why = min(since, more), "the earlier journal had more"
        if bare:
            why = "the backup's log was lost"
        if why:
            row = (since, time_text(datetime.now(UTC)), actor(), f"restored from {source}; {why}")
            with closing(sqlite3.connect(part, isolation_level=None)) as connection:
                connection.execute(_NOTE_GAP, row)
        aside = _swapped(part, path, usable=usable)
    return Restored(held, aside, since if why else None)


def _is_usable(path: Path) -> bool:
    """Whether a journal exists; checkpoints its log. Raises JournalError if it is in use."""
    if not os.path.lexists(path):
        return False
    try:
        open_journal(str(path)).close()
    except NoJournalError:
        return False
    return True


@contextmanager
def _alone(path: Path) -> Iterator[sqlite3.Connection]:
    """The present journal, complete in its file, while no other process can use it."""
    patience = CLOSING_SECONDS
    with closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as connection:
        try:
            # journal_mode fails if others have the file open; locking_mode keeps others out.
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("PRAGMA main.locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.OperationalError:
            _refuse_used(path)
        yield connection


def _refuse_used(path: Path) -> NoReturn:
    refuse(
        f"the journal {path} is being used by another process.",
        "Nothing was changed. Wait until that process has ended, then run this again.",
    )


def _has_more(present: sqlite3.Connection, part: Path) -> str:
    """The start of a gap, or NEVER, if the backup lacks entries; "" if it has everything."""
    present.execute("ATTACH ? AS other", (str(part),))
    (more,) = present.execute(_MORE).fetchone()
    (gap,) = present.execute(_UNREVIEWED).fetchone()
    present.execute("DETACH other")
    return gap or (NEVER if more else "")


def _swapped(part: Path, path: Path, *, usable: bool) -> Path | None:
    """Put the part in the journal's place; return where the old journal is kept, if any."""
    aside = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    sync(part)
    with ExitStack() as locked, ExitStack() as undo:
        if os.path.lexists(path):
            # The old journal gets a second name first, so that a journal exists at any time.
            os.link(path, aside)
            undo.callback(aside.unlink)
        if not usable and log_of(path).exists():
            if not locked.enter_context(closing(LogLock(log_of(path)))).hold_alone():
                _refuse_used(path)
            log_of(path).rename(log_of(aside))
            undo.callback(log_of(aside).rename, log_of(path))
            index_of(path).unlink(missing_ok=True)
        part.replace(path)
        undo.pop_all()
    sync(path.parent)
    return aside if aside.exists() or log_of(aside).exists() else None
