"""One debit, in the order that keeps it from being made twice.

Look at what the journal has; look at what the account has; claim, durably; send, once; write down
what came of it; only then say so.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import quote, unquote_to_bytes, urlsplit

import msgspec
from msgspec import Struct

from loyalty_cli.amount import Amount
from loyalty_cli.debits.classification import Outcome, classify, classify_again, unknown
from loyalty_cli.debits.sender import is_gone, this_process
from loyalty_cli.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.journal.database import JournalError
from loyalty_cli.journal.entries import Baseline, Change, Entry, Key, Planned, State
from loyalty_cli.journal.store import Journal
from loyalty_cli.model import Balance, Failure
from loyalty_cli.platforms import DebitAnswer, Platforms
from loyalty_cli.profile import Profile
from loyalty_cli.providers.contract import Query, Request
from loyalty_cli.providers.redeeming import Debit, Redeems

CLAIM_LIFETIME = 5.0
"""Seconds after which a claim must not be sent any more: the process may have been asleep."""

POLL = 0.2


class Order(Struct, frozen=True):
    """A debit that was asked for, at a profile that allows it."""

    profile: Profile
    customer: str
    unit: str
    amount: int
    reference: str

    @property
    def key(self) -> Key:
        """What makes it the same debit, whatever the profile is called."""
        return Key(platform_of(self.profile), self.reference)

    @property
    def planned(self) -> Planned:
        """The debit as it is written down first."""
        return Planned(
            key=self.key,
            profile=self.profile.name,
            provider=self.profile.provider.name,
            customer=self.customer,
            unit=self.unit,
            amount=self.amount,
            sandbox=self.profile.sandbox,
        )


def platform_of(profile: Profile) -> str:
    """The account at the provider that a profile stands for: provider, address, tenant.

    However the address is spelt it is the same; the sandbox's is, on whatever port it answers.
    """
    names = (setting.name for setting in profile.provider.settings if setting.required)
    tenant = "".join(f" {name}={profile.settings[name]}" for name in names)
    address = "sandbox" if profile.sandbox else _address(profile.base_url)
    return f"{profile.provider.name} {address}{tenant}"


def _address(base_url: str) -> str:
    parts = urlsplit(base_url)
    scheme = parts.scheme.lower()
    port = parts.port or {"https": 443, "http": 80}[scheme]
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = ip_address(host).exploded
    segments = (quote(unquote_to_bytes(each), safe="") for each in parts.path.split("/"))
    return f"{scheme}://{host}:{port}{'/'.join(segments).rstrip('/')}"


def _provider(order: Order) -> Redeems:
    provider = order.profile.provider
    assert isinstance(provider, Redeems)
    return provider


def request_of(order: Order) -> Request:
    """The request that an order becomes, not signed."""
    provider = _provider(order)
    debit = Debit(order.customer, order.unit, order.amount, order.reference, datetime.now(UTC))
    return _request(order.profile, provider, debit)


def _request(profile: Profile, provider: Redeems, debit: Debit) -> Request:
    return provider.debit_request(Query(debit.customer, profile.settings), debit)


def _debit(entry: Entry) -> Debit:
    return Debit(entry.customer, entry.unit, entry.amount, entry.key.reference, datetime.now(UTC))


def _baseline(line: Balance) -> Baseline:
    return Baseline(
        available=_text(line.available),
        earned=_text(line.earned),
        redeemed=_text(line.redeemed),
        expired=_text(line.expired),
        cancelled=_text(line.cancelled),
    )


def _text(amount: Amount | None) -> str | None:
    return None if amount is None else str(amount)


def seconds_awake_or_asleep() -> float:
    """A clock that never goes back and, where the system has such a one, runs on in suspend."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _always() -> None:
    """Sending again is safe however much time went by."""


def too_little(order: Order, line: Balance) -> LoyaltyError | None:
    """The error where an account has too little, or it is not known how much."""
    if line.available is not None and line.available >= order.amount:
        return None
    has = "an amount that is not stated" if line.available is None else f"{line.available}"
    return LoyaltyError(
        ErrorCode.REFUSED,
        f"{order.customer!r} has {has} {order.unit} available, less than {order.amount}.",
        hint="Nothing was sent.",
    )


