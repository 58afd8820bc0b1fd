"""Keys of people that begin with what is typed."""

from contextlib import closing
from pathlib import Path

import pytest

from loyalty_cli.database.open import open_database
from loyalty_cli.people.person import Person
from loyalty_cli.people.store import SCHEMA, People
from loyalty_cli.people.suggest import MOST, keys_from


def made(path: Path, *people: Person) -> Path:
    database = open_database(path, SCHEMA, create=True)
    assert database is not None
    with closing(database):
        People(database).put(people, [], has_name=True)
    return path


ADA = {"ada@example.com": "Ada", "Ada": "ada@example.com"}
PHONE = {"+61 412 345 678": ""}


@pytest.mark.parametrize(
    ("begin", "found"),
    [
        (
            "",
            {
                "ada@example.com": "Ada",
                "+61 412 345 678": "",
                "12-34": "",
                "Ada": "ada@example.com",
            },
        ),
        ("ada@", {"ada@example.com": "Ada"}),
        ("A", {"ada@example.com": "Ada", "Ada": "ada@example.com"}),
        ("+61 4", {"+61 412 345 678": ""}),
        ("+61 412 345 6", {"+61 412 345 678": ""}),
        ("12-", {"12-34": ""}),
        ("_", {}),
        ("%", {}),
    ],
)
def test_keys_and_names_are_offered_by_how_they_begin(
    tmp_path: Path, begin: str, found: dict[str, str]
) -> None:
    people = [Person("ada@example.com", "Ada", {}), Person("+61 412 345 678", None, {})]
    path = made(tmp_path / "people.db", *people, Person("12-34", None, {}))

    assert dict(keys_from(path, begin)) == found


def test_of_many_people_only_the_first_are_offered(tmp_path: Path) -> None:
    path = made(tmp_path / "p.db", *(Person(f"{at:04}", f"N{at:04}", {}) for at in range(MOST * 3)))

    assert len(keys_from(path, "")) == 2 * MOST
    assert keys_from(path, "029") == [(f"029{at}", f"N029{at}") for at in range(10)]
