"""Judge a platform's answer: it has a body to read, or it is an error for the user."""

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.failures import bad_response
from loyalty_cli.network.retry import retry_after
from loyalty_cli.providers.contract import Answer, PlatformError

BEFORE_THE_PATH = "must end before the path of the API"
BY_STATUS = {
    401: ErrorCode.CREDENTIAL_REFUSED,
    403: ErrorCode.CREDENTIAL_REFUSED,
    404: ErrorCode.NOT_FOUND,
    407: ErrorCode.UNREACHABLE,
    408: ErrorCode.SERVER_ERROR,
    425: ErrorCode.SERVER_ERROR,
    429: ErrorCode.RATE_LIMITED,
}


class PerhapsWrongAddressError(LoyaltyError):
    """An unknown customer, if this is the platform at all: it did not say so in its own words."""


def error_in(
    answer: Answer, profile: Profile, customer: str | None, path: Sequence[str] = ()
) -> LoyaltyError | None:
    """Return the error in an answer; None if its body is what the request for `path` asked for.

    Without a `customer` the request was for a token, and a refusal means that the sign-in failed.
    An error with a known code counts at any status. With status 200, an error without a known
    code counts only if it has an error's status of its own, or for a provider with `errors_at_200`.
    """
    provider = profile.provider
    platform_error = provider.read_error(answer.json())
    own_status = platform_error.status if platform_error else None
    is_own = own_status is not None and own_status >= 400
    known = platform_error is not None and (platform_error.code or provider.errors_at_200)
    if answer.status == 200 and not (known or is_own):
        return None
    judged = answer
    if answer.status == 200 and own_status is not None and is_own:
        judged = replace(answer, status=own_status)
    if 300 <= answer.status < 400:
        to = answer.headers.get("location", "nowhere")
        return LoyaltyError(
            ErrorCode.REDIRECTED,
            f"{provider.title} at {profile.host} redirects to {to}, which is not followed.",
            hint="If that is the platform's new address, set it as base_url in the profile.",
            http_status=answer.status,
        )
    doubt = _doubt_about_address(platform_error, profile, path)
    if platform_error is None:
        platform_error = PlatformError("", code=_foreign(answer, profile))
    code = platform_error.code or _by_status(judged, profile)
    if code == ErrorCode.BAD_RESPONSE:
        content = answer.headers.get("content-type", "no content type")
        stranger = f"the server at {profile.host} is not {provider.title}"
        return bad_response(f"{stranger} (HTTP {answer.status}, {content}).", answer.status)
    if customer is None and code in (ErrorCode.REFUSED, ErrorCode.NOT_FOUND):
        code = ErrorCode.CREDENTIAL_REFUSED
    message, hint = _in_words(code, platform_error, answer, profile, customer)
    kind: type[LoyaltyError] = LoyaltyError
    if code == ErrorCode.NOT_FOUND and doubt:
        kind = PerhapsWrongAddressError
        message, hint = f"{message}, or {doubt}", f"Check both: base_url {BEFORE_THE_PATH}."
    words = platform_error.message.strip().rstrip(".")
    own = ": ".join(filter(None, (platform_error.provider_code, words)))
    return kind(
        code,
        f"{message} (HTTP {answer.status}{', ' if own else ''}{own}).",
        hint=hint,
        http_status=answer.status,
        provider_code=platform_error.provider_code,
    )


def body_of(
    answer: Answer, profile: Profile, customer: str | None, path: Sequence[str] = ()
) -> Any:
    """Return the JSON of a good answer; raise LoyaltyError for any other answer."""
    if refusal := error_in(answer, profile, customer, path):
        raise refusal
    try:
        return answer.read_json()
    except ValueError as error:
        kind = answer.headers.get("content-type", "no content type")
        message = f"{profile.provider.title}'s answer cannot be read: {error} ({kind})."
        raise bad_response(message, answer.status) from None


class UndocumentedError(LoyaltyError):
    """JSON that does not match the platform's documentation."""


def undocumented(answer: Answer, profile: Profile, why: object) -> UndocumentedError:
    """The error for JSON that does not match the platform's documentation."""
    message = f"{profile.provider.title}'s answer is not as documented: {why}."
    return UndocumentedError(**vars(bad_response(message, answer.status)))


