"""Why a debit that is asked for cannot be made beside what the journal has."""

from loyalty_cli.debits.journal.entries import Entry, Planned
from loyalty_cli.model.errors import ErrorCode, LoyaltyError


class AccountBusyError(LoyaltyError):
    """The account has another debit whose outcome is open."""


class BalanceChangedError(LoyaltyError):
    """The account was debited after its balance was asked for."""


def account_busy(entry: Entry) -> AccountBusyError:
    """The error where the account has another debit whose outcome is open."""
    return AccountBusyError(
        ErrorCode.ACCOUNT_BUSY,
        f"the account {entry.customer!r} has another debit whose outcome is open.",
        hint="`loyalty journal list --state unknown` shows it; settle it, then run again.",
    )


def balance_changed(entry: Entry) -> BalanceChangedError:
    """The error where others debit the account all the time."""
    return BalanceChangedError(
        ErrorCode.ACCOUNT_BUSY,
        f"the account {entry.customer!r} is being debited by others all the time.",
        hint="Nothing was sent; run the same again.",
    )


def above_day_limit(profile: str, total: int, limit: int) -> LoyaltyError:
    """The error where debits would take more in 24 hours than a profile allows."""
    return LoyaltyError(
        ErrorCode.REFUSED,
        f"with this the debits at the account of the profile {profile!r} would come to {total} in"
        f" 24 hours, above its debit.max_total_per_day {limit}.",
        hint="Nothing was sent; run the same again later, or raise the limit.",
    )


def reference_taken(planned: Planned, entry: Entry) -> LoyaltyError:
    """The error where a reference is on record for another debit than is asked for."""
    return LoyaltyError(
        ErrorCode.REFERENCE_TAKEN,
        f"the reference {entry.key.reference!r} is on record for another debit:"
        f" {entry.amount} {entry.unit} of {entry.customer!r}, {entry.state};"
        f" asked for now: {planned.amount} {planned.unit} of {planned.customer!r}.",
        hint="Nothing was sent. Use another reference for another debit.",
    )
