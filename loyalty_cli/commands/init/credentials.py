"""The credentials of a new profile: given or found, checked, and stored with the file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from loyalty_cli.commands.confirm import is_interactive
from loyalty_cli.commands.credential_input import from_stdin, from_terminal
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.init.draft import Draft, Place
from loyalty_cli.commands.init.request import InitRequest, refuse
from loyalty_cli.commands.session import Session
from loyalty_cli.config.edit import text_of
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.login import check_credentials, put, require_backend, take_out
from loyalty_cli.credentials.sources import KEYRING
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.output import messages

TRIES = 3
"""How often credentials are asked for, if the platform refuses them."""


class Credentialed(NamedTuple):
    """The credentials that were given, for the keyring; its name, None if there is none."""

    given: Mapping[str, str] | None
    backend: str | None


def credentials_of(
    session: Session, chosen: Globals, profile: Profile, request: InitRequest
) -> Credentialed:
    """The credentials, if there are any to give; the platform has not refused them."""

    def checked(given: Mapping[str, str] | None, source: str = "") -> Mapping[str, str] | None:
        if request.check:
            from loyalty_cli.commands.key_check import Given, require_accepted

            require_accepted(session, chosen, profile, Given(given, source) if given else None)
        return given

    backend = _backend(session, profile, request)
    if request.stdin:
        given = check_credentials(profile, from_stdin())
        return Credentialed(checked(given, "stdin"), backend)
    if _are_elsewhere(session, profile):
        return Credentialed(checked(None), backend)
    if backend is None:
        return Credentialed(None, None)
    if not is_interactive():
        refuse(["--stdin"])
    for _ in range(TRIES - 1):
        try:
            given = check_credentials(profile, from_terminal(profile))
            return Credentialed(checked(given, "the terminal"), backend)
        except LoyaltyError as error:
            if error.code not in (ErrorCode.CREDENTIAL_REFUSED, ErrorCode.USAGE):
                raise
            hint = "Type them again, or end with Ctrl-C."
            messages.error(error.message, hint, code=error.code)
    given = check_credentials(profile, from_terminal(profile))
    return Credentialed(checked(given, "the terminal"), backend)


def _backend(session: Session, profile: Profile, request: InitRequest) -> str | None:
    """The keyring's name; None without one. Raises LoyaltyError if what is sent needs one."""
    try:
        return require_backend(session.keyring, profile, allow_plaintext=request.allow_plaintext)
    except LoyaltyError as error:
        if not request.stdin:
            return None
        error.message = f"the credentials cannot be kept: {error.message}"
        error.hint = f"{error.hint} Without --stdin, init writes the profile alone."
        raise


def _are_elsewhere(session: Session, profile: Profile) -> bool:
    """Whether all credentials come from the environment or from files."""
    try:
        found = [session.credentials.find(profile, name) for name in profile.auth.fields]
    except LoyaltyError:  # of the keyring: told when they are stored
        return False
    return all(each is not None and each.kind != KEYRING for each in found)


@contextmanager
def stored(session: Session, place: Place, draft: Draft, found: Credentialed) -> Iterator[None]:
    """Store credentials for the block; take them out again if it does not write the file."""
    try:
        if found.given:
            put(session.keyring, draft.profile, found.given)
        yield
    except BaseException:
        if found.given and text_of(place.path) != draft.text:
            with suppress(LoyaltyError):
                take_out(session.keyring, draft.profile)
        raise
