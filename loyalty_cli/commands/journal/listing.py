"""Prints debits of the journal: `loyalty journal list`."""

from itertools import chain, islice

from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.debits.records import entry_record
from loyalty_cli.output.clipboard import MOST_COPIED, copy_records
from loyalty_cli.output.debits import DEBITS, SUMMARY
from loyalty_cli.output.document import print_records
from loyalty_cli.output.format import Format


def print_debits(
    journal: Journal, chosen: Filter, output: Format, *, newest: bool, limit: int | None, copy: bool
) -> bool:
    """Print the debits that match; False if there are none."""
    records = map(entry_record, islice(journal.find(chosen, newest=newest), limit))
    first = list(islice(records, MOST_COPIED + 1 if copy else 1))
    print_records(chain(first, records), output, DEBITS)
    if copy:
        copy_records(first, DEBITS)
    return bool(first)


def print_sums(
    journal: Journal, chosen: Filter, output: Format, *, newest: bool, limit: int | None, copy: bool
) -> bool:
    """Print what the debits that match add up to; False if there are none."""
    records = journal.sums(chosen, newest=newest, limit=limit)
    print_records(records, output, SUMMARY)
    if copy:
        copy_records(records, SUMMARY)
    return bool(records)
