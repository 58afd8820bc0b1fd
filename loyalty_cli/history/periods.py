"""Periods in which a customer's balance stayed the same, made from single sightings of it."""

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.history.lookups import Line, are_same


class Whose(Struct, frozen=True):
    """The balance of one customer: the profile, the way to name the customer, and the customer."""

    profile: str
    by: str
    customer: str


class Sighting(Struct, frozen=True):
    """What a look-up found: when (in UTC, as text), and who saw it."""

    whose: Whose
    provider: str
    lines: tuple[Line, ...]
    at: str
    seen_by: str


class Period(Struct, frozen=True):
    """From the first to the last time that a balance was seen with these lines.

    `number` is its number in the database, None if it is new.
    """

    lines: tuple[Line, ...]
    first_at: str
    first_by: str
    last_at: str
    last_by: str
    number: int | None = None


def with_sighting(periods: Sequence[Period], seen: Sighting) -> list[Period]:
    """Add a sighting to a customer's periods, which are in order; it may be older than they are.

    Of the sightings within a period only the first and the last are known. Sightings that come in
    another order than they were made can therefore lose some between those.
    """
    if any(
        each.first_at <= seen.at <= each.last_at and are_same(each.lines, seen.lines)
        for each in periods
    ):
        return list(periods)
    place = bisect_right(periods, seen.at, key=lambda each: each.first_at)
    earlier, later = list(periods[:place]), list(periods[place:])
    if earlier and seen.at < earlier[-1].last_at:
        # It was another balance for a while: of the period, its ends are certain.
        split = earlier.pop()
        earlier.append(replace(split, last_at=split.first_at, last_by=split.first_by))
        later.insert(0, replace(split, first_at=split.last_at, first_by=split.last_by, number=None))
    elif earlier and are_same(earlier[-1].lines, seen.lines):
        last_at, last_by = seen.at, seen.seen_by
        if later and are_same(later[0].lines, seen.lines):
            joined = later.pop(0)
            last_at, last_by = joined.last_at, joined.last_by
        return [*earlier[:-1], replace(earlier[-1], last_at=last_at, last_by=last_by), *later]
    elif later and are_same(later[0].lines, seen.lines):
        return [*earlier, replace(later[0], first_at=seen.at, first_by=seen.seen_by), *later[1:]]
    new = Period(seen.lines, seen.at, seen.seen_by, seen.at, seen.seen_by)
    return [*earlier, new, *later]
