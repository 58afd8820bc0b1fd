"""The history of balances in a database: what was seen, since when, and until when."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.database.statements import Transaction
from loyalty_cli.history.lookups import Line
from loyalty_cli.history.periods import Period, Sighting, Whose, with_sighting
from loyalty_cli.model.amount import Amount, decode_amount, encode_amount

BATCH = 100
"""How many sightings are written in one transaction."""
READ_AT_ONCE = 1000
"""How many customers are read in one transaction."""

SCHEMA = Schema(
    name="history",
    version=1,
    tables=(
        """\
CREATE TABLE IF NOT EXISTS balance_periods (
    number {counted} PRIMARY KEY, profile TEXT NOT NULL, provider TEXT NOT NULL,
    way TEXT NOT NULL, customer TEXT NOT NULL, lines TEXT NOT NULL,
    first_at TEXT NOT NULL, first_by TEXT NOT NULL, last_at TEXT NOT NULL, last_by TEXT NOT NULL
)""",
        """\
CREATE INDEX IF NOT EXISTS balance_periods_by_customer
    ON balance_periods (customer, profile, way, first_at)""",
        "CREATE INDEX IF NOT EXISTS balance_periods_by_end ON balance_periods (last_at)",
    ),
)

# For each sighting, the period at its time, and all later ones.
_AROUND = """\
WITH seen (profile, way, customer, at) AS (VALUES {rows})
SELECT found.profile, found.way, found.customer, found.number, lines, first_at, first_by, last_at,
    last_by
FROM seen JOIN balance_periods found ON found.customer = seen.customer
    AND found.profile = seen.profile AND found.way = seen.way
WHERE found.last_at >= seen.at OR found.first_at = (
    SELECT max(first_at) FROM balance_periods earlier WHERE earlier.customer = seen.customer
        AND earlier.profile = seen.profile AND earlier.way = seen.way
        AND earlier.first_at <= seen.at
)
ORDER BY found.profile, found.way, found.customer, first_at, found.number"""
_OF_CUSTOMER = """\
SELECT profile, way, customer, provider, number, lines, first_at, first_by, last_at, last_by
FROM balance_periods WHERE customer = :customer ORDER BY profile, way, first_at, number"""
_ADD = """\
INSERT INTO balance_periods
    (profile, provider, way, customer, lines, first_at, first_by, last_at, last_by)
