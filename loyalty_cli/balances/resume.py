"""Resuming a run: customers with a record in its file are not looked up again."""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from loyalty_cli.balances.foreign import foreign, is_asked_otherwise
from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.balances.read_back import Add, decode_record, opening
from loyalty_cli.lists.parallel import MAX_PENDING
from loyalty_cli.model.errors import ENDING
from loyalty_cli.model.exit_codes import NOT_ANSWERED
from loyalty_cli.model.tally import Record
from loyalty_cli.output.json_text import json_line


class Resumed(Struct, frozen=True):
    """The tasks that are left, and the records between them.

    The first `ends` bytes of the file stay unchanged. After them a stopped run may have left gaps:
    `kept` are the records after the first gap. The first `behind_gap` records of the resumed run
    replace the rest of the file, in one write. Tasks are numbered from 0; those of `again` failed
    in the stopped run.
    """

    tasks: Iterator[tuple[int, LookupTask]]
    kept: Sequence[tuple[int, Record]] = ()
    ends: int = 0
    behind_gap: int = 0
    again: Collection[int] = ()


class _Slot(Struct):
    """The place of a task in the file; without a record, it must be looked up."""

    number: int
    task: LookupTask
    record: Record | None
    ends: int


def resume(found: Iterator[bytes], tasks: Iterator[LookupTask], add: Add) -> Resumed:
    """Match the records of a file with the tasks, and `add` the records before the first gap.

    What may have ended the run is looked up again: in a file that is not complete, whatever was not
    answered among its last look-ups. Raises ForeignError for another run's file.
    """
    numbered = enumerate(tasks)
    slots: deque[_Slot] = deque()  # the last records, which may have gaps between them
    ends = 0
    for slot in _slots(found, numbered):
        slots.append(slot)
        if len(slots) > MAX_PENDING + 1 and (record := slots[0].record):
            add(record)
            ends = slots.popleft().ends
    following = next(numbered, None)
    codes = ENDING | NOT_ANSWERED if following else ENDING  # the others ended no complete run
    again = {
        slot.number
        for slot in slots
        if slot.record and slot.record.error and slot.record.error.code in codes
    }
    for slot in slots:
        slot.record = None if slot.number in again else slot.record
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
        again=again,
    )


def _slots(found: Iterator[bytes], tasks: Iterator[tuple[int, LookupTask]]) -> Iterator[_Slot]:
    """Yield the place of each task, up to the last record."""
    since_gap = 0  # a run starts at most MAX_PENDING behind an unfinished look-up
    ends = 0
    for text in found:
        ends += len(text)
        is_whole = text.endswith(b"\n")
        otherwise: LookupTask | None = None
        for number, task in tasks:
            start = opening(task, json_line)
            is_its = text.startswith(start) or (not is_whole and start.startswith(text))
            if not is_its and is_asked_otherwise(text, start):
                otherwise = otherwise or task
            record = decode_record(text, raw=task.raw) if is_its and is_whole else None
            since_gap += 1 if since_gap or not record else 0
            if since_gap > MAX_PENDING:
                raise foreign(text, otherwise)
            yield _Slot(number, task, record, ends)
            if is_its:
                break
        else:
            raise foreign(text, otherwise)
