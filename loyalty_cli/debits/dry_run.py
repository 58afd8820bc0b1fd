"""The dry run: it checks debits without sending any (`loyalty debit --dry-run`)."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from loyalty_cli.debits.account_balance import refusal
from loyalty_cli.debits.journal.entries import Entry, new_entry
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal_checks import entries_of, is_to_make
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.order_store import OrderStore
from loyalty_cli.debits.result import DebitResult, recorded_error
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.lists.parallel import map_in_order
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

MAX_REPORTED = 100
"""How many accounts are reported one by one; the others are counted."""

_MADE = """\
CREATE TABLE accounts (
    platform TEXT, customer TEXT, unit TEXT, taken TEXT,
    PRIMARY KEY (platform, customer, unit)
) WITHOUT ROWID"""


Account = tuple[str, str, str]
"""A platform, a customer there, and a unit."""


class _Account(Struct):
    """An account to report at the end: its balance, the requested and the taken amount."""

    order: DebitOrder
    has: Amount
    asked: int = 0
    taken: int = 0


class _Sums(Struct):
    """What is requested at a profile in one unit, and what of it would be made."""

    asked: int = 0
    amount: int = 0
    made: int = 0
    taken: int = 0


class _Tried(Struct, frozen=True):
    """A checked debit: what is on record, the balance of its account, or the error."""

    order: DebitOrder
    entry: Entry
    replayed: bool = False
    has: Amount | None = None
    error: LoyaltyError | None = None


class DryRun:
    """Checks debits without sending any, and adds up what they would take from each account.

    The sums are in a temporary file: there can be a million accounts.
    """

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str], _Sums] = defaultdict(_Sums)
        self._reported: dict[Account, _Account] = {}
        self._accounts = 0
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(_MADE)

    def results(
        self, debits: DebitSender, journal: Journal, orders: OrderStore
    ) -> Iterator[tuple[DebitOrder, DebitResult]]:
        """Yield the result that each debit would have after those before it, in their order."""
        now = journal.now()
        pairs = zip(orders, entries_of(journal, orders), strict=True)

        def try_out(pair: tuple[DebitOrder, Entry | None]) -> _Tried:
            order, present = pair
            return _tried(debits, journal, order, present or new_entry(order.planned, now))

        for tried in map_in_order(try_out, pairs):
            error = tried.error
            if not tried.replayed:
                error = self._add(tried.order, tried.has, error)
            yield tried.order, DebitResult(tried.entry, tried.replayed, error)

    def _add(
        self, order: DebitOrder, has: Amount | None, refused: LoyaltyError | None
    ) -> LoyaltyError | None:
        """Add a debit; return the error if it would be refused, alone or after earlier rows.

        `has` is the present balance of its account, if known.
        """
        sums = self._sums[order.profile.name, order.unit]
        sums.asked += 1
        sums.amount += order.amount
        if has is None:
            return refused
        account = (order.key.platform, order.customer, order.unit)
        taken = self._taken(account)
        if refused is None and has < taken + order.amount:
            refused = _too_little(order, has, taken)
        made = 0 if refused else order.amount
        self._keep(account, taken + made)
        self._report(account, order, has, made)
        sums.made += refused is None
        sums.taken += made
        return refused

    def lines(self) -> Iterator[str]:
        """The lines to report: totals of each profile and unit, and what accounts would have."""
        for (profile, unit), sums in self._sums.items():
            yield (
                f"{profile}: {sums.made} of {sums.asked} debits would be made,"
                f" {sums.taken} of {sums.amount} {unit}."
            )
        for each in self._reported.values():
            left = each.has.minus(Amount(each.taken))
            yield (
                f"{each.order.customer} at {each.order.profile.name} has {each.has}"
                f" {each.order.unit}: {each.taken} of {each.asked} would be taken, {left} left."
            )
        if rest := self._accounts - len(self._reported):
            yield f"and {rest} more accounts."

    def close(self) -> None:
        """Delete the sums."""
        self._database.close()

    def _report(self, account: Account, order: DebitOrder, has: Amount, made: int) -> None:
        if account not in self._reported and len(self._reported) < MAX_REPORTED:
            self._reported[account] = _Account(order, has)
        if reported := self._reported.get(account):
            reported.has = has
            reported.asked += order.amount
            reported.taken += made

    def _taken(self, account: Account) -> int:
        query = "SELECT taken FROM accounts WHERE platform = ? AND customer = ? AND unit = ?"
        row = self._database.execute(query, account).fetchone()
        self._accounts += row is None
        return int(row[0]) if row else 0

    def _keep(self, account: Account, taken: int) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?)", (*account, str(taken))
        )


def _tried(debits: DebitSender, journal: Journal, order: DebitOrder, entry: Entry) -> _Tried:
    if not is_to_make(entry):
        return _Tried(order, entry, replayed=True, error=recorded_error(entry))
    try:
        account = debits.account_balance(order)
    except LoyaltyError as error:
        return _Tried(order, entry, error=error)
    refused = refusal(order, account) or journal.busy(entry)
    return _Tried(order, entry, has=account.balance.available, error=refused)


def _too_little(order: DebitOrder, has: Amount, taken: int) -> LoyaltyError:
    return LoyaltyError(
        ErrorCode.REFUSED,
        f"{order.customer!r} has {has} {order.unit} available, less than {order.amount} after"
        f" the rows before it take {taken}.",
        hint="Nothing was sent.",
    )
