"""The people of a file, kept on disk until the whole file is known to be right."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import msgspec

from loyalty_cli.lists.line_error import line_error
from loyalty_cli.lists.rows import shorten
from loyalty_cli.model.errors import setup_error
from loyalty_cli.people.keys import key_of
from loyalty_cli.people.people_file import PersonRow
from loyalty_cli.people.person import Person

_MADE = """\
CREATE TABLE staged (
    number INTEGER PRIMARY KEY, line INTEGER NOT NULL, key TEXT NOT NULL UNIQUE,
    person BLOB NOT NULL
)"""
_ADD = "INSERT INTO staged (line, key, person) VALUES (?, ?, ?)"
_LINE = "SELECT line FROM staged WHERE key = ?"
_READ = "SELECT person FROM staged ORDER BY number"


class StagedPeople:
    """People in a temporary file that has no name, and ends with the process."""

    def __init__(self) -> None:
        self._last: PersonRow | None = None
        self._people = 0
        self._decode = msgspec.json.Decoder(Person).decode
        self._database = sqlite3.connect("", isolation_level=None)
        with _explained():
            for setting in ("journal_mode=OFF", "temp_store=FILE"):
                self._database.execute(f"PRAGMA {setting}")
            self._database.execute(_MADE)
            self._database.execute("BEGIN")  # never committed: only this process uses it

    def __len__(self) -> int:
        return self._people

    def __iter__(self) -> Iterator[Person]:
        """The people, in the order of the file."""
        with _explained():
            for (person,) in self._database.execute(_READ):
                yield self._decode(person)

    def add(self, rows: Iterable[PersonRow]) -> None:
        """Keep the people of these rows; raise LoyaltyError for one who is there already."""
        with _explained():
            try:
                self._database.executemany(_ADD, self._values(rows))
            except sqlite3.IntegrityError:
                self._refuse_last()

    def close(self) -> None:
        """Delete them."""
        self._database.close()

    def _values(self, rows: Iterable[PersonRow]) -> Iterator[tuple[Any, ...]]:
        for row in rows:
            self._last = row
            yield row.line, key_of(row.person.person), msgspec.json.encode(row.person)
            self._people += 1

    def _refuse_last(self) -> NoReturn:
        assert self._last is not None
        line, person = self._last.line, self._last.person.person
        (first,) = self._database.execute(_LINE, (key_of(person),)).fetchone()
        line_error(
            line,
            f"the person {shorten(person)!r} is in line {first}, too.",
            "Nothing was imported. Leave one of them out.",
        )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        setup_error(
            f"the people of the file cannot be kept in a temporary file: {error}.",
            "Free some space in the folder for temporary files, or name another in TMPDIR.",
        )
