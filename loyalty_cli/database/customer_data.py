"""A database of customer data: what the commands that keep some use of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import ClassVar

from msgspec import Struct

from loyalty_cli.database.statements import Transaction, Values

KEY = "people"
"""The key of the profile file with the place of this database."""

STATEMENT_SECONDS = 30.0


class Schema(Struct, frozen=True):
    """The tables of one kind of data, of which several can share a database.

    Each statement is harmless if its table or index is there: CREATE … IF NOT EXISTS. In it,
    `{counted}` is the type of a number that the database counts up.
    """

    name: str
    version: int
    tables: tuple[str, ...]


class CustomerData(ABC):
    """An open database, for several threads, one after the other; it fails with LoyaltyError."""

    counted: ClassVar[str]
    """The type of a column that the database counts up."""

    warnings: tuple[str, ...] = ()
    """Warnings for the user about this database."""

    def __init__(self, place: str, name: str) -> None:
        self.place = place
        self.title = f"the {name} database {place}"

    @abstractmethod
    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads."""

    @abstractmethod
    def writing(self, seconds: float = STATEMENT_SECONDS) -> AbstractContextManager[Transaction]:
        """A durable transaction; at a server, a statement in it may take that many seconds."""

    @abstractmethod
    def erasing(self) -> AbstractContextManager[Transaction]:
        """A transaction whose deleted values are afterwards nowhere in the database's file.

        At a server they are gone from its tables; its log and its backups have rules of their own.
        """

    @abstractmethod
    def run_each(self, transaction: Transaction, statement: str, rows: Iterable[Values]) -> None:
        """Run a statement for each row, quicker than one by one; rows are taken as needed."""

    @abstractmethod
    def has_table(self, transaction: Transaction, name: str) -> bool:
        """Whether a table is there."""

    @abstractmethod
    def lock_tables(self, transaction: Transaction) -> None:
        """Let only one process make tables, until the transaction ends."""

    @abstractmethod
    def close(self) -> None:
        """Close it."""
