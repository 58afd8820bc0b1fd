"""Errors: a closed list of codes, and the exception that has one of them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NoReturn


class ErrorCode(StrEnum):
    """Every value `error.code` of a record can have."""

    USAGE = "usage"
    SETUP = "setup"
    PROVIDER_FAILED = "provider_failed"
    CREDENTIAL_MISSING = "credential_missing"
    CREDENTIAL_UNREADABLE = "credential_unreadable"
    CREDENTIAL_REFUSED = "credential_refused"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    ACCOUNT_BUSY = "account_busy"
    REFERENCE_TAKEN = "reference_taken"
    OUTCOME_UNKNOWN = "outcome_unknown"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    REDIRECTED = "redirected"
    BAD_RESPONSE = "bad_response"
    WRONG_CUSTOMER = "wrong_customer"


class MessageCode(StrEnum):
    """Every `code` that only a message on stderr can have, besides those of errors and warnings."""

    DEFECT = "defect"
    INTERRUPTED = "interrupted"
    OTHER = "other"


NO_ID = "no id on file"
"""What is said where a person has no identifier at a platform, and no number therefore."""

ENDING = frozenset(
    {
        ErrorCode.SETUP,
        ErrorCode.CREDENTIAL_MISSING,
        ErrorCode.CREDENTIAL_UNREADABLE,
        ErrorCode.CREDENTIAL_REFUSED,
        ErrorCode.TLS_FAILED,
        ErrorCode.REDIRECTED,
    }
)
"""Errors that end a run: the set-up is wrong, so all later requests would fail, too."""

ASKED_TO_WAIT = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR})
"""The errors of a platform that asked for a pause."""


class LoyaltyError(Exception):
    """An error that a user can act on.

    `message` is what happened and where, `hint` what to do now, and `details` the lines to fix.
    `http_status` and `provider_code` are those of the platform's answer, if there was one.
    """

    def __init__(  # noqa: PLR0913 - each of them is shown to the user
        self,
        code: ErrorCode,
        message: str,
        *,
        hint: str | None = None,
        http_status: int | None = None,
        provider_code: str | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.http_status = http_status
        self.provider_code = provider_code
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process have the error: its arguments are not only the message."""
        return _error_of, (type(self), vars(self))


def _error_of(kind: type[LoyaltyError], content: dict[str, Any]) -> LoyaltyError:
    return kind(**content)


class NotSentError(LoyaltyError):
    """A request that must not be sent twice was not sent."""

    @classmethod
    def of(cls, error: LoyaltyError) -> "NotSentError":
        """The same error, for a request that was not sent."""
        return cls(**vars(error))


def usage_error(message: str, hint: str | None = None) -> NoReturn:
    """Raise an error with exit code 2."""
    raise LoyaltyError(ErrorCode.USAGE, message, hint=hint)


def setup_error(message: str, hint: str | None = None) -> NoReturn:
    """Raise an error with exit code 3."""
    raise LoyaltyError(ErrorCode.SETUP, message, hint=hint)


def nearest(wrong: str, valid: Iterable[str]) -> str:
    """Suggest the valid name that was probably meant, or list the valid names."""
    from difflib import get_close_matches

    names = list(valid)
    if close := get_close_matches(wrong.lower(), names, n=1):
        return f"Did you mean {close[0]!r}?"
    return f"Available: {', '.join(names)}." if names else "None is available."


def os_error_text(error: OSError | ValueError) -> str:
    """Describe briefly why a file could not be read or written."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
