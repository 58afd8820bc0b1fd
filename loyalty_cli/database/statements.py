"""How statements are run: in one style for SQLite and PostgreSQL."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

Values = Mapping[str, Any]

NO_VALUES: Values = {}


class Rows(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement wrote."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All remaining rows."""

    def __iter__(self) -> Iterator[Any]: ...


class Transaction(Protocol):
    """A transaction that has begun, such as an SQLite connection."""

    def execute(self, statement: str, values: Values = NO_VALUES, /) -> Rows:
        """Run a statement, in which `:name` stands for the value of that name."""
