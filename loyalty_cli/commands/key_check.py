"""Ask platforms whether they take credentials, and say what they answered."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.platforms import platform_client
from loyalty_cli.commands.session import Session
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.login import GivenCredentials
from loyalty_cli.lists.parallel import map_in_order
from loyalty_cli.model.errors import ASKED_TO_WAIT, ErrorCode, LoyaltyError
from loyalty_cli.model.exit_codes import ExitCode, exit_code_of, exit_code_of_all
from loyalty_cli.model.records import Failure, KeyCheckRecord
from loyalty_cli.network.failures import TRY_AGAIN
from loyalty_cli.network.key_check import check_key
from loyalty_cli.output import messages


class Given(NamedTuple):
    """Credentials that were just given, and where: on stdin, or in the terminal."""

    secrets: Mapping[str, str]
    source: str


def key_checks(session: Session, chosen: Globals) -> list[KeyCheckRecord]:
    """Ask the platform of each profile, several at a time; in the order of the profile file."""
    platforms = platform_client(session, chosen, keep_tokens=False)

    def asked(profile: Profile) -> KeyCheckRecord:
        try:
            check = check_key(platforms, profile)
        except LoyaltyError as error:
            return KeyCheckRecord(result="not_asked", error=Failure.of(error))
        return KeyCheckRecord(
            result=check.result, error=None if check.error is None else Failure.of(check.error)
        )

    return list(map_in_order(asked, session.config.profiles.values()))


def exit_code_of_checks(checks: Iterable[KeyCheckRecord]) -> ExitCode:
    """4 if a credential is missing or refused; else what is unclear decides.

    That only a customer's own credentials can be checked with that customer is no failure.
    """
    errors = [each.error.code for each in checks if each.error]
    codes = [code for code in errors if code != ErrorCode.USAGE]
    if any(exit_code_of(code) == ExitCode.CREDENTIAL for code in codes):
        return ExitCode.CREDENTIAL
    return exit_code_of_all(codes)


def require_accepted(
    session: Session,
    chosen: Globals,
    profile: Profile,
    given: Given | None = None,
    customer: str | None = None,
) -> bool:
    """Raise LoyaltyError if the platform refuses the credentials of a profile, or those given.

    Says what it answered otherwise; False if that leaves it unclear whether it takes them. Raises
    LoyaltyError, too, if a credential is missing.
    """
    title = profile.provider.title
    if given:
        session = replace(session, credentials=GivenCredentials(given.secrets, given.source))
    check = check_key(platform_client(session, chosen, keep_tokens=False), profile, customer)
    if check.error is None:
        messages.note(f"{title} takes these credentials.")
    elif check.result == "refused":
        hint = "Check them, and give the right ones. --no-check stores them anyway."
        raise LoyaltyError(
            check.error.code,
            f"{check.error.message} Nothing was stored.",
            hint=hint if given else check.error.hint,
            http_status=check.error.http_status,
            provider_code=check.error.provider_code,
        )
    else:
        hint = check.error.hint or ""
        if customer is not None or hint == TRY_AGAIN or check.error.code in ASKED_TO_WAIT:
            hint = ""  # to try again is no advice about what is stored all the same
        words = f"{check.error.message} {hint}".strip()
        messages.warning(f"it is unclear whether {title} takes these credentials: {words}")
    return check.error is None
