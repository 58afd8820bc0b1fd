"""Settles unknown debits by evidence: `loyalty journal reconcile`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.abandoned import certain_seconds, is_healthy, note_first_sight
from loyalty_cli.debits.account_balance import AccountBalance
from loyalty_cli.debits.evidence import ListFinding, Proof
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import OPEN, Baseline, Change, Entry, Event, State
from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.debits.journal.uptime import Instant, instant_now
from loyalty_cli.debits.order import DebitOrder, platform_of
from loyalty_cli.debits.outcome import was_in_use
from loyalty_cli.debits.result import BY_HAND, SETTLE, DebitResult, recorded_error
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ENDING, ErrorCode, LoyaltyError
from loyalty_cli.providers.contract import DebitProvider

BETWEEN_LOOKS_SECONDS = 60.0
LATER = "Reconcile again after that."
AGAIN_OR_BY_HAND = (
    "Reconcile again in a minute or later. If that does not help, find out at the platform, then"
    " run `loyalty journal resolve`."
)
REFUSED_SIGN_IN = (401, 403)
NOT_SETTLED = "not settled: "
LOOKED = "looked: "
SEEN = "stays unknown: "
UNCHANGED = f"{LOOKED}the redeemed total is what it was before the debit"
NOT_LISTED = f"{LOOKED}the platform's list of debits does not have it"
AGAIN = "Reconcile again in a minute or later."


class Finding(Struct, frozen=True):
    """A judgement by evidence: the new state of an unknown debit, or why it stays unknown."""

    state: State
    why: str
    hint: str = BY_HAND


def judge(entry: Entry, account: AccountBalance, events: Sequence[Event], settle: float) -> Finding:
    """Judge an unknown debit by the balance of its account, and by earlier looks at it.

    A total that changed by exactly the amount proves the debit. An unchanged total proves that it
    was not made, but only if it is seen twice, after the request can no longer arrive.
    """
    before, line = entry.baseline or Baseline(), account.balance
    if account.cache_age is not None:
        return _stays(f"the balance came from a cache (Age: {account.cache_age[:20]})")
    if before.redeemed is None or line.redeemed is None:
        return _stays("the platform does not report a redeemed total")
    if not (_same(before.expired, line.expired) and _same(before.cancelled, line.cancelled)):
        return _stays("credit expired or was cancelled since")
    moved = line.redeemed.minus(Amount(before.redeemed))
    if moved == entry.amount:
        change = f"redeemed changed from {before.redeemed} to {line.redeemed}"
        return Finding(State.CONFIRMED, f"by balance: {change}")
    if moved != 0:
        return _stays(f"redeemed changed by {moved}, not by {entry.amount}")
    return seen_twice(entry, events, account.read_at, settle, UNCHANGED)


def contradicts(entry: Entry, account: AccountBalance) -> bool:
    """Whether the redeemed total changed by too little for the debit, or is from a cache."""
    before, now = entry.baseline or Baseline(), account.balance.redeemed
    if account.cache_age is not None:
        return True
    if before.redeemed is None or now is None:
        return False
    return now.minus(Amount(before.redeemed)) < entry.amount


def without_proof(entry: Entry, listed: ListFinding) -> ListFinding:
    """What a debit that was found by amount and time proves, if the totals do not show it.

    One from before the claim may be another, which leaves it to the totals. A later one may be
    ours, before the platform counts it.
    """
    is_earlier = entry.claimed_at and listed.by_time and listed.by_time < entry.claimed_at
    if is_earlier:
        return ListFinding(Proof.NOTHING, f"{listed.why}, which is from before it")
    why = f"{listed.why}, but the redeemed total does not show it"
    return ListFinding(Proof.DOUBTFUL, why, passes=True)


def seen_twice(
    entry: Entry, events: Sequence[Event], looked_at: Instant, settle: float, look: str
) -> Finding:
    """Judge by two looks that found no trace of a debit, both after it can no longer arrive."""
    since = since_unknown(entry, events)
    left = settle - certain_seconds(since, looked_at)
    if left > 0:
        return _stays(f"the request may still arrive for another {ceil(left)} s", LATER)
    earlier = [
        event.instant
        for event in since
        if event.why == look and event.instant and certain_seconds(since, event.instant) >= settle
    ]
    if any(looked_at.seconds_since(each) >= BETWEEN_LOOKS_SECONDS for each in earlier):
        return Finding(State.NOT_APPLIED, f"{look.removeprefix(LOOKED)}, seen twice")
    return _stays(look, AGAIN)


def since_unknown(entry: Entry, events: Sequence[Event]) -> list[Event]:
    """The events of a debit's last attempt, from when it became unknown."""
    became = max(
        number
        for number, event in enumerate(events)
        if event.before is State.SENDING and event.after is State.UNKNOWN
    )
    return [event for event in events[became:] if event.attempt == entry.attempt]


