"""The database of a journal: an SQLite file, or a PostgreSQL server."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import ClassVar, NoReturn, TypeVar

from loyalty_cli.database.statements import Transaction, Values
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

Written = TypeVar("Written")


class JournalError(LoyaltyError):
    """The journal failed: a debit that cannot be recorded must not be sent."""


class DuplicateError(JournalError):
    """The database refused a row, because it conflicts with another row."""


class Database(ABC):
    """An open database, for several threads; every failure is raised as JournalError."""

    counted: ClassVar[str]
    """The type of a column that the database counts up."""

    place: str
    """The path or the URL, without a password."""

    warnings: tuple[str, ...] = ()
    """Warnings for the user about this database."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads."""

    @abstractmethod
    def writing(self, failed: str = "failed") -> AbstractContextManager[Transaction]:
        """A durable transaction; DuplicateError for a duplicate, `failed` for other failures."""

    def insert_each(
        self, transaction: Transaction, statement: str, rows: Sequence[Values]
    ) -> list[bool]:
        """Run an INSERT for each row, and return for each whether it was inserted."""
        return [transaction.execute(statement, row).rowcount == 1 for row in rows]

    def locking(self, query: str) -> str:
        """The query, changed so that its rows are locked until the transaction ends."""
        return query

    def now(self, transaction: Transaction) -> datetime:  # noqa: ARG002 - for a server
        """The time in UTC, by a clock that all processes with this journal share."""
        return datetime.now(UTC)

    @abstractmethod
    def has_tables(self, transaction: Transaction) -> bool:
        """Whether the journal's tables exist."""

    def lock_tables(self, transaction: Transaction) -> None:  # noqa: B027 - a write locks a file
        """Let only one process make or change the tables, until the transaction ends."""

    def lock_account(  # noqa: B027 - a write locks a file
        self, transaction: Transaction, platform: str
    ) -> None:
        """Let only one claim be made at a platform's account, until the transaction ends."""

    def recognise(self, transaction: Transaction, actor: str) -> None:  # noqa: B027 - for a server
        """Check that this is the database on record."""

    def insist(self, write: Callable[[bool], Written]) -> Written:
        """Write what must not be lost; the argument of `write` is whether it is a retry."""
        return write(False)

    def faults(self) -> list[str] | None:
        """The damage that was found; None if the server checks itself."""
        return None

    def before_sending(self) -> None:  # noqa: B027 - for a file
        """Prepare for a claim; raise JournalError if a debit is not allowed."""

    @abstractmethod
    def check_unchanged(self) -> None:
        """Raise JournalError if this is no longer the journal that was opened."""

    @abstractmethod
    def close(self) -> None:
        """Close it, so that a copy of the file is complete."""

    def abandon(self) -> None:
        """Close it after a failure, without completing the file."""
        self.close()


def refuse(message: str, hint: str, kind: type[JournalError] = JournalError) -> NoReturn:
    """Raise the error of a journal that cannot be used."""
    raise kind(ErrorCode.SETUP, message, hint=hint)
