"""The summary of a run by profile and unit: exact, and in little memory."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import reduce
from random import choice
from typing import Any, get_args

from msgspec.structs import replace

from loyalty_cli.model.amount import MAX_DIGITS, Amount
from loyalty_cli.model.moment import moment
from loyalty_cli.model.records import (
    Balance,
    Basis,
    Bin,
    Expiring,
    Kind,
    Lookup,
    NextExpiry,
    SummaryRecord,
)
from loyalty_cli.model.sums import SumKey, least_sure, sum_key

DAYS = 30
"""For how many days ahead a summary reports what expires."""

# Wide enough for the sum of any number of the longest amounts, and for half of it.
_EXACT = Context(prec=4 * MAX_DIGITS)

# The bins below the decades; decade 0 is 1 to 9, decade 1 is 10 to 99, and so on.
_NEGATIVE, _ZERO, _FRACTION = -3, -2, -1


class Summary:
    """Counts look-ups as they come; a customer looked up twice counts twice.

    For each profile and unit it keeps eight bytes a customer, and a decimal only for an amount
    that no float represents. `now` has an offset.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._profiles: dict[str, _Profile] = {}

    def add(self, lookup: Lookup) -> None:
        """Count one look-up, failed or not."""
        if lookup.profile not in self._profiles:
            self._profiles[lookup.profile] = _Profile(lookup, self._now)
        self._profiles[lookup.profile].add(lookup)

    def records(self) -> list[SummaryRecord]:
        """The summary so far: profiles and their units, in order of their first look-up.

        A profile in which nothing was found has a record, too, without a unit.
        """
        return [record for profile in self._profiles.values() for record in profile.records()]


class _Profile:
    """The look-ups at one profile."""

    def __init__(self, first: Lookup, now: datetime) -> None:
        self._first = first
        self._now = now
        self._customers = 0
        self._failed = 0
        self._units: dict[SumKey, _Unit] = {}

    def add(self, lookup: Lookup) -> None:
        self._customers += 1
        self._failed += lookup.error is not None
        lines_of: dict[SumKey, list[Balance]] = {}
        for line in lookup.balances:
            if line.sum_of:  # its parts are counted
                continue
            if line.available is not None or line.next_expiry is not None:
                lines_of.setdefault(sum_key(line.kind, line.unit, line.basis), []).append(line)
        for key, lines in lines_of.items():
            if key not in self._units:
                self._units[key] = _Unit(key, self._now)
            self._units[key].add(lines)

    def records(self) -> list[SummaryRecord]:
        base = SummaryRecord(
            profile=self._first.profile,
            provider=self._first.provider,
            sandbox=self._first.sandbox,
            customers=self._customers,
            failed=self._failed,
        )
        return [unit.record(base) for unit in self._units.values()] or [base]


class _Unit:
    """The amounts of one profile's customers in one unit."""

    def __init__(self, key: SumKey, now: datetime) -> None:
        self._name, kind, _ = key
        self._adds_up = kind != "percent"
        self._kinds: set[Kind] = set()
        self._bases: set[Basis] = set()
        self._amounts = _Amounts()
        self._expiring = _Expiring(now)

    def add(self, lines: Sequence[Balance]) -> None:
        """Count one customer's lines: their sum, or the largest percentage."""
        self._kinds.update([line.kind for line in lines])
        self._bases.update([line.basis for line in lines])
        amounts: list[Decimal] = [line.available for line in lines if line.available is not None]
        if amounts:
            self._amounts.add(reduce(_EXACT.add, amounts) if self._adds_up else max(amounts))
        expiries = [line.next_expiry for line in lines if line.next_expiry is not None]
        if expiries:
            self._expiring.add(expiries)

    def record(self, base: SummaryRecord) -> SummaryRecord:
        return replace(
            base,
            unit=self._name,
            kinds=tuple(kind for kind in get_args(Kind) if kind in self._kinds),
            basis=least_sure(self._bases),
            expiring=self._expiring.record(adds_up=self._adds_up),
            **self._amounts.figures(adds_up=self._adds_up),
        )


