"""The journal: all debits and every change of their state, in SQLite or PostgreSQL.

The state of a row keeps its debit from being made twice. Every method is one transaction, and is
durable when it returns.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from loyalty_cli.database.statements import Transaction
from loyalty_cli.debits.journal.conflicts import (
    above_day_limit,
    account_busy,
    balance_changed,
    reference_taken,
)
from loyalty_cli.debits.journal.database import Database, DuplicateError
from loyalty_cli.debits.journal.entries import (
    TRANSITIONS,
    Baseline,
    Change,
    Entry,
    Event,
    Key,
    Planned,
    Process,
    State,
    new_entry,
)
from loyalty_cli.debits.journal.rows import (
    INSERT_DEBIT,
    INSERT_EVENT,
    SELECT_DEBITS,
    SELECT_EVENTS,
    UPDATE_DEBIT,
    account_values,
    debit_row,
    read_debit,
    read_event,
    written_time,
)
from loyalty_cli.debits.journal.text import folded, writable
from loyalty_cli.debits.journal.uptime import Instant, instant_now
from loyalty_cli.lists.batches import batches
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.model.records import JournalSummaryRecord

BATCH = 500
DAY = timedelta(hours=24)

_STATE = "SELECT state FROM debits WHERE platform = :platform AND reference = :reference"
_OF_CUSTOMER = "SELECT 1 FROM debits WHERE platform = :platform AND customer = :customer"
_LAST_EVENT = """\
SELECT max(number) FROM events WHERE platform = :platform AND folded = :folded
    AND "after" <> 'planned'"""  # a planned debit changed nothing at the platform
_OTHERS_SINCE = """\
SELECT reference FROM events WHERE platform = :platform AND folded = :folded AND number > :number
    AND "after" IN ('sending', 'unknown', 'confirmed')
    AND ("before" IS NULL OR "before" <> "after")
UNION
SELECT reference FROM debits WHERE platform = :platform AND folded = :folded
    AND state IN ('sending', 'unknown')"""
_OTHERS_SENT = f"""\
{SELECT_DEBITS} WHERE platform = :platform AND reference <> :reference
    AND folded = :folded AND claimed_at > :since"""
_OTHERS_WITH_ID = f"""\
{SELECT_DEBITS} WHERE platform = :platform AND reference <> :reference"""
_TAKEN_SINCE = """\
SELECT sum(amount) FROM debits WHERE platform = :platform AND claimed_at > :since
    AND state IN ('sending', 'unknown', 'confirmed')"""
_WITHOUT_NAME = """\
SELECT reference FROM debits WHERE platform = :unnamed AND profile = :profile
    AND reference NOT IN (SELECT reference FROM debits WHERE platform = :named)"""
_NAME_EVENTS = """\
UPDATE events SET platform = :named WHERE platform = :unnamed AND reference IN (
    SELECT reference FROM debits WHERE platform = :unnamed AND profile = :profile
    AND reference NOT IN (SELECT reference FROM debits WHERE platform = :named)
)"""
_NAME_DEBITS = """\
UPDATE debits SET platform = :named WHERE platform = :unnamed AND profile = :profile
    AND reference NOT IN (SELECT reference FROM debits WHERE platform = :named)"""

_PLANNERS = """\
SELECT reference, actor FROM events WHERE platform = :platform AND {these} AND "before" IS NULL"""

_SUMS = """\
SELECT profile, provider, state, unit, sandbox, count(*), sum(amount / :large),
    sum(amount - amount / :large * :large)
