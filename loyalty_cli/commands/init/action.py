"""Makes a profile: nothing is written until everything is known and checked."""

import os
import shlex

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.init.credentials import Credentialed, credentials_of, stored
from loyalty_cli.commands.init.draft import Draft, Place, draft_of, place_at
from loyalty_cli.commands.init.request import InitRequest
from loyalty_cli.commands.session import Session, refuse_sandbox
from loyalty_cli.config.edit import replace_file
from loyalty_cli.config.folders import default_path
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.login import shadowed
from loyalty_cli.credentials.sources import Credentials
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.output import messages


def run(chosen: Globals, request: InitRequest) -> None:
    """Make a profile, and say what was done; raise LoyaltyError if nothing was."""
    refuse_sandbox(chosen, "init")
    place = place_at(chosen.config or default_path())
    draft = draft_of(place, request)
    keyring = KeyringStore()
    session = Session(draft.config, Credentials(os.environ, keyring, messages.warning), keyring)
    found = credentials_of(session, chosen, draft.profile, request)
    with stored(session, place, draft, found):
        replace_file(place.path, draft.text, place.text)
    _say_what_was_done(session, chosen, place, draft, found)


def _say_what_was_done(
    session: Session, chosen: Globals, place: Place, draft: Draft, found: Credentialed
) -> None:
    profile, try_it = draft.profile, "Try it"
    messages.note(f"{place.path} has the profile {profile.name!r} now.")
    if found.given:
        names = ", ".join(profile.auth.fields)
        messages.note(f"{names} of {profile.name} stored in the keyring ({found.backend}).")
        for variable in shadowed(profile):
            messages.warning(f"{variable} is set, and is used instead of the keyring.")
    else:
        try:
            for name, each in session.credentials.require(profile).items():
                messages.note(f"{name} comes from {each.source}.")
        except LoyaltyError as error:
            messages.warning(f"{error.message} {error.hint}")
            try_it = "Then try it"
    messages.note(f"{try_it}: {_command(chosen, draft)}")


def _command(chosen: Globals, draft: Draft) -> str:
    """The command to try, with a customer to fill in."""
    name, is_usual = draft.profile.name, draft.config.default_profile == draft.profile.name
    typed = chosen.config and os.environ.get("LOYALTY_CONFIG") != str(chosen.config)
    return shlex.join(
        [
            *("loyalty", *(("--config", str(chosen.config)) if typed else ())),
            *("balance", "CUSTOMER", *(() if is_usual else ("-p", name))),
        ]
    )
