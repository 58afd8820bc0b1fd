"""Which amounts can be added."""

from collections.abc import Collection

from loyalty_cli.model.records import Basis, Kind

SumKey = tuple[str | None, Kind | None, bool]

_SUREST_LAST: tuple[Basis, ...] = ("scale_unknown", "computed", "stated")
_SPENDABLE: frozenset[Kind] = frozenset({"points", "money", "credit"})


def sum_key(kind: Kind, unit: str | None, basis: Basis) -> SumKey:
    """The sum to which a line belongs: its unit, its kind if that is summed separately, its scale.

    Points, money and credit of one unit are one sum. Percentages, codes, other kinds, whatever has
    no unit, and amounts of unknown scale, are summed separately.
    """
    is_one_sum = unit is not None and kind in _SPENDABLE
    return unit, None if is_one_sum else kind, basis == "scale_unknown"


def least_sure(bases: Collection[Basis]) -> Basis:
    """The basis of several amounts together."""
    return next(basis for basis in _SUREST_LAST if basis in bases)