FROM ({chosen}) AS chosen GROUP BY profile, provider, state, unit, sandbox"""
_LARGE = 10**9
"""Two sums instead of one: SQLite adds up no more than 64 bits."""

_ORDERS = {
    False: "created_at, reference, platform",
    True: "created_at DESC, reference DESC, platform DESC",
}
_AFTER = {
    False: "(created_at, reference, platform) > (:last_at, :last_reference, :last_platform)",
    True: "(created_at, reference, platform) < (:last_at, :last_reference, :last_platform)",
}


class Filter(Struct, frozen=True):
    """Which debits to list; None is no condition. `customer` matches in any spelling.

    `any_of` are a profile and a customer each, of which one must match.
    """

    states: tuple[State, ...] = ()
    profile: str | None = None
    reference: str | None = None
    customer: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    any_of: tuple[tuple[str, str], ...] | None = None


class Journal:
    """A journal that is open; safe to use from several threads, processes and hosts."""

    def __init__(
        self, database: Database, actor: str, clock: Callable[[], Instant] = instant_now
    ) -> None:
        self.database = database
        self._actor = actor
        self._clock = clock

    @property
    def place(self) -> str:
        """The path or the URL, without a password."""
        return self.database.place

    def close(self) -> None:
        """Close it."""
        self.database.close()

    def now(self) -> datetime:
        """The time in UTC, by a clock that all processes with this journal share."""
        with self.database.reading() as transaction:
            return self.database.now(transaction)

    def plan(self, asked: Sequence[Planned]) -> list[Entry]:
        """Record a few debits like `plan_all`, and return their entries in the order asked."""
        self.plan_all(sorted(asked, key=lambda planned: planned.key.reference))
        entries = self.known([planned.key for planned in asked])
        return [entries[planned.key] for planned in asked]

    def plan_all(self, asked: Iterable[Planned]) -> None:
        """Record the debits that are not in the journal yet, all in one transaction.

        They must be sorted by reference, and are read as needed. Raises LoyaltyError, and writes
        nothing, if one is on record with another customer, unit or amount.
        """
        # All processes use this order: otherwise two of them could deadlock.
        with self.database.writing() as transaction:
            at, instant = self.database.now(transaction), self._clock()
            for batch in batches(asked, BATCH):
                new = {planned.key: new_entry(planned, at) for planned in batch}
                rows = list(map(debit_row, new.values()))
                inserted = self.database.insert_each(transaction, INSERT_DEBIT, rows)
                made = [key for key, is_new in zip(new, inserted, strict=True) if is_new]
                there = _by_key(transaction, list(new.keys() - made))
                for planned in batch:
                    entry = there.get(planned.key) or new[planned.key]
                    if not entry.asks_the_same(planned):
                        raise reference_taken(planned, entry)
                events = [self._event(new[key], None, "planned", at, instant) for key in made]
                self.database.insert_each(transaction, INSERT_EVENT, events)

    def claim(
        self,
        entry: Entry,
        sender: Process,
        baseline: Baseline,
        day_limit: int | None = None,
        why: str = "claimed",
    ) -> Entry | None:
        """Claim a planned debit for one sender; None if another sender was faster.

        Raises AccountBusyError if the account has another open debit, BalanceChangedError if it
        was debited after its balance was read, and LoyaltyError above the limit of 24 hours.
        """
        self.database.before_sending()
        try:
            with self.database.writing() as transaction:
                if day_limit is not None:
                    self.database.lock_account(transaction, entry.key.platform)
                at = self.database.now(transaction)
                after = replace(
                    _changed(entry, State.SENDING, Change(why), at),
                    attempt=entry.attempt + 1,
                    sender=sender,
                    baseline=baseline,
                    claimed_at=at,
                )
                if not self._replace(transaction, entry, after):
                    return None
                # After the row is claimed: from now on the account takes no other debit.
                if baseline.last_event not in (None, _last_event(transaction, entry)):
                    raise balance_changed(entry)
                if day_limit is not None:
                    total = _taken(transaction, entry.key.platform, at - DAY)
                    if total > day_limit:
                        raise above_day_limit(entry.profile, total, day_limit)
                transaction.execute(INSERT_EVENT, self._event(after, entry.state, why, at))
        except DuplicateError:
            raise account_busy(entry) from None
        return after

    def change(self, entry: Entry, state: State, change: Change) -> Entry | None:
        """Change a debit's state, with retries if it was sent; None if others changed it first."""
        if state not in TRANSITIONS[entry.state]:
            raise AssertionError(f"{entry.state} never becomes {state}")

        def write(is_retry: bool) -> Entry | None:
            with self.database.writing() as transaction:
                at = self.database.now(transaction)
                after = _changed(entry, state, change, at)
                if self._replace(transaction, entry, after):
                    event = self._event(after, entry.state, change.why, at)
                    transaction.execute(INSERT_EVENT, event)
                    return after
            if is_retry:  # the attempt before may have succeeded without an answer
                present = self.present(entry)
                if present == _changed(entry, state, change, present.changed_at):
                    return present
            return None

        return self.database.insist(write) if entry.state is State.SENDING else write(False)

    def is_being_sent(self, entry: Entry) -> bool:
        """Whether a debit of the same account is being sent."""
        return self._has_other(entry, "state = 'sending'")

    def busy(self, entry: Entry) -> LoyaltyError | None:
        """The error if the account has another open debit."""
        others = "reference <> :reference AND state IN ('sending', 'unknown')"
        return account_busy(entry) if self._has_other(entry, others) else None

    def note(self, entry: Entry, why: str, instant: Instant | None = None) -> None:
        """Add an event to a debit without a change of its state; `instant` is when."""
        query = self.database.locking(_STATE)
        with self.database.writing() as transaction:
            at = self.database.now(transaction)
            # Others may have changed it since it was read; the history must be in order.
            (present,) = transaction.execute(query, account_values(entry)).fetchone()
            noted = replace(entry, state=State(present))
            transaction.execute(INSERT_EVENT, self._event(noted, noted.state, why, at, instant))

    def last_event(self, entry: Entry) -> int:
        """The number of the last event that may have changed the account's balance; 0 for none."""
        with self.database.reading() as transaction:
            return _last_event(transaction, entry)

    def others_since(self, entry: Entry, number: int) -> list[str]:
        """The references of other debits that may have changed the account since an event.

        Those are debits that became open or were made since, and those that were open then and
        still are. Different spellings of the customer count as the same account.
        """
        values = {**account_values(entry), "number": number}
        with self.database.reading() as transaction:
            found = {reference for (reference,) in transaction.execute(_OTHERS_SINCE, values)}
        return sorted(found - {entry.key.reference})

    def others_sent(self, entry: Entry, since: datetime, ids: Iterable[str]) -> list[Entry]:
        """The other debits of the account, in any spelling, that were last sent since a time.

        With them come all debits at the platform that have one of its ids.
        """
        values = {**account_values(entry), "since": written_time(since)}
        with self.database.reading() as transaction:
            found = list(map(read_debit, transaction.execute(_OTHERS_SENT, values)))
            for batch in batches(sorted(set(ids)), BATCH):
                these, named = _among("provider_reference", batch)
                query = f"{_OTHERS_WITH_ID} AND {these}"
                rows = transaction.execute(query, {**account_values(entry), **named})
                found += map(read_debit, rows)
        return found

    def taken_in_a_day(self, platform: str) -> int:
        """The sum that debits at an account have taken, or may have taken, in 24 hours."""
        with self.database.reading() as transaction:
            return _taken(transaction, platform, self.database.now(transaction) - DAY)

    def with_references(self, references: Sequence[str]) -> Iterator[Entry]:
        """The debits with these references, at any account."""
        with self.database.reading() as transaction:
            for batch in batches(references, BATCH):
                these, values = _among("reference", batch)
                query = f"{SELECT_DEBITS} WHERE {these}"
                yield from map(read_debit, transaction.execute(query, values))

    def adopt(self, unnamed: str, named: str, profile: str) -> None:
        """Move the debits that a profile made without an account name to the named account."""
        values = {"unnamed": unnamed, "named": named, "profile": profile}
        with self.database.reading() as transaction:
            if transaction.execute(_WITHOUT_NAME, values).fetchone() is None:
                return
        with self.database.writing() as transaction:
            transaction.execute(_NAME_EVENTS, values)
            transaction.execute(_NAME_DEBITS, values)

    def known(self, keys: Sequence[Key]) -> dict[Key, Entry]:
        """The entries of those debits that are in the journal."""
        with self.database.reading() as transaction:
            return _by_key(transaction, keys)

    def present(self, entry: Entry) -> Entry:
        """The present entry of a debit; nothing is ever deleted from the journal."""
        return self.known([entry.key])[entry.key]

    def find(self, chosen: Filter, *, newest: bool = False) -> Iterator[Entry]:
        """The debits that match; read in batches, so that a reader's pause blocks no writer."""
        conditions, values = _conditions(chosen)
        values["limit"] = BATCH
        while True:
            where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
            query = f"{SELECT_DEBITS} {where} ORDER BY {_ORDERS[newest]} LIMIT :limit"
            with self.database.reading() as transaction:
                rows = transaction.execute(query, values).fetchall()
            entries = list(map(read_debit, rows))
            yield from entries
            if len(entries) < BATCH:
                return
            conditions = [*dict.fromkeys((*conditions, _AFTER[newest]))]
            last = debit_row(entries[-1])
            values["last_at"], values["last_reference"] = last["created_at"], last["reference"]
            values["last_platform"] = last["platform"]

    def sums(
        self, chosen: Filter, *, newest: bool = False, limit: int | None = None
    ) -> list[JournalSummaryRecord]:
        """What the debits that match add up to, by profile, state and unit; `limit` of them."""
        conditions, values = _conditions(chosen)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        first = f"{SELECT_DEBITS} {where} ORDER BY {_ORDERS[newest]}"
        if limit is not None:
            first, values["limit"] = f"{first} LIMIT :limit", limit
        query = _SUMS.format(chosen=first)
        with self.database.reading() as transaction:
            rows = transaction.execute(query, {**values, "large": _LARGE}).fetchall()
        found = (
            JournalSummaryRecord(
                state=State(state).value,
                unit=unit,
                debits=debits,
                total=int(large) * _LARGE + int(small),
                sandbox=bool(sandbox),
                profile=profile,
                provider=provider,
            )
            for profile, provider, state, unit, sandbox, debits, large, small in rows
        )
        states = [each.value for each in State]
        return sorted(found, key=lambda each: (each.profile, states.index(each.state), each.unit))

    def planners(self, keys: Sequence[Key]) -> dict[Key, str]:
        """Who planned each of these debits, as its first event names the actor."""
        found: dict[Key, str] = {}
        with self.database.reading() as transaction:
            for platform, these, values in _in_batches(keys):
                rows = transaction.execute(_PLANNERS.format(these=these), values)
                found.update((Key(platform, reference), actor) for reference, actor in rows)
        return found

    def events(self, key: Key) -> list[Event]:
        """The events of a debit, the oldest first."""
        with self.database.reading() as transaction:
            return list(map(read_event, transaction.execute(SELECT_EVENTS, asdict(key))))

    def _replace(self, transaction: Transaction, entry: Entry, after: Entry) -> bool:
        """Write a debit's new state, if nobody changed it since it was read."""
        was = {"was_state": entry.state, "was_attempt": entry.attempt}
        return transaction.execute(UPDATE_DEBIT, {**debit_row(after), **was}).rowcount == 1

    def _has_other(self, entry: Entry, condition: str) -> bool:
        query = f"{_OF_CUSTOMER} AND {condition}"
        with self.database.reading() as transaction:
            return transaction.execute(query, account_values(entry)).fetchone() is not None

    def _event(
        self,
        entry: Entry,
        before: State | None,
        why: str,
        at: datetime,
        instant: Instant | None = None,
    ) -> dict[str, Any]:
        """The values of an event's columns."""
        instant = instant or self._clock()
        return {
            **account_values(entry),
            "at": written_time(at),
            "actor": self._actor,
            "attempt": entry.attempt,
            "before": before,
            "after": entry.state,
            "why": writable(why),
            "clock": instant.clock,
            "seconds": instant.seconds,
        }


