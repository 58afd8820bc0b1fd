"""Where a journal is kept: a file of SQLite's, or a PostgreSQL server."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, ClassVar, NoReturn, Protocol, TypeVar

from loyalty_cli.model.errors import ErrorCode, LoyaltyError

Written = TypeVar("Written")
Values = Mapping[str, Any]

NO_VALUES: Values = {}


class JournalError(LoyaltyError):
    """The journal failed: nothing may be sent that is not written down."""


class DuplicateError(JournalError):
    """The database itself refused a row, because another one is in its way."""


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows it wrote."""

    def fetchone(self) -> Any:
        """The next row, None where there is none."""

    def fetchall(self) -> list[Any]:
        """All the rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Transaction(Protocol):
    """A transaction that has begun; SQLite's own connection is one."""

    def execute(self, statement: str, values: Values = NO_VALUES, /) -> Rows:
        """Run a statement, in which `:name` stands for the value of that name."""


class Database(ABC):
    """A database that is open; safe to use from several threads.

    Whatever fails in it is raised as JournalError.
    """

    counted: ClassVar[str]
    """The type of a column that the database counts up."""

    place: str
    """The path or the URL, without a password."""

    warnings: tuple[str, ...] = ()
    """What whoever works with it must know."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads."""

    @abstractmethod
    def writing(self, failed: str = "failed") -> AbstractContextManager[Transaction]:
        """A transaction that is durable once the block ends, and undone where it raises.

        Raises DuplicateError where a row is in the way; `failed` says what to call other failures.
        """

    @abstractmethod
    def insert_each(
        self, transaction: Transaction, statement: str, rows: Sequence[Values]
    ) -> list[bool]:
        """Run an INSERT for each row, and say of each whether it was inserted."""

    def locking(self, query: str) -> str:
        """The same query, with its rows locked until the transaction ends."""
        return query

    @abstractmethod
    def now(self, transaction: Transaction) -> datetime:
        """The time by the one clock that all who share the journal have, in UTC."""

    @abstractmethod
    def has_tables(self, transaction: Transaction) -> bool:
        """Whether the journal's tables are there."""

    @abstractmethod
    def lock_tables(self, transaction: Transaction) -> None:
        """Let one process at a time make or change the tables, until the transaction ends."""

    @abstractmethod
    def lock_account(self, transaction: Transaction, platform: str) -> None:
        """Let one claim at a time be made at an account of a platform, in the transaction."""

    def recognise(self, transaction: Transaction, actor: str) -> None:
        """Check whether this is the database that is on record."""
        del transaction, actor

    def insist(self, write: Callable[[bool], Written]) -> Written:
        """Write what must not be lost; `write` gets whether it is a retry after a failure."""
        return write(False)

    def faults(self) -> list[str] | None:
        """What is found damaged; None where a server sees to that itself."""
        return None

    @abstractmethod
    def before_sending(self) -> None:
        """Get ready for the first debit of this process; raise JournalError where it must not be.

        Called before each claim.
        """

    @abstractmethod
    def check_unchanged(self) -> None:
        """Raise JournalError where this is no longer the journal that was opened."""

    @abstractmethod
    def close(self) -> None:
        """Close it, so that a copy of its file has all that was written."""

    @abstractmethod
    def abandon(self) -> None:
        """Close it as it is: it cannot be used."""


def refuse(message: str, hint: str) -> NoReturn:
    """Raise the error of a journal that cannot be used."""
    raise JournalError(ErrorCode.SETUP, message, hint=hint)
