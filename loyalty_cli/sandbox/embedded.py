"""The sandbox inside the process: for `--sandbox`, and for `loyalty sandbox` to serve."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from loyalty_cli.config.folders import state_folder
from loyalty_cli.config.load import Config
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.profiles import DEFAULT_PROFILE, SandboxCredentials, sandbox_profiles
from loyalty_cli.sandbox.server import Handle, Received, Reply, Server

JOURNAL = "sandbox-journal.db"
"""The journal of debits with --sandbox, beside the sandbox's ledger."""
SERVED_JOURNAL = "served-sandbox-journal.db"
"""The journal in the printed profile file: a served sandbox has another address."""

PEOPLE = "sandbox-people.db"
"""What is kept about people in the sandbox, in the user's data folder."""
SERVED_PEOPLE = "served-sandbox-people.db"
"""The same of a served sandbox, so that its people are not among the real ones."""


def open_ledger() -> Ledger:
    """The ledger in the user's state folder; raise LoyaltyError without a home folder."""
    return Ledger(state_folder() / "sandbox.db")


def sandbox(ledger: Ledger) -> Handle:
    """All platforms at one address, by provider; raise LoyaltyError if the ledger is not usable."""
    ledger.check()
    index = Reply(body={"sandbox": True, "providers": {name: f"/{name}" for name in APIS}})

    def handle(received: Received) -> Reply:
        match received.path:
            case ():
                return index
            case (name, *path) if name in APIS:
                return APIS[name].handle(replace(received, path=tuple(path)), ledger)
            case _:
                return Reply(404, {"message": f"The sandbox has {', '.join(APIS)}"})

    return handle


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Serve the sandbox on loopback, and yield its URL; raise LoyaltyError if that fails."""
    with Server(sandbox(open_ledger()), port) as server:
        yield server.url


@contextmanager
def embedded_sandbox() -> Iterator[tuple[Config, SandboxCredentials]]:
    """Serve the sandbox, and yield its profiles and their credentials."""
    with serving() as url:
        profiles = sandbox_profiles(url)
        journal = str(state_folder() / JOURNAL)
        config = Config("the sandbox", profiles, DEFAULT_PROFILE, journal, history=True)
        yield config, SandboxCredentials()
