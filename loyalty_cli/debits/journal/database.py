"""Where a journal is kept: a file of SQLite's, or a PostgreSQL server."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sql

from loyalty_cli.model.errors import ErrorCode, LoyaltyError

READING = "loyalty_reading"
"""The execution option of a transaction that only reads."""

Written = TypeVar("Written")


class JournalError(LoyaltyError):
    """The journal failed: nothing may be sent that is not written down."""


class Database(ABC):
    """A database that is open; safe to use from several threads."""

    engine: sql.Engine
    place: str
    """The path or the URL, without a password."""

    warnings: tuple[str, ...] = ()
    """What whoever works with it must know."""

    @abstractmethod
    def now(self, connection: sql.Connection) -> datetime:
        """The time by the one clock that all who share the journal have, in UTC."""

    @abstractmethod
    def lock_tables(self, connection: sql.Connection) -> None:
        """Let one process at a time make or change the tables, until the transaction ends."""

    @abstractmethod
    def lock_account(self, connection: sql.Connection, platform: str) -> None:
        """Let one claim at a time be made at an account of a platform, in the transaction."""

    @abstractmethod
    def insert_missing(self, table: sql.Table) -> Any:
        """A statement that inserts the rows whose keys are not there yet."""

    def writer(self) -> AbstractContextManager[object]:
        """What a thread holds while it writes."""
        return nullcontext()

    def recognise(self, connection: sql.Connection, actor: str) -> None:
        """See whether what was opened is what it was before, as far as that is on record."""
        del connection, actor

    def insist(self, write: Callable[[bool], Written]) -> Written:
        """Write what must not be lost, as often as that has hope; `write` hears if it is again."""
        return write(False)

    @abstractmethod
    def before_sending(self) -> None:
        """Get ready for the first debit of this process; raise JournalError where it must not be.

        Called before each claim.
        """

    @abstractmethod
    def check_unchanged(self) -> None:
        """Raise JournalError where this is no longer the journal that was opened."""

    def close(self) -> None:
        """Let go of it in good order, with all that was written where a copy finds it."""
        self.engine.dispose()

    def abandon(self) -> None:
        """Let go of it as it is: it turned out to be nothing that can be used."""
        self.engine.dispose()

    def failure(self, error: sql.exc.DBAPIError, what: str = "failed") -> JournalError:
        """The error for a statement that failed."""
        reason = " ".join(str(error.orig).split())
        return JournalError(
            ErrorCode.SETUP,
            f"the journal {self.place} {what}: {reason}.",
            hint="Nothing more was sent. Mend the journal, then run the same again.",
        )


def refuse(message: str, hint: str) -> NoReturn:
    """Raise the error of a journal that cannot be used."""
    raise JournalError(ErrorCode.SETUP, message, hint=hint)
