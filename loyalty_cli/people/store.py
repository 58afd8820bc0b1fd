"""People in a database: looked up by any key, changed, forgotten."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from msgspec import Struct

from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.database.statements import Transaction
from loyalty_cli.lists.batches import batches
from loyalty_cli.people.keys import key_of
from loyalty_cli.people.person import Person

BATCH = 1000

MOST_FOUND = 10
"""How many people of one key are read."""

IMPORT_SECONDS = 3600.0

SCHEMA = Schema(
    name="people",
    version=1,
    tables=(
        """\
CREATE TABLE IF NOT EXISTS people (
    number {counted} PRIMARY KEY, key TEXT NOT NULL UNIQUE, person TEXT NOT NULL,
    name TEXT, name_key TEXT
)""",
        "CREATE INDEX IF NOT EXISTS people_by_name ON people (name_key)",
        """\
CREATE TABLE IF NOT EXISTS identifiers (
    number BIGINT NOT NULL, profile TEXT NOT NULL, identifier TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (number, profile)
)""",
        "CREATE INDEX IF NOT EXISTS identifiers_by_key ON identifiers (key)",
    ),
)

_FIND = """\
SELECT number, person, name FROM people WHERE number IN (
    SELECT number FROM people WHERE key = :key
    UNION SELECT number FROM people WHERE name_key = :key
    UNION SELECT number FROM identifiers WHERE key = :key
) ORDER BY number LIMIT :limit"""
_IDENTIFIERS = """\
SELECT number, profile, identifier FROM identifiers
    WHERE number >= :first AND number <= :last ORDER BY number, profile"""
_NEXT = """\
SELECT number, person, name FROM people WHERE number > :after ORDER BY number LIMIT :limit"""
_PUT = """\
INSERT INTO people (key, person, name, name_key) VALUES (:key, :person, :name, :name_key)
    ON CONFLICT (key) DO UPDATE SET person = excluded.person"""
_PUT_WITH_NAME = f"{_PUT}, name = excluded.name, name_key = excluded.name_key"
_PUT_IDENTIFIER = """\
INSERT INTO identifiers (number, profile, identifier, key)
    SELECT number, :profile, :identifier, :identifier_key FROM people WHERE key = :key
    ON CONFLICT (number, profile)
    DO UPDATE SET identifier = excluded.identifier, key = excluded.key"""
_TAKE_IDENTIFIER = """\
DELETE FROM identifiers
    WHERE profile = :profile AND number = (SELECT number FROM people WHERE key = :key)"""
_FORGET_IDENTIFIERS = """\
DELETE FROM identifiers WHERE number = (SELECT number FROM people WHERE key = :key)"""
_FORGET = "DELETE FROM people WHERE key = :key"
_SHARED = """\
WITH asked (profile, key) AS (VALUES {rows})
SELECT had.profile, had.key, person, name, had.identifier
FROM asked JOIN identifiers had ON had.key = asked.key AND had.profile = asked.profile
    JOIN people ON people.number = had.number
