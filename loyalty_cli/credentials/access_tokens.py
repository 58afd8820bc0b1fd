"""Access tokens, which a platform gives in exchange for credentials: used until they expire."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

import msgspec
from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.keyring_store import KeyringError, KeyringStore, service
from loyalty_cli.credentials.sources import check_secret
from loyalty_cli.providers.contract import Secrets, Token

KEYRING_USER = "token"
MARGIN_SECONDS = 30.0
"""A token is no longer used in its last seconds, because requests take time."""
LONGEST_LIFETIME_SECONDS = 86400.0


class StoredToken(Struct, frozen=True):
    """A stored token; `ends` is Unix time, `owner` a digest of the account and its credentials."""

    token: str
    ends: float
    owner: str

    def __post_init__(self) -> None:
        check_secret(self.token)

    def __repr__(self) -> str:
        return f"StoredToken(ends={self.ends})"


class Holder(Struct, frozen=True):
    """The owner of a token, how to get a new one, and whether to keep it in the keyring."""

    profile: Profile
    secrets: Secrets
    exchange: Callable[[], Token]
    keep: bool

    def __repr__(self) -> str:
        return f"Holder({self.profile.name!r})"

    @property
    def owner(self) -> str:
        """A digest of the account and the credentials: others must not get this token."""
        parts = [self.profile.base_url, *(self.secrets[name] for name in sorted(self.secrets))]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


class AccessTokens:
    """The tokens of this process's profiles, kept in the keyring between runs if `keep` is set.

    Without a keyring none is kept, and none of an earlier run is used. If the keyring fails, a new
    token is requested, and the look-up does not fail.
    """

    def __init__(self, keyring: KeyringStore | None, now: Callable[[], float] = time.time) -> None:
        self._keyring = keyring
        self._now = now
        self._held: dict[str, StoredToken] = {}
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    def get(self, holder: Holder) -> str:
        """Return a valid token, a new one if needed; raise what `exchange` raises."""
        with self._locks[holder.profile.name]:
            held = self._held.get(holder.profile.name) or self._kept(holder)
            if held and held.owner == holder.owner and held.ends - MARGIN_SECONDS > self._now():
                self._held[holder.profile.name] = held
                return held.token
            return self._exchange(holder)

    def replace(self, holder: Holder, refused: str) -> str:
        """Return another token than the refused one, perhaps one that another thread got."""
        with self._locks[holder.profile.name]:
            held = self._held.get(holder.profile.name)
            if held and held.token != refused:
                return held.token
            return self._exchange(holder)

    def _exchange(self, holder: Holder) -> str:
        token = holder.exchange()
        ends = self._now() + min(token.lifetime, LONGEST_LIFETIME_SECONDS)
        held = StoredToken(token.value, ends, holder.owner)
        self._held[holder.profile.name] = held
        if holder.keep and self._keyring:
            with suppress(KeyringError):
                text = msgspec.json.encode(held).decode()
                self._keyring.set(service(holder.profile.name), KEYRING_USER, text)
        return token.value

    def _kept(self, holder: Holder) -> StoredToken | None:
        if holder.keep and self._keyring:
            with suppress(KeyringError, msgspec.MsgspecError):
                if text := self._keyring.get(service(holder.profile.name), KEYRING_USER):
                    return msgspec.json.decode(text, type=StoredToken)
        return None
