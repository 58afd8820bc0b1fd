"""Customer data at a PostgreSQL server that goes away, or does not let us in."""

import pytest

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from tests.database.conftest import Open, read, refused, write
from tests.fakes.postgresql import PostgreSQL
from tests.fakes.servers import unused_port


def test_a_server_that_does_not_answer_is_unreachable() -> None:
    message = refused(f"postgresql://127.0.0.1:{unused_port()}/db", ErrorCode.UNREACHABLE)

    assert "cannot be reached" in message
    assert "once the server answers" in message


def test_a_database_that_is_missing_is_a_matter_of_set_up(server: PostgreSQL) -> None:
    message = refused(server.url(database="nowhere"))

    assert "createdb" in message


def test_a_connection_that_was_cut_is_made_again_for_the_next_transaction(
    open_it: Open, server: PostgreSQL, own_place: str
) -> None:
    database = open_it(server.url(own_place))
    write(database, "one")

    with database.reading() as transaction:
        (pid,) = transaction.execute("SELECT pg_backend_pid()").fetchone()
    server.execute(f"SELECT pg_terminate_backend({pid}, 10000)")
    with pytest.raises(LoyaltyError) as raised:
        read(database)
    assert raised.value.code is ErrorCode.UNREACHABLE

    assert read(database) == ["one"]


def test_a_user_without_rights_is_told_which(server: PostgreSQL, own_place: str) -> None:
    with server.role("reader"):
        server.execute(f"GRANT USAGE ON SCHEMA {own_place} TO reader")
        assert "rights" in refused(server.url(own_place, user="reader"))
