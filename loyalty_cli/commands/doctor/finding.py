"""What a check found, and what comes of all findings."""

from collections.abc import Iterable

from msgspec import Struct

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.exit_codes import ExitCode, exit_code_of
from loyalty_cli.model.named_commands import pasteable
from loyalty_cli.model.records import CheckRecord, CheckStatus


class Finding(Struct, frozen=True):
    """What one check found; `exit_code` is that of a look-up which fails for this reason."""

    check: str
    status: CheckStatus
    message: str
    hint: str | None = None
    exit_code: ExitCode = ExitCode.OK

    @property
    def record(self) -> CheckRecord:
        """The record that is printed."""
        hint = self.hint and pasteable(self.hint)
        return CheckRecord(
            check=self.check, status=self.status, message=pasteable(self.message), hint=hint
        )


def ok(check: str, message: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, "ok", message)


def warning(check: str, message: str, hint: str | None = None) -> Finding:
    """A look-up works, but not everything is right."""
    return Finding(check, "warning", message.rstrip("."), hint)


def doubt(check: str, error: LoyaltyError) -> Finding:
    """A warning about what does not stop a look-up."""
    return warning(check, error.message, error.hint)


def broken(check: str, error: LoyaltyError) -> Finding:
    """A look-up fails with this error."""
    message = error.message.rstrip(".")
    return Finding(check, "broken", message, error.hint, exit_code_of(error.code))


def failed(check: str, error: Exception) -> Finding:
    """The check itself failed; without the text of the exception, which may hold a secret."""
    message = f"this check has a defect: {type(error).__name__}"
    return Finding(check, "broken", message, "Please report it.", ExitCode.DEFECT)


def too_slow(check: str, seconds: float) -> Finding:
    """The check did not end in time."""
    error = LoyaltyError(
        ErrorCode.TIMED_OUT,
        f"no result within {seconds:g} s.",
        hint="Another program keeps it locked, or a disk, a server or a network does not answer.",
    )
    return broken(check, error)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """The exit code of a look-up, which ends at the first thing that is broken.

    That is the lowest one: the set-up (3) comes before credentials (4), and those before the
    network (7).
    """
    codes = (each.exit_code for each in findings if each.status == "broken")
    return min(codes, default=ExitCode.OK)