def note_gone(journal: Journal, entry: Entry, profile: Profile) -> Entry:
    """Turn a debit whose sender has ended into an unknown one; leave any other as it is."""
    if entry.state is not State.SENDING:
        return entry
    gone = entry.sender and is_gone(entry.sender)
    if gone is None:
        # Another host's: its claim is too old to be sent, and what was sent has had its time.
        limit = timedelta(seconds=CLAIM_LIFETIME + profile.timeout + profile.debit.settle)
        gone = journal.now() - entry.changed_at > limit
    if not gone:
        return entry
    change = Change(
        "the process that sent it is gone",
        error=written_error(unknown("", "the program was ended while it was sent").error),
    )
    return journal.change(entry, State.UNKNOWN, change) or journal.get(entry.key) or entry


def written_error(error: LoyaltyError | None) -> str | None:
    """An error as the journal keeps it."""
    return None if error is None else msgspec.json.encode(Failure.of(error)).decode()


def recorded_error(entry: Entry) -> LoyaltyError | None:
    """The error that the journal has of a debit."""
    if entry.error:
        return LoyaltyError(
            **msgspec.structs.asdict(msgspec.json.decode(entry.error, type=Failure))
        )
    if entry.state is State.SENDING:
        return unknown("", "another process is still sending it").error
    return None


def _not_made(entry: Entry) -> LoyaltyError:
    return LoyaltyError(
        ErrorCode.UNREACHABLE,
        f"another process had claimed the debit {entry.key.reference!r}, and did not make it.",
        hint="Nothing was sent; run the same again.",
    )


def _contradicted(entry: Entry) -> LoyaltyError:
    """The error where the platform's answer came after the debit was settled otherwise."""
    return LoyaltyError(
        ErrorCode.OUTCOME_UNKNOWN,
        f"the debit {entry.key.reference!r} was made, but was settled as {entry.state} or sent once"
        " more before the answer came.",
        hint="`loyalty journal show` has the answer; see that the customer is not debited twice.",
    )


class Settled(Struct, frozen=True):
    """How a debit stands after a run; `replayed` if it stood so before, and nothing was sent."""

    entry: Entry
    replayed: bool = False
    error: LoyaltyError | None = None


