"""Noticing that an account is debited with a new key."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.fingerprints import Fingerprint, fingerprints_of, keep_fingerprint
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.order import platform_of
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.network.platform_client import PlatformClient


class UsedKeys:
    """The keys that accounts were debited with: only fingerprints, which do not reveal a key."""

    def __init__(
        self, journal: Journal, platforms: PlatformClient, profiles: Iterable[Profile]
    ) -> None:
        self._journal = journal
        self._platforms = platforms
        self._profiles = {each.name: each for each in profiles}
        self._unwritten: dict[str, Fingerprint] = {}

    def is_new(self, profile: Profile) -> bool:
        """Whether an account was debited before, but never with this key; LoyaltyError if none."""
        known = fingerprints_of(self._journal.database, platform_of(profile))
        salt = known[0].salt if known else secrets.token_hex(16)
        mine = Fingerprint(salt, self._platforms.fingerprint(profile, salt))
        if mine in known:
            return False
        self._unwritten[profile.name] = mine
        return bool(known)

    def warnings(self) -> Iterator[str]:
        """What to tell the user about accounts that were debited before, with other keys."""
        for profile in self._profiles.values():
            with suppress(LoyaltyError):  # the debits themselves report missing credentials
                if self.is_new(profile):
                    yield (
                        f"the profile {profile.name!r} uses a key that was never used for debits of"
                        " its account. If it is the key of another shop, set `account:` in the"
                        " profile."
                    )

    def noted(self, settled: Iterable[DebitResult]) -> Iterator[DebitResult]:
        """Pass debits on, and record each key that one of them was made with."""
        for each in settled:
            if each.entry.state is State.CONFIRMED and not each.replayed:
                profile = each.entry.profile
                if mine := self._unwritten.pop(profile, None):
                    platform = platform_of(self._profiles[profile])
                    keep_fingerprint(self._journal.database, platform, mine)
            yield each
