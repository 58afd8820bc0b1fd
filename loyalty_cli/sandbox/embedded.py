"""The sandbox inside the process: for `--sandbox`, and for `loyalty sandbox` to serve."""

from collections.abc import Iterator
from contextlib import contextmanager

from loyalty_cli.config.folders import state_folder
from loyalty_cli.config.load import Config
from loyalty_cli.sandbox.app import sandbox
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.profiles import DEFAULT_PROFILE, SandboxCredentials, sandbox_profiles
from loyalty_cli.sandbox.server import Server

JOURNAL = "sandbox-journal.db"
"""The journal of debits in the sandbox, beside its ledger."""


def open_ledger() -> Ledger:
    """The ledger in the user's state folder; raise LoyaltyError without a home folder."""
    return Ledger(state_folder() / "sandbox.db")


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Serve the sandbox on loopback, and yield its URL; raise LoyaltyError if that fails."""
    with Server(sandbox(open_ledger()), port) as server:
        yield server.url


@contextmanager
def embedded_sandbox() -> Iterator[tuple[Config, SandboxCredentials]]:
    """Serve the sandbox, and yield its profiles and their credentials."""
    with serving() as url:
        yield Config("the sandbox", sandbox_profiles(url), DEFAULT_PROFILE), SandboxCredentials()
