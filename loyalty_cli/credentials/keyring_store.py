"""The system's keyring, with a timeout for each call.

A keyring can wait for ever, for a prompt that nobody sees or a bus without a server. So every call,
and the import, runs in a thread that is left behind after the timeout.
"""

import os
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

TIMEOUT_SECONDS = 5.0

Result = TypeVar("Result")


class KeyringError(Exception):
    """The keyring failed; the message names the backend."""


class NoKeyringError(KeyringError):
    """There is no keyring on this system."""


def service(profile: str) -> str:
    """The name of a profile's entries in the keyring."""
    return f"loyalty-cli/{profile}"


class KeyringStore:
    """Entries of a service, each a user name and a secret.

    Every method raises KeyringError if the keyring is broken or locked, or takes longer than
    TIMEOUT_SECONDS; after a timeout the keyring is not asked again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._gave_up: str | None = None
        self._backend_name = os.environ.get("PYTHON_KEYRING_BACKEND", "")

    def get(self, service: str, user: str) -> str | None:
        """Read a secret; None if there is no such entry."""
        return self._ask(lambda backend: backend.get_password(service, user))

    def set(self, service: str, user: str, secret: str) -> None:
        """Write a secret, and read it back to be sure."""

        def write(backend: "KeyringBackend") -> str | None:
            backend.set_password(service, user, secret)
            return backend.get_password(service, user)

        try:
            kept = self._ask(write)
        except KeyringError as error:
            # The error text of a backend may contain the secret.
            raise type(error)(str(error).replace(secret, "…")) from None
        if kept != secret:
            raise KeyringError(f"the keyring ({self._backend_name}) did not keep what was stored")

    def delete(self, service: str, user: str) -> bool:
        """Remove an entry; False if there is none."""

        def remove(backend: "KeyringBackend") -> bool:
            if backend.get_password(service, user) is None:
                return False
            backend.delete_password(service, user)
            return True

        return self._ask(remove)

    def backend_name(self) -> str:
        """The name of the backend in use."""
        self._ask(lambda _: None)
        return self._backend_name

    def is_plaintext(self) -> bool:
        """Whether the backend in use keeps secrets unencrypted in a file."""
        return self._ask(_is_plaintext)

    def _ask(self, question: "Callable[[KeyringBackend], Result]") -> Result:
        outcome: dict[str, Any] = {}

        def run() -> None:
            try:
                outcome["result"] = question(self._backend())
            except BaseException as error:  # noqa: BLE001 - backends may raise anything, even SystemExit
                outcome["error"] = error

        thread = Thread(target=run, name="keyring", daemon=True)
        with self._lock:
            if not self._gave_up:
                thread.start()
                thread.join(TIMEOUT_SECONDS)
            name = f"the keyring ({self._backend_name or 'no backend yet'})"
            if thread.is_alive():
                self._gave_up = (
                    f"{name} did not answer within {TIMEOUT_SECONDS:.0f} s;"
                    " it may be locked, or waiting for a prompt"
                )
            if self._gave_up:
                raise KeyringError(self._gave_up)
        if error := outcome.get("error"):
            if isinstance(error, KeyringError):
                raise error
            text = " ".join(str(error).split()) or "no reason given"
            raise KeyringError(f"{name} failed: {type(error).__name__}: {text}") from None
        result: Result = outcome["result"]
        return result

    def _backend(self) -> "KeyringBackend":
        import keyring
        from keyring.backends import fail

        backend = keyring.get_keyring()
        if isinstance(backend, fail.Keyring):
            raise NoKeyringError("there is no keyring on this system")
        self._backend_name = backend.name
        return backend


def _is_plaintext(backend: "KeyringBackend") -> bool:
    # A chainer writes to the first of its backends.
    first = next(iter(getattr(backend, "backends", ())), backend)
    scheme = getattr(first, "scheme", "")
    return "plaintext" in type(first).__name__.lower() or scheme == "no encryption"
