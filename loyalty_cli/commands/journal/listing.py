"""Prints debits of the journal: `loyalty journal list`."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from loyalty_cli.debits.journal.entries import Entry
from loyalty_cli.debits.journal.store import BATCH, Filter, Journal
from loyalty_cli.debits.records import entry_record
from loyalty_cli.lists.batches import batches
from loyalty_cli.model.records import DebitRecord
from loyalty_cli.output import messages
from loyalty_cli.output.clipboard import MOST_COPIED, copy_records
from loyalty_cli.output.debits import ON_RECORD, SUMMARY
from loyalty_cli.output.document import print_records
from loyalty_cli.output.format import Format


def print_debits(
    journal: Journal, chosen: Filter, output: Format, *, newest: bool, limit: int | None, copy: bool
) -> bool:
    """Print the debits that match; False if there are none."""
    records = _records(journal, islice(journal.find(chosen, newest=newest), limit))
    first = list(islice(records, MOST_COPIED + 1 if copy else 1))
    print_records(chain(first, records), output, ON_RECORD)
    if copy:
        copy_records(first, ON_RECORD)
    return bool(first)


def _records(journal: Journal, entries: Iterable[Entry]) -> Iterator[DebitRecord]:
    for batch in batches(entries, BATCH):
        planners = journal.planners([entry.key for entry in batch])
        yield from (entry_record(entry, planners.get(entry.key)) for entry in batch)


def print_sums(
    journal: Journal, chosen: Filter, output: Format, *, newest: bool, limit: int | None, copy: bool
) -> bool:
    """Print what the debits that match add up to; False if there are none."""
    records = journal.sums(chosen, newest=newest, limit=limit)
    print_records(records, output, SUMMARY)
    if copy:
        copy_records(records, SUMMARY)
    return bool(records)


def note_none(journal: Journal, asked: Sequence[tuple[str, str]]) -> None:
    """Say that no debits match the options, or that there are none at all."""
    options = " ".join(f"{name} {shlex.quote(value)}" for name, value in asked)
    none = f"the journal {journal.place} has no debits."
    messages.note(f"No debits match {options}." if options else none)
