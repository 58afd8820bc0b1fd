"""What a command works with: the profiles and their credentials."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from loyalty_cli.commands.confirm import is_interactive
from loyalty_cli.commands.globals import Globals
from loyalty_cli.config.folders import default_path
from loyalty_cli.config.load import Config, load
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credentials, CredentialSource
from loyalty_cli.model.errors import setup_error, usage_error
from loyalty_cli.model.named_commands import SANDBOX
from loyalty_cli.output import messages
from loyalty_cli.output.waiting import LINE


class Session(Struct, frozen=True):
    """The profiles that the command may use, their credentials, and the keyring."""

    config: Config
    credentials: CredentialSource
    keyring: KeyringStore

    def choose(self, named: Sequence[str], *, everything: bool) -> list[Profile]:
        """The requested profiles, in that order; raises LoyaltyError if there are none."""
        if everything:
            if named:
                usage_error("--profile and --all-profiles exclude each other.", "Leave one out.")
            return list(self.config.profiles.values())
        default = os.environ.get("LOYALTY_PROFILE") or self.config.default_profile
        names = list(named) or ([default] if default else [])
        if not names:
            setup_error(
                f"no profile was named, and {self.config.origin} has no default_profile.",
                f"Add -p NAME. Available: {', '.join(self.config.profiles)}.",
            )
        return [self.config.profile(name) for name in names]


@contextmanager
def open_session(chosen: Globals, *, for_debits: bool = False) -> Iterator[Session]:
    """Load the profile file, or start the sandbox; raises LoyaltyError if that fails.

    For debits, if LOYALTY_SANDBOX chose the sandbox, a file or pipe gets the banner, too.
    """
    keyring = open_keyring()
    if chosen.sandbox:
        from loyalty_cli.sandbox.embedded import embedded_sandbox

        messages.banner(
            SANDBOX,
            to_all=for_debits and not chosen.is_sandbox_typed,
        )
        with embedded_sandbox() as (config, credentials):
            yield Session(config, credentials, keyring)
        return
    config = load(chosen.config or default_path())
    for warning in config.warnings:
        messages.warning(warning)
    yield Session(config, Credentials(os.environ, keyring, messages.warning), keyring)


def open_keyring() -> KeyringStore:
    """The keyring; on a terminal it is waited for until a person has unlocked it."""
    return KeyringStore(_telling if is_interactive() else None)


@contextmanager
def _telling(why: str) -> Iterator[None]:
    """Tell a person why the keyring is waited for, and for how long in the block."""
    messages.note(why)
    with LINE.on("the keyring"):
        yield


def refuse_sandbox(chosen: Globals, command: str) -> None:
    """Raise LoyaltyError for a command that has no meaning in the sandbox."""
    if chosen.sandbox:
        hint = "Leave --sandbox out, or unset LOYALTY_SANDBOX."
        usage_error(f"`{command}` has no meaning in the sandbox.", hint)