class Debits:
    """Makes debits; safe to use from several threads."""

    def __init__(
        self,
        journal: Journal,
        platforms: Platforms,
        monotonic: Callable[[], float] = seconds_awake_or_asleep,
    ) -> None:
        self._journal = journal
        self._platforms = platforms
        self._monotonic = monotonic

    def is_closed(self, profile: Profile) -> bool:
        """Whether the platform asked to be left alone for longer than anybody waits here."""
        return self._platforms.is_closed(profile.name, debits=True)

    def run(self, order: Order, entry: Entry, begin: Callable[[], None] = _always) -> Settled:
        """Bring a debit that is in the journal as far as it can be brought now.

        `begin` is called before a claim, and can still stop it by raising. Raises JournalError
        where the journal fails: nothing more may be sent then.
        """
        if entry.state is State.SENDING:
            entry = note_gone(self._journal, entry, order.profile)
        if entry.state is State.SENDING:
            return self._taken(order, entry)
        if entry.state is State.UNKNOWN and _provider(order).idempotent:
            return self.send_again(order.profile, entry, begin)
        if entry.state is State.NOT_APPLIED:
            again = self._journal.change(entry, State.PLANNED, Change("asked for again"))
            if again is None:
                return self._taken(order, entry)
            entry = again
        if entry.state is not State.PLANNED:
            return Settled(entry, replayed=True, error=recorded_error(entry))
        return self._make(order, entry, begin)

    def send_again(
        self, profile: Profile, entry: Entry, begin: Callable[[], None] = _always
    ) -> Settled:
        """Send an unknown debit again, to a platform that makes it but once.

        Only the profile that sent it may: another can be of another shop, which knows no such id.
        """
        provider = profile.provider
        assert isinstance(provider, Redeems)
        if profile.name != entry.profile:
            what = f"only the profile {entry.profile!r}, which sent it, can send it again"
            return Settled(entry, error=unknown("", what).error)
        debit = _debit(entry)
        try:
            with self._platforms.turn_to_debit(profile, begin):
                request = _request(profile, provider, debit)
                answer = self._platforms.debit(profile, request, _always)
            outcome = classify_again(answer, debit, provider)
        except LoyaltyError as error:
            outcome = unknown(error.message, error.message.rstrip("."))
        if outcome.state is State.UNKNOWN:
            self._journal.note(entry, f"sent again: {outcome.why}")
            return Settled(entry, error=outcome.error)
        return self._settled(entry, outcome)

    def try_out(self, order: Order, entry: Entry) -> Settled:
        """See whether a debit would be allowed by what the account has; send nothing."""
        try:
            return Settled(entry, error=too_little(order, self.account(order)))
        except LoyaltyError as error:
            return Settled(entry, error=error)

    def _make(self, order: Order, entry: Entry, begin: Callable[[], None]) -> Settled:
        ends = None
        while True:
            try:
                turn = self._platforms.turn_to_debit(order.profile, begin)
            except LoyaltyError as error:
                return Settled(entry, error=error)
            with turn:
                try:
                    before = self.account(order)
                except LoyaltyError as error:
                    return Settled(entry, error=error)
                if short := too_little(order, before):
                    return Settled(entry, error=short)
                if self._platforms.is_paused(order.profile):  # since another one was refused
                    continue
                begin()
                # Not after the claim: the process may sleep in between.
                claimed_at = self._monotonic()
                claimed = self._claimed(entry, before)
                if claimed is None:
                    return self._taken(order, entry)
                if isinstance(claimed, Entry):
                    return self._send(order, request_of(order), claimed, claimed_at)
            ends = ends or self._patience(order)
            if self._monotonic() > ends or not self._journal.is_being_sent(entry):
                return Settled(entry, error=claimed)
            time.sleep(POLL)  # another debit of this account, which will soon be over

    def _claimed(self, entry: Entry, before: Balance) -> Entry | LoyaltyError | None:
        """Claim a debit; None where another process has it, an error where its account is busy."""
        try:
            return self._journal.claim(entry, this_process(), _baseline(before))
        except JournalError:
            raise
        except LoyaltyError as busy:
            return busy

    def _patience(self, order: Order) -> float:
        """Until when to wait for a debit that another process is sending."""
        return self._monotonic() + order.profile.timeout + CLAIM_LIFETIME

    def account(self, order: Order) -> Balance:
        """The account's balance in the unit of a debit; raise LoyaltyError where it has none."""
        reading = self._platforms.reading(
            order.profile, Query(order.customer, order.profile.settings)
        )
        for line in reading.balances:
            if line.kind in ("credit", "points") and line.unit == order.unit:
                return line
        units = sorted({line.unit for line in reading.balances if line.unit})
        raise LoyaltyError(
            ErrorCode.REFUSED,
            f"{order.customer!r} has no balance in {order.unit!r} at {order.profile.name}.",
            hint=f"It has: {', '.join(units) or 'none'}. Nothing was sent.",
        )

    def _send(self, order: Order, request: Request, claimed: Entry, claimed_at: float) -> Settled:
        def still_ours() -> None:
            if self._monotonic() - claimed_at > CLAIM_LIFETIME:
                raise LoyaltyError(
                    ErrorCode.TIMED_OUT,
                    f"the debit {order.reference!r} was not sent: this process was held up for"
                    f" more than {CLAIM_LIFETIME:g} s after it had claimed it.",
                    hint="Nothing was sent; run the same again.",
                )

        try:
            answer = self._platforms.debit(order.profile, request, still_ours)
            outcome = self._classified(answer, order, claimed)
        except NotSentError as error:
            return self._not_sent(claimed, error)
        except LoyaltyError as error:
            outcome = unknown(error.message, error.message.rstrip("."))
        except BaseException as error:
            # Not its text: there is no knowing what it holds.
            kind = type(error).__name__
            self._settled(claimed, unknown(kind, f"the program was interrupted ({kind})"))
            raise
        return self._settled(claimed, outcome)

    def _classified(self, answer: DebitAnswer, order: Order, claimed: Entry) -> Outcome:
        provider, debit = _provider(order), _debit(claimed)
        outcome = classify(answer, debit, order.profile, provider)
        if outcome.state is State.REFUSED and provider.idempotent and self._sent_before(claimed):
            # The id was used before, by ourselves: what was held for not applied was.
            again = classify_again(answer, debit, provider)
            return again if again.state is State.CONFIRMED else outcome
        return outcome

    def _sent_before(self, claimed: Entry) -> bool:
        events = self._journal.events(claimed.key)
        return any(event.after is State.NOT_APPLIED for event in events)

    def _not_sent(self, claimed: Entry, error: NotSentError) -> Settled:
        why = f"not sent: {error.message}"
        back = self._journal.change(claimed, State.PLANNED, Change(why))
        if back is None:  # another host gave it up meanwhile; now there is proof
            back = self._settled_late(claimed, State.NOT_APPLIED, Change(why))
        if back.state in (State.PLANNED, State.NOT_APPLIED):
            return Settled(back, error=error)
        return Settled(back, replayed=True, error=recorded_error(back))

    def _settled(self, entry: Entry, outcome: Outcome) -> Settled:
        """Write down what came of a debit that was sent; nothing is said of it before that."""
        change = Change(
            outcome.why,
            balance_after=_text(outcome.applied.balance_after),
            provider_reference=outcome.applied.provider_reference,
            error=written_error(outcome.error),
        )
        try:
            settled = self._journal.change(entry, outcome.state, change)
            if settled is None:  # while it was being sent another host gave this one up
                settled = self._settled_late(entry, outcome.state, change)
        except JournalError as error:
            raise JournalError(
                ErrorCode.OUTCOME_UNKNOWN,
                f"the debit {entry.key.reference!r} was sent ({outcome.state}), but that could not"
                f" be written down: {error.message}",
                hint="Nothing more was sent. Mend the journal, then `loyalty journal reconcile`.",
            ) from None
        as_said = (settled.state, settled.attempt) == (outcome.state, entry.attempt)
        return Settled(
            settled, error=outcome.error or (None if as_said else _contradicted(settled))
        )

    def _settled_late(self, sent: Entry, state: State, change: Change) -> Entry:
        """What came of an attempt that was given up for unknown meanwhile is evidence like any.

        It says nothing of a later attempt, and cannot undo what was settled: then it is noted.
        """
        state = State.NOT_APPLIED if state in (State.REFUSED, State.PLANNED) else state
        noted = self._present(sent)
        is_open = noted.state is State.UNKNOWN and noted.attempt == sent.attempt
        if is_open and state is not State.UNKNOWN:
            settled = self._journal.change(noted, state, change)
            if settled is not None:
                return settled
            noted = self._present(sent)
        self._journal.note(noted, f"attempt {sent.attempt} came to be {state}: {change.why}")
        return noted

    def _taken(self, order: Order, entry: Entry) -> Settled:
        """Somebody else has the debit: wait for what comes of it, as long as that can take."""
        ends = self._patience(order)
        present = self._present(entry)
        while present.state is State.SENDING and self._monotonic() < ends:
            time.sleep(POLL)
            present = note_gone(self._journal, self._present(entry), order.profile)
        if present.state in (State.PLANNED, State.NOT_APPLIED):
            return Settled(present, error=_not_made(present))
        return Settled(present, replayed=True, error=recorded_error(present))

    def _present(self, entry: Entry) -> Entry:
        present = self._journal.get(entry.key)
        assert present is not None  # nothing is ever taken out of the journal
        return present
