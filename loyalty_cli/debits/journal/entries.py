"""A debit as the journal has it: its state, whose it is, and how it came there."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import asdict

from loyalty_cli.debits.journal.uptime import Instant


class State(StrEnum):
    """Where a debit stands; `confirmed` and `dropped` are the ends."""

    PLANNED = "planned"
    SENDING = "sending"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_APPLIED = "not_applied"
    DROPPED = "dropped"


OPEN = (State.SENDING, State.UNKNOWN)
"""States in which the platform may or may not have taken the amount, or may yet."""

TRANSITIONS = {
    State.PLANNED: {State.SENDING, State.DROPPED},
    State.SENDING: {
        State.CONFIRMED,
        State.REFUSED,
        State.NOT_APPLIED,
        State.PLANNED,
        State.UNKNOWN,
    },
    State.UNKNOWN: {State.CONFIRMED, State.NOT_APPLIED},
    State.NOT_APPLIED: {State.PLANNED, State.DROPPED},
    State.CONFIRMED: set[State](),
    State.DROPPED: set[State](),
    State.REFUSED: {State.NOT_APPLIED},  # by hand alone
}


class Key(Struct, frozen=True, order=True):
    """What makes a debit the same debit: the account at the platform, and the caller's reference.

    `platform` is provider, base URL and tenant; the name of a profile is not part of it.
    """

    platform: str
    reference: str


class Process(Struct, frozen=True):
    """The process that claimed a debit; `started` and `boot` tell it from a later one.

    `machine` tells its machine from a clone with the same name; "" where that is not known.
    """

    host: str
    pid: int
    started: str
    boot: str
    machine: str = ""


class Baseline(Struct, frozen=True):
    """What the account had just before the claim, as the platform wrote it; null: not said.

    `last_event` is the number of the account's last event in the journal when that was asked.
    """

    available: str | None = None
    earned: str | None = None
    redeemed: str | None = None
    expired: str | None = None
    cancelled: str | None = None
    last_event: int | None = None


class ClaimTerms(Struct, frozen=True):
    """What must hold when a debit is claimed, and who claims it; None: whatever it is.

    `last_event` is the account's last event when its balance was asked for; `max_total_per_day`
    bounds what all debits at the account of the platform take in 24 hours.
    """

    profile: str | None = None
    last_event: int | None = None
    max_total_per_day: int | None = None


class Planned(Struct, frozen=True):
    """A debit that was asked for: `amount` in whole units of `unit`."""

    key: Key
    profile: str
    provider: str
    customer: str
    unit: str
    amount: int
    sandbox: bool = False

    def asks_the_same(self, other: "Planned") -> bool:
        """Whether both ask for the same, whatever became of it."""
        mine = (self.customer, self.unit, self.amount)
        return mine == (other.customer, other.unit, other.amount)


class Entry(Planned, frozen=True, kw_only=True):
    """A debit and its present state; times are in UTC.

    `profile` is the one that claimed it last, or that asked for it first; `claimed_at` is when.
    """

    state: State
    attempt: int
    created_at: datetime
    changed_at: datetime
    sender: Process | None = None
    baseline: Baseline | None = None
    balance_after: str | None = None
    provider_reference: str | None = None
    error: str | None = None
    claimed_at: datetime | None = None


def new_entry(planned: Planned, at: datetime) -> Entry:
    """A debit as it is before anything was done for it."""
    fields = asdict(planned)
    return Entry(**fields, state=State.PLANNED, attempt=0, created_at=at, changed_at=at)


class Change(Struct, frozen=True):
    """What a change of state leaves in the journal beside the state itself; `why` is evidence."""

    why: str
    sender: Process | None = None
    baseline: Baseline | None = None
    balance_after: str | None = None
    provider_reference: str | None = None
    error: str | None = None


class Event(Struct, frozen=True):
    """One change of state: who made it, when, and on what evidence.

    `instant` is when it was, or for a look at the account when that began, by a clock that nobody
    can set.
    """

    at: datetime
    actor: str
    attempt: int
    before: State | None
    after: State
    why: str
    instant: Instant | None = None
    number: int = 0
