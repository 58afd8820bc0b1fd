"""The sums of a comparison, by profile and unit: exact, and in little memory."""

from collections.abc import Sequence
from typing import get_args

from msgspec.structs import replace

from loyalty_cli.history.lookups import LinePair, PastLookup
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Basis, DiffTotalRecord, Kind
from loyalty_cli.model.sums import SumKey, least_sure, sum_key


class Totals:
    """Adds up what was compared; lines that add up others are left out."""

    def __init__(self) -> None:
        self._profiles: dict[str, _Profile] = {}

    def add(
        self, before: PastLookup | None, after: PastLookup | None, pairs: Sequence[LinePair]
    ) -> None:
        """Count one customer, with all lines."""
        whose = after or before
        assert whose is not None
        if whose.profile not in self._profiles:
            self._profiles[whose.profile] = _Profile(whose)
        profile = self._profiles[whose.profile]
        if any(each and each.error for each in (before, after)):
            profile.failed += 1
            return
        for pair in pairs:
            if not pair.line.sum_of:
                profile.unit(pair).add(pair)

    def records(self) -> list[DiffTotalRecord]:
        """A record for each profile and unit, and for a profile without any unit."""
        return [record for profile in self._profiles.values() for record in profile.records()]


class _Profile:
    """The lines of one profile."""

    def __init__(self, first: PastLookup) -> None:
        self.failed = 0
        self._first = first
        self._units: dict[SumKey, _Unit] = {}

    def unit(self, pair: LinePair) -> "_Unit":
        """The sum to which a pair of lines belongs."""
        key = sum_key(pair.line.kind, pair.line.unit, pair.basis)
        return self._units.setdefault(key, _Unit())

    def records(self) -> list[DiffTotalRecord]:
        """A record for each unit."""
        base = DiffTotalRecord(
            profile=self._first.profile,
            provider=self._first.provider,
            sandbox=self._first.sandbox,
            failed=self.failed,
        )
        return [unit.record(base, key[0]) for key, unit in self._units.items()] or [base]


class _Unit:
    """The lines of one profile in one unit."""

    def __init__(self) -> None:
        self._kinds: set[Kind] = set()
        self._bases: set[Basis] = set()
        self._changed = 0
        self._before, self._after = _Sum(), _Sum()
        self._appeared, self._vanished = _Sum(), _Sum()

    def add(self, pair: LinePair) -> None:
        """Count a line."""
        self._kinds.add(pair.line.kind)
        self._bases.add(pair.basis)
        if pair.before is not None and pair.after is not None:
            self._before.add(pair.before)
            self._after.add(pair.after)
            self._changed += bool(pair.change)
        elif pair.old is None:
            self._appeared.add(pair.after)
        elif pair.new is None:
            self._vanished.add(pair.before)
        else:
            self._changed += pair.before != pair.after

    def record(self, base: DiffTotalRecord, unit: str | None) -> DiffTotalRecord:
        """What a total says of them."""
        counted = replace(
            base,
            unit=unit,
            kinds=tuple(kind for kind in get_args(Kind) if kind in self._kinds),
            basis=least_sure(self._bases),
            compared=self._before.count,
            changed=self._changed,
            appeared=self._appeared.count,
            vanished=self._vanished.count,
        )
        if "percent" in self._kinds:  # percentages are summed separately, and not added
            return counted
        return replace(
            counted,
            before=self._before.total,
            after=self._after.total,
            change=_change(self._before.total, self._after.total),
            appeared_sum=self._appeared.total,
            vanished_sum=self._vanished.total,
        )


class _Sum:
    """A count, and the sum of the amounts that are known."""

    def __init__(self) -> None:
        self.count = 0
        self.total: Amount | None = None

    def add(self, amount: Amount | None) -> None:
        """Count one more."""
        self.count += 1
        if amount is not None:
            self.total = amount if self.total is None else self.total.plus(amount)


def _change(before: Amount | None, after: Amount | None) -> Amount | None:
    return None if before is None or after is None else after.minus(before)
