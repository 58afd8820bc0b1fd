"""A database of customer data to write in: in a file, and at a real PostgreSQL server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.database.open import open_database
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

NOTES = Schema(
    name="notes",
    version=3,
    tables=("CREATE TABLE IF NOT EXISTS notes (number {counted} PRIMARY KEY, text TEXT UNIQUE)",),
)
ADD = "INSERT INTO notes (text) VALUES (:text)"

Open = Callable[..., CustomerData]


def write(database: CustomerData, *texts: str) -> None:
    with database.writing() as transaction:
        database.run_each(transaction, ADD, ({"text": text} for text in texts))


def read(database: CustomerData) -> list[str]:
    with database.reading() as transaction:
        query = "SELECT text FROM notes ORDER BY number"
        return [text for (text,) in transaction.execute(query)]


def refused(where: str | Path, code: ErrorCode = ErrorCode.SETUP) -> str:
    """What is said where a database cannot be opened."""
    with pytest.raises(LoyaltyError) as raised:
        open_database(where, NOTES, create=True)
    assert raised.value.code is code
    assert "\n" not in raised.value.message
    return f"{raised.value.message} {raised.value.hint}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where there is no file yet, nor a folder for it."""
    return tmp_path / "data" / "notes.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, path: Path) -> str | Path:
    """Where there is no database yet."""
    if request.param == "sqlite":
        return path
    server = request.getfixturevalue("server")
    return str(server.url(request.getfixturevalue("own_place")))


@pytest.fixture
def open_it() -> Iterator[Open]:
    with ExitStack() as stack:

        def opening(where: str | Path, schema: Schema = NOTES) -> CustomerData:
            database = open_database(where, schema, create=True)
            assert database is not None
            stack.callback(database.close)
            return database

        yield opening
