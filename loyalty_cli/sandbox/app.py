"""All platforms of the sandbox at one address, each under its provider's name."""

from msgspec.structs import replace

from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Handle, Received, Reply


def sandbox(ledger: Ledger) -> Handle:
    """Make the handle of a sandbox; raise LoyaltyError if its ledger cannot be used."""
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
