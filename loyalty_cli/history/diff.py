"""What is different in two exports, line by line, and in sum."""

from collections.abc import Iterator

from loyalty_cli.history.lookups import LinePair, PastLookup, paired_lines
from loyalty_cli.history.totals import Totals
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import DiffRecord, InFile, What


class Diff:
    """Compares the look-ups of two exports; changes smaller than `min_change` are left out.

    `left_out` counts those. `asked_otherwise` is the first pair of look-ups of one customer that
    were made with different options.
    """

    def __init__(self, min_change: Amount) -> None:
        self.totals = Totals()
        self.left_out = 0
        self.asked_otherwise: tuple[PastLookup, PastLookup] | None = None
        self._min_change = min_change

    def records(self, old: Iterator[PastLookup], new: Iterator[PastLookup]) -> Iterator[DiffRecord]:
        """Yield the differences of two exports, both sorted by customer."""
        for before, after in _paired(old, new):
            if before and after and before.asked != after.asked:
                self.asked_otherwise = self.asked_otherwise or (before, after)
            pairs = list(paired_lines(before.lines if before else (), after.lines if after else ()))
            self.totals.add(before, after, pairs)
            for pair in pairs:
                if not (pair.old and pair.new) or self._is_reported(pair):
                    yield _record(before, after, pair)
            if not pairs and _state(before) != _state(after):
                yield _record(before, after, None)

    def _is_reported(self, pair: LinePair) -> bool:
        """Whether a line has changed, and enough."""
        if pair.change is None:
            return pair.before != pair.after
        if not pair.change:
            return False
        is_large = abs(pair.change) >= self._min_change
        self.left_out += not is_large
        return is_large


def _paired(
    old: Iterator[PastLookup], new: Iterator[PastLookup]
) -> Iterator[tuple[PastLookup | None, PastLookup | None]]:
    """Pair the look-ups of each customer; None stands for a customer that is not there."""
    before, after = next(old, None), next(new, None)
    while before or after:
        if before and after and before.key == after.key:
            yield before, after
            before, after = next(old, None), next(new, None)
        elif before and (after is None or before.key < after.key):
            yield before, None
            before = next(old, None)
        else:
            yield None, after
            after = next(new, None)


def _state(lookup: PastLookup | None) -> InFile:
    if lookup is None:
        return "absent"
    return "failed" if lookup.error else "answered"


def _record(
    before: PastLookup | None, after: PastLookup | None, pair: LinePair | None
) -> DiffRecord:
    whose = after or before
    assert whose is not None
    errors = [each.error for each in (before, after) if each]
    found = DiffRecord(
        profile=whose.profile,
        provider=whose.provider,
        customer=whose.customer,
        by=whose.by,
        sandbox=whose.sandbox,
        what=_what(before, after, pair),
        in_old=_state(before),
        in_new=_state(after),
        error=next(filter(None, errors), None),
    )
    if pair is None:
        return found
    return pair.shown_in(found)


def _what(before: PastLookup | None, after: PastLookup | None, pair: LinePair | None) -> What:
    if "failed" in (_state(before), _state(after)):
        return "failed"
    if before is None or (pair and pair.old is None):
        return "appeared"
    return "vanished" if after is None or (pair and pair.new is None) else "changed"
