"""A desktop that nobody sees: the keyring asks for its password in a real window."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.secret_service import PASSWORD, SecretService, running_secret_service
from tests.requires import needs

PROMPTER = "/usr/libexec/gcr-prompter"


class Desktop:
    """A display, and the keyring of the person before it."""

    def __init__(self, display: str, keyring: SecretService) -> None:
        self.keyring = keyring
        self._display = display

    def type_password(self) -> None:
        """Wait for the window that asks for the keyring's password, and give it."""
        self._focus()
        self._do("type", "--delay", "0", PASSWORD)
        self._do("key", "Return")

    def cancel(self) -> None:
        """Wait for that window, and send it away."""
        self._focus()
        self._do("key", "Escape")

    def _focus(self) -> None:
        # There is no window manager to do it.
        self._do("search", "--sync", "--onlyvisible", "--class", "gcr-prompter", "windowfocus")

    def _do(self, *command: str) -> None:
        env = {**os.environ, "DISPLAY": self._display}
        subprocess.run(["xdotool", *command], env=env, timeout=20, check=True)


@contextmanager
def running_desktop(folder: Path, environment: Mapping[str, str]) -> Iterator[Desktop]:
    """Run a display, a bus and an unlocked keyring; the path of `folder` must be short."""
    needs("Xvfb", "xdotool", PROMPTER)
    with _display() as display:
        environment = {**environment, "DISPLAY": display}
        with running_secret_service(folder, environment, prompter=PROMPTER) as keyring:
            yield Desktop(display, keyring)


@contextmanager
def _display() -> Iterator[str]:
    # It would begin anew, and drop who connects meanwhile, whenever the last window is closed.
    options = ("-noreset", "-nolisten", "tcp", "-screen", "0", "640x480x24", "-displayfd", "1")
    with subprocess.Popen(
        ["Xvfb", *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            number = server.stdout.readline().strip()
            assert number, "the display did not start"
            yield f":{number}"
        finally:
            server.terminate()
