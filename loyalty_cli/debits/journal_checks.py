"""The requested debits checked against the journal: what to send, what is not allowed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache

from loyalty_cli.debits.accounts import no_longer_known
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

    `taken_in_a_day` is the sum that an account was debited in 24 hours, by all runs.
    """

    def __init__(self, taken_in_a_day: Callable[[str], int]) -> None:
        self._taken_in_a_day = cache(taken_in_a_day)
        self._totals: defaultdict[str, int] = defaultdict(int)
        self._fresh: defaultdict[str, int] = defaultdict(int)
        self._passed: set[tuple[str, str]] = set()

    def add(self, order: DebitOrder, *, is_open: bool) -> Iterator[LoyaltyError]:
        """Add a debit; return the error of each limit that it is the first to exceed.

        With `is_open`, the sum of the day already contains this debit.
        """
        name, rules = order.profile.name, order.profile.debit
        if rules.max_total is not None:
            self._totals[name] += order.amount
            total = self._totals[name]
            if total > rules.max_total and self._is_first(name, "run"):
                yield LoyaltyError(
                    ErrorCode.REFUSED,
                    f"with this debit the sum at the profile {name!r} is {total},"
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
    """Find out what would be sent, and add what is not allowed to the mistakes.

    `platforms` are the accounts of all profiles that may debit.
    """
    to_send, limits = ToSend(), Limits(journal.taken_in_a_day)
    for batch in batches(orders.numbered(), BATCH):
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in journal.with_references([order.reference for _, order in batch]):
            found[entry.key.reference].append(entry)
        for number, order in batch:
            entries = found[order.reference]
            for error in _taken(order, entries, platforms):
                mistakes.add_error(number, "reference", order.reference, error)
            present = next((each for each in entries if each.key == order.key), None)
            is_open = present is not None and present.state in OPEN
            if present is None or is_to_make(present) or (is_open and order.provider.idempotent):
                to_send.add(order)
                for error in limits.add(order, is_open=is_open):
                    mistakes.add_error(number, "amount", order.amount, error)
    return to_send


def _taken(
    order: DebitOrder, entries: Sequence[Entry], platforms: Collection[str]
) -> Iterator[LoyaltyError]:
    """The errors if the reference belongs, or may belong, to another debit."""
    for entry in entries:
        if entry.key == order.key:
            if not entry.asks_the_same(order.planned):
                yield reference_taken(order.planned, entry)
        elif error := no_longer_known(order, entry, platforms):
            yield error


def is_to_make(entry: Entry) -> bool:
    """Whether a debit was not made yet, and may still be made."""
    return entry.state in (State.PLANNED, State.NOT_APPLIED)


def entries_of(journal: Journal, orders: Iterable[DebitOrder]) -> Iterator[Entry | None]:
    """Each order's entry in the journal, or None; read in batches."""
    for batch in batches(orders, BATCH):
        keys = [order.key for order in batch]
        known: dict[Key, Entry] = journal.known(keys)
        yield from map(known.get, keys)


def planned_entries(journal: Journal, orders: Iterable[DebitOrder]) -> Iterator[Entry]:
    """The entry of each planned order, read in batches."""
    for entry in entries_of(journal, orders):
        assert entry is not None  # nothing is ever deleted from the journal
        yield entry
