"""What can go wrong: one closed list of codes, and the exit code that each of them leads to."""

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import NoReturn


class ExitCode(IntEnum):
    """What the program's exit code tells a script."""

    OK = 0
    DEFECT = 1
    USAGE = 2
    SETUP = 3
    CREDENTIAL = 4
    NOT_FOUND = 5
    REFUSED = 6
    UNAVAILABLE = 7
    OUTCOME_UNKNOWN = 8
    SOME_FAILED = 9
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class ErrorCode(StrEnum):
    """Every value `error.code` of a record can have."""

    USAGE = "usage"
    SETUP = "setup"
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

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a run that ended with this error alone."""
        return _EXIT_CODES.get(self, ExitCode.UNAVAILABLE)


_EXIT_CODES = {
    ErrorCode.USAGE: ExitCode.USAGE,
    ErrorCode.SETUP: ExitCode.SETUP,
    ErrorCode.CREDENTIAL_MISSING: ExitCode.CREDENTIAL,
    ErrorCode.CREDENTIAL_UNREADABLE: ExitCode.CREDENTIAL,
    ErrorCode.CREDENTIAL_REFUSED: ExitCode.CREDENTIAL,
    ErrorCode.NOT_FOUND: ExitCode.NOT_FOUND,
    ErrorCode.REFUSED: ExitCode.REFUSED,
    ErrorCode.ACCOUNT_BUSY: ExitCode.REFUSED,
    ErrorCode.REFERENCE_TAKEN: ExitCode.REFUSED,
    ErrorCode.OUTCOME_UNKNOWN: ExitCode.OUTCOME_UNKNOWN,
}


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
"""What ends a run of many: the profile is wrong, and all that follows would fail the same way."""

ASKED_TO_WAIT = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR})
"""What a platform that asks to be left alone for a while may be told as."""


class LoyaltyError(Exception):
    """Something a user can act on.

    `message` says what happened and where, `hint` what to do now, and `details`, a line each, what
    there is to mend; `http_status` and `provider_code` are the platform's own, where one answered.
    """

    def __init__(  # noqa: PLR0913 - each of them is told to somebody
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


class NotSentError(LoyaltyError):
    """A request that must not be sent twice was not sent at all."""

    @classmethod
    def of(cls, error: LoyaltyError) -> "NotSentError":
        """The same error, with the knowledge that nothing was sent."""
        return cls(
            error.code,
            error.message,
            hint=error.hint,
            http_status=error.http_status,
            provider_code=error.provider_code,
        )


def usage_error(message: str, hint: str | None = None) -> NoReturn:
    """Raise what ends the program with exit code 2."""
    raise LoyaltyError(ErrorCode.USAGE, message, hint=hint)


def setup_error(message: str, hint: str | None = None) -> NoReturn:
    """Raise what ends the program with exit code 3."""
    raise LoyaltyError(ErrorCode.SETUP, message, hint=hint)


def nearest(wrong: str, valid: Iterable[str]) -> str:
    """Say which of `valid` was probably meant by `wrong`, and else which there are."""
    from difflib import get_close_matches

    names = list(valid)
    if close := get_close_matches(wrong.lower(), names, n=1):
        return f"Did you mean {close[0]!r}?"
    return f"There is: {', '.join(names)}." if names else "There is none."
