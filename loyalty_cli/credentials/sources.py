"""Where credentials come from: the environment, a credentials folder, the keyring, in this order.

The first source that has a credential wins. A source that has it but cannot be read is an error.
"""

import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from loyalty_cli.config.file import warnings_about
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
READABLE_BY_OTHERS = 0o004


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


def name_sources(refusal: LoyaltyError, profile: str, found: Mapping[str, Credential]) -> None:
    """Say in the error of a refusal where the credentials of a profile came from."""
    sources = " and ".join(dict.fromkeys(each.source for each in found.values()))
    refusal.message += f" They came from {sources}."
    is_kept = all(each.kind == KEYRING for each in found.values())
    refusal.hint = (
        f"Put the right ones there with `loyalty login {profile}`."
        if is_kept
        else "Put the right ones there."  # not `login`: there may be no keyring
    )


def without_keyring(profile: Profile, names: Sequence[str]) -> str:
    """Where a person puts credentials on a system without a keyring."""
    variables = " and ".join(environment_name(profile.name, name) for name in names)
    files = " and ".join(f"{profile.name}.{name}" for name in names)
    them = "them" if len(names) > 1 else "it"
    folder = FOLDER_VARIABLES[0]
    return f"Set {variables}, or write {them} into {files} in the folder that {folder} names."


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
        self._warned: set[str] = set()

    def find(self, profile: Profile, name: str) -> Credential | None:
        """Find one credential, or None; raise LoyaltyError if a source cannot be read."""
        return (
            self._from_environment(profile, name)
            or self._from_folder(profile, name)
            or self._from_keyring(profile, name)
        )

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        """Find all credentials of a profile; raises LoyaltyError, which names each missing one."""
        found = {name: self.find(profile, name) for name in profile.auth.fields}
        credentials = {name: each for name, each in found.items() if each is not None}
        if missing := [name for name in found if name not in credentials]:
            raise self._missing(profile, missing)
        return credentials

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
            content, status = read_regular_file(path, SIZE_LIMIT)
            secret = content.decode("utf-8")
            self._warn_of_others(path, status.st_mode)
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
            if self._keyring.is_plaintext():
                self._warn_once(f"the keyring ({backend}) keeps secrets unencrypted in a file.")
        except NoKeyringError:
            return None
        except KeyringError as error:
            raise _unreadable(
                f"{name} of the profile {profile.name!r}: {error} (entry {entry}).",
                f"Unlock or repair the keyring, or set {environment_name(profile.name, name)}.",
            ) from None
        found = _checked(secret, f"the keyring entry {entry}")
        return Credential(found, f"keyring {entry} ({backend})", KEYRING)

    def _warn_of_others(self, file: Path, mode: int) -> None:
        """Warn of a file that other users can read or write, and of a folder that they can write.

        A group may read: services and containers get their credentials so. In a folder with the
        sticky bit, others cannot replace a file.
        """
        told = warnings_about(file, mode)
        if mode & READABLE_BY_OTHERS:
            told = (f"{file} can be read by other users; run chmod 600 on it.",)
        folder = file.parent.stat().st_mode
        if not folder & stat.S_ISVTX:
            told += warnings_about(file.parent, folder, "700")
        for warning in told:
            self._warn_once(warning)

    def _warn_once(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            self._warn(warning)

    def _missing(self, profile: Profile, names: Sequence[str]) -> LoyaltyError:
        variables = " and ".join(environment_name(profile.name, name) for name in names)
        files = [f"{profile.name}.{name}" for name in names]
        several = len(names) > 1
        hint = f"Run `loyalty login {profile.name}`, or set {variables}."
        try:
            none = "has none of them" if several else "has none"
            keyring = f"the keyring ({self._keyring.backend_name()}) {none}"
        except NoKeyringError as error:
            keyring = str(error)
            hint = without_keyring(profile, names)
        except KeyringError as error:
            keyring = str(error)
        places = [f"{variables} {'are' if several else 'is'} not set"]
        if folder := self._folder_variable():
            places.append(f"{self._environment[folder]} has no file {' or '.join(files)}")
        return LoyaltyError(
            ErrorCode.CREDENTIAL_MISSING,
            f"no {' and no '.join(names)} for the profile {profile.name!r}:"
            f" {', '.join(places)}, and {keyring}.",
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
