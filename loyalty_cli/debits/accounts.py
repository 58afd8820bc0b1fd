"""Which profiles are one account at a platform, and whose the debits on record are."""

from collections.abc import Collection, Iterable

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.journal.entries import Entry
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.order import DebitOrder, platform_of, unnamed, unnamed_platform_of
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, setup_error


def check_accounts(asked: Iterable[Profile], profiles: Iterable[Profile]) -> None:
    """Raise LoyaltyError where a profile may be the same account as another that debits, or not.

    Two shops at one address have all in common that a profile says of them, but the key.
    """
    debiting = [profile for profile in profiles if profile.debit.allow]
    for profile in asked:
        for other in debiting:
            if other.name != profile.name and _is_in_doubt(profile, other):
                setup_error(
                    f"the profiles {profile.name!r} and {other.name!r} may debit one account at"
                    f" {profile.provider.title}, or those of two shops.",
                    "Add `account: NAME` to both: the same name for one account, two names for two."
                    " Nothing was sent.",
                )


def _is_in_doubt(profile: Profile, other: Profile) -> bool:
    has_names = profile.account is not None and other.account is not None
    return not has_names and unnamed_platform_of(profile) == unnamed_platform_of(other)


def adopt_debits(journal: Journal, profiles: Iterable[Profile]) -> None:
    """Let accounts that have a name now keep what was debited while they had none."""
    for profile in profiles:
        if profile.account is not None:
            journal.adopt(unnamed_platform_of(profile), platform_of(profile), profile.name)


def no_longer_known(
    order: DebitOrder, entry: Entry, platforms: Collection[str]
) -> LoyaltyError | None:
    """The error where a reference is on record at an account that no profile has now.

    It may be the same account, before it was given its name, or another one. `platforms` are the
    accounts of all profiles that may debit.
    """
    is_same_address = unnamed(entry.key.platform) == unnamed_platform_of(order.profile)
    if not is_same_address or entry.key.platform in platforms:
        return None
    return LoyaltyError(
        ErrorCode.REFERENCE_TAKEN,
        f"the reference {entry.key.reference!r} is on record at {entry.key.platform}, debited by"
        f" the profile {entry.profile!r}, and no profile in the file is for that account now.",
        hint="Nothing was sent. Put the profile, or its `account:`, back as it was.",
    )
