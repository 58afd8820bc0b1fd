"""Telling when an account is debited with another key than ever before."""

import secrets

from loyalty_cli.debits.order import platform_of
from loyalty_cli.journal.store import Journal
from loyalty_cli.platforms import Platforms
from loyalty_cli.profile import Profile


def is_new_key(journal: Journal, platforms: Platforms, profile: Profile) -> bool:
    """Whether an account was debited before, and never with this key; write down which it is.

    Raises LoyaltyError where the profile has no credentials.
    """
    platform = platform_of(profile)
    known = journal.fingerprints(platform)
    salt = known[0].salt if known else secrets.token_hex(16)
    fingerprint = platforms.fingerprint(profile, salt)
    if any(each.fingerprint == fingerprint for each in known):
        return False
    journal.keep_fingerprint(platform, salt, fingerprint)
    return bool(known)