def _stays(why: str, hint: str = BY_HAND) -> Finding:
    return Finding(State.UNKNOWN, why, hint)


def _same(before: str | None, after: Amount | None) -> bool:
    return (None if before is None else Amount(before)) == after


class Reconciler:
    """Goes through the open debits, and settles those for which there is evidence."""

    def __init__(self, journal: Journal, debits: DebitSender, profiles: Iterable[Profile]) -> None:
        self._journal = journal
        self._debits = debits
        self._stopped: dict[str, str] = {}
        self._profiles: defaultdict[str, list[Profile]] = defaultdict(list)
        for profile in profiles:
            self._profiles[platform_of(profile)].append(profile)

    def open_entries(self) -> list[Entry]:
        """The debits to settle, without those whose sender may still be at work.

        Those that could not be checked last time come last.
        """
        now = instant_now()
        found = []
        for entry in self._journal.find(Filter(states=OPEN)):
            present = self._debits.mark_abandoned(self._profile_of(entry), entry)
            may_be_abandoned = present.state is State.SENDING and not is_healthy(present, now)
            if present.state is State.UNKNOWN or may_be_abandoned:
                found.append(present)
        return sorted(
            found, key=lambda each: self._journal.events(each.key)[-1].why.startswith(NOT_SETTLED)
        )

    def reconcile(self, entry: Entry) -> DebitResult:
        """Settle one open debit if it can be settled now; `error` says why not.

        Raises JournalError if the journal fails; any other failure concerns only this debit.
        """
        try:
            result = self._reconciled(entry)
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - a failure of one debit must not stop the others
            return self._failed(entry, f"the program failed ({type(error).__name__})")
        if result.error and result.error.hint == SETTLE:
            result.error.hint = AGAIN
        return result

    def patience(self, entries: Iterable[Entry]) -> float:
        """Seconds in which these debits are settled if they ever are: twice the settle period.

        A debit without a profile, or whose profile sends no more requests, needs none.
        """
        profiles = map(self._profile_of, entries)
        going_on = (each for each in profiles if each and each.name not in self._stopped)
        return max((2 * each.debit.settle for each in going_on), default=0.0)

    def _reconciled(self, entry: Entry) -> DebitResult:
        profile = self._profile_of(entry)
        entry = self._debits.mark_abandoned(profile, entry)
        if entry.state is not State.UNKNOWN:
            return DebitResult(entry, error=recorded_error(entry))
        if profile is None or not isinstance(profile.provider, DebitProvider):
            why = f"no profile in the file has the account {entry.key.platform}"
            return self._stays(entry, why, "Put that profile back, then reconcile again.")
        if profile.name in self._stopped:
            return self._stays(entry, self._stopped[profile.name], "Fix it, then reconcile again.")
        try:
            return self._asked(entry, profile)
        except JournalError:
            raise
        except LoyaltyError as error:
            why = error.message.rstrip(".")
            if error.code in ENDING:
                self._stopped[profile.name] = why
            hint = BY_HAND if error.code is ErrorCode.REFUSED else error.hint or BY_HAND
            return self._failed(entry, why, hint)

    def _profile_of(self, entry: Entry) -> Profile | None:
        """The profile that sent it, if it is still there; otherwise any for the same account."""
        same = self._profiles[entry.key.platform]
        return min(same, key=lambda each: each.name != entry.profile, default=None)

    def _asked(self, entry: Entry, profile: Profile) -> DebitResult:
        """Ask the platform about an unknown debit."""
        order = DebitOrder(profile, entry.customer, entry.unit, entry.amount, entry.key.reference)
        had, events = entry.baseline or Baseline(), self._journal.events(entry.key)
        if order.asked != had.asked:
            why = f"it was sent with the options {had.asked}, and the profile has {order.asked} now"
            return self._stays(entry, why, "Put the options back, then reconcile again.")
        if was_in_use(events):
            return self._sent_again(order, entry)
        listed, looked_at = self._debits.listed(order, entry)
        if listed.proof is Proof.MADE:
            account = None
            if listed.by_time is not None and had.redeemed is not None:
                account = self._debits.account_balance(order)
            if account is None or not contradicts(entry, account):
                why = f"by evidence: {listed.why}"
                change = Change(why, provider_reference=listed.provider_reference)
                return self._settled(entry, State.CONFIRMED, change)
            listed = without_proof(entry, listed)
        if listed.proof is Proof.DOUBTFUL:
            self._note_seen(entry, events, listed.why)
            return self._stays(entry, listed.why, AGAIN_OR_BY_HAND if listed.passes else BY_HAND)
        is_missing = listed.proof is Proof.NOT_THERE
        if order.provider.idempotent:
            refused = self._debits.refusal_to_resend(order, entry) if is_missing else None
            if refused is None:
                return self._sent_again(order, entry)
            listed = replace(listed, why=refused.message.rstrip("."))
        if is_missing and had.redeemed is None:
            note_first_sight(self._journal, entry, since_unknown(entry, events), looked_at)
            finding = seen_twice(entry, events, looked_at, profile.debit.settle, NOT_LISTED)
            return self._judged(entry, events, finding, looked_at, listed)
        account = self._debits.account_balance(order)
        events = self._journal.events(entry.key)
        note_first_sight(self._journal, entry, since_unknown(entry, events), account.read_at)
        finding = judge(entry, account, events, profile.debit.settle)
        return self._judged(entry, events, finding, account.read_at, listed)

    def _sent_again(self, order: DebitOrder, entry: Entry) -> DebitResult:
        settled = self._debits.send_again(order, entry)
        if settled.error and settled.error.http_status in REFUSED_SIGN_IN:
            self._stopped[order.profile.name] = settled.error.message.rstrip(".")
        return settled

    def _failed(self, entry: Entry, why: str, hint: str = BY_HAND) -> DebitResult:
        """Leave a debit unchanged, and note that it comes last next time."""
        self._journal.note(entry, f"{NOT_SETTLED}{why}")
        return self._stays(entry, why, hint)

    def _judged(
        self,
        entry: Entry,
        events: Sequence[Event],
        finding: Finding,
        looked_at: Instant,
        listed: ListFinding,
    ) -> DebitResult:
        """Act on a finding; `listed` is what the platform's list of debits showed, if it did."""
        if finding.state is State.UNKNOWN:
            is_look = finding.why.startswith(LOOKED) or finding.hint == LATER
            self._note_seen(entry, events, listed.why, "" if is_look else finding.why)
        if finding.state is State.UNKNOWN and finding.why.startswith(LOOKED):
            self._journal.note(entry, finding.why, looked_at)
            finding = replace(finding, why=f"{finding.why}; look again in a minute")
        if finding.state is not State.UNKNOWN and (others := self._others(entry, events)):
            made = f"the debit {others[0]!r} was made since, at the same account or a similar one"
            finding = _stays(f"{finding.why}; but {made}")
        if finding.state is State.UNKNOWN:
            hint = AGAIN if listed.passes and finding.hint == BY_HAND else finding.hint
            whys = [finding.why] if listed.why in finding.why else [finding.why, listed.why]
            return self._stays(entry, "; ".join(whys[::-1] if listed.passes else whys), hint)
        return self._settled(entry, finding.state, Change(finding.why))

    def _note_seen(self, entry: Entry, events: Sequence[Event], *whys: str) -> None:
        """Note what was seen of a debit that stays unknown, unless that was the last to be seen."""
        seen = f"{SEEN}{'; '.join(filter(None, whys))}"
        notes = [
            event.why
            for event in events
            if event.attempt == entry.attempt and event.why.startswith(SEEN)
        ]
        if seen != SEEN and notes[-1:] != [seen]:
            self._journal.note(entry, seen)

    def _settled(self, entry: Entry, state: State, change: Change) -> DebitResult:
        settled = self._journal.change(entry, state, change)
        present = settled or self._journal.present(entry)
        return DebitResult(present, error=recorded_error(present))

    def _others(self, entry: Entry, events: Sequence[Event]) -> list[str]:
        """Other debits of the account since the baseline, in any spelling of the customer."""
        before = entry.baseline or Baseline()
        claimed = max(event.number for event in events if event.after is State.SENDING)
        number = claimed if before.last_event is None else before.last_event
        return self._journal.others_since(entry, number)

    def _stays(self, entry: Entry, why: str, hint: str = BY_HAND) -> DebitResult:
        message = f"it stays {entry.state}: {why}."
        return DebitResult(entry, error=LoyaltyError(ErrorCode.OUTCOME_UNKNOWN, message, hint=hint))
