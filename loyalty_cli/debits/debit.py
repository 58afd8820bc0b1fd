"""One debit, in the order that keeps it from being made twice.

Look at what the journal has; look at what the account has; claim, durably; send, once; write down
what came of it; only then say so.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from loyalty_cli.amount import Amount
from loyalty_cli.debits.classification import Outcome, classify, classify_again, unknown
from loyalty_cli.debits.sender import is_gone, this_process
from loyalty_cli.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.journal.entries import Baseline, Change, Entry, Key, Planned, State
from loyalty_cli.journal.store import Journal, JournalError
from loyalty_cli.model import Balance, Failure
from loyalty_cli.platforms import Platforms
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
    return f"{scheme}://{(parts.hostname or '').rstrip('.')}:{port}{parts.path.rstrip('/')}"


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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._platforms = platforms
        self._monotonic = monotonic

    def run(self, order: Order, entry: Entry) -> Settled:
        """Bring a debit that is in the journal as far as it can be brought now.

        Raises JournalError where the journal fails: nothing more may be sent then.
        """
        if entry.state is State.SENDING:
            entry = note_gone(self._journal, entry, order.profile)
        if entry.state is State.SENDING:
            return self._taken(order, entry)
        if entry.state is State.UNKNOWN and _provider(order).idempotent:
            return self.send_again(order.profile, entry)
        if entry.state is State.NOT_APPLIED:
            entry = self._change(entry, State.PLANNED, Change("asked for again"))
        if entry.state is not State.PLANNED:
            return Settled(entry, replayed=True, error=recorded_error(entry))
        return self._make(order, entry)

    def send_again(self, profile: Profile, entry: Entry) -> Settled:
        """Send an unknown debit again, to a platform that makes it but once."""
        provider = profile.provider
        assert isinstance(provider, Redeems)
        debit = _debit(entry)
        try:
            answer = self._platforms.debit(profile, _request(profile, provider, debit), _always)
            outcome = classify_again(answer, debit, provider)
        except LoyaltyError as error:
            outcome = unknown("sent again", error.message.rstrip("."))
        if outcome.state is State.UNKNOWN:
            return Settled(entry, error=outcome.error)
        return self._settled(entry, outcome)

    def try_out(self, order: Order, entry: Entry) -> Settled:
        """See whether a debit would be allowed by what the account has; send nothing."""
        try:
            return Settled(entry, error=too_little(order, self.account(order)))
        except LoyaltyError as error:
            return Settled(entry, error=error)

    def _make(self, order: Order, entry: Entry) -> Settled:
        try:
            before = self.account(order)
        except LoyaltyError as error:
            return Settled(entry, error=error)
        if short := too_little(order, before):
            return Settled(entry, error=short)
        try:
            claimed = self._journal.claim(entry, this_process(), _baseline(before))
        except JournalError:
            raise
        except LoyaltyError as busy:
            return Settled(entry, error=busy)
        claimed_at = self._monotonic()
        if claimed is None:
            return self._taken(order, entry)
        return self._send(order, claimed, claimed_at)

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

    def _send(self, order: Order, claimed: Entry, claimed_at: float) -> Settled:
        provider, debit = _provider(order), _debit(claimed)

        def still_ours() -> None:
            if self._monotonic() - claimed_at > CLAIM_LIFETIME:
                raise TimeoutError("the claim is too old: this process was asleep")

        try:
            request = _request(order.profile, provider, debit)
            answer = self._platforms.debit(order.profile, request, still_ours)
        except NotSentError as error:
            back = self._change(claimed, State.PLANNED, Change(f"not sent: {error.message}"))
            return Settled(back, error=error)
        except LoyaltyError as error:
            outcome = unknown(error.message, error.message.rstrip("."))
        except BaseException as error:
            self._settled(claimed, unknown(repr(error), "the program was interrupted"))
            raise
        else:
            outcome = classify(answer, debit, order.profile, provider)
        return self._settled(claimed, outcome)

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
                settled = self._settled_late(self._present(entry), outcome.state, change)
        except JournalError as error:
            raise JournalError(
                ErrorCode.OUTCOME_UNKNOWN,
                f"the debit {entry.key.reference!r} was sent ({outcome.state}), but that could not"
                f" be written down: {error.message}",
                hint="Nothing more was sent. Mend the journal, then `loyalty journal reconcile`.",
            ) from None
        return Settled(settled or self._present(entry), error=outcome.error)

    def _settled_late(self, noted: Entry, state: State, change: Change) -> Entry | None:
        """What came of a debit that was given up for unknown meanwhile is evidence like any."""
        state = State.NOT_APPLIED if state is State.REFUSED else state
        if noted.state is not State.UNKNOWN or state is State.UNKNOWN:
            return noted
        return self._journal.change(noted, state, change)

    def _taken(self, order: Order, entry: Entry) -> Settled:
        """Somebody else has the debit: wait for what comes of it, as long as that can take."""
        ends = self._monotonic() + order.profile.timeout + CLAIM_LIFETIME
        present = self._present(entry)
        while present.state is State.SENDING and self._monotonic() < ends:
            time.sleep(POLL)
            present = self._present(entry)
        return Settled(present, replayed=True, error=recorded_error(present))

    def _present(self, entry: Entry) -> Entry:
        present = self._journal.get(entry.key)
        assert present is not None  # nothing is ever taken out of the journal
        return present

    def _change(self, entry: Entry, state: State, change: Change) -> Entry:
        return self._journal.change(entry, state, change) or self._present(entry)