VALUES
    (:profile, :provider, :way, :customer, :lines, :first_at, :first_by, :last_at, :last_by)"""
_CHANGE = """\
UPDATE balance_periods SET first_at = :first_at, first_by = :first_by, last_at = :last_at,
    last_by = :last_by WHERE number = :number"""
_DELETE = "DELETE FROM balance_periods WHERE number = :number"
_PRUNE = "DELETE FROM balance_periods WHERE last_at < :before"

_NEXT_BY_OTHER_WAYS = """\
SELECT DISTINCT customer, profile, way FROM balance_periods
    WHERE way <> 'id' AND (customer, profile, way) > (:customer, :profile, :way)
    ORDER BY customer, profile, way LIMIT :limit"""
_OF_ONE = "FROM balance_periods WHERE customer = :customer AND profile = :profile"
_KNOWN = f"SELECT 1 {_OF_ONE} LIMIT 1"
_FORGET = f"DELETE {_OF_ONE}"

_ENCODE = msgspec.json.Encoder(enc_hook=encode_amount).encode
_DECODE = msgspec.json.Decoder(tuple[Line, ...], dec_hook=decode_amount, float_hook=Amount).decode


class History:
    """The history in a database."""

    def __init__(self, database: CustomerData) -> None:
        self.database = database

    def is_empty(self) -> bool:
        """Whether nothing was ever written, or all of it was deleted."""
        with self.database.reading() as transaction:
            query = "SELECT 1 FROM balance_periods LIMIT 1"
            return transaction.execute(query).fetchone() is None

    def add(self, sightings: Sequence[Sighting]) -> int:
        """Write a batch of sightings; return how many new periods there are."""
        by_customer: dict[Whose, list[Sighting]] = {}
        for each in sightings:
            by_customer.setdefault(each.whose, []).append(each)
        with self.database.writing() as transaction:
            known = _around(transaction, by_customer)
            changed, added, deleted = list[Period](), list[Mapping[str, Any]](), list[Period]()
            for whose, seen in by_customer.items():
                before = after = known.get(whose, [])
                for each in sorted(seen, key=lambda each: each.at):
                    after = with_sighting(after, each)
                kept = {each.number for each in after}
                changed += [each for each in after if each.number and each not in before]
                deleted += [each for each in before if each.number not in kept]
                added += [
                    _values(whose, seen[0].provider, each) for each in after if not each.number
                ]
            run_each = self.database.run_each
            run_each(transaction, _DELETE, [{"number": each.number} for each in deleted])
            run_each(transaction, _CHANGE, [_times(each) for each in changed])
            run_each(transaction, _ADD, added)
        return len(added)

    def of_customer(self, customer: str) -> list[tuple[Whose, str, list[Period]]]:
        """The periods of a customer: for each profile and way, its provider and its periods."""
        with self.database.reading() as transaction:
            rows = transaction.execute(_OF_CUSTOMER, {"customer": customer}).fetchall()
        found = []
        for key, group in groupby(rows, itemgetter(0, 1, 2)):
            of_one = list(group)
            periods = [_period(row[4:]) for row in of_one]
            found.append((Whose(*key), str(of_one[-1][3]), periods))
        return found

    def prune(self, before: str) -> int:
        """Delete what was last seen before a time, and return how many periods that were."""
        with self.database.erasing() as transaction:
            return transaction.execute(_PRUNE, {"before": before}).rowcount

    def known(self, customers: Mapping[str, str]) -> dict[str, str]:
        """Those of these customers, by profile, of whom there is any balance, in any way."""
        with self.database.reading() as transaction:
            return {
                profile: customer
                for profile, customer in customers.items()
                if transaction.execute(
                    _KNOWN, {"profile": profile, "customer": customer}
                ).fetchone()
            }

    def by_other_ways(self) -> Iterator[Whose]:
        """Yield those who were looked up by another way than the id, such as by an e-mail."""
        last = {"customer": "", "profile": "", "way": ""}
        while True:
            with self.database.reading() as transaction:
                values = {**last, "limit": READ_AT_ONCE}
                found = transaction.execute(_NEXT_BY_OTHER_WAYS, values).fetchall()
            for customer, profile, way in found:
                last = {"customer": customer, "profile": profile, "way": way}
                yield Whose(profile, way, customer)
            if len(found) < READ_AT_ONCE:
                return

    def forget(self, customers: Iterable[tuple[str, str]]) -> None:
        """Delete all that is known of these, each a profile and a customer there, in any way."""
        with self.database.erasing() as transaction:
            for profile, customer in customers:
                transaction.execute(_FORGET, {"profile": profile, "customer": customer})


def _around(
    transaction: Transaction, seen: Mapping[Whose, Collection[Sighting]]
) -> dict[Whose, list[Period]]:
    """The periods at the time of each customer's first sighting, and all later ones."""
    values: dict[str, str] = {}
    rows = []
    for at, (whose, sightings) in enumerate(seen.items()):
        names = [f"{name}{at}" for name in ("profile", "way", "customer", "at")]
        first = min(each.at for each in sightings)
        given = (whose.profile, whose.by, whose.customer, first)
        values.update(zip(names, given, strict=True))
        rows.append(f"({', '.join(f':{name}' for name in names)})")
    found = transaction.execute(_AROUND.format(rows=", ".join(rows)), values).fetchall()
    return {
        Whose(*key): [_period(row[3:]) for row in group]
        for key, group in groupby(found, itemgetter(0, 1, 2))
    }


def _period(row: Sequence[Any]) -> Period:
    number, lines, first_at, first_by, last_at, last_by = row
    return Period(_DECODE(lines), first_at, first_by, last_at, last_by, number)


def _times(period: Period) -> dict[str, Any]:
    names = ("number", "first_at", "first_by", "last_at", "last_by")
    return {name: getattr(period, name) for name in names}


def _values(whose: Whose, provider: str, period: Period) -> dict[str, Any]:
    key = {"profile": whose.profile, "way": whose.by, "customer": whose.customer}
    lines = _ENCODE(period.lines).decode()
    values = {**key, "provider": provider, "lines": lines, **_times(period)}
    del values["number"]
    return values
