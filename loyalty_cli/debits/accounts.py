"""Which profiles share one account at a platform, and which account a recorded debit has."""

from collections.abc import Collection, Iterable

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.journal.entries import Entry
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.order import (
    BY,
    NAMED,
    DebitOrder,
    address_of,
    platform_of,
    unnamed_platform_of,
)
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, setup_error


def check_accounts(asked: Iterable[Profile], profiles: Iterable[Profile]) -> None:
    """Raise LoyaltyError if it is unclear whether two profiles that debit share an account.

    The profiles of two shops at one address differ only in their keys. Two profiles of one account
    must name its customers in the same way, or one customer would look like two.
    """
    debiting = [profile for profile in profiles if profile.debit.allow]
    for profile in asked:
        for other in debiting:
            are_named = profile.account is not None and other.account is not None
            is_same_address = address_of(profile) == address_of(other)
            if not is_same_address or other.name == profile.name:
                continue
            if not are_named:
                setup_error(
                    f"it is unclear whether {profile.name!r} and {other.name!r} debit one account"
                    f" at {profile.provider.title} or two.",
                    "Add `account: NAME` to both: the same name for one account, two names for two."
                    " Nothing was sent.",
                )
            if other.account == profile.account and other.by != profile.by:
                setup_error(
                    f"{profile.name!r} and {other.name!r} debit one account at"
                    f" {profile.provider.title}, and name its customers by {profile.by} and by"
                    f" {other.by}.",
                    "Give both the same `by:`. Nothing was sent.",
                )


def accounts_that_debit(profiles: Iterable[Profile]) -> set[str]:
    """The accounts of all profiles that may debit."""
    return {platform_of(profile) for profile in profiles if profile.debit.allow}


def adopt_debits(journal: Journal, profiles: Iterable[Profile]) -> None:
    """Move debits made before their account had a name to the named account."""
    for profile in profiles:
        if profile.account is not None:
            journal.adopt(unnamed_platform_of(profile), platform_of(profile), profile.name)


def no_longer_known(
    order: DebitOrder, entry: Entry, platforms: Collection[str]
) -> LoyaltyError | None:
    """The error if a reference is on record at an account that no profile has now.

    It may be the same account under an earlier name, or another account. `platforms` are the
    accounts of all profiles that may debit.
    """
    address = address_of(order.profile)
    is_same_address = entry.key.platform.startswith((f"{address}{NAMED}", f"{address}{BY}"))
    if not (is_same_address or entry.key.platform == address) or entry.key.platform in platforms:
        return None
    return LoyaltyError(
        ErrorCode.REFERENCE_TAKEN,
        f"the reference {entry.key.reference!r} is on record at {entry.key.platform}, debited by"
        f" the profile {entry.profile!r}, and no profile in the file has that account now.",
        hint="Nothing was sent. Put the profile, or its `account:` or `by:`, back as it was.",
    )
