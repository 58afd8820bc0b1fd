"""The exit code of a run, which depends on its errors, or on the signal that ended it."""

from collections.abc import Iterable
from enum import IntEnum

from loyalty_cli.model.errors import ErrorCode


class ExitCode(IntEnum):
    """Every exit code of the program."""

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


_EXIT_CODES = {
    ErrorCode.USAGE: ExitCode.USAGE,
    ErrorCode.SETUP: ExitCode.SETUP,
    ErrorCode.PROVIDER_FAILED: ExitCode.SETUP,
    ErrorCode.CREDENTIAL_MISSING: ExitCode.CREDENTIAL,
    ErrorCode.CREDENTIAL_UNREADABLE: ExitCode.CREDENTIAL,
    ErrorCode.CREDENTIAL_REFUSED: ExitCode.CREDENTIAL,
    ErrorCode.NOT_FOUND: ExitCode.NOT_FOUND,
    ErrorCode.REFUSED: ExitCode.REFUSED,
    ErrorCode.ACCOUNT_BUSY: ExitCode.REFUSED,
    ErrorCode.REFERENCE_TAKEN: ExitCode.REFUSED,
    ErrorCode.OUTCOME_UNKNOWN: ExitCode.OUTCOME_UNKNOWN,
}


def exit_code_of(error: ErrorCode | None) -> ExitCode:
    """The exit code of a run that ended with this one error, or without an error."""
    return _EXIT_CODES.get(error, ExitCode.UNAVAILABLE) if error else ExitCode.OK


NOT_ANSWERED = frozenset(each for each in ErrorCode if exit_code_of(each) is ExitCode.UNAVAILABLE)
"""Errors of a platform that was not reached, or whose answer cannot be used."""


def exit_code_of_all(errors: Iterable[ErrorCode | None]) -> ExitCode:
    """The exit code of a run with several results; None stands for a success.

    An unknown outcome decides first. Otherwise it is the common exit code if all results have the
    same one, and "some failed" if not.
    """
    codes = {exit_code_of(error) for error in errors}
    if ExitCode.OUTCOME_UNKNOWN in codes:
        return ExitCode.OUTCOME_UNKNOWN
    if len(codes) > 1:
        return ExitCode.SOME_FAILED
    return codes.pop() if codes else ExitCode.OK


def exit_code_of_signal(number: int) -> int:
    """The exit code of a run that was ended by a signal: 128 + its number, as in a shell."""
    return 128 + number
