"""A mistake in a line of a list."""

from typing import NoReturn

from loyalty_cli.model.errors import ErrorCode, LoyaltyError


class LineError(LoyaltyError):
    """An error of one line of a list, or of the whole list if `line` is None.

    Where the file is open, `named` adds its name, as compilers write it: `customers.csv:2:`.
    """

    def __init__(
        self, line: int | None, what: str, hint: str | None = None, details: tuple[str, ...] = ()
    ) -> None:
        message = what if line is None else f"line {line}: {what}"
        super().__init__(ErrorCode.USAGE, message, hint=hint, details=details)
        self.line = line
        self.what = what

    def named(self, name: str) -> LoyaltyError:
        """The same error, with the name of the file."""
        message = f"{place(name, self.line)} {self.what}"
        return LoyaltyError(self.code, message, hint=self.hint, details=self.details)


def place(name: str, line: int | None) -> str:
    """Where something is: the name of a file and a line, in front of what is said of it."""
    return f"{name}:" if line is None else f"{name}:{line}:"


def line_error(line: int | None, what: str, hint: str | None = None) -> NoReturn:
    """Raise an error of a line, with exit code 2."""
    raise LineError(line, what, hint)
