"""A database of customer data: the same in a file and at a server."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from msgspec.structs import replace

from loyalty_cli.database.open import open_database
from loyalty_cli.model.errors import LoyaltyError
from tests.database.conftest import ADD, NOTES, Open, read, refused, write


def test_what_was_written_is_there_when_the_database_is_opened_again(
    open_it: Open, where: str | Path
) -> None:
    write(open_it(where), "one", "zwölf ☃")

    assert read(open_it(where)) == ["one", "zwölf ☃"]


def test_a_missing_database_is_made_only_on_request(open_it: Open, where: str | Path) -> None:
    assert open_database(where, NOTES, create=False) is None
    assert not isinstance(where, Path) or not where.exists()

    open_it(where)

    again = open_database(where, NOTES, create=False)
    assert again is not None
    again.close()


def test_a_transaction_that_fails_leaves_nothing(open_it: Open, where: str | Path) -> None:
    database = open_it(where)
    write(database, "kept")

    with pytest.raises(LoyaltyError, match="notes database"):
        write(database, "new", "kept")

    def failing() -> Iterator[dict[str, str]]:
        yield {"text": "stray"}
        raise RuntimeError

    with pytest.raises(RuntimeError), database.writing() as transaction:
        database.run_each(transaction, ADD, failing())

    assert read(database) == ["kept"]


def test_deleted_values_are_gone_and_others_stay(open_it: Open, where: str | Path) -> None:
    database = open_it(where)
    write(database, "one", "two")

    with database.erasing() as transaction:
        transaction.execute("DELETE FROM notes WHERE text = :text", {"text": "one"})

    assert read(database) == ["two"]


def test_tables_of_another_version_are_refused(open_it: Open, where: str | Path) -> None:
    open_it(where, replace(NOTES, version=4))

    message = refused(where)

    assert "has version 4, this program knows 3" in message


def test_tables_of_two_kinds_share_a_database(open_it: Open, where: str | Path) -> None:
    write(open_it(where), "one")

    open_it(
        where,
        replace(NOTES, name="others", tables=("CREATE TABLE IF NOT EXISTS more (text TEXT)",)),
    )

    assert read(open_it(where)) == ["one"]


def test_many_threads_can_make_the_same_database_at_once(open_it: Open, where: str | Path) -> None:
    barrier = Barrier(8)

    def make(number: int) -> None:
        barrier.wait(20)
        write(open_it(where), str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(8)))

    assert sorted(read(open_it(where))) == list("01234567")


def test_without_psycopg_a_url_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    assert "loyalty-cli[postgresql]" in refused("postgresql://host/db")