def _last_event(transaction: Transaction, entry: Entry) -> int:
    (number,) = transaction.execute(_LAST_EVENT, account_values(entry)).fetchone()
    return number or 0


def _taken(transaction: Transaction, platform: str, since: datetime) -> int:
    values = {"platform": platform, "since": written_time(since)}
    (total,) = transaction.execute(_TAKEN_SINCE, values).fetchone()
    return int(total or 0)


def _by_key(transaction: Transaction, keys: Sequence[Key]) -> dict[Key, Entry]:
    found: dict[Key, Entry] = {}
    for _, these, values in _in_batches(keys):
        query = f"{SELECT_DEBITS} WHERE platform = :platform AND {these}"
        rows = transaction.execute(query, values)
        found.update((entry.key, entry) for entry in map(read_debit, rows))
    return found


def _in_batches(keys: Sequence[Key]) -> Iterator[tuple[str, str, dict[str, object]]]:
    """For some debits of one platform each: it, the condition on their references, the values."""
    references: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        references[key.platform].append(key.reference)
    for platform, named in references.items():
        for batch in batches(named, BATCH):
            these, values = _among("reference", batch)
            yield platform, these, {"platform": platform, **values}


def _among(column: str, these: Sequence[object]) -> tuple[str, dict[str, object]]:
    """The condition that a column has one of these values, and the named values."""
    values = {f"{column}_{number}": value for number, value in enumerate(these)}
    return f"{column} IN ({', '.join(f':{name}' for name in values)})", values


