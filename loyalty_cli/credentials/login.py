"""A profile's credentials in the keyring: storing and removing them."""

import os
from collections.abc import Mapping

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import KEYRING_USER as TOKEN
from loyalty_cli.credentials.keyring_store import (
    KeyringError,
    KeyringStore,
    NoKeyringError,
    service,
)
from loyalty_cli.credentials.sources import Credential, check_secret, without_keyring
from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, nearest, usage_error

GIVEN = "given"


class GivenCredentials:
    """Credentials of one profile that were just given, and are not stored yet."""

    def __init__(self, given: Mapping[str, str], source: str) -> None:
        self._found = {name: Credential(secret, source, GIVEN) for name, secret in given.items()}

    def find(self, profile: Profile, name: str) -> Credential | None:
        """Find one credential; None if it was not given."""
        del profile
        return self._found.get(name)

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        """Find all credentials that were given."""
        del profile
        return self._found


def require_backend(keyring: KeyringStore, profile: Profile, *, allow_plaintext: bool) -> str:
    """Return the keyring's name; raise LoyaltyError if there is none, or it does not encrypt."""
    try:
        backend = keyring.backend_name()
        plaintext = keyring.is_plaintext()
    except NoKeyringError as error:
        raise LoyaltyError(
            ErrorCode.CREDENTIAL_UNREADABLE,
            f"{error}; nothing was stored.",
            hint=without_keyring(profile, profile.auth.fields),
        ) from None
    except KeyringError as error:
        raise _failed(profile, error) from None
    if plaintext and not allow_plaintext:
        raise LoyaltyError(
            ErrorCode.CREDENTIAL_UNREADABLE,
            f"the keyring ({backend}) keeps secrets unencrypted in a file; nothing was stored.",
            hint="Set up an encrypting keyring, or store them anyway with --allow-plaintext.",
        )
    return backend


def check_credentials(profile: Profile, given: Mapping[str, str]) -> Mapping[str, str]:
    """Check that all credentials of a profile are given, and no others; raises LoyaltyError."""
    for name, secret in given.items():
        if name not in profile.auth.fields:
            # Without the name: a bare secret that ends with = would be taken for a name.
            usage_error(
                f"a name on stdin is not a credential of {profile.name}; nothing was stored.",
                nearest(name, profile.auth.fields),
            )
        try:
            check_secret(secret)
        except ValueError as error:
            usage_error(f"{name} {error}; nothing was stored.")
    for name in profile.auth.fields:
        if name not in given:
            usage_error(f"{name} is missing; nothing was stored.", f"Add a line {name}=VALUE.")
    return given


def has_other(keyring: KeyringStore, profile: Profile, given: Mapping[str, str]) -> bool:
    """Whether the keyring has other credentials of a profile than those given."""
    try:
        kept = {name: keyring.get(service(profile.name), name) for name in given}
    except KeyringError as error:
        raise _failed(profile, error) from None
    return any(kept[name] not in (None, secret) for name, secret in given.items())


def put(keyring: KeyringStore, profile: Profile, credentials: Mapping[str, str]) -> None:
    """Store credentials; remove the older ones and their access token."""
    stored: list[str] = []
    try:
        for name, secret in credentials.items():
            keyring.set(service(profile.name), name, secret)
            stored.append(name)
        keyring.delete(service(profile.name), TOKEN)
    except KeyringError as error:
        raise _failed(profile, error, f" {', '.join(stored) or 'Nothing'} was stored.") from None


def take_out(keyring: KeyringStore, profile: Profile) -> list[str]:
    """Remove all entries of a profile; return the names of those that were there."""
    gone: list[str] = []
    try:
        names = (*profile.provider.credential_fields(), TOKEN)
        gone.extend(name for name in names if keyring.delete(service(profile.name), name))
    except NoKeyringError as error:
        done = f"{error}; nothing was removed."
        raise LoyaltyError(ErrorCode.CREDENTIAL_UNREADABLE, done) from None
    except KeyringError as error:
        raise _failed(profile, error, f" {', '.join(gone) or 'Nothing'} was removed.") from None
    return gone


def shadowed(profile: Profile) -> list[str]:
    """The environment variables that are set, and so are used instead of the keyring."""
    variables = [environment_name(profile.name, name) for name in profile.auth.fields]
    return [variable for variable in variables if variable in os.environ]


def _failed(profile: Profile, error: KeyringError, done: str = "") -> LoyaltyError:
    variables = ", ".join(environment_name(profile.name, name) for name in profile.auth.fields)
    return LoyaltyError(
        ErrorCode.CREDENTIAL_UNREADABLE,
        f"{error} (entries {service(profile.name)}).{done}",
        hint=f"Unlock or repair the keyring and run it again, or set {variables}.",
    )
