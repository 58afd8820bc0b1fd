"""Where credentials come from: the environment, a credentials folder, the keyring, in this order.

The first source that has a credential wins. A source that has it but cannot be read is an error.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.config.small_file import read_regular_file
from loyalty_cli.credentials.keyring_store import (
    KeyringError,
    KeyringStore,
    NoKeyringError,
    service,
)
from loyalty_cli.credentials.redaction import remember
from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, os_error_text

FOLDER_VARIABLES = ("LOYALTY_CREDENTIALS_DIR", "CREDENTIALS_DIRECTORY")
SIZE_LIMIT = 64 * 1024
KEYRING = "keyring"


class Credential(Struct, frozen=True):
    """A secret, and its source in words for the user; `kind` is the source's short name."""

    secret: str
    source: str
    kind: str

    def __repr__(self) -> str:
        return f"Credential(source={self.source!r})"


def check_secret(secret: str) -> None:
    """Check that a credential can be sent; raise ValueError, without the secret in its text."""
    remember(secret)
    if not secret:
        raise ValueError("is empty")
    if "\n" in secret or "\r" in secret:
        raise ValueError("has a line break in it")
    if secret != secret.strip(" "):
        raise ValueError("begins or ends with a space")
    if not secret.isprintable():
        raise ValueError("has a character in it that cannot be printed")
    try:
        secret.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("has a character in it that cannot be sent (not Latin-1)") from None


class CredentialSource(Protocol):
    """A source of credentials: those of this process, or those of the sandbox."""

    def find(self, profile: Profile, name: str) -> Credential | None:
        """Find one credential; None if there is none."""

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        """Find all credentials of a profile; raises LoyaltyError if one is missing."""


class Credentials:
    """Credentials from the environment, a folder and the keyring of this process."""

    def __init__(
        self, environment: Mapping[str, str], keyring: KeyringStore, warn: Callable[[str], None]
    ) -> None:
        self._environment = environment
        self._keyring = keyring
        self._warn = warn
        self._warned_of_plaintext = False

    def find(self, profile: Profile, name: str) -> Credential | None:
        """Find one credential, or None; raise LoyaltyError if a source cannot be read."""
        return (
            self._from_environment(profile, name)
            or self._from_folder(profile, name)
            or self._from_keyring(profile, name)
        )

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        """Find all credentials of a profile; raises LoyaltyError if one is missing."""
        found = {}
        for name in profile.auth.fields:
            credential = self.find(profile, name)
            if credential is None:
                raise self._missing(profile, name)
            found[name] = credential
        return found

    def _from_environment(self, profile: Profile, name: str) -> Credential | None:
        variable = environment_name(profile.name, name)
        secret = self._environment.get(variable)
        if secret is None:
            return None
        checked = _checked(secret, f"{variable} in the environment")
        return Credential(checked, f"environment {variable}", "environment")

    def _from_folder(self, profile: Profile, name: str) -> Credential | None:
        variable = self._folder_variable()
        if variable is None:
            return None
        if not self._environment[variable]:
            raise _unreadable(f"{variable} in the environment is empty.")
        folder = Path(self._environment[variable])
        path = folder / f"{profile.name}.{name}"
        try:
            content, _ = read_regular_file(path, SIZE_LIMIT)
            secret = content.decode("utf-8")
        except FileNotFoundError:
            if path.is_symlink():
                raise _unreadable(f"the credential file {path} is a broken link.") from None
            if folder.is_dir():
                return None
            raise _unreadable(f"there is no folder {folder}, which {variable} names.") from None
        except (OSError, ValueError) as error:
            why = os_error_text(error)
            raise _unreadable(f"the credential file {path} cannot be read: {why}.") from None
        secret = secret.removesuffix("\r\n" if secret.endswith("\r\n") else "\n")
        return Credential(_checked(secret, f"the credential file {path}"), f"file {path}", "file")

    def _folder_variable(self) -> str | None:
        return next((each for each in FOLDER_VARIABLES if each in self._environment), None)

    def _from_keyring(self, profile: Profile, name: str) -> Credential | None:
        entry = f"{service(profile.name)} {name}"
        try:
            secret = self._keyring.get(service(profile.name), name)
            if secret is None:
                return None
            backend = self._keyring.backend_name()
            if self._keyring.is_plaintext() and not self._warned_of_plaintext:
                self._warned_of_plaintext = True
                self._warn(f"the keyring ({backend}) keeps secrets unencrypted in a file.")
        except NoKeyringError:
            return None
        except KeyringError as error:
            raise _unreadable(
                f"{name} of the profile {profile.name!r}: {error} (entry {entry}).",
                f"Unlock or repair the keyring, or set {environment_name(profile.name, name)}.",
            ) from None
        found = _checked(secret, f"the keyring entry {entry}")
        return Credential(found, f"keyring {entry} ({backend})", KEYRING)

    def _missing(self, profile: Profile, name: str) -> LoyaltyError:
        variable = environment_name(profile.name, name)
        hint = f"Run `loyalty login {profile.name}`, or set {variable}."
        try:
            keyring = f"the keyring ({self._keyring.backend_name()}) has none"
        except NoKeyringError as error:
            keyring = str(error)
            hint = (
                f"Set {variable}, or write it into {profile.name}.{name} in the folder that"
                f" {FOLDER_VARIABLES[0]} names."
            )
        except KeyringError as error:
            keyring = str(error)
        places = [f"{variable} is not set"]
        if folder := self._folder_variable():
            places.append(f"{self._environment[folder]} has no file {profile.name}.{name}")
        return LoyaltyError(
            ErrorCode.CREDENTIAL_MISSING,
            f"no {name} for the profile {profile.name!r}: {', '.join(places)}, and {keyring}.",
            hint=hint,
        )


def _checked(secret: str, source: str) -> str:
    try:
        check_secret(secret)
    except ValueError as error:
        raise _unreadable(f"{source} {error}.") from None
    return secret


def _unreadable(message: str, hint: str = "Fix it, or remove it.") -> LoyaltyError:
    return LoyaltyError(ErrorCode.CREDENTIAL_UNREADABLE, message, hint=hint)