def unknown_customer(answer: Answer, profile: Profile, customer: str, why: str) -> LoyaltyError:
    """The error for a good answer that says there is no such customer."""
    because = f": {why}" if why else ""
    return LoyaltyError(
        ErrorCode.NOT_FOUND,
        f"{profile.provider.title} has no customer {customer!r}{because}.",
        hint="Check the identifier.",
        http_status=answer.status,
    )


def several_customers(answer: Answer, profile: Profile, customer: str, ids: str) -> LoyaltyError:
    """The error for an identifier that several customers have."""
    named = f": {ids}" if ids else ""
    return LoyaltyError(
        ErrorCode.USAGE,
        f"{profile.provider.title} has several customers {customer!r}{named}.",
        hint="Name the one you mean by its id.",
        http_status=answer.status,
    )


def wrong_customer(answer: Answer, profile: Profile, why: str) -> LoyaltyError:
    """The error for an answer about another customer."""
    return LoyaltyError(
        ErrorCode.WRONG_CUSTOMER,
        f"{profile.provider.title} answered about another customer: {why}.",
        hint="The balance is not shown. Check base_url and the identifier, and tell the platform.",
        http_status=answer.status,
    )


def too_many_requests(profile: Profile, most: int) -> LoyaltyError:
    """The error for a look-up that does not end."""
    title = profile.provider.title
    return bad_response(f"{title} needs more than {most} requests for one look-up.")


def _by_status(answer: Answer, profile: Profile) -> ErrorCode:
    if answer.status >= 500 or answer.status in profile.provider.busy_statuses:
        return ErrorCode.SERVER_ERROR
    if profile.provider.is_not_found(answer):
        return ErrorCode.NOT_FOUND
    return BY_STATUS.get(answer.status, ErrorCode.REFUSED)


def _foreign(answer: Answer, profile: Profile) -> ErrorCode:
    """Return the code of an error whose body is not the platform's: a proxy may have sent it."""
    code = _by_status(answer, profile)
    if code == ErrorCode.NOT_FOUND and profile.provider.is_not_found(answer):
        return code
    doubtful = code in (ErrorCode.NOT_FOUND, ErrorCode.REFUSED)
    return ErrorCode.BAD_RESPONSE if doubtful else code


def _doubt_about_address(
    platform_error: PlatformError | None, profile: Profile, path: Sequence[str]
) -> str | None:
    """What may be the cause of an unknown customer; None if the platform says that it is one."""
    if platform_error and platform_error.code:
        return None
    end = urlsplit(profile.base_url).path.split("/")[1:]
    for length in range(len(end), 0, -1):
        if end[-length:] == list(path[:length]):
            twice = "/".join(end[-length:])
            return f"base_url is wrong: it ends in /{twice}, with which each request begins"
    return None if platform_error else "base_url is wrong"


def _in_words(
    code: ErrorCode,
    platform_error: PlatformError,
    answer: Answer,
    profile: Profile,
    customer: str | None,
) -> tuple[str, str | None]:
    title = profile.provider.title
    pause = retry_after(answer, time.time())
    when = f"Wait {pause:.0f} s, then try again." if pause else None
    match code:
        case ErrorCode.NOT_FOUND:
            known = platform_error.code is not None
            address = "" if known else f", and base_url: it {BEFORE_THE_PATH}"
            return f"{title} has no customer {customer!r}", f"Check the identifier{address}."
        case ErrorCode.CREDENTIAL_REFUSED:
            said = f"{title} rejected the credentials of profile {profile.name!r}"
            if profile.sandbox:
                return said, "The sandbox does that for this customer alone: try another one."
            return said, None  # the caller knows where they came from
        case ErrorCode.SETUP:
            keys = ", ".join(setting.name for setting in profile.provider.settings)
            return f"{title} does not know the account of the profile {profile.name!r}", (
                f"Check {keys} in the profile file."
            )
        case ErrorCode.RATE_LIMITED:
            return f"{title} is rate-limiting requests", when or "Wait a while, then try again."
        case ErrorCode.REFUSED:
            return f"{title} refused the request", None
        case ErrorCode.UNREACHABLE:
            return f"the proxy on the way to {title} requires a sign-in", "Check HTTPS_PROXY."
        case _:
            return f"{title} cannot answer now", when or "Try again later."
