"""Tokens that a platform gave in exchange for credentials: used while they live."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

import msgspec

from loyalty_cli.keyring_store import KeyringError, KeyringStore, service
from loyalty_cli.profile import Profile
from loyalty_cli.providers.contract import Secrets, Token

KEYRING_USER = "token"
MARGIN = 30.0
"""Seconds before its end at which a token is no longer used: requests take time."""
LONGEST = 86400.0


class StoredToken(msgspec.Struct, frozen=True):
    """A token as it is kept: until when it lives (Unix time), and for which credentials it is."""

    token: str
    ends: float
    owner: str


class Tokens:
    """The tokens of this process's profiles, kept in the keyring between runs where asked to.

    A keyring that fails costs an exchange, not the look-up: the credentials were read already.
    """

    def __init__(self, keyring: KeyringStore, now: Callable[[], float] = time.time) -> None:
        self._keyring = keyring
        self._now = now
        self._held: dict[str, StoredToken] = {}
        self._lock = Lock()

    def get(
        self, profile: Profile, secrets: Secrets, exchange: Callable[[], Token], *, keep: bool
    ) -> str:
        """Give the living token of a profile, or exchange the credentials for a new one.

        With `keep`, it is looked for and kept in the keyring. Raises what `exchange` raises.
        """
        owner = _owner(profile, secrets)
        with self._lock:
            held = self._held.get(profile.name) or (self._kept(profile) if keep else None)
            if held is None or held.owner != owner or held.ends - MARGIN <= self._now():
                token = exchange()
                held = StoredToken(token.value, self._now() + min(token.lifetime, LONGEST), owner)
                if keep:
                    with suppress(KeyringError):
                        text = msgspec.json.encode(held).decode()
                        self._keyring.set(service(profile.name), KEYRING_USER, text)
            self._held[profile.name] = held
            return held.token

    def forget(self, profile: Profile, token: str, *, keep: bool) -> None:
        """Drop a token that the platform no longer takes, unless another took its place."""
        with self._lock:
            held = self._held.get(profile.name)
            if held and held.token == token:
                del self._held[profile.name]
                if keep:
                    with suppress(KeyringError):
                        self._keyring.delete(service(profile.name), KEYRING_USER)

    def _kept(self, profile: Profile) -> StoredToken | None:
        with suppress(KeyringError, msgspec.MsgspecError):
            if text := self._keyring.get(service(profile.name), KEYRING_USER):
                return msgspec.json.decode(text, type=StoredToken)
        return None


def _owner(profile: Profile, secrets: Secrets) -> str:
    parts = [profile.base_url, *(secrets[name] for name in sorted(secrets))]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
