"""The journal: what was debited, what is open, and every change of state, on SQLite or PostgreSQL.

A row's state is what keeps a debit from being made twice. Every method is one transaction, and
durable when it returns.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sql
from msgspec import Struct

from loyalty_cli.debits.journal.accounts import folded
from loyalty_cli.debits.journal.database import READING, Database, JournalError
from loyalty_cli.debits.journal.entries import (
    OPEN,
    TRANSITIONS,
    Baseline,
    Change,
    ClaimTerms,
    Entry,
    Event,
    Key,
    Planned,
    Process,
    State,
)
from loyalty_cli.debits.journal.tables import debits, events, fingerprints, locks
from loyalty_cli.debits.journal.uptime import Instant, instant_now
from loyalty_cli.debits.journal.writable import writable
from loyalty_cli.lists.batches import batches
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

BATCH = 500

CHANGING = (
    *("state", "attempt", "changed_at", "sender", "baseline"),
    *("balance_after", "provider_reference", "error", "profile", "claimed_at"),
)
"""The columns that a change of state writes."""

# Made once: SQLAlchemy takes longer to put a statement together than SQLite to run it, and leaves
# what goes into each to the garbage collector, which comes late.
_IS_IT = (
    debits.c.platform == sql.bindparam("its_platform"),
    debits.c.reference == sql.bindparam("its_reference"),
)
_LOCK_STATE = sql.select(debits.c.state).where(*_IS_IT).with_for_update()
_CHANGE = debits.update().where(
    *_IS_IT,
    debits.c.state == sql.bindparam("was_state"),
    debits.c.attempt == sql.bindparam("was_attempt"),
)
_ADD_EVENT = events.insert()
_ELSEWHERE = debits.select().where(
    debits.c.reference.in_(sql.bindparam("these", expanding=True)),
)
_AT_PLATFORM = _ELSEWHERE.where(debits.c.platform == sql.bindparam("its_platform"))
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "sender": msgspec.json.Decoder(Process),
    "baseline": msgspec.json.Decoder(Baseline),
}

DAY = timedelta(hours=24)
TAKEN = (State.SENDING, State.UNKNOWN, State.CONFIRMED)
"""States in which a debit has taken its amount, or may have."""
NO_TERMS = ClaimTerms()
NOTHING_DONE = (State.PLANNED,)
"""States whose events changed nothing at the platform."""


class Fingerprint(Struct, frozen=True):
    """What tells a key from others without saying what it is, and the salt it was made with."""

    salt: str
    fingerprint: str


class AccountBusyError(LoyaltyError):
    """The account has another debit whose outcome is open."""


class BalanceChangedError(LoyaltyError):
    """The account was debited after its balance was asked for."""


class Filter(Struct, frozen=True):
    """Which debits to list; what is not given is not asked about.

    `customer` fits however it is written; times are in UTC.
    """

    states: tuple[State, ...] = ()
    profile: str | None = None
    reference: str | None = None
    customer: str | None = None
    since: datetime | None = None
    until: datetime | None = None


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
        """Let go of it in good order."""
        self.database.close()

    def now(self) -> datetime:
        """The time by the one clock that all who share the journal have, in UTC."""
        with self._reading() as connection:
            return self.database.now(connection)

    def plan(self, asked: Sequence[Planned]) -> list[Entry]:
        """Write a few debits down as `plan_all` does, and give their entries in the order asked."""
        self.plan_all(sorted(asked, key=lambda planned: planned.key.reference))
        entries = self.known([planned.key for planned in asked])
        return [entries[planned.key] for planned in asked]

    def plan_all(self, asked: Iterable[Planned]) -> None:
        """Write debits down that are not there yet, all of them in one transaction.

        They come in the order of their references, and are taken as they are needed. Raises
        LoyaltyError, and writes nothing, where one is there with another customer, unit or amount.
        """
        # In one order for all: two who each wait for a row of the other's would wait for ever.
        with self._writing() as connection:
            at, instant = self.database.now(connection), self._clock()
            for batch in batches(asked, BATCH):
                self._plan_batch(connection, batch, at, instant)

    def _plan_batch(
        self, connection: sql.Connection, batch: Sequence[Planned], at: datetime, instant: Instant
    ) -> None:
        fresh = {planned.key: new_entry(planned, at) for planned in batch}
        made = self._insert_new(connection, list(fresh.values()))
        there = self._by_key(connection, [key for key in fresh if key not in made])
        for planned in batch:
            entry = there.get(planned.key) or fresh[planned.key]
            if not entry.asks_the_same(planned):
                raise reference_taken(planned, entry)
        noted = [
            self._event(entry, None, "planned", at, instant)
            for key, entry in fresh.items()
            if key in made
        ]
        if noted:
            connection.execute(_ADD_EVENT, noted)

    def claim(
        self, entry: Entry, sender: Process, baseline: Baseline, terms: ClaimTerms = NO_TERMS
    ) -> Entry | None:
        """Claim a planned debit for one sender; None where another was quicker.

        Raises AccountBusyError where the account has another open debit, BalanceChangedError where
        it was debited since the balance was asked for, and LoyaltyError above the day's limit.
        """
        self.database.before_sending()
        change = Change("claimed", sender=sender, baseline=baseline)
        try:
            with self._writing() as connection:
                if terms.max_total_per_day is not None:
                    self.database.lock_account(connection, entry.key.platform)
                at = self.database.now(connection)
                after = msgspec.structs.replace(
                    _changed(entry, State.SENDING, change, entry.attempt + 1, at),
                    profile=terms.profile or entry.profile,
                    claimed_at=at,
                )
                if not self._replace(connection, entry, after):
                    return None
                # After the row is ours: from now on no other debit of the account can be claimed.
                _check_terms(connection, after, terms)
                connection.execute(_ADD_EVENT, self._event(after, entry.state, change.why, at))
        except sql.exc.IntegrityError:
            raise account_busy(entry) from None
        return after

    def change(self, entry: Entry, state: State, change: Change) -> Entry | None:
        """Take a debit from the state it was read in to another; None where it is not in it now.

        What came of a debit that was sent is written again and again while the server is away.
        """
        if entry.state is State.SENDING:
            return self.database.insist(
                lambda again: self._write_result(entry, state, change, again=again)
            )
        return self._change(entry, state, change)

    def is_being_sent(self, entry: Entry) -> bool:
        """Whether a debit of the same account is being sent."""
        query = sql.select(debits.c.reference).where(
            debits.c.platform == entry.key.platform,
            debits.c.customer == entry.customer,
            debits.c.state == State.SENDING,
        )
        with self._reading() as connection:
            return connection.execute(query).first() is not None

    def busy(self, entry: Entry) -> LoyaltyError | None:
        """The error where the account has another debit whose outcome is open."""
        query = sql.select(debits.c.reference).where(
            debits.c.platform == entry.key.platform,
            debits.c.customer == entry.customer,
            debits.c.reference != entry.key.reference,
            debits.c.state.in_(OPEN),
        )
        with self._reading() as connection:
            return account_busy(entry) if connection.execute(query).first() else None

    def note(self, entry: Entry, why: str, instant: Instant | None = None) -> None:
        """Add to what is known of a debit without a change of its state; `instant` is when."""
        with self._writing() as connection:
            at = self.database.now(connection)
            # Others may have changed it since it was read, and the history has each state in turn.
            present = connection.execute(_LOCK_STATE, _key(entry)).scalar_one()
            noted = msgspec.structs.replace(entry, state=State(present))
            connection.execute(_ADD_EVENT, self._event(noted, noted.state, why, at, instant))

    def take_lock(
        self, name: str, holder: Process, is_free: Callable[[Process, timedelta], bool]
    ) -> bool:
        """Take a lock; False where another has it, and `is_free` does not say that it is left.

        `is_free` gets who has it, and since how long.
        """
        row = {"name": name, "holder": msgspec.json.encode(holder).decode()}
        with self._writing() as connection:
            at = self.database.now(connection)
            row["at"] = _written(at)
            insert = self.database.insert_missing(locks).returning(locks.c.name)
            if connection.execute(insert, [row]).first():
                return True
            query = locks.select().where(locks.c.name == name).with_for_update()
            had = connection.execute(query).one()
            age = at - datetime.fromisoformat(had.at)
            if not is_free(_DECODERS["sender"].decode(had.holder), age):
                return False
            connection.execute(locks.update().where(locks.c.name == name).values(**row))
            return True

    def release_lock(self, name: str, holder: Process) -> None:
        """Let go of a lock, if it is still this holder's."""
        mine = locks.c.holder == msgspec.json.encode(holder).decode()
        with self._writing() as connection:
            connection.execute(locks.delete().where(locks.c.name == name, mine))

    def last_event(self, entry: Entry) -> int:
        """The number of the last event that may have changed what the account has; 0 for none."""
        with self._reading() as connection:
            return _last_event(connection, entry)

    def others_since(self, entry: Entry, number: int) -> list[str]:
        """The references of other debits that may have changed the account since an event.

        Those are the ones that came to be open or made since, and those that were open by then and
        still are. The account is taken for the same however the customer is written.
        """
        since = sql.select(events.c.reference).where(
            *_of_account(entry),
            events.c.number > number,
            events.c.after.in_(TAKEN),
            events.c.before.is_distinct_from(events.c.after),
        )
        still = sql.select(debits.c.reference).where(
            debits.c.platform == entry.key.platform,
            debits.c.folded == folded(entry.customer),
            debits.c.state.in_(OPEN),
        )
        with self._reading() as connection:
            found = connection.execute(since.union(still)).scalars()
            return sorted(set(found) - {entry.key.reference})

    def taken_in_a_day(self, platform: str) -> int:
        """What debits at an account of a platform have taken, or may have, in 24 hours."""
        with self._reading() as connection:
            return _taken(connection, platform, self.database.now(connection) - DAY)

    def elsewhere(self, references: Sequence[str]) -> Iterator[Entry]:
        """The debits with these references, at whatever account."""
        with self._reading() as connection:
            for batch in batches(references, BATCH):
                yield from map(_entry, connection.execute(_ELSEWHERE, {"these": batch}))

    def adopt(self, unnamed: str, named: str, profile: str) -> None:
        """Let an account that now has a name keep the debits that its profile made without one."""
        taken = sql.select(debits.c.reference).where(debits.c.platform == named).scalar_subquery()
        without_name = (
            debits.c.platform == unnamed,
            debits.c.profile == profile,
            debits.c.reference.not_in(taken),
        )
        references = sql.select(debits.c.reference).where(*without_name)
        with self._reading() as connection:
            if connection.execute(references.limit(1)).first() is None:
                return
        with self._writing() as connection:
            connection.execute(
                events.update()
                .where(events.c.platform == unnamed, events.c.reference.in_(references))
                .values(platform=named)
            )
            connection.execute(debits.update().where(*without_name).values(platform=named))

    def fingerprints(self, platform: str) -> list[Fingerprint]:
        """What tells the keys that an account was debited with, the first first."""
        query = (
            sql.select(fingerprints.c.salt, fingerprints.c.fingerprint)
            .where(fingerprints.c.platform == platform)
            .order_by(fingerprints.c.number)
        )
        with self._reading() as connection:
            return [Fingerprint(*row) for row in connection.execute(query)]

    def keep_fingerprint(self, platform: str, salt: str, fingerprint: str) -> None:
        """Write down what an account is debited with from now."""
        with self._writing() as connection:
            at = _written(self.database.now(connection))
            row = {"platform": platform, "salt": salt, "fingerprint": fingerprint, "at": at}
            connection.execute(fingerprints.insert().values(**row, actor=self._actor))

    def known(self, keys: Sequence[Key]) -> dict[Key, Entry]:
        """Those of some debits that the journal has."""
        with self._reading() as connection:
            return self._by_key(connection, keys)

    def get(self, key: Key) -> Entry | None:
        """The debit of that key."""
        return self.known([key]).get(key)

    def find(self, chosen: Filter, *, newest: bool = False) -> Iterator[Entry]:
        """The debits that fit, the oldest first, or the newest.

        They are read some at a time: a reader who pauses must not keep others from writing.
        """
        place = (debits.c.created_at, debits.c.reference, debits.c.platform)
        order = [column.desc() if newest else column.asc() for column in place]
        query = debits.select().where(*_conditions(chosen)).order_by(*order).limit(BATCH)
        after = query
        while True:
            with self._reading() as connection:
                rows = connection.execute(after).all()
            yield from map(_entry, rows)
            if len(rows) < BATCH:
                return
            last = sql.tuple_(*(sql.literal(getattr(rows[-1], each.name)) for each in place))
            here = sql.tuple_(*place)
            after = query.where(here < last if newest else here > last)

    def events(self, key: Key) -> list[Event]:
        """What happened to a debit, the first first."""
        query = (
            events.select()
            .where(events.c.platform == key.platform, events.c.reference == key.reference)
            .order_by(events.c.number)
        )
        with self._reading() as connection:
            return [_read_event(row) for row in connection.execute(query)]

    def _change(self, entry: Entry, state: State, change: Change) -> Entry | None:
        if state not in TRANSITIONS[entry.state]:
            raise AssertionError(f"{entry.state} never becomes {state}")
        with self._writing() as connection:
            at = self.database.now(connection)
            after = _changed(entry, state, change, entry.attempt, at)
            if not self._replace(connection, entry, after):
                return None
            connection.execute(_ADD_EVENT, self._event(after, entry.state, change.why, at))
        return after

    def _replace(self, connection: sql.Connection, entry: Entry, after: Entry) -> bool:
        """Write a debit's new state, if it still is as it was read."""
        was = {**_key(entry), "was_state": entry.state, "was_attempt": entry.attempt}
        row = _row(after)
        done = connection.execute(_CHANGE, {**was, **{name: row[name] for name in CHANGING}})
        return done.rowcount == 1

    def _write_result(
        self, entry: Entry, state: State, change: Change, *, again: bool
    ) -> Entry | None:
        after = self._change(entry, state, change)
        if after is None and again:  # the time before may have had no answer, and have done it
            present = self.get(entry.key)
            if present and present == _changed(
                entry, state, change, entry.attempt, present.changed_at
            ):
                return present
        return after

    def _insert_new(self, connection: sql.Connection, entries: Sequence[Entry]) -> set[Key]:
        missing = self.database.insert_missing(debits)
        statement = missing.returning(debits.c.platform, debits.c.reference)
        return {Key(*row) for row in connection.execute(statement, list(map(_row, entries)))}

    def _by_key(self, connection: sql.Connection, keys: Sequence[Key]) -> dict[Key, Entry]:
        found: dict[Key, Entry] = {}
        for platform, references in _by_platform(keys).items():
            for batch in batches(references, BATCH):
                these = {"its_platform": platform, "these": batch}
                for row in connection.execute(_AT_PLATFORM, these):
                    entry = _entry(row)
                    found[entry.key] = entry
        return found

    def _event(
        self,
        entry: Entry,
        before: State | None,
        why: str,
        at: datetime,
        instant: Instant | None = None,
    ) -> dict[str, Any]:
        instant = instant or self._clock()
        return {
            "platform": entry.key.platform,
            "reference": entry.key.reference,
            "at": _written(at),
            "actor": self._actor,
            "attempt": entry.attempt,
            "before": before,
            "after": entry.state,
            "why": writable(why),
            "folded": folded(entry.customer),
            "clock": instant.clock,
            "seconds": instant.seconds,
        }

    @contextmanager
    def _reading(self) -> Iterator[sql.Connection]:
        try:
            with self.database.engine.connect() as connection:
                yield connection.execution_options(**{READING: True})
        except sql.exc.SQLAlchemyError as error:
            raise self._failure(error) from None

    @contextmanager
    def _writing(self) -> Iterator[sql.Connection]:
        try:
            with self.database.writer(), self.database.engine.begin() as connection:
                yield connection
        except sql.exc.IntegrityError:
            raise
        except sql.exc.SQLAlchemyError as error:
            raise self._failure(error) from None

    def _failure(self, error: sql.exc.SQLAlchemyError) -> JournalError:
        if isinstance(error, sql.exc.DBAPIError):
            return self.database.failure(error)
        return JournalError(
            ErrorCode.UNREACHABLE,
            f"the journal {self.place} failed: {type(error).__name__}.",
            hint="Nothing more was sent. Run the same again.",
        )


