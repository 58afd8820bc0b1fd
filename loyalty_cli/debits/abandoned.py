"""Finding debits that were abandoned: the process that sent them has ended."""

from collections.abc import Iterable

from loyalty_cli.config.profile import DEFAULT_SETTLE, DEFAULT_TIMEOUT, Profile
from loyalty_cli.debits.journal.entries import Change, Entry, Event, State
from loyalty_cli.debits.journal.processes import is_gone
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.uptime import Instant
from loyalty_cli.debits.result import unknown_error, written_error

CLAIM_LIFETIME_SECONDS = 5.0
"""With an older claim nothing is sent: the process may have been suspended meanwhile."""

SEEN = "seen from here for the first time"


def mark_abandoned(journal: Journal, entry: Entry, profile: Profile | None, now: Instant) -> Entry:
    """Make a debit `unknown` if its sender has ended; `profile` sent it, None if that is gone."""
    if entry.state is not State.SENDING:
        return entry
    gone = entry.sender and is_gone(entry.sender)
    if gone is None:
        # On another host: wait until the claim is too old to be sent, and a request that was sent
        # can no longer arrive.
        timeout = DEFAULT_TIMEOUT if profile is None else profile.timeout
        settle = DEFAULT_SETTLE if profile is None else profile.debit.settle
        since = [
            event
            for event in journal.events(entry.key)
            if (event.attempt, event.after) == (entry.attempt, State.SENDING)
        ]
        note_first_sight(journal, entry, since, now)
        gone = certain_seconds(since, now) > CLAIM_LIFETIME_SECONDS + timeout + settle
    if not gone:
        return entry
    change = Change(
        "the process that sent it has ended",
        error=written_error(unknown_error("the program ended while it sent the debit")),
    )
    return journal.change(entry, State.UNKNOWN, change) or journal.present(entry)


def is_healthy(entry: Entry, now: Instant) -> bool:
    """Whether a sender is alive, or on another host while this machine has a clock."""
    gone = entry.sender and is_gone(entry.sender)
    return gone is False or (gone is None and now.clock != "")


def certain_seconds(events: Iterable[Event], now: Instant) -> float:
    """Seconds that have certainly passed since the first of these events; 0 if unknown.

    Only events with the clock of `now` count: other machines, and other boots, have other clocks.
    """
    return max((now.seconds_since(event.instant) for event in events), default=0.0)


def note_first_sight(journal: Journal, entry: Entry, events: Iterable[Event], now: Instant) -> None:
    """Record when this machine first saw the state of a debit: its time counts from then."""
    if now.clock and not any(each.instant and each.instant.clock == now.clock for each in events):
        journal.note(entry, SEEN, now)
