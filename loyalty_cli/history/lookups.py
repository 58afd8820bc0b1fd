"""Balances as history compares them: a look-up, its lines, and the amount of each line."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Basis, DiffRecord, Failure, HistoryRecord, Kind
from loyalty_cli.model.sums import least_sure

Found = TypeVar("Found", DiffRecord, HistoryRecord)


class Line(Struct, frozen=True, omit_defaults=True):
    """What is compared of one balance line."""

    name: str
    kind: Kind
    unit: str | None = None
    basis: Basis = "stated"
    sum_of: tuple[str, ...] | None = None
    available: Amount | None = None
    total: Amount | None = None

    @property
    def identity(self) -> tuple[str, str, str | None, bool]:
        """What two lines have in common if their amounts can be compared.

        An amount of unknown scale may be in minor units: it has nothing in common with another.
        """
        return self.name, self.kind, self.unit, self.basis == "scale_unknown"

    @property
    def amounts(self) -> tuple[Amount | None, Amount | None]:
        """Both amounts: what is available, and the platform's own sum."""
        return self.available, self.total


class PastLookup(Struct, frozen=True, omit_defaults=True):
    """What one look-up found: its lines, or its error. `asked` has the options, as text."""

    schema_version: int
    profile: str
    provider: str
    customer: str
    sandbox: bool
    by: str
    asked: str
    retrieved_at: str
    lines: tuple[Line, ...] = ()
    error: Failure | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Who was looked up: the profile, the way to name the customer, and the customer."""
        return self.profile, self.by, self.customer


class LinePair(Struct, frozen=True):
    """A balance line before and after, and its amounts; None where there is no such line or amount.

    What is compared is the `amount` that is available, or the total if only that is stated. The
    `basis` is how sure both amounts are together.
    """

    old: Line | None
    new: Line | None
    line: Line
    basis: Basis
    amount: Literal["available", "total"]
    before: Amount | None
    after: Amount | None
    change: Amount | None

    @classmethod
    def of(cls, old: Line | None, new: Line | None) -> "LinePair":
        """Pair two lines, of which one may not be there."""
        lines = [line for line in (old, new) if line]
        is_stated = any(line.available is not None for line in lines)
        is_total = not is_stated and any(line.total is not None for line in lines)
        amount: Literal["available", "total"] = "total" if is_total else "available"
        before = getattr(old, amount, None)
        after = getattr(new, amount, None)
        return cls(
            old,
            new,
            line=lines[-1],
            basis=least_sure([line.basis for line in lines]),
            amount=amount,
            before=before,
            after=after,
            change=None if before is None or after is None else after.minus(before),
        )

    def shown_in(self, record: Found) -> Found:
        """The record of a difference, about this line."""
        return replace(
            record,
            name=self.line.name,
            kind=self.line.kind,
            unit=self.line.unit,
            basis=self.basis,
            sum_of=self.line.sum_of,
            amount=self.amount,
            before=self.before,
            after=self.after,
            change=self.change,
        )


def paired_lines(before: Sequence[Line], after: Sequence[Line]) -> Iterator[LinePair]:
    """Pair the lines of two look-ups, in their order.

    Of several lines with one identity, those with equal amounts are pairs first.
    """
    order = dict.fromkeys(line.identity for line in (*before, *after))
    for identity in order:
        old = [line for line in before if line.identity == identity]
        new = [line for line in after if line.identity == identity]
        for line in [*old]:
            same = next((other for other in new if other.amounts == line.amounts), None)
            if same:
                yield LinePair.of(line, same)
                old.remove(line)
                new.remove(same)
        yield from (LinePair.of(*both) for both in zip_longest(old, new))


def are_same(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether two look-ups found the same lines with the same amounts, in any order."""
    return all(
        pair.old and pair.new and pair.old.amounts == pair.new.amounts
        for pair in paired_lines(before, after)
    )