def _conditions(chosen: Filter) -> tuple[list[str], dict[str, Any]]:
    """The conditions of a filter, and their named values."""
    states, values = _among("state", chosen.states)
    asked = {
        "profile = :profile": chosen.profile,
        "reference = :reference": chosen.reference,
        "folded = :folded": None if chosen.customer is None else folded(chosen.customer),
        "created_at >= :since": chosen.since and written_time(chosen.since),
        "created_at < :until": chosen.until and written_time(chosen.until),
    }
    given = {condition: value for condition, value in asked.items() if value is not None}
    values |= {condition.partition(":")[2]: value for condition, value in given.items()}
    pairs = ["1 = 0"]
    for number, (profile, customer) in enumerate(chosen.any_of or ()):
        pairs.append(f"(profile = :profile_{number} AND folded = :folded_{number})")
        values |= {f"profile_{number}": profile, f"folded_{number}": folded(customer)}
    either = [] if chosen.any_of is None else [f"({' OR '.join(pairs)})"]
    return [*([states] if chosen.states else []), *given, *either], values


def _changed(entry: Entry, state: State, change: Change, at: datetime) -> Entry:
    return replace(
        entry,
        state=state,
        changed_at=at,
        balance_after=writable(change.balance_after),
        provider_reference=writable(change.provider_reference),
        error=writable(change.error),
    )