def _key(entry: Entry) -> dict[str, str]:
    return {"its_platform": entry.key.platform, "its_reference": entry.key.reference}


def _of_account(entry: Entry) -> tuple[sql.ColumnElement[bool], ...]:
    return events.c.platform == entry.key.platform, events.c.folded == folded(entry.customer)


def _last_event(connection: sql.Connection, entry: Entry) -> int:
    changes = events.c.after.not_in(NOTHING_DONE)
    query = sql.select(sql.func.max(events.c.number)).where(*_of_account(entry), changes)
    return connection.execute(query).scalar_one() or 0


def _taken(connection: sql.Connection, platform: str, since: datetime) -> int:
    query = sql.select(sql.func.sum(debits.c.amount)).where(
        debits.c.platform == platform,
        debits.c.claimed_at > _written(since),
        debits.c.state.in_(TAKEN),
    )
    return int(connection.execute(query).scalar_one() or 0)


def _check_terms(connection: sql.Connection, claimed: Entry, terms: ClaimTerms) -> None:
    if terms.last_event is not None and _last_event(connection, claimed) != terms.last_event:
        raise BalanceChangedError(
            ErrorCode.ACCOUNT_BUSY,
            f"the account {claimed.customer!r} is being debited by others all the time.",
            hint="Nothing was sent; run the same again.",
        )
    limit = terms.max_total_per_day
    if limit is not None and claimed.claimed_at is not None:
        total = _taken(connection, claimed.key.platform, claimed.claimed_at - DAY)
        if total > limit:
            raise above_day_limit(claimed.profile, total, limit)


