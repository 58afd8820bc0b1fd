"""Why the journal does not allow a requested debit."""

from loyalty_cli.debits.journal.entries import Entry, Planned
from loyalty_cli.model.errors import ErrorCode, LoyaltyError


class AccountBusyError(LoyaltyError):
    """The account has another open debit."""


class BalanceChangedError(LoyaltyError):
    """The account was debited after its balance was read."""


def account_busy(entry: Entry) -> AccountBusyError:
    """The error if the account has another open debit."""
    return AccountBusyError(
        ErrorCode.ACCOUNT_BUSY,
        f"the customer {entry.customer!r} has another open debit.",
        hint="`loyalty journal list --state unknown` shows it; settle it, then run again.",
    )


def balance_changed(entry: Entry) -> BalanceChangedError:
    """The error if other processes keep debiting the account."""
    return BalanceChangedError(
        ErrorCode.ACCOUNT_BUSY,
        f"other processes keep debiting the customer {entry.customer!r}.",
        hint="Nothing was sent; run the same command again.",
    )


def above_day_limit(profile: str, total: int, limit: int) -> LoyaltyError:
    """The error if debits would take more in 24 hours than a profile allows."""
    return LoyaltyError(
        ErrorCode.REFUSED,
        f"with this debit the sum at the account of the profile {profile!r} would be {total} in"
        f" 24 hours, above its debit.max_total_per_day {limit}.",
        hint="Nothing was sent; run the same command again later, or raise the limit.",
    )


def reference_taken(planned: Planned, entry: Entry) -> LoyaltyError:
    """The error if a reference is on record for another debit than the requested one."""
    return LoyaltyError(
        ErrorCode.REFERENCE_TAKEN,
        f"the reference {entry.key.reference!r} is on record for another debit:"
        f" {entry.amount} {entry.unit} of {entry.customer!r}, {entry.state};"
        f" requested now: {planned.amount} {planned.unit} of {planned.customer!r}.",
        hint="Nothing was sent. Use another reference for another debit.",
    )
