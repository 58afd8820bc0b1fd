"""Keyrings that are well, and keyrings that are not."""

from threading import Event
from typing import TypeVar

import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class Memory(KeyringBackend):
    """Keeps its entries in a dict."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # keyring's
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError


class Blocking(Memory):
    """Waits until it is released, as for a prompt that nobody sees; counts the questions."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.released = Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.released.wait()
        return super().get_password(service, username)


class Raising(Memory):
    """Raises what it is given, whatever is asked."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        del service, username
        raise self.error


class Talkative(Memory):
    """Says, when it fails to write, what it was to write."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise ValueError(f"{service} {username} {password} is too long")


class Failing(Memory):
    """Fails at one entry and does the others."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def get_password(self, service: str, username: str) -> str | None:
        if username == self.at:
            raise OSError("the disk is full")
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.get_password(service, username)
        super().set_password(service, username, password)


class PlaintextMemory(Memory):
    """Has the name of one that does not encrypt."""


Backend = TypeVar("Backend", bound=KeyringBackend)


def use(monkeypatch: pytest.MonkeyPatch, backend: Backend) -> Backend:
    """Let this process use a backend until the test ends."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return backend
