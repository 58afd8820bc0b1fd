"""One debit, in the order of steps that prevents making it twice.

1. `DebitSender.run` reads the journal: what is already done is never sent again.
2. `_prepared` takes the provider's steps before the debit, such as asking for a one-time code.
3. `_make` reads the account's balance: if it is too low, nothing is sent.
4. `Claim.make`, once connected: only one process claims the debit, durably.
5. `_sent`: one request, without retries.
6. `classify` (outcome.py) decides what the answer proves; if nothing, the debit is `unknown`.
7. `record_result` records that, durably; only then is it reported.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.redaction import mask_words, redact
from loyalty_cli.debits.abandoned import CLAIM_LIFETIME_SECONDS, mark_abandoned
from loyalty_cli.debits.account_balance import (
    AccountBalance,
    baseline,
    read_account_balance,
    refusal,
)
from loyalty_cli.debits.claim import Claim, TakenError
from loyalty_cli.debits.evidence import ListFinding
from loyalty_cli.debits.journal.conflicts import AccountBusyError, BalanceChangedError
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Baseline, Change, Entry, State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.uptime import Instant, instant_now
from loyalty_cli.debits.listed import find_listed
from loyalty_cli.debits.order import DebitOrder, debit_of, defect
from loyalty_cli.debits.outcome import (
    Outcome,
    classify,
    classify_again,
    failed_attempts,
    may_have_been_made,
    unknown,
    with_list,
)
from loyalty_cli.debits.record_result import record_late, record_result
from loyalty_cli.debits.resend import refusal_to_resend
from loyalty_cli.debits.result import DebitResult, recorded_error, unknown_error
from loyalty_cli.model.errors import ENDING, ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.network.conversation import Ask, nobody
from loyalty_cli.network.platform_client import DebitAnswer, PlatformClient
from loyalty_cli.providers.contract import Debit, Request

POLL_SECONDS = 0.2
CODE_AGAIN = (
    "If only the code was mistyped, do that, and run the same command again: the customer gets a"
    " code again."
)


class Prepared(Struct, frozen=True):
    """A debit whose steps are taken, its request, and what a person typed for it.

    `number` is the reference that the platform gets.
    """

    debit: Debit
    request: Request
    number: str
    typed: tuple[str, ...] = ()

    def mask(self, text: str) -> str:
        """Remove what a person typed from a text."""
        return mask_words(text, self.typed)

    def without_typed(self, came: DebitAnswer) -> DebitAnswer:
        """An answer that also masks what a person typed: the platform may repeat it."""
        return replace(came, mask=lambda text: self.mask(came.mask(text)))


def _always() -> None:
    """For requests that need no check before they are sent."""


class DebitSender:
    """Makes debits; safe to use from several threads. `ask` asks the person at the terminal."""

    def __init__(
        self,
        journal: Journal,
        platforms: PlatformClient,
        clock: Callable[[], Instant] = instant_now,
        ask: Ask = nobody,
    ) -> None:
        self._journal = journal
        self._platforms = platforms
        self._clock = clock
        self._ask = ask
        self._waits_end: dict[tuple[str, str], float] = {}
        self._claims: set[Claim] = set()

    def is_sending(self) -> bool:
        """Whether a debit was sent whose outcome is not recorded yet."""
        return any(claim.entry is not None for claim in list(self._claims))

    def is_closed(self, profile: Profile) -> bool:
        """Whether the platform asked for a longer pause than a run waits for."""
        return self._platforms.rate_limits.is_closed(profile.name, debits=True)

    def run(
        self, order: DebitOrder, entry: Entry, begin: Callable[[], None] = _always
    ) -> DebitResult:
        """Make a debit that is in the journal, or return its recorded result.

        `begin` is called before a claim, and can still stop it by raising. Raises JournalError
        if the journal fails: then nothing more may be sent.
        """
        entry = self.mark_abandoned(order.profile, entry)
        if entry.state is State.SENDING:
            return self._taken(order, entry)
        if entry.state is State.UNKNOWN and order.provider.idempotent:
            try:
                return self.send_again(order, entry, begin)
            except NotSentError as error:
                return DebitResult(entry, error=unknown_error(error.message.rstrip(".")))
        if entry.state is State.NOT_APPLIED:
            again = self._journal.change(entry, State.PLANNED, Change("requested again"))
            if again is None:
                return self._taken(order, entry)
            entry = again
        if entry.state is not State.PLANNED:
            return DebitResult(entry, replayed=True, error=recorded_error(entry))
        return self._make(order, entry, begin)

    def mark_abandoned(self, profile: Profile | None, entry: Entry) -> Entry:
        """Make a debit `unknown` if its sender has ended; leave any other unchanged."""
        return mark_abandoned(self._journal, entry, profile, self._clock())

    def send_again(
        self, order: DebitOrder, entry: Entry, begin: Callable[[], None] = _always
    ) -> DebitResult:
        """Send an unknown debit again, to a platform that makes it only once.

        Only the profile that sent it may do so, while its rules allow it: another profile may
        belong to another shop, which does not know the id. Raises LoyaltyError if the profile
        is wrong and nothing could be sent.
        """
        if refused := self.refusal_to_resend(order, entry):
            return DebitResult(entry, replayed=True, error=refused)
        self._journal.database.check_unchanged()
        try:
            prepared = self._prepared(order, entry)
        except LoyaltyError as error:
            raise NotSentError.of(error) from None
        try:
            with self._platforms.rate_limits.permit_to_debit(order.profile, begin):
                answer = self._platforms.debit(order.profile, prepared.request, _always)
            came = prepared.without_typed(answer)
            outcome = classify_again(came, prepared.debit, order.provider)
        except LoyaltyError as error:
            if isinstance(error, NotSentError) and error.code in ENDING:
                raise
            outcome = unknown(error.message, error.message.rstrip("."))
        outcome = self._checked_repeat(outcome, order, entry)
        if outcome.state is State.UNKNOWN:
            self._journal.note(entry, f"sent again: {outcome.why}")
            return DebitResult(entry, error=outcome.error)
        return record_result(self._journal, entry, outcome)

    def refusal_to_resend(self, order: DebitOrder, entry: Entry) -> LoyaltyError | None:
        """The error if an unknown debit must not be sent again."""
        return refusal_to_resend(self._journal, order.profile, entry, self._clock())

    def debit(self, order: DebitOrder, entry: Entry, at: datetime | None = None) -> Debit:
        """An order as the provider gets it, for the attempt that the entry is about."""
        events = self._journal.events(entry.key) if entry.attempt else []
        return debit_of(order, failed_attempts(events), at)

    def listed(self, order: DebitOrder, entry: Entry) -> tuple[ListFinding, Instant]:
        """What the platform's list proves about the last attempt, and when it was asked for."""
        debit, began = self.debit(order, entry, entry.claimed_at), self._clock()
        return find_listed(self._journal, self._platforms, order, entry, debit), began

    def account_balance(self, order: DebitOrder) -> AccountBalance:
        """Read the balance that a debit is taken from; raise LoyaltyError if there is none."""
        return read_account_balance(self._platforms, order, self._clock)

    def needs_person(self, order: DebitOrder) -> bool:
        """Whether the customer gets a code; raise LoyaltyError if the provider fails to say so."""
        try:
            return order.provider.needs_person(order.query)
        except LoyaltyError:
            raise
        except Exception as error:
            raise defect(order, error) from error

    def check_person(self, order: DebitOrder, entry: Entry) -> None:
        """Raise LoyaltyError if the customer would get a code that is of no use."""
        if not self.needs_person(order):
            return
        if self._ask is nobody:
            nobody(f"a one-time code for a debit at {order.provider.title}")
        if busy := self._journal.busy(entry):
            raise busy

    def _make(self, order: DebitOrder, entry: Entry, begin: Callable[[], None]) -> DebitResult:
        """Make a debit when its account is free and its balance is known."""
        prepared: Prepared | None = None
        while True:
            try:
                with self._platforms.rate_limits.permit_to_debit(order.profile, begin):
                    prepared = prepared or self._prepared(order, entry)  # its steps, only once
                    had = self._checked_balance(order, entry)
                    limits, name = self._platforms.rate_limits, order.profile.name
                    if limits.is_closed(name, debits=True, seconds=0):
                        continue  # another debit was rate-limited
                    claim = Claim(self._journal, self._clock, order, entry, had, prepared.number)
                    self._claims.add(claim)
                    try:
                        return self._sent(order, prepared, claim, begin)
                    finally:
                        self._claims.discard(claim)  # its result is recorded, or cannot be
            except JournalError:
                raise
            except TakenError:
                return self._taken(order, entry)
            except (AccountBusyError, BalanceChangedError) as busy:
                # Has the account's other debit ended, or is it about to?
                ends = isinstance(busy, BalanceChangedError) or self._journal.is_being_sent(entry)
                if not (ends and self._may_wait(order)):
                    return self._not_begun(entry, busy)
            except LoyaltyError as error:
                return self._not_begun(entry, error)
            time.sleep(POLL_SECONDS)

    def _prepared(self, order: DebitOrder, entry: Entry) -> Prepared:
        """Take the steps before a debit, and return it; raise LoyaltyError if a step fails."""
        self.check_person(order, entry)
        debit, typed = self.debit(order, entry), list[str]()

        def ask(question: str) -> str:
            typed.append(self._ask(question))
            return typed[-1]

        try:
            request = self._platforms.debit_request(order.profile, order.query, debit, ask)
            return Prepared(debit, request, order.provider.sent_reference(debit), tuple(typed))
        except LoyaltyError as error:
            redact(error, partial(mask_words, words=typed))
            raise
        except Exception as error:
            raise defect(order, error) from error

    def _checked_balance(self, order: DebitOrder, entry: Entry) -> Baseline:
        """The balance before a debit; raise LoyaltyError if it is too low."""
        last_event = self._journal.last_event(entry)
        account = self.account_balance(order)
        if refused := refusal(order, account):
            raise refused
        return baseline(account, last_event, order.asked)

    def _may_wait(self, order: DebitOrder) -> bool:
        """Whether a debit may wait for a busy account: a run waits once for each account."""
        account = (order.key.platform, order.customer)
        now = self._clock().seconds
        return now <= self._waits_end.setdefault(account, now + self._patience(order))

    def _patience(self, order: DebitOrder) -> float:
        """Seconds in which a debit that another process is sending will end."""
        return order.profile.timeout + CLAIM_LIFETIME_SECONDS

    def _not_begun(self, entry: Entry, error: LoyaltyError) -> DebitResult:
        self._journal.note(entry, f"not begun: {error.message}")
        if error.code is ErrorCode.NOT_FOUND:
            more = "Nothing was sent. For another customer the debit needs another reference."
            error.hint = " ".join(filter(None, (error.hint, more)))
        return DebitResult(entry, error=error)

    def _sent(
        self,
        order: DebitOrder,
        prepared: Prepared,
        claim: Claim,
        begin: Callable[[], None],
    ) -> DebitResult:
        """Claim a debit, send it once, and record the result."""
        try:
            make = partial(claim.make, begin)
            answer = self._platforms.debit(order.profile, prepared.request, make)
            assert claim.entry is not None
            came = prepared.without_typed(answer)
            outcome = self._classified(came, order, prepared.debit, claim.entry)
        except NotSentError as error:
            return self._not_sent(claim, error)
        except LoyaltyError as error:
            if claim.entry is None:
                raise
            outcome = unknown(error.message, error.message.rstrip("."))
        except BaseException as error:
            if claim.entry is None:
                raise
            # Not its text: it may hold a secret.
            kind = type(error).__name__
            outcome = unknown(kind, f"the program failed ({kind})")
            result = record_result(self._journal, claim.entry, outcome)
            if isinstance(error, Exception):
                return result
            raise
        if outcome.state is State.UNKNOWN and outcome.error and prepared.number != order.reference:
            sent_as = f"{order.provider.title} got it as {prepared.number!r}."
            outcome.error.hint = " ".join(filter(None, (outcome.error.hint, sent_as)))
        return record_result(self._journal, claim.entry, outcome)

    def _classified(
        self, answer: DebitAnswer, order: DebitOrder, debit: Debit, claimed: Entry
    ) -> Outcome:
        provider = order.provider
        if provider.idempotent and claimed.attempt > 1:
            # We may have used the id ourselves, if an attempt that counts as not applied was made.
            again = classify_again(answer, debit, provider)
            events = self._journal.events(claimed.key)
            if again.state is State.CONFIRMED and may_have_been_made(events, claimed.attempt):
                return self._checked_repeat(again, order, claimed)
        outcome = classify(answer, debit, order.profile, provider)
        if outcome.error and outcome.state is State.REFUSED and self.needs_person(order):
            outcome.error.hint = f"{outcome.error.hint} {CODE_AGAIN}"
        return outcome

    def _checked_repeat(self, outcome: Outcome, order: DebitOrder, entry: Entry) -> Outcome:
        """An outcome; if only the id proves it, with what the platform's list says."""
        if not outcome.is_by_repeat:
            return outcome
        listed, _ = self.listed(order, entry)
        return with_list(outcome, listed, order.provider.title)

    def _not_sent(self, claim: Claim, error: NotSentError) -> DebitResult:
        """Undo a claim if nothing was sent; raise the error that prevented the debit."""
        refused_by = claim.refused_by or error
        if claim.entry is None or not isinstance(refused_by, LoyaltyError):
            raise refused_by
        if isinstance(refused_by, JournalError):
            raise refused_by
        why = f"not sent: {refused_by.message}"
        back = self._journal.change(claim.entry, State.PLANNED, Change(why))
        if back is None:  # another host took it for abandoned meanwhile; now there is proof
            back = record_late(self._journal, claim.entry, State.NOT_APPLIED, Change(why))
        if back.state in (State.PLANNED, State.NOT_APPLIED):
            return DebitResult(back, error=refused_by)
        return DebitResult(back, replayed=True, error=recorded_error(back))

    def _taken(self, order: DebitOrder, entry: Entry) -> DebitResult:
        """Wait until another process has made the debit, as long as sending can take."""
        ends = self._clock().seconds + self._patience(order)
        present = self._journal.present(entry)
        while present.state is State.SENDING and self._clock().seconds < ends:
            time.sleep(POLL_SECONDS)
            present = self.mark_abandoned(order.profile, self._journal.present(entry))
        if present.state in (State.PLANNED, State.NOT_APPLIED):
            error = LoyaltyError(
                ErrorCode.UNREACHABLE,
                f"another process had claimed the debit {order.reference!r}, and did not make it.",
                hint="Nothing was sent; run the same command again.",
            )
            return DebitResult(present, error=error)
        return DebitResult(present, replayed=True, error=recorded_error(present))
