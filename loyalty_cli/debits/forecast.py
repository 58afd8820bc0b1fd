"""What accounts would have left if all that is asked for were made, row after row."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from loyalty_cli.amount import Amount
from loyalty_cli.debits.order import Order
from loyalty_cli.errors import ErrorCode, LoyaltyError

MOST_TOLD = 100
"""How many accounts are told one by one; the others are counted."""

_MADE = """\
CREATE TABLE accounts (
    platform TEXT, customer TEXT, unit TEXT, taken TEXT,
    PRIMARY KEY (platform, customer, unit)
) WITHOUT ROWID"""


class _Account(Struct):
    """An account that is told at the end: what it has, and what is asked of it."""

    order: Order
    has: Amount
    asked: int = 0
    taken: int = 0


class Forecast:
    """Adds up what is asked of each account, in a temporary file: there can be a million."""

    def __init__(self) -> None:
        self._asked: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._told: dict[tuple[str, str, str], _Account] = {}
        self._accounts = 0
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(_MADE)

    def add(self, order: Order, has: Amount | None) -> LoyaltyError | None:
        """Add what is asked of an account; the error where it has too little after what was before.

        `has` is what it has now; None where the debit alone would be refused already.
        """
        sums = self._asked[order.profile.name, order.unit]
        sums[0] += 1
        sums[1] += order.amount
        if has is None:
            return None
        account = (order.key.platform, order.customer, order.unit)
        taken = self._taken(account)
        told = self._account(account, order, has, is_new=taken is None)
        after = (taken or 0) + order.amount
        told.has, told.asked = has, told.asked + order.amount
        if has < after:
            self._keep(account, taken or 0)
            return LoyaltyError(
                ErrorCode.REFUSED,
                f"{order.customer!r} has {has} {order.unit} available, and the rows before this one"
                f" take {taken}: less than {order.amount} would be left.",
                hint="Nothing was sent.",
            )
        self._keep(account, after)
        told.taken = after
        sums[2] += 1
        sums[3] += order.amount
        return None

    def lines(self) -> Iterator[str]:
        """What to tell: the totals of each profile and unit, and what each account would have."""
        for (profile, unit), (asked, amount, made, taken) in self._asked.items():
            yield (
                f"{profile}: {made} of {asked} debits would be made,"
                f" {taken} of {amount} {unit} in all"
            )
        for each in self._told.values():
            order, left = each.order, each.has.minus(Amount(each.taken))
            short = "" if each.asked == each.taken else f", of {each.asked} asked for"
            yield (
                f"{order.customer} at {order.profile.name}: {each.has} {order.unit}"
                f" less {each.taken}{short}, leaves {left}"
            )
        if rest := self._accounts - len(self._told):
            yield f"and {rest} more accounts"

    def close(self) -> None:
        """Let go of it."""
        self._database.close()

    def _account(
        self, key: tuple[str, str, str], order: Order, has: Amount, *, is_new: bool
    ) -> _Account:
        self._accounts += is_new
        if key not in self._told and len(self._told) < MOST_TOLD:
            self._told[key] = _Account(order, has)
        return self._told.get(key) or _Account(order, has)

    def _taken(self, account: tuple[str, str, str]) -> int | None:
        query = "SELECT taken FROM accounts WHERE platform = ? AND customer = ? AND unit = ?"
        row = self._database.execute(query, account).fetchone()
        return None if row is None else int(row[0])

    def _keep(self, account: tuple[str, str, str], taken: int) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?)", (*account, str(taken))
        )