WHERE EXISTS (
    SELECT 1 FROM identifiers other WHERE other.key = had.key AND other.profile = had.profile
        AND other.number <> had.number
)
ORDER BY had.profile, had.key, had.number"""


class SharedIdentifier(Struct, frozen=True):
    """An identifier at a profile that several people have; of each only this one is here."""

    profile: str
    people: Sequence[Person]


class People:
    """The people in a database."""

    def __init__(self, database: CustomerData) -> None:
        self.database = database

    def __len__(self) -> int:
        with self.database.reading() as transaction:
            (people,) = transaction.execute("SELECT count(*) FROM people").fetchone()
        return int(people)

    def __iter__(self) -> Iterator[Person]:
        """All people, the oldest first; read in batches, so that a pause blocks no writer."""
        after = 0
        while True:
            with self.database.reading() as transaction:
                found = transaction.execute(_NEXT, {"after": after, "limit": BATCH}).fetchall()
                people = _people(transaction, found)
            yield from people
            if len(people) < BATCH:
                return
            after = found[-1][0]

    def profiles(self) -> list[str]:
        """The profiles at which somebody has an identifier, by name."""
        with self.database.reading() as transaction:
            query = "SELECT DISTINCT profile FROM identifiers"
            return sorted(profile for (profile,) in transaction.execute(query))

    def find(self, key: str) -> list[Person]:
        """Those who have this key: as person, name or identifier; at most MOST_FOUND and one."""
        with self.database.reading() as transaction:
            values = {"key": key_of(key), "limit": MOST_FOUND + 1}
            found = transaction.execute(_FIND, values).fetchall()
            return [each for row in found for each in _people(transaction, [row])]

    def shared(self, people: Iterable[Person]) -> Iterator[SharedIdentifier]:
        """Yield each identifier of these people that somebody else has at the same profile."""
        told = set[tuple[str, str]]()
        for batch in batches(_identifiers(people), BATCH):
            asked = {(each["profile"], each["identifier_key"]) for each in batch} - told
            if not asked:
                continue
            values, rows = dict[str, str](), list[str]()
            for at, (profile, key) in enumerate(sorted(asked)):
                values |= {f"profile{at}": profile, f"key{at}": key}
                rows.append(f"(:profile{at}, :key{at})")
            with self.database.reading() as transaction:
                statement = _SHARED.format(rows=", ".join(rows))
                found = transaction.execute(statement, values).fetchall()
            for (profile, key), group in groupby(found, itemgetter(0, 1)):
                told.add((profile, key))
                holders = [Person(row[2], row[3], {profile: row[4]}) for row in group]
                yield SharedIdentifier(profile, holders)

    def put(self, people: Iterable[Person], profiles: Collection[str], *, has_name: bool) -> None:
        """Add people, or update those who are there by these columns, all of them or nobody.

        An identifier that a person lacks at one of `profiles` is removed; others are left.
        """
        with self.database.writing(IMPORT_SECONDS) as transaction:
            run_each = self.database.run_each
            for batch in batches(people, BATCH):
                statement = _PUT_WITH_NAME if has_name else _PUT
                run_each(transaction, statement, map(_person_values, batch))
                run_each(transaction, _PUT_IDENTIFIER, _identifiers(batch))
                run_each(transaction, _TAKE_IDENTIFIER, _missing(batch, profiles))

    def forget(self, person: Person) -> None:
        """Delete a person, so that the file has no trace of one."""
        values = {"key": key_of(person.person)}
        with self.database.erasing() as transaction:
            transaction.execute(_FORGET_IDENTIFIERS, values)
            transaction.execute(_FORGET, values)


def _people(transaction: Transaction, found: list[Any]) -> list[Person]:
    """The people of rows in the order of their numbers."""
    if not found:
        return []
    values = {"first": found[0][0], "last": found[-1][0]}
    rows = transaction.execute(_IDENTIFIERS, values)
    by_number: Mapping[int, Mapping[str, str]] = {
        number: {profile: identifier for _, profile, identifier in its}
        for number, its in groupby(rows, itemgetter(0))
    }
    return [Person(person, name, by_number.get(number, {})) for number, person, name in found]


def _person_values(person: Person) -> dict[str, Any]:
    return {
        "key": key_of(person.person),
        "person": person.person,
        "name": person.name,
        "name_key": None if person.name is None else key_of(person.name),
    }


def _identifiers(people: Iterable[Person]) -> Iterator[dict[str, str]]:
    for person in people:
        key = key_of(person.person)
        for profile, identifier in person.identifiers.items():
            yield {
                "key": key,
                "profile": profile,
                "identifier": identifier,
                "identifier_key": key_of(identifier),
            }


def _missing(people: Iterable[Person], profiles: Collection[str]) -> Iterator[dict[str, str]]:
    for person in people:
        key = key_of(person.person)
        for profile in profiles:
            if profile not in person.identifiers:
                yield {"key": key, "profile": profile}