class _Amounts:
    """Amounts, each as its nearest float, and as a decimal too if the float is not exact.

    All results have as many decimals as the amount with the most.
    """

    def __init__(self) -> None:
        self._floats = array("d")
        self._others: list[Decimal] = []
        self._total = Decimal(0)
        self._largest = Decimal("-Infinity")
        self._decades: Counter[int] = Counter()

    def add(self, amount: Decimal) -> None:
        nearest = float(amount)
        self._floats.append(nearest)
        if Decimal(repr(nearest)) != amount:
            self._others.append(amount)
        self._total = _EXACT.add(self._total, amount)
        self._largest = max(self._largest, amount)
        above_zero = max(_FRACTION, amount.adjusted()) if amount else _ZERO
        self._decades[_NEGATIVE if amount < 0 else above_zero] += 1

    def figures(self, *, adds_up: bool) -> dict[str, Any]:
        """What a summary says of them."""
        count = len(self._floats)
        if not count:
            return {"found": 0}
        upper = self._at(count // 2)
        lower = upper if count % 2 else self._at(count // 2 - 1)
        return {
            "found": count,
            "total": self._written(self._total) if adds_up else None,
            "median": self._written(_EXACT.divide(_EXACT.add(lower, upper), Decimal(2))),
            "largest": self._written(self._largest),
            "histogram": self._histogram(),
        }

    def _histogram(self) -> tuple[Bin, ...]:
        """The bins that are not empty: negative, zero, less than 1, and the decades.

        Adjacent empty bins between them are joined into one.
        """
        bins: list[Bin] = []
        for decade, customers in sorted(self._decades.items()):
            at_least = None if decade == _NEGATIVE else self._edge(decade)
            if bins and at_least is not None and bins[-1].below != at_least:
                bins.append(Bin(at_least=bins[-1].below, below=at_least, customers=0))
            bins.append(Bin(at_least=at_least, below=self._edge(decade + 1), customers=customers))
        return tuple(bins)

    def _edge(self, decade: int) -> Amount:
        """The lower limit of a bin; of the bin after zero, the smallest amount above zero."""
        zero = self._written(Decimal(0))
        if decade == _ZERO:
            return zero
        return self._written(Amount(1).shifted(zero.adjusted() if decade == _FRACTION else decade))

    def _written(self, amount: Decimal) -> Amount:
        zero = _EXACT.subtract(self._total, self._total)
        return Amount(_EXACT.add(_EXACT.normalize(amount), zero))

    def _at(self, rank: int) -> Decimal:
        """The amount of a rank, from 0: floats find the place, decimals decide between equals."""
        place, below, here = _select(self._floats, rank)
        amount = Decimal(repr(place))
        others = sorted(each for each in self._others if float(each) == place)
        smaller, same = bisect_left(others, amount), here - len(others)
        rank -= below
        if smaller <= rank < smaller + same:
            return amount
        return others[rank if rank < smaller else rank - same]


def _select(values: "array[float]", rank: int) -> tuple[float, int, int]:
    """The value of a rank, from 0, and how many values are smaller, and how many are equal.

    Sorting would make an object of every value at once; this only makes smaller arrays.
    """
    below = 0
    while True:
        pivot = choice(values)  # noqa: S311 - no secret; with a random pivot no order is slow
        smaller = array("d", filter(pivot.__gt__, values))
        same = values.count(pivot)
        if rank < below + len(smaller):
            values = smaller
        elif rank < below + len(smaller) + same:
            return pivot, below + len(smaller), same
        else:
            below += len(smaller) + same
            values = array("d", filter(pivot.__lt__, values))


class _Expiring:
    """Sums up what expires soon, as far as the platform reports it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._until = now + timedelta(days=DAYS)
        self._is_reported = False
        self._amount = Decimal(0)
        self._customers = 0
        self._unclear = 0

    def add(self, expiries: Sequence[NextExpiry]) -> None:
        """Count one customer's expiries; an amount of zero never expires, whatever its date."""
        self._is_reported = True
        soon: list[Decimal] = []
        is_unclear = False
        for each in expiries:
            if each.amount == 0:
                continue
            at = moment(each.at or "")
            if at and not self._now < at <= self._until:
                continue
            if at and each.amount is not None:
                soon.append(each.amount)
            else:
                is_unclear = True
        self._unclear += is_unclear
        if soon:
            self._customers += 1
            self._amount = reduce(_EXACT.add, soon, self._amount)

    def record(self, *, adds_up: bool) -> Expiring | None:
        if not self._is_reported:
            return None
        return Expiring(
            days=DAYS,
            until=self._until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            amount=Amount(self._amount) if adds_up else None,
            customers=self._customers,
            unclear=self._unclear,
        )
