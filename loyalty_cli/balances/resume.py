"""Resuming a run: customers with a record in its file are not looked up again."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.balances.read_back import FileRecord, ForeignError, Record, decode_record
from loyalty_cli.lists.parallel import MAX_PENDING
from loyalty_cli.model.errors import ASKED_TO_WAIT, ENDING
from loyalty_cli.model.records import Lookup, RawLookup

Encode = Callable[[Record], bytes]
Add = Callable[[Record], None]

_NEVER = "0001-01-01T00:00:00Z"


class Resumed(Struct, frozen=True):
    """The tasks that are left, and the records between them.

    The first `ends` bytes of the file stay unchanged. After them a stopped run may have left gaps:
    `kept` are the records after the first gap. The first `behind_gap` records of the resumed run
    replace the rest of the file, in one write. Tasks are numbered from 0.
    """

    tasks: Iterator[tuple[int, LookupTask]]
    kept: Sequence[tuple[int, Record]] = ()
    ends: int = 0
    behind_gap: int = 0


class _Slot(Struct):
    """The place of a task in the file; without a record, it must be looked up."""

    number: int
    task: LookupTask
    record: Record | None
    ends: int


def resume(
    found: Iterator[FileRecord], tasks: Iterator[LookupTask], encode: Encode, add: Add
) -> Resumed:
    """Match the records of a file with the tasks, and `add` the records before the first gap.

    A look-up that may have ended the run is made again. Raises ForeignError for another run's file.
    """
    numbered = enumerate(tasks)
    slots: deque[_Slot] = deque()  # the last records, which may have gaps between them
    ends = 0
    for slot in _slots(found, numbered, encode):
        slots.append(slot)
        if len(slots) > MAX_PENDING + 1 and (record := slots[0].record):
            add(record)
            ends = slots.popleft().ends
    following = next(numbered, None)
    _drop_what_ended_the_run(slots, is_over=following is None)
    while slots and (record := slots[0].record):
        add(record)
        ends = slots.popleft().ends
    missing = [(slot.number, slot.task) for slot in slots if not slot.record]
    kept = [(slot.number, slot.record) for slot in slots if slot.record]
    return Resumed(
        chain(missing, [following] if following else [], numbered),
        kept,
        ends,
        behind_gap=kept[-1][0] + 1 - slots[0].number if kept else 0,
    )


def _slots(
    found: Iterator[FileRecord], tasks: Iterator[tuple[int, LookupTask]], encode: Encode
) -> Iterator[_Slot]:
    """Yield the place of each task, up to the last record."""
    since_gap = 0  # a run starts at most MAX_PENDING behind an unfinished look-up
    for each in found:
        for number, task in tasks:
            is_its = _is_of(each, opening(task, encode))
            kind = RawLookup if task.raw else Lookup
            record = decode_record(each.text, kind) if is_its and not each.is_incomplete else None
            since_gap += 1 if since_gap or not record else 0
            if since_gap > MAX_PENDING:
                raise ForeignError
            yield _Slot(number, task, record, each.ends)
            if is_its:
                break
        else:
            raise ForeignError


def _is_of(found: FileRecord, opening: bytes) -> bool:
    return found.text.startswith(opening) or (
        found.is_incomplete and opening.startswith(found.text)
    )


def opening(task: LookupTask, encode: Encode) -> bytes:
    """The beginning of a task's record as text: all that is known before the look-up."""
    record = (RawLookup if task.raw else Lookup)(
        profile=task.profile.name,
        provider=task.profile.provider.name,
        customer=task.customer,
        sandbox=task.profile.sandbox,
        retrieved_at=_NEVER,
    )
    return encode(record).rpartition(_NEVER.encode())[0]


def _drop_what_ended_the_run(slots: Sequence[_Slot], *, is_over: bool) -> None:
    """Remove the records that may have ended the run; throttling did not end a complete run."""
    codes = ENDING if is_over else ENDING | ASKED_TO_WAIT
    for slot in slots:
        if slot.record and slot.record.error and slot.record.error.code in codes:
            slot.record = None
