"""Going on with a run: what its file has already is not asked again."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, islice

from msgspec import Struct

from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.balances.read_back import ForeignError, Found
from loyalty_cli.lists.parallel import MAX_PENDING
from loyalty_cli.model.errors import ASKED_TO_WAIT, ENDING
from loyalty_cli.model.records import Lookup, RawLookup
from loyalty_cli.output.format import Format

Record = Lookup | RawLookup
Encode = Callable[[Record], bytes]
Add = Callable[[Record], None]
Task = LookupTask | None
"""What is to be looked up; None has a turn among the others for what is in the file already."""

_NEVER = "0001-01-01T00:00:00Z"


class Kept(Struct, frozen=True):
    """Records that are in the file, and the text that they are there."""

    records: Sequence[Record]
    text: bytes


class Resumed(Struct, frozen=True):
    """The bytes of the file that stay as they are, and what is to come after them.

    A run that was stopped may have left gaps: `again` is all from the first one to the last record
    that is there, the missing ones as tasks.
    """

    ends: int
    again: Sequence[LookupTask | Kept]
    rest: Iterator[LookupTask]

    def tasks(self) -> Iterator[Task]:
        """What is to be done, in its order."""
        again = (None if isinstance(each, Kept) else each for each in self.again)
        return chain(again, self.rest)

    @property
    def kept(self) -> list[Record]:
        """The records in `again`."""
        kept = [each.records for each in self.again if isinstance(each, Kept)]
        return [*chain.from_iterable(kept)]

    def in_place(self, records: Iterator[Record], encode: Encode, add: Add) -> Iterator[bytes]:
        """The text of the records that come, and of those that are `kept`, each in its place.

        The latter are `add`ed in their turn, and none of them is left out where the run is stopped.
        """
        one: Record | None = None
        for each in self.again:
            if isinstance(each, Kept):
                for record in each.records:
                    add(record)
                yield each.text
                continue
            one = one or next(records, None)
            if one and (one.profile, one.customer) == (each.profile.name, each.customer):
                yield encode(one)
                one = None
        yield from map(encode, chain([one] if one else [], records))


class _Unit(Struct, frozen=True):
    """What a file shows as one: a task, or in CSV all that follow each other for one customer."""

    opening: bytes
    tasks: Sequence[LookupTask]


class _Place(Struct):
    """A unit's place in the file: what was found there; no records where it is to be asked."""

    unit: _Unit
    found: Found | None = None
    records: Sequence[Record] = ()


def resume(
    found: Iterator[Found],
    tasks: Iterator[LookupTask],
    output: Format,
    encode: Encode,
    add: Add,
) -> Resumed:
    """Match what was found with what is asked, and `add` the records before the first gap.

    What may have ended a run is asked again, and what CSV leaves in doubt. Raises ForeignError for
    a file that is not of this run.
    """
    units = _units(tasks, output, encode)
    places: deque[_Place] = deque()  # the last ones, which may have gaps between them
    ends = 0
    for place in _places(found, units):
        places.append(place)
        if len(places) > MAX_PENDING + 1 and places[0].records:
            ends = _settle(places.popleft(), add)
    ahead = list(islice(units, MAX_PENDING))
    doubtful = _in_doubt(places, ahead) if output is Format.CSV else ()
    for place in [*_that_ended(places, is_over=not ahead), *doubtful]:
        place.records = ()
    while places and places[0].records:
        ends = _settle(places.popleft(), add)
    again: list[LookupTask | Kept] = []
    missing: list[LookupTask] = []
    for place in places:
        if place.found and place.records:
            again += [*missing, Kept(place.records, place.found.text)]
            missing = []
        else:
            missing += place.unit.tasks
    left = (task for unit in chain(ahead, units) for task in unit.tasks)
    return Resumed(ends, again, chain(missing, left))


def _settle(place: _Place, add: Add) -> int:
    """Let the records stay, and give the byte after them."""
    assert place.found
    for record in place.records:
        add(record)
    return place.found.ends


def _units(tasks: Iterator[LookupTask], output: Format, encode: Encode) -> Iterator[_Unit]:
    def opening(task: LookupTask) -> bytes:
        return _opening(task, encode)

    if output is Format.CSV:
        return (_Unit(each, list(run)) for each, run in groupby(tasks, opening))
    return (_Unit(opening(task), [task]) for task in tasks)


def _opening(task: LookupTask, encode: Encode) -> bytes:
    """How a task's record begins: with all that is known of it before it is asked."""
    record = (RawLookup if task.raw else Lookup)(
        profile=task.profile.name,
        provider=task.profile.provider.name,
        customer=task.customer,
        sandbox=task.profile.sandbox,
        retrieved_at=_NEVER,
    )
    return encode(record).rpartition(_NEVER.encode())[0]


def _places(found: Iterator[Found], units: Iterator[_Unit]) -> Iterator[_Place]:
    """Give the place of each unit, up to that of the last one found."""
    behind = 0  # the first gap, and how far: no run begins more than that
    for each in found:
        for unit in units:
            is_it = _is_of(each, unit)
            records = each.records(len(unit.tasks)) if is_it and each.is_whole else []
            behind += 1 if behind or not records else 0
            if behind > MAX_PENDING:
                raise ForeignError
            if is_it:
                yield _Place(unit, each, records)
                break
            yield _Place(unit)
        else:
            raise ForeignError


def _is_of(found: Found, unit: _Unit) -> bool:
    is_torn_before = not found.is_whole and unit.opening.startswith(found.text)
    return is_torn_before or found.text.startswith(unit.opening)


def _that_ended(places: Iterable[_Place], *, is_over: bool) -> Iterator[_Place]:
    """What may have ended the run: asking too often did not where the run came to its end."""
    codes = ENDING if is_over else ENDING | ASKED_TO_WAIT
    for place in places:
        if any(record.error and record.error.code in codes for record in place.records):
            yield place


def _in_doubt(places: Sequence[_Place], ahead: Sequence[_Unit]) -> Iterator[_Place]:
    """Places in CSV whose rows may be of fewer look-ups than they should, or of more.

    Rows of the same customer are one where all between them is missing. So a place may have those
    of another one, too, as far as what was found behind it may be behind that, and no further.
    """
    units = [*(place.unit for place in places), *ahead]
    end = len(units)
    for at in reversed(range(len(places))):
        place, found = places[at], places[at].found
        if found is None:
            continue
        others = any(unit.opening == place.unit.opening for unit in units[at + 1 : end])
        number = len(place.unit.tasks)
        if not found.is_surely(number) or (others and len(found.rows) > number):
            yield place
        end = next(x for x in reversed(range(at, end)) if _is_of(found, units[x]))
