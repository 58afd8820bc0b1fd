"""Look-ups of any number, sorted by customer: on the disk, and not in memory."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter

import msgspec

from loyalty_cli.history.exports import Found
from loyalty_cli.history.lookups import PastLookup, are_same
from loyalty_cli.model.amount import Amount, decode_amount, encode_amount
from loyalty_cli.model.errors import setup_error, usage_error

_ENCODE = msgspec.json.Encoder(enc_hook=encode_amount).encode
_DECODE = msgspec.json.Decoder(PastLookup, dec_hook=decode_amount, float_hook=Amount).decode

_TABLE = """
CREATE TABLE look_ups (
    file INTEGER, profile TEXT, by TEXT, customer TEXT,
    place TEXT, error TEXT, lines BLOB, content BLOB
)
"""
_INSERT = "INSERT INTO look_ups VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_DIFFERENT = """
SELECT file, profile, by, customer FROM look_ups WHERE error IS NULL
GROUP BY file, profile, by, customer HAVING min(lines) <> max(lines)
"""
_OF_ONE = """
SELECT place, content FROM look_ups
WHERE (file, profile, by, customer) = (?, ?, ?, ?) AND error IS NULL ORDER BY rowid
"""
# Of several look-ups of one customer, one that failed counts least.
_SORTED = """
SELECT content FROM look_ups WHERE file = ?
ORDER BY profile, by, customer, error IS NOT NULL, rowid
"""


class SortedLookups:
    """The look-ups of some files, each of which has every customer once."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._names: list[str] = []
        self._first: tuple[str, PastLookup] | None = None

    def add(self, name: str, found: Iterable[Found]) -> None:
        """Take in the look-ups of a file; files are counted from 0.

        Raises LoyaltyError for look-ups that cannot be compared with those before them.
        """
        file = len(self._names)
        self._names.append(name)
        self._database.executemany(
            _INSERT, (_row(file, *each) for each in self._alike(name, found))
        )

    def _alike(self, name: str, found: Iterable[Found]) -> Iterator[Found]:
        for place, lookup in found:
            self._first = self._first or (name, lookup)
            _check_alike(*self._first, f"{place} of {name!r}", lookup)
            yield place, lookup

    def check_once(self) -> None:
        """Raise LoyaltyError if one file has a customer twice, with different amounts."""
        for key in self._database.execute(_DIFFERENT):
            found = self._database.execute(_OF_ONE, key)
            (first, one), *others = ((place, _DECODE(content)) for place, content in found)
            for second, other in others:
                if not are_same(one.lines, other.lines):
                    usage_error(
                        f"{one.customer} at {one.profile} is in {self._names[key[0]]!r} twice,"
                        f" with different amounts: {first} and {second}.",
                        "Compare exports of one run each.",
                    )

    def sorted(self, file: int) -> Iterator[PastLookup]:
        """The look-ups of a file, by profile and customer."""
        all_of_it = (_DECODE(text) for (text,) in self._database.execute(_SORTED, (file,)))
        return (next(same) for _, same in groupby(all_of_it, attrgetter("key")))


def _row(file: int, place: str, lookup: PastLookup) -> tuple[str | int | bytes | None, ...]:
    error = lookup.error.code if lookup.error else None
    return file, *lookup.key, place, error, _ENCODE(lookup.lines), _ENCODE(lookup)


def _check_alike(name: str, first: PastLookup, where: str, other: PastLookup) -> None:
    """Raise LoyaltyError unless two look-ups have one version, and are of the same platforms."""
    if first.schema_version != other.schema_version:
        usage_error(
            f"{where} has schema_version {other.schema_version}, but the first record of {name!r}"
            f" has {first.schema_version}.",
            "Compare exports of one version: in another, an amount can mean something else.",
        )
    if first.sandbox != other.sandbox:
        of = {True: "the sandbox", False: "a real platform"}
        usage_error(
            f"{where} is from {of[other.sandbox]}, but the first record of {name!r} is from"
            f" {of[first.sandbox]}.",
            "Compare exports of the same platforms.",
        )


@contextmanager
def sorted_lookups() -> Iterator[SortedLookups]:
    """Keep look-ups for a block, in a file without a name: it is gone when the process is."""
    # An empty name means a private file that SQLite removes from its folder as soon as it is open.
    database = sqlite3.connect("", isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute(_TABLE)
        database.execute("BEGIN")
        yield SortedLookups(database)
    except sqlite3.OperationalError as error:
        setup_error(
            f"the temporary file for sorting cannot be written: {error}.",
            "Make room, or let TMPDIR name a folder that has some.",
        )
    finally:
        database.close()
