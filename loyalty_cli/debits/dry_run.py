"""The dry run: it checks debits without sending any (`loyalty debit --dry-run`)."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

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
    number INTEGER PRIMARY KEY,
    platform TEXT, customer TEXT, unit TEXT, profile TEXT, has TEXT, asked TEXT, taken TEXT,
    UNIQUE (platform, customer, unit)
)"""  # the amounts are text, because their sums may be larger than an integer of SQLite
_PUT = """\
INSERT INTO accounts (platform, customer, unit, profile, has, asked, taken)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (platform, customer, unit)
DO UPDATE SET has = excluded.has, asked = excluded.asked, taken = excluded.taken"""
_GET = "SELECT asked, taken FROM accounts WHERE platform = ? AND customer = ? AND unit = ?"
_FIRST = "SELECT customer, profile, has, unit, taken, asked FROM accounts ORDER BY number LIMIT ?"


class _Sums(Struct):
    """What is requested at a profile in one unit, and what of it would be made."""

    asked: int = 0
    amount: int = 0
    made: int = 0
    taken: int = 0


class DryRun:
    """Checks debits, and adds up what each account would lose, on disk: there can be a million."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str], _Sums] = defaultdict(_Sums)
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(_MADE)

    def results(
        self, debits: DebitSender, journal: Journal, orders: OrderStore
    ) -> Iterator[tuple[DebitOrder, DebitResult]]:
        """Yield, in order, the result of each debit if those before it were made."""
        now = journal.now()
        pairs = zip(orders, entries_of(journal, orders), strict=True)

        def try_out(
            pair: tuple[DebitOrder, Entry | None],
        ) -> tuple[DebitOrder, DebitResult, Amount | None]:
            """What would come of a debit alone, and the balance of its account, if known."""
            order, present = pair
            entry = present or new_entry(order.planned, now)
            if not is_to_make(entry):
                return order, DebitResult(entry, replayed=True, error=recorded_error(entry)), None
            try:
                debits.check_person(order, entry)
                account = debits.account_balance(order)
            except LoyaltyError as error:
                return order, DebitResult(entry, error=error), None
            refused = refusal(order, account) or journal.busy(entry)
            return order, DebitResult(entry, error=refused), account.balance.available

        for order, result, has in map_in_order(try_out, pairs):
            refused = result.error if result.replayed else self._add(order, has, result.error)
            yield order, replace(result, error=refused)

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
        asked, taken = map(int, self._database.execute(_GET, account).fetchone() or (0, 0))
        if refused is None and has < taken + order.amount:
            refused = LoyaltyError(
                ErrorCode.REFUSED,
                f"{order.customer!r} has {has} {order.unit} available, less than {order.amount}"
                f" after the rows before it take {taken}.",
                hint="Nothing was sent.",
            )
        made = 0 if refused else order.amount
        amounts = (str(has), str(asked + order.amount), str(taken + made))
        self._database.execute(_PUT, (*account, order.profile.name, *amounts))
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
        first = self._database.execute(_FIRST, (MAX_REPORTED,))
        for customer, profile, has, unit, taken, asked in first:
            left = Amount(has).minus(Amount(taken))
            yield (
                f"{customer} at {profile} has {has} {unit}: {taken} of {asked} would be taken,"
                f" {left} left."
            )
        (accounts,) = self._database.execute("SELECT count(*) FROM accounts").fetchone()
        if accounts > MAX_REPORTED:
            yield f"and {accounts - MAX_REPORTED} more accounts."

    def close(self) -> None:
        """Delete the sums."""
        self._database.close()
