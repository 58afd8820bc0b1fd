"""A keyring for tests: its entries stand in a JSON file, so that two processes can share it."""

import json
import os
from pathlib import Path
from typing import Any

from keyring.backend import KeyringBackend

FILE = "TEST_KEYRING_FILE"
"""The environment variable that names the file."""
FORBIDDEN = "TEST_KEYRING_FORBIDS"
"""The environment variable that names an entry which cannot be read or written."""


def entries() -> dict[str, str]:
    """What the keyring holds: `service user` to secret."""
    path = Path(os.environ[FILE])
    loaded: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return loaded


def keep(held: dict[str, str]) -> None:
    """Let the keyring hold this."""
    Path(os.environ[FILE]).write_text(json.dumps(held))


class Keyring(KeyringBackend):
    """Ready wherever FILE is set; never chosen by itself."""

    priority: Any = -1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # keyring's

    def get_password(self, service: str, username: str) -> str | None:
        _check(username)
        return entries().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        _check(username)
        keep(entries() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        _check(username)
        held = entries()
        del held[f"{service} {username}"]
        keep(held)


def _check(user: str) -> None:
    if user == os.environ.get(FORBIDDEN):
        raise OSError("the keyring does not want to")
