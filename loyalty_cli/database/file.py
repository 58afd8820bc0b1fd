"""Customer data in an SQLite file that only its user can read, and that forgets for good."""

import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import NoReturn

from loyalty_cli.config.folders import make_file, make_folder
from loyalty_cli.database.customer_data import STATEMENT_SECONDS, CustomerData
from loyalty_cli.database.statements import Transaction, Values
from loyalty_cli.model.errors import setup_error

BUSY_TIMEOUT_SECONDS = 30.0
CACHE_KIBIBYTES = 16384

OURS = 0x6C6F7961
"""The application id in the file: another program's database must stay as it is."""

NOT_WIPED = 1
"""The file's user version after a deletion, until the file has been written anew."""


class CustomerFile(CustomerData):
    """A file; it has no log beside it, so what is deleted is in no other file either."""

    counted = "INTEGER"

    def __init__(self, path: Path, name: str) -> None:
        """Open a file that is there; raise LoyaltyError if it is not the user's alone."""
        super().__init__(str(path), name)
        self._lock = Lock()
        self._check(path)
        with self._failing():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that reads a snapshot; writers wait for its end."""
        return self._transaction("BEGIN")

    def writing(
        self,
        seconds: float = STATEMENT_SECONDS,  # noqa: ARG002 - for a server
    ) -> AbstractContextManager[Transaction]:
        """A transaction with a write lock from the start: two that lock later would deadlock."""
        return self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def erasing(self) -> Iterator[Transaction]:
        """Delete, then write the whole file anew: SQLite leaves copies in pages that it splits."""
        with self.writing() as transaction:
            yield transaction
            # If the process is killed before the end, the next one writes the file anew.
            transaction.execute(f"PRAGMA user_version = {NOT_WIPED}")
        with self._lock, self._failing():
            self._wipe()

    def run_each(
        self,
        transaction: Transaction,
        statement: str,
        rows: Iterable[Values],
    ) -> None:
        """Run a statement for each row."""
        assert isinstance(transaction, sqlite3.Connection)
        transaction.executemany(statement, rows)

    def has_table(self, transaction: Transaction, name: str) -> bool:
        """Whether a table is there."""
        query = "SELECT 1 FROM sqlite_master WHERE name = :name"
        return transaction.execute(query, {"name": name}).fetchone() is not None

    def lock_tables(self, transaction: Transaction) -> None:
        """Nothing to do: a transaction that writes locks the file."""

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, self._failing():
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                with suppress(sqlite3.Error):
                    self._connection.rollback()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                setup_error(
                    f"another process has been writing in {self.title} for too long.",
                    "It may be a long import. Run the same command again when that is done.",
                )
            why = " ".join(str(error).split())
            setup_error(f"{self.title} failed: {why}.", "Fix it, then run the same command again.")

    def _check(self, path: Path) -> None:
        try:
            status = path.stat()
        except OSError as error:
            self._refuse_unreadable(error)
        if not stat.S_ISREG(status.st_mode):
            setup_error(f"{self.title} is not a regular file.", "Name another place for it.")
        if status.st_uid != os.geteuid():
            setup_error(
                f"{self.title} belongs to another user (uid {status.st_uid}).",
                "Run this as that user, or name another place for it.",
            )
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            mode = f"{status.st_mode & 0o777:o}"
            setup_error(f"{self.title} is open to other users (mode {mode}).", f"chmod 600 {path}")
        if not os.access(path, os.R_OK | os.W_OK):
            self._refuse_unreadable(PermissionError(None, "Permission denied"))

    def _refuse_unreadable(self, error: OSError) -> NoReturn:
        why = error.strerror or str(error)
        setup_error(f"{self.title} cannot be used: {why}.", "Make it readable and writable.")

    def _prepare(self) -> None:
        with self._lock, self._failing():
            execute = self._connection.execute
            (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and execute("PRAGMA application_id").fetchone() != (OURS,):
                setup_error(
                    f"{self.place} is another program's database.",
                    "Name another place in the profile file.",
                )
            execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
            execute("PRAGMA secure_delete = ON")
            execute("PRAGMA journal_mode = DELETE")
            if not tables:
                execute(f"PRAGMA application_id = {OURS}")
            if execute("PRAGMA user_version").fetchone() == (NOT_WIPED,):
                self._wipe()

    def _wipe(self) -> None:
        try:
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA user_version = 0")
        except sqlite3.Error as error:
            setup_error(
                f"{self.title} may still have what was deleted in it: {error}.",
                "Fix that; the next command that opens it will write it anew.",
            )


def open_file(path: Path, name: str, *, create: bool) -> CustomerFile | None:
    """Open a file, or make it; None if it is missing and must not be made."""
    if not path.exists():
        if not create:
            return None
        try:
            make_folder(path.parent)
            with suppress(FileExistsError):  # another process made it first
                make_file(path)
        except OSError as error:
            why = error.strerror or str(error)
            setup_error(
                f"the {name} database {path} cannot be made: {why}.",
                "Make its folder writable, or name another place in the profile file.",
            )
    return CustomerFile(path, name)
