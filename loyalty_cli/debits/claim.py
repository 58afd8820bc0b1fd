"""The claim of one debit: made when everything is ready, before a byte is sent."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.debits.abandoned import CLAIM_LIFETIME_SECONDS
from loyalty_cli.debits.journal.entries import Baseline, Entry
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.uptime import Instant
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError


class TakenError(LoyaltyError):
    """Another process claimed the debit first."""


class Claim(Struct, eq=False):
    """The claim of one debit.

    `number` is the reference that the platform gets. `entry` is the claimed debit; `refused_by` is
    why there is none, or why it is not sent.
    """

    journal: Journal
    clock: Callable[[], Instant]
    order: DebitOrder
    planned: Entry
    had: Baseline
    number: str
    entry: Entry | None = None
    refused_by: Exception | None = None

    def make(self, begin: Callable[[], None]) -> None:
        """Claim the debit, unless `begin` raises; raise NotSentError if it must not be sent."""
        try:
            begin()
            self._claim()
        except Exception as error:
            self.refused_by = error
            raise NotSentError(ErrorCode.REFUSED, "the debit was not claimed") from error

    def _claim(self) -> None:
        # Before the claim: the process may be suspended right after it.
        before = self.clock()
        planned = replace(self.planned, profile=self.order.profile.name)
        day_limit = self.order.profile.debit.max_total_per_day
        why = "claimed"
        if self.number != self.order.reference:
            why += f", sent as {self.number!r}"
        self.entry = self.journal.claim(planned, this_process(), self.had, day_limit, why)
        if self.entry is None:
            raise TakenError(ErrorCode.ACCOUNT_BUSY, "another process has it")
        self.journal.database.check_unchanged()
        if self.clock().seconds - before.seconds > CLAIM_LIFETIME_SECONDS:
            raise LoyaltyError(
                ErrorCode.TIMED_OUT,
                f"the debit {self.order.reference!r} was not sent: this process paused for"
                f" more than {CLAIM_LIFETIME_SECONDS:g} s after the claim.",
                hint="Nothing was sent; run the same command again.",
            )
