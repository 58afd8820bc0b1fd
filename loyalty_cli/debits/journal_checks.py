"""The requested debits compared with the journal: what would be sent, what is not allowed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache

from loyalty_cli.debits.accounts import no_longer_known
from loyalty_cli.debits.checks import makes_once
from loyalty_cli.debits.journal.conflicts import above_day_limit, reference_taken
from loyalty_cli.debits.journal.entries import OPEN, Entry, Key, State
from loyalty_cli.debits.journal.store import BATCH, Journal
from loyalty_cli.debits.mistakes import Mistakes
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.order_store import OrderStore
from loyalty_cli.lists.batches import batches
from loyalty_cli.model.errors import ErrorCode, LoyaltyError


class ToSend:
    """The debits that would be sent: how many, how much, at which profiles, and the first."""

    def __init__(self) -> None:
        self.number = 0
        self.first: DebitOrder | None = None
        self.profiles: set[str] = set()
        self.sums: defaultdict[str, int] = defaultdict(int)

    def add(self, order: DebitOrder) -> None:
        """Add one."""
        self.number += 1
        self.first = self.first or order
        self.profiles.add(order.profile.name)
        self.sums[order.unit] += order.amount


class Limits:
    """Compares what would be sent with `max_total` and `max_total_per_day` of the profiles.

    `taken_in_a_day` is what an account of a platform was debited in 24 hours, by whatever run.
    """

    def __init__(self, taken_in_a_day: Callable[[str], int]) -> None:
        self._taken_in_a_day = cache(taken_in_a_day)
        self._totals: defaultdict[str, int] = defaultdict(int)
        self._fresh: defaultdict[str, int] = defaultdict(int)
        self._passed: set[tuple[str, str]] = set()

    def add(self, order: DebitOrder, *, is_open: bool) -> Iterator[LoyaltyError]:
        """Add a debit; give the error of each limit that is passed with it, and was not before.

        What `is_open` on record counts as taken in the day already.
        """
        name, rules = order.profile.name, order.profile.debit
        if rules.max_total is not None:
            self._totals[name] += order.amount
            total = self._totals[name]
            if total > rules.max_total and self._is_first(name, "run"):
                yield LoyaltyError(
                    ErrorCode.REFUSED,
                    f"with this the debits at the profile {name!r} add up to {total},"
                    f" above its debit.max_total {rules.max_total}.",
                    hint="Nothing was sent.",
                )
        if is_open:
            return
        platform = order.key.platform
        self._fresh[platform] += order.amount
        if rules.max_total_per_day is not None:
            total = self._fresh[platform] + self._taken_in_a_day(platform)
            if total > rules.max_total_per_day and self._is_first(name, "day"):
                yield above_day_limit(name, total, rules.max_total_per_day)

    def _is_first(self, profile: str, limit: str) -> bool:
        if (profile, limit) in self._passed:
            return False
        self._passed.add((profile, limit))
        return True


def check_on_record(
    journal: Journal, orders: OrderStore, platforms: Collection[str], mistakes: Mistakes
) -> ToSend:
    """See what would be sent, and add what must not be asked for to the mistakes.

    `platforms` are the accounts of all profiles that may debit.
    """
    to_send, limits = ToSend(), Limits(journal.taken_in_a_day)
    for batch in batches(orders.numbered(), BATCH):
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in journal.elsewhere([order.reference for _, order in batch]):
            found[entry.key.reference].append(entry)
        for number, order in batch:
            entries = found[order.reference]
            for error in _taken(order, entries, platforms):
                mistakes.add_error(number, "reference", order.reference, error)
            present = next((each for each in entries if each.key == order.key), None)
            if is_to_send(order, present):
                to_send.add(order)
                is_open = present is not None and present.state in OPEN
                for error in limits.add(order, is_open=is_open):
                    mistakes.add_error(number, "amount", order.amount, error)
    return to_send


def _taken(
    order: DebitOrder, entries: Sequence[Entry], platforms: Collection[str]
) -> Iterator[LoyaltyError]:
    """The errors where the reference is another debit's, or may be."""
    for entry in entries:
        if entry.key == order.key:
            if not entry.asks_the_same(order.planned):
                yield reference_taken(order.planned, entry)
        elif error := no_longer_known(order, entry, platforms):
            yield error


def is_to_send(order: DebitOrder, entry: Entry | None) -> bool:
    """Whether a run would send a debit, as far as the journal knows."""
    if entry is None or is_to_make(entry):
        return True
    return entry.state in OPEN and makes_once(order.profile)


def is_to_make(entry: Entry) -> bool:
    """Whether a debit was not made yet, and may be."""
    return entry.state in (State.PLANNED, State.NOT_APPLIED)


def entries_of(journal: Journal, orders: Iterable[DebitOrder]) -> Iterator[Entry | None]:
    """What the journal has of each of the orders, read some at a time."""
    for batch in batches(orders, BATCH):
        keys = [order.key for order in batch]
        known: dict[Key, Entry] = journal.known(keys)
        yield from map(known.get, keys)


def planned_entries(journal: Journal, orders: Iterable[DebitOrder]) -> Iterator[Entry]:
    """The same of orders that are planned."""
    for entry in entries_of(journal, orders):
        assert entry is not None  # nothing is ever taken out of the journal
        yield entry
