"""A debit in the journal: its state, its account, and its history."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import asdict

from loyalty_cli.debits.journal.uptime import Instant


class State(StrEnum):
    """The state of a debit; `confirmed` and `dropped` are final."""

    PLANNED = "planned"
    SENDING = "sending"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_APPLIED = "not_applied"
    DROPPED = "dropped"


OPEN = (State.SENDING, State.UNKNOWN)
"""Open states: the platform may have taken the amount, or may still take it."""

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
    State.REFUSED: {State.NOT_APPLIED},  # only by hand
}


class Key(Struct, frozen=True, order=True):
    """The account at the platform: provider, base URL, tenant; and the user's reference."""

    platform: str
    reference: str


class Process(Struct, frozen=True):
    """A process; equal neither to a later process nor to one on a clone of the machine."""

    host: str
    pid: int
    started: str
    boot: str
    machine: str = ""


class Baseline(Struct, frozen=True):
    """The balance before the claim, null if not reported, and the account's last event then.

    `asked` are the query options that chose this balance.
    """

    available: str | None = None
    earned: str | None = None
    redeemed: str | None = None
    expired: str | None = None
    cancelled: str | None = None
    last_event: int | None = None
    asked: dict[str, str] = {}


class Planned(Struct, frozen=True):
    """A requested debit: `amount` in whole units of `unit`."""

    key: Key
    profile: str
    provider: str
    customer: str
    unit: str
    amount: int
    sandbox: bool = False

    def asks_the_same(self, other: "Planned") -> bool:
        """Whether both request the same debit, in any state."""
        mine = (self.customer, self.unit, self.amount)
        return mine == (other.customer, other.unit, other.amount)


class Entry(Planned, frozen=True, kw_only=True):
    """A debit and its state; `profile` claimed it last, or else requested it first."""

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
    """The entry of a debit before anything was done for it."""
    fields = asdict(planned)
    return Entry(**fields, state=State.PLANNED, attempt=0, created_at=at, changed_at=at)


class Change(Struct, frozen=True):
    """The data of a change of state, besides the state itself; `why` is the evidence."""

    why: str
    balance_after: str | None = None
    provider_reference: str | None = None
    error: str | None = None


class Event(Struct, frozen=True):
    """A change of state or a note; `instant`, by a clock that nobody can set, is when it began."""

    at: datetime
    actor: str
    attempt: int
    before: State | None
    after: State
    why: str
    instant: Instant | None = None
    number: int = 0
