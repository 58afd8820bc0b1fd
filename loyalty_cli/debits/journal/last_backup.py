"""When a journal in a file was last backed up: a note beside it, since a copy cannot have it."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from loyalty_cli.config.small_file import read_regular_file
from loyalty_cli.debits.journal.backup import part_of
from loyalty_cli.debits.journal.text import shown

SIZE_LIMIT = 64 * 1024


class LastBackup(Struct, frozen=True):
    """When a backup was made, in UTC, and which file it is."""

    at: str
    file: str


def note_backup(journal: Path, target: Path) -> None:
    """Note a backup that was made now; if that fails, the last one is not known."""
    place = _note_of(journal)
    made = LastBackup(shown(datetime.now(UTC).isoformat()), str(target.absolute()))
    with suppress(OSError), part_of(place) as part:
        part.write_bytes(msgspec.json.encode(made))
        part.replace(place)


def last_backup(journal: Path) -> LastBackup | None:
    """The last backup that was noted; None if it is not known."""
    try:
        content, _ = read_regular_file(_note_of(journal), SIZE_LIMIT)
        return msgspec.json.decode(content, type=LastBackup)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None


def _note_of(journal: Path) -> Path:
    return Path(f"{journal}.last-backup")
