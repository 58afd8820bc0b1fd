"""The journal: what was debited, what is open, and every change of state, on SQLite or PostgreSQL.

A row's state is what keeps a debit from being made twice. Every method is one transaction, and
durable when it returns.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sql
from msgspec import Struct

from loyalty_cli.errors import ErrorCode, LoyaltyError
from loyalty_cli.journal.accounts import folded
from loyalty_cli.journal.database import READING, Database
from loyalty_cli.journal.entries import (
    TRANSITIONS,
    Baseline,
    Change,
    Entry,
    Event,
    Key,
    Planned,
    Sender,
    State,
)
from loyalty_cli.journal.tables import debits, events

BATCH = 500

CHANGING = (
    *("state", "attempt", "changed_at", "sender", "baseline"),
    *("balance_after", "provider_reference", "error"),
)
"""The columns that a change of state writes."""

# Made once: SQLAlchemy takes longer to put a statement together than SQLite to run it.
_CHANGE = debits.update().where(
    debits.c.platform == sql.bindparam("its_platform"),
    debits.c.reference == sql.bindparam("its_reference"),
    debits.c.state == sql.bindparam("was_state"),
    debits.c.attempt == sql.bindparam("was_attempt"),
)
_ADD_EVENT = events.insert()


class Filter(Struct, frozen=True):
    """Which debits to list; what is not given is not asked about. Times are in UTC."""

    states: tuple[State, ...] = ()
    profile: str | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Journal:
    """A journal that is open; safe to use from several threads, processes and hosts."""

    def __init__(self, database: Database, actor: str) -> None:
        self.database = database
        self._actor = actor

    @property
    def place(self) -> str:
        """The path or the URL, without a password."""
        return self.database.place

    def close(self) -> None:
        """Let go of it in good order."""
        self.database.close()

    def now(self) -> datetime:
        """The time by the one clock that all who share the journal have, in UTC."""
        with self._reading() as connection:
            return self.database.now(connection)

    def plan(self, asked: Sequence[Planned]) -> list[Entry]:
        """Write debits down that are not there yet, all of them in one transaction.

        Gives the entries in the order asked: new ones, and those that were there. Raises
        LoyaltyError, and writes nothing, where one is there with another customer, unit or amount.
        """
        with self._writing() as connection:
            at = self.database.now(connection)
            # In one order for all: two who each wait for a row of the other's would wait for ever.
            ordered = sorted(asked, key=lambda planned: planned.key)
            fresh = {
                key
                for batch in _batches(ordered)
                for key in self._insert_new(connection, batch, at)
            }
            entries = self._by_key(connection, [each.key for each in asked])
            for planned in asked:
                if not entries[planned.key].asks_the_same(planned):
                    raise reference_taken(planned, entries[planned.key])
            made = [self._event(entries[key], None, "planned", at) for key in fresh]
            for batch in _batches(made):
                connection.execute(_ADD_EVENT, batch)
        return [entries[planned.key] for planned in asked]

    def claim(self, entry: Entry, sender: Sender, baseline: Baseline) -> Entry | None:
        """Claim a planned debit for one sender; None where another was quicker.

        Raises LoyaltyError (`account_busy`) where the account has another open debit.
        """
        change = Change("claimed", sender=sender, baseline=baseline)
        try:
            return self._change(entry, State.SENDING, change, attempt=entry.attempt + 1)
        except sql.exc.IntegrityError:
            raise LoyaltyError(
                ErrorCode.ACCOUNT_BUSY,
                f"the account {entry.customer!r} has another debit whose outcome is open.",
                hint="`loyalty journal list --state unknown` shows it; settle it, then run again.",
            ) from None

    def change(self, entry: Entry, state: State, change: Change) -> Entry | None:
        """Take a debit from the state it was read in to another; None where it is not in it now."""
        return self._change(entry, state, change, attempt=entry.attempt)

    def is_being_sent(self, entry: Entry) -> bool:
        """Whether a debit of the same account is being sent."""
        query = sql.select(debits.c.reference).where(
            debits.c.platform == entry.key.platform,
            debits.c.customer == entry.customer,
            debits.c.state == State.SENDING,
        )
        with self._reading() as connection:
            return connection.execute(query).first() is not None

    def note(self, entry: Entry, why: str) -> None:
        """Add to what is known of a debit without a change of its state."""
        with self._writing() as connection:
            at = self.database.now(connection)
            connection.execute(_ADD_EVENT, self._event(entry, entry.state, why, at))

    def known(self, keys: Sequence[Key]) -> dict[Key, Entry]:
        """Those of some debits that the journal has."""
        with self._reading() as connection:
            return self._by_key(connection, keys)

    def get(self, key: Key) -> Entry | None:
        """The debit of that key."""
        return self.known([key]).get(key)

    def find(self, chosen: Filter) -> Iterator[Entry]:
        """The debits that fit, the oldest first."""
        query = debits.select().order_by(debits.c.created_at, debits.c.reference)
        for condition in _conditions(chosen):
            query = query.where(condition)
        with self._reading() as connection:
            for row in connection.execution_options(yield_per=BATCH).execute(query):
                yield _entry(row)

    def events(self, key: Key) -> list[Event]:
        """What happened to a debit, the first first."""
        query = (
            events.select()
            .where(events.c.platform == key.platform, events.c.reference == key.reference)
            .order_by(events.c.number)
        )
        with self._reading() as connection:
            return [_read_event(row) for row in connection.execute(query)]

    def _change(self, entry: Entry, state: State, change: Change, *, attempt: int) -> Entry | None:
        if state not in TRANSITIONS[entry.state]:
            raise AssertionError(f"{entry.state} never becomes {state}")
        with self._writing() as connection:
            at = self.database.now(connection)
            after = _changed(entry, state, change, attempt, at)
            was = {
                "its_platform": entry.key.platform,
                "its_reference": entry.key.reference,
                "was_state": entry.state,
                "was_attempt": entry.attempt,
            }
            row = _row(after)
            done = connection.execute(_CHANGE, {**was, **{name: row[name] for name in CHANGING}})
            if done.rowcount != 1:
                return None
            connection.execute(_ADD_EVENT, self._event(after, entry.state, change.why, at))
        return after

    def _insert_new(
        self, connection: sql.Connection, batch: Sequence[Planned], at: datetime
    ) -> Iterable[Key]:
        missing = self.database.insert_missing(debits)
        statement = missing.returning(debits.c.platform, debits.c.reference)
        rows = [_row(new_entry(planned, at)) for planned in batch]
        return [Key(*row) for row in connection.execute(statement, rows)]

    def _by_key(self, connection: sql.Connection, keys: Sequence[Key]) -> dict[Key, Entry]:
        found: dict[Key, Entry] = {}
        for platform, references in _by_platform(keys).items():
            at_platform = debits.select().where(debits.c.platform == platform)
            for batch in _batches(references):
                for row in connection.execute(at_platform.where(debits.c.reference.in_(batch))):
                    entry = _entry(row)
                    found[entry.key] = entry
        return found

    def _event(self, entry: Entry, before: State | None, why: str, at: datetime) -> dict[str, Any]:
        return {
            "platform": entry.key.platform,
            "reference": entry.key.reference,
            "at": _written(at),
            "actor": self._actor,
            "attempt": entry.attempt,
            "before": before,
            "after": entry.state,
            "why": why,
            "folded": folded(entry.customer),
            "clock": None,
            "seconds": None,
        }

    @contextmanager
    def _reading(self) -> Iterator[sql.Connection]:
        try:
            with self.database.engine.connect() as connection:
                yield connection.execution_options(**{READING: True})
        except sql.exc.DBAPIError as error:
            raise self.database.failure(error) from None

    @contextmanager
    def _writing(self) -> Iterator[sql.Connection]:
        try:
            with self.database.writer(), self.database.engine.begin() as connection:
                yield connection
        except sql.exc.IntegrityError:
            raise
        except sql.exc.DBAPIError as error:
            raise self.database.failure(error) from None


def reference_taken(planned: Planned, entry: Entry) -> LoyaltyError:
    """The error where a reference is on record for another debit than is asked for."""
    return LoyaltyError(
        ErrorCode.REFERENCE_TAKEN,
        f"the reference {entry.key.reference!r} is on record for another debit:"
        f" {entry.amount} {entry.unit} of {entry.customer!r}, {entry.state};"
        f" asked for now: {planned.amount} {planned.unit} of {planned.customer!r}.",
        hint="Nothing was sent. Use another reference for another debit.",
    )


def _by_platform(keys: Sequence[Key]) -> dict[str, list[str]]:
    references: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        references[key.platform].append(key.reference)
    return references


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _conditions(chosen: Filter) -> Iterator[sql.ColumnElement[bool]]:
    if chosen.states:
        yield debits.c.state.in_(chosen.states)
    if chosen.profile is not None:
        yield debits.c.profile == chosen.profile
    if chosen.reference is not None:
        yield debits.c.reference == chosen.reference
    if chosen.since is not None:
        yield debits.c.created_at >= _written(chosen.since)
    if chosen.until is not None:
        yield debits.c.created_at < _written(chosen.until)


def new_entry(planned: Planned, at: datetime) -> Entry:
    """A debit as it is before anything was done for it."""
    return Entry(
        key=planned.key,
        profile=planned.profile,
        provider=planned.provider,
        customer=planned.customer,
        unit=planned.unit,
        amount=planned.amount,
        sandbox=planned.sandbox,
        state=State.PLANNED,
        attempt=0,
        created_at=at,
        changed_at=at,
    )


def _changed(entry: Entry, state: State, change: Change, attempt: int, at: datetime) -> Entry:
    return msgspec.structs.replace(
        entry,
        state=state,
        attempt=attempt,
        changed_at=at,
        sender=change.sender or entry.sender,
        baseline=change.baseline or entry.baseline,
        balance_after=change.balance_after,
        provider_reference=change.provider_reference,
        error=change.error,
    )


def _row(entry: Entry) -> dict[str, Any]:
    row = msgspec.structs.asdict(entry)
    key = row.pop("key")
    row["folded"] = folded(entry.customer)
    for name in ("sender", "baseline"):
        row[name] = None if row[name] is None else msgspec.json.encode(row[name]).decode()
    for name in ("created_at", "changed_at", "claimed_at"):
        row[name] = None if row[name] is None else _written(row[name])
    return {"platform": key.platform, "reference": key.reference, **row}


def _entry(row: sql.Row[Any]) -> Entry:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public way to a row's names
    key = Key(values.pop("platform"), values.pop("reference"))
    for name, kind in (("sender", Sender), ("baseline", Baseline)):
        if values[name] is not None:
            values[name] = msgspec.json.decode(values[name], type=kind)
    for name in ("created_at", "changed_at", "claimed_at"):
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    del values["folded"]
    return Entry(key=key, **(values | {"state": State(values["state"])}))


def _read_event(row: sql.Row[Any]) -> Event:
    return Event(
        at=datetime.fromisoformat(row.at),
        actor=row.actor,
        attempt=row.attempt,
        before=State(row.before) if row.before else None,
        after=State(row.after),
        why=row.why,
    )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
