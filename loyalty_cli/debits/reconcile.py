"""Settling debits whose outcome is not known, by evidence: `loyalty journal reconcile`."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from loyalty_cli.amount import Amount
from loyalty_cli.debits.debit import (
    Debits,
    Order,
    Settled,
    note_gone,
    platform_of,
    recorded_error,
)
from loyalty_cli.errors import ErrorCode, LoyaltyError
from loyalty_cli.journal.entries import Baseline, Change, Entry, Event, State
from loyalty_cli.journal.store import Filter, Journal
from loyalty_cli.model import Balance
from loyalty_cli.profile import MAX_TIMEOUT, Profile
from loyalty_cli.providers.redeeming import Redeems

BETWEEN_LOOKS = timedelta(seconds=60)
BY_HAND = "`loyalty journal resolve` settles it by hand, with who and why."
LONGEST_READ = timedelta(seconds=MAX_TIMEOUT)
UNCHANGED = "looked: the redeemed total is what it was before the debit"


class Verdict(Struct, frozen=True):
    """What evidence says of an unknown debit: a state to go to, or why it stays unknown."""

    state: State
    why: str
    hint: str = BY_HAND


def judge(
    entry: Entry, now_has: Balance, events: list[Event], now: datetime, settle: timedelta
) -> Verdict:
    """Judge an unknown debit by what its account has now, and what was seen of it before.

    A total that moved by exactly the amount proves the debit. A total that did not move proves that
    there was none only when the request can no longer arrive, and when it is seen twice.
    """
    before = entry.baseline or Baseline()
    if before.redeemed is None or now_has.redeemed is None:
        return _stays("the account does not say what was redeemed")
    if not (_same(before.expired, now_has.expired) and _same(before.cancelled, now_has.cancelled)):
        return _stays("credit expired or was cancelled since")
    moved = now_has.redeemed.minus(Amount(before.redeemed))
    if moved == entry.amount:
        change = f"redeemed went from {before.redeemed} to {now_has.redeemed}"
        return Verdict(State.CONFIRMED, f"by balance: {change}")
    if moved != 0:
        return _stays(f"redeemed moved by {moved}, not by {entry.amount}")
    became_unknown = next(event.at for event in reversed(events) if event.before is State.SENDING)
    if now < became_unknown + settle:
        until = f"{became_unknown + settle:%H:%M:%S} UTC"
        return _stays(f"the request may still arrive until {until}", "Run it again after that.")
    looks = [
        event.at
        for event in events
        if event.why == UNCHANGED
        and event.attempt == entry.attempt
        and event.at >= became_unknown + settle
    ]
    if looks and now - looks[0] >= BETWEEN_LOOKS:
        return Verdict(State.NOT_APPLIED, f"redeemed is {now_has.redeemed} as before, seen twice")
    return _stays(UNCHANGED)


def _stays(why: str, hint: str = BY_HAND) -> Verdict:
    return Verdict(State.UNKNOWN, why, hint)


def _same(before: str | None, after: Amount | None) -> bool:
    if before is None or after is None:
        return before is None and after is None
    return Amount(before) == after


class Reconciler:
    """Goes through what is open, and settles what evidence settles."""

    def __init__(self, journal: Journal, debits: Debits, profiles: Iterable[Profile]) -> None:
        self._journal = journal
        self._debits = debits
        self._profiles: defaultdict[str, list[Profile]] = defaultdict(list)
        for profile in profiles:
            self._profiles[platform_of(profile)].append(profile)

    def reconcile(self, entry: Entry) -> Settled:
        """Settle one open debit if it can be settled now; `error` says why not."""
        profile = self._profile_of(entry)
        if profile is None or not isinstance(profile.provider, Redeems):
            why = f"no profile in the file is for {entry.key.platform}"
            return self._stays(entry, why, "Put that profile back, and run it again.")
        entry = note_gone(self._journal, entry, profile)
        if entry.state is not State.UNKNOWN:
            return Settled(entry, error=recorded_error(entry))
        if profile.provider.idempotent:
            return self._debits.send_again(profile, entry)
        try:
            now_has = self._debits.account(_order(profile, entry))
        except LoyaltyError as error:
            hint = BY_HAND if error.code is ErrorCode.REFUSED else error.hint or BY_HAND
            return self._stays(entry, error.message.rstrip("."), hint)
        return self._judged(entry, now_has, timedelta(seconds=profile.debit.settle))

    def _profile_of(self, entry: Entry) -> Profile | None:
        """The profile that sent it, if it is still there, else any for the same account."""
        same = self._profiles[entry.key.platform]
        return next(
            (each for each in same if each.name == entry.profile), same[0] if same else None
        )

    def _judged(self, entry: Entry, now_has: Balance, settle: timedelta) -> Settled:
        events = self._journal.events(entry.key)
        verdict = judge(entry, now_has, events, self._journal.now(), settle)
        if verdict.state is State.CONFIRMED and (other := self._made_meanwhile(entry, events)):
            verdict = _stays(f"{verdict.why}, which may be the debit {other.key.reference!r}")
        if verdict.state is State.UNKNOWN:
            if verdict.why == UNCHANGED:
                self._journal.note(entry, UNCHANGED)
                why = f"{UNCHANGED}; look again in a minute"
                return self._stays(entry, why, "Run it again in a minute or more.")
            return self._stays(entry, verdict.why, verdict.hint)
        settled = self._journal.change(entry, verdict.state, Change(verdict.why))
        present = settled or self._journal.get(entry.key) or entry
        return Settled(present, error=recorded_error(present))

    def _made_meanwhile(self, entry: Entry, events: list[Event]) -> Entry | None:
        """A debit of ours, made between the look that is the baseline and the claim."""
        claimed = max(event.at for event in events if event.after is State.SENDING)
        for other in self._journal.find(Filter(states=(State.CONFIRMED,))):
            if (
                other.key != entry.key
                and other.changed_at > claimed - LONGEST_READ
                and _account(other) == _account(entry)
                and not _is_in_baseline(other, entry)
            ):
                return other
        return None

    def _stays(self, entry: Entry, why: str, hint: str = BY_HAND) -> Settled:
        error = LoyaltyError(
            ErrorCode.OUTCOME_UNKNOWN,
            f"{entry.key.reference!r} stays {entry.state}: {why}.",
            hint=hint,
        )
        return Settled(entry, error=error)


def _order(profile: Profile, entry: Entry) -> Order:
    return Order(profile, entry.customer, entry.unit, entry.amount, entry.key.reference)


def _account(entry: Entry) -> tuple[str, str, str]:
    return entry.key.platform, entry.customer, entry.unit


def _is_in_baseline(other: Entry, entry: Entry) -> bool:
    """Whether the total before one debit has another one in it already; totals only grow."""
    earlier, later = other.baseline or Baseline(), entry.baseline or Baseline()
    if earlier.redeemed is None or later.redeemed is None:
        return False
    return Amount(later.redeemed).minus(Amount(earlier.redeemed)) >= other.amount