def account_busy(entry: Entry) -> AccountBusyError:
    """The error where the account has another debit whose outcome is open."""
    return AccountBusyError(
        ErrorCode.ACCOUNT_BUSY,
        f"the account {entry.customer!r} has another debit whose outcome is open.",
        hint="`loyalty journal list --state unknown` shows it; settle it, then run again.",
    )


def above_day_limit(profile: str, total: int, limit: int) -> LoyaltyError:
    """The error where debits would take more in 24 hours than a profile allows."""
    return LoyaltyError(
        ErrorCode.REFUSED,
        f"with this the debits at the account of the profile {profile!r} would come to {total} in"
        f" 24 hours, above its debit.max_total_per_day {limit}.",
        hint="Nothing was sent; run the same again later, or raise the limit.",
    )


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


def _conditions(chosen: Filter) -> Iterator[sql.ColumnElement[bool]]:
    if chosen.states:
        yield debits.c.state.in_(chosen.states)
    if chosen.profile is not None:
        yield debits.c.profile == chosen.profile
    if chosen.reference is not None:
        yield debits.c.reference == chosen.reference
    if chosen.customer is not None:
        yield debits.c.folded == folded(chosen.customer)
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
        balance_after=writable(change.balance_after),
        provider_reference=writable(change.provider_reference),
        error=writable(change.error),
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
    for name, decoder in _DECODERS.items():
        if values[name] is not None:
            values[name] = decoder.decode(values[name])
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
        instant=None if row.clock is None else Instant(row.clock, row.seconds),
        number=row.number,
    )


@lru_cache(maxsize=8)  # a plan has one time for all its debits
def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
