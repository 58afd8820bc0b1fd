"""All mistakes in the requested debits, reported at once."""

from loyalty_cli.debits.debit_list import Mistake
from loyalty_cli.lists.line_error import LineError, place
from loyalty_cli.lists.rows import shorten
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

MAX_REPORTED = 100
"""How many mistakes are reported one by one; the others are counted."""


class Mistakes:
    """The mistakes of a file; for a debit on the command line the first mistake is raised."""

    def __init__(self, file: str | None) -> None:
        self._file = file
        self._number = 0
        self._reported: list[str] = []
        self._code: ErrorCode | None = None
        self._whole: LoyaltyError | None = None

    def __len__(self) -> int:
        return self._number

    def add(self, mistake: Mistake) -> None:
        """Add the mistake of a row of the file."""
        assert self._file is not None
        self._count(f"{place(self._file, mistake.line)} {mistake}", mistake.code)

    def add_error(self, line: int, column: str, value: object, error: LoyaltyError) -> None:
        """Add an error of one row; raise it if there is no file."""
        if self._file is None:
            raise error
        why = error.message.rstrip(".")
        self.add(Mistake(line, column, shorten(str(value)), why, error.code))

    def add_whole(self, error: LoyaltyError) -> None:
        """Add an error of the whole file; raise it if there is no file."""
        if self._file is None:
            raise error
        error = error.named(self._file) if isinstance(error, LineError) else error
        self._whole = error
        self._count(" ".join(filter(None, (error.message, error.hint))), error.code)

    def check(self) -> None:
        """Raise LoyaltyError for all of them; usage errors decide the exit code."""
        if self._code is None:
            return
        if self._number == 1 and self._whole is not None:
            raise self._whole
        rest = self._number - len(self._reported)
        raise LoyaltyError(
            self._code,
            f"the file has {self._number} mistake{'s' if self._number > 1 else ''}.",
            hint="No debit was made. Fix these rows, then run again:",
            details=(*self._reported, *([f"and {rest} more."] if rest else [])),
        )

    def _count(self, text: str, code: ErrorCode) -> None:
        self._number += 1
        if len(self._reported) < MAX_REPORTED:
            self._reported.append(text)
        if self._code is None or code is ErrorCode.USAGE:
            self._code = code
