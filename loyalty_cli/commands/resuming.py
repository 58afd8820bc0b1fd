"""Going on with a run: what its file has already is not asked again."""

from collections.abc import Callable, Iterator
from itertools import chain, groupby, islice

from msgspec import Struct

from loyalty_cli.errors import ENDING
from loyalty_cli.lookup import Order
from loyalty_cli.model import Lookup, RawLookup
from loyalty_cli.output.format import Format
from loyalty_cli.output.read_back import ForeignError, Found, Key, key_of
from loyalty_cli.side_by_side import AHEAD

Record = Lookup | RawLookup
Task = Order | Record
"""What is to be looked up, or what was and waits for its turn to be written."""


class Resumed(Struct, frozen=True):
    """The bytes of the file that stay as they are, and what is to come after them."""

    ends: int
    tasks: Iterator[Task]


class _Unit(Struct, frozen=True):
    """What the file shows as one: an order, or in CSV all that follow it for the same customer."""

    key: Key
    orders: list[Order]


def resume(
    found: Iterator[Found], orders: Iterator[Order], output: Format, add: Callable[[Record], None]
) -> Resumed:
    """Match what was found with what is asked, and `add` the records that stay.

    A run that was stopped may have left gaps: what stands behind the first one is taken out and
    written again in its turn. What ended a run is asked again. Raises ForeignError for a file that
    is not of this run, before anything is asked.
    """
    units = _units(orders, output)
    ends = 0
    for each in found:
        unit = next(units, None)
        if unit is None or unit.key != each.key or _ended_it(each):
            asked = chain([unit] if unit else [], units)
            return Resumed(ends, _with_gaps(chain([each], found), asked))
        for record in each.records(len(unit.orders)):
            add(record)
        ends = each.ends
    return Resumed(ends, _flat(units))


def _with_gaps(found: Iterator[Found], units: Iterator[_Unit]) -> Iterator[Task]:
    there = (each for each in islice(found, AHEAD + 1) if not _ended_it(each))
    tasks: list[Task] = []
    one = next(there, None)
    for unit in islice(units, AHEAD):
        if one and one.key == unit.key:
            tasks += one.records(len(unit.orders))
            one = next(there, None)
        else:
            tasks += unit.orders
    if one is not None:
        raise ForeignError
    return chain(tasks, _flat(units))


def _units(orders: Iterator[Order], output: Format) -> Iterator[_Unit]:
    def key(order: Order) -> Key:
        return key_of(order.profile.name, order.customer, output)

    if output is Format.CSV:
        return (_Unit(each, list(run)) for each, run in groupby(orders, key))
    return (_Unit(key(order), [order]) for order in orders)


def _flat(units: Iterator[_Unit]) -> Iterator[Order]:
    return (order for unit in units for order in unit.orders)


def _ended_it(found: Found) -> bool:
    error = found.records(1)[0].error
    return error is not None and error.code in ENDING
