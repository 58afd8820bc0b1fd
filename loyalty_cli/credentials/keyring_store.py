"""The system's keyring, with a timeout for each call unless it asks a person.

A keyring can wait for ever, for a prompt that nobody sees or a bus without a server. So every call,
and the import, runs in a thread that is left behind after the timeout.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from threading import Lock, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

TIMEOUT_SECONDS = 5.0
SILENCE_SECONDS = 1.0
"""How long a person waits before being told what for."""
INTERRUPTIBLE_SECONDS = 0.2
"""The longest single wait for a person: on Windows, Ctrl-C does not interrupt one."""

Result = TypeVar("Result")
Telling = Callable[[str], AbstractContextManager[None]]
"""Tells a person what is waited for, until the block ends."""


class KeyringError(Exception):
    """The keyring failed; the message names the backend."""


class NoKeyringError(KeyringError):
    """There is no keyring on this system."""


def service(profile: str) -> str:
    """The name of a profile's entries in the keyring."""
    return f"loyalty-cli/{profile}"


class KeyringStore:
    """Entries of a service, each a user name and a secret.

    Every method raises KeyringError if the keyring is broken or stays locked, or takes longer than
    TIMEOUT_SECONDS; after a timeout or a dismissed prompt the keyring is not asked again. With
    `telling` there is a person to answer prompts, and these are waited for without a timeout.
    """

    def __init__(self, telling: Telling | None = None) -> None:
        self._telling = telling
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
        with self._lock:  # one prompt unlocks the keyring for all who wait here
            if self._gave_up:
                raise KeyringError(self._gave_up)
            answer = _Answer(lambda: self._put(question))
            is_there = self._comes(answer)
            name = f"the keyring ({self._backend_name or 'no backend yet'})"
            if not is_there:
                self._gave_up = (
                    f"{name} did not answer within {TIMEOUT_SECONDS:.0f} s;"
                    " it may be locked, or waiting for a prompt"
                )
                raise KeyringError(self._gave_up)
        if answer.error is None:
            return answer.result
        if isinstance(answer.error, KeyringError):
            raise answer.error
        text = " ".join(str(answer.error).split()) or "no reason given"
        raise KeyringError(f"{name} failed: {type(answer.error).__name__}: {text}") from None

    def _comes(self, answer: "_Answer[Result]") -> bool:
        """Wait for an answer: briefly, or until a person has answered the keyring's prompt."""
        if self._telling is None:
            return answer.comes_within(TIMEOUT_SECONDS)
        if answer.comes_within(SILENCE_SECONDS):
            return True
        # A keyring that answers this one is well, and waits for a person to answer the other.
        locked = _Answer(lambda: _is_locked(self._backend()))
        is_well = locked.comes_within(TIMEOUT_SECONDS - SILENCE_SECONDS)
        if not is_well or answer.comes_within(0):
            return answer.comes_within(0)
        name = f"The keyring ({self._backend_name})"
        with self._telling(
            f"{name} is locked: type its password where it asks for it. Ctrl-C ends the wait."
            if locked.error is None and locked.result
            else f"{name} does not answer: it may be asking you. Ctrl-C ends the wait."
        ):
            # Ctrl-C leaves the prompt open: told to dismiss one, GNOME's keyring crashes.
            while not answer.comes_within(INTERRUPTIBLE_SECONDS):
                pass
        return True

    def _put(self, question: "Callable[[KeyringBackend], Result]") -> Result:
        backend = self._backend()
        from keyring.errors import KeyringLocked

        try:
            return question(backend)
        except KeyringLocked:
            self._gave_up = (
                f"the keyring ({backend.name}) was not unlocked:"
                " its prompt was dismissed, or could not be shown"
            )
            raise KeyringError(self._gave_up) from None

    def _backend(self) -> "KeyringBackend":
        import keyring
        from keyring.backends import fail

        backend = keyring.get_keyring()
        if isinstance(backend, fail.Keyring):
            raise NoKeyringError("there is no keyring on this system")
        self._backend_name = backend.name
        return backend


class _Answer(Generic[Result]):
    """What a function returns or raises in a thread of its own; `result` and `error` come later."""

    result: Result

    def __init__(self, function: Callable[[], Result]) -> None:
        self.error: BaseException | None = None
        self._function = function
        self._thread = Thread(target=self._run, name="keyring", daemon=True)
        self._thread.start()

    def comes_within(self, seconds: float) -> bool:
        """Wait until it is there, but not for longer."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as error:  # noqa: BLE001 - backends may raise anything, even SystemExit
            self.error = error


def _is_plaintext(backend: "KeyringBackend") -> bool:
    first = _first(backend)
    scheme = getattr(first, "scheme", "")
    return "plaintext" in type(first).__name__.lower() or scheme == "no encryption"


def _is_locked(backend: "KeyringBackend") -> bool:
    """Whether a keyring is known to be locked; only a Secret Service says so."""
    first = _first(backend)
    if type(first).__module__ != "keyring.backends.SecretService":
        return False
    import secretstorage
    from secretstorage.collection import DEFAULT_COLLECTION

    with closing(secretstorage.dbus_init()) as bus:
        path = getattr(first, "preferred_collection", DEFAULT_COLLECTION)
        return secretstorage.Collection(bus, path).is_locked()


def _first(backend: "KeyringBackend") -> "KeyringBackend":
    """The backend to which a chainer writes; any other is its own."""
    return next(iter(getattr(backend, "backends", ())), backend)
