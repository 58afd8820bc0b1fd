"""What changed in a customer's balance, when, and which debits of ours were made meanwhile."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.history.lookups import paired_lines
from loyalty_cli.history.periods import Period, Whose
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import DebitBetween, HistoryRecord


class OurDebit(Struct, frozen=True):
    """A debit from the journal that was or may have been made; `until` is None while it is open.

    `customer` is written as in the history.
    """

    profile: str
    customer: str
    shown: DebitBetween
    until: str | None


def changes(
    whose: Whose,
    provider: str,
    periods: Sequence[Period],
    debits: Sequence[OurDebit] | None,
    *,
    sandbox: bool,
) -> Iterator[HistoryRecord]:
    """Yield the first balance line by line, and then each change, the oldest first.

    `debits` are those of this customer in the journal; None if there is none that can be read.
    """
    for before, after in pairwise([None, *periods]):
        assert after is not None
        record = HistoryRecord(
            profile=whose.profile,
            provider=provider,
            customer=whose.customer,
            by=whose.by,
            sandbox=sandbox,
            what="first",
            before_seen=before.last_at if before else None,
            at=after.first_at,
            seen_by=after.first_by,
            last_seen=after.last_at,
        )
        if before is None:
            pairs = list(paired_lines((), after.lines))
            yield from (pair.shown_in(record) for pair in pairs)
            if not pairs:
                yield record
            continue
        meanwhile = None if debits is None else _meanwhile(whose, before, after, debits)
        units = {line.unit for line in (*before.lines, *after.lines)}
        for pair in paired_lines(before.lines, after.lines):
            if pair.before != pair.after or pair.old is None or pair.new is None:
                what = "appeared" if pair.old is None else "vanished" if pair.new is None else None
                changed = pair.shown_in(replace(record, what=what or "changed"))
                fitting = _fitting(meanwhile, pair.line.unit, units)
                yield replace(changed, debits=fitting, not_ours=_not_ours(changed, fitting))


def _meanwhile(
    whose: Whose, before: Period, after: Period, debits: Sequence[OurDebit]
) -> list[DebitBetween]:
    """The debits that were sent, or not yet settled, between two periods."""
    return [
        each.shown
        for each in debits
        if (each.profile, each.customer) == (whose.profile, whose.customer)
        and each.shown.at <= after.first_at
        and (each.until is None or each.until >= before.last_at)
    ]


def _fitting(
    debits: Sequence[DebitBetween] | None, unit: str | None, units: set[str | None]
) -> tuple[DebitBetween, ...] | None:
    """The debits in a line's unit, and those in a unit that no line has."""
    if debits is None:
        return None
    return tuple(each for each in debits if each.unit == unit or each.unit not in units)


def _not_ours(changed: HistoryRecord, debits: Sequence[DebitBetween] | None) -> Amount | None:
    """How much of a fall the debits do not explain; None if that cannot be told."""
    if debits is None or changed.change is None or changed.change >= 0:
        return None
    if changed.basis == "scale_unknown" or any(each.unit != changed.unit for each in debits):
        return None
    explained = Amount(sum(each.amount for each in debits))
    return max(Amount(0), Amount(0).minus(changed.change).minus(explained))
