"""Why a file is not resumed: what is in it, and what to do."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.model.records import SCHEMA_VERSION

_ASKED = b'"asked"'


class ForeignError(ValueError):
    """The file has content that this program did not write for this run: why, and what to do."""

    def __init__(
        self, why: str = "is not from this run", hint: str = "Name another file, or remove it."
    ) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


class _Head(Struct):
    """What tells a record of another version or of other options from ours."""

    schema_version: int
    asked: dict[str, str] = {}


def is_asked_otherwise(text: bytes, start: bytes) -> bool:
    """Whether a record is of the customer and the profile of an `opening`, but not that opening."""
    return text.startswith(start.partition(_ASKED)[0]) and not text.startswith(start)


def foreign(text: bytes, task: LookupTask | None) -> ForeignError:
    """What is wrong with a record of no task; `task` asks otherwise for the same, if any does."""
    try:
        head = msgspec.json.decode(text, type=_Head)
    except ValueError:
        return ForeignError()
    if head.schema_version != SCHEMA_VERSION:
        return _of_version(head.schema_version)
    return ForeignError() if task is None else asked_otherwise(head.asked, task)


def _of_version(version: int) -> ForeignError:
    age = "an older" if version < SCHEMA_VERSION else "a newer"
    return ForeignError(
        f"was written by {age} version of loyalty", "Look up again into a new file."
    )


def asked_otherwise(found: Mapping[str, str], task: LookupTask) -> ForeignError:
    """Say how a record of the task was asked for, and how this run asks."""
    return ForeignError(
        f"was asked otherwise: {task.customer} at {task.profile.name} has {_words(found)};"
        f" this run asks {_words(task.asked)}",
        "Use the options of the first run, or name another file.",
    )


def _words(asked: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in asked.items())


def of_other_columns(
    found: Sequence[str], row: Sequence[str], header: Sequence[str]
) -> ForeignError:
    """What is wrong with a file of other columns, by its header and its first row."""
    if found[:1] != header[:1]:
        return ForeignError()
    version = row[0] if row else ""
    if version.isdecimal() and int(version) != SCHEMA_VERSION:
        return _of_version(int(version))
    raw = "field" in header
    return of_other_kind(raw=raw) if ("field" in found) is not raw else ForeignError()


def of_other_kind(*, raw: bool) -> ForeignError:
    """What is wrong with a file for a run that is `raw`, or that is not."""
    if raw:
        return ForeignError("was written without --raw", "Leave --raw out, or name another file.")
    return ForeignError("was written with --raw", "Add --raw, or name another file.")


def of_texts() -> ForeignError:
    """What is wrong with a file whose amounts are strings."""
    return ForeignError("has amounts as text, as --amounts text prints them")
