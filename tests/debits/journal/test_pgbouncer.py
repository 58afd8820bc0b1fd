"""A journal behind PgBouncer, which gives each transaction whatever session is free."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from loyalty_cli.database.server_connection import LimitedConnection
from loyalty_cli.debits.journal.entries import Baseline, Change, Entry, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import BATCH, Filter
from loyalty_cli.model.errors import ErrorCode
from tests.debits.journal.conftest import SENDER, Open, planned, refused
from tests.fakes.postgresql import BOUNCER_PORT, PostgreSQL, pgbouncer

DEBITS = 60


@pytest.fixture
def pooled(server: PostgreSQL) -> Iterator[str]:
    """The URL of a database by way of the pooler."""
    with ExitStack() as running:
        settings = {"synchronous_commit": "off", "default_transaction_isolation": "serializable"}
        database = running.enter_context(server.own_database(**settings))
        folder = running.enter_context(pgbouncer(server))
        yield f"postgresql:///{database}?host={folder}&port={BOUNCER_PORT}"


def test_debits_side_by_side_behind_a_pooler_are_all_made_and_recorded(
    pooled: str, open_it: Open
) -> None:
    journals = [open_it(pooled, create=True) for _ in range(2)]
    entries = journals[0].plan([planned(f"order-{each}") for each in range(DEBITS)])

    def debit(turn: tuple[int, Entry]) -> bool:
        number, entry = turn
        journal = journals[number % 2]
        taken = journal.claim(entry, SENDER, Baseline())
        if taken is None:
            return False
        journal.database.check_unchanged()
        return journal.change(taken, State.CONFIRMED, Change("ok")) is not None

    with ThreadPoolExecutor(8) as pool:
        made = [*pool.map(debit, enumerate(each for each in entries for _ in range(3)))]

    assert sum(made) == DEBITS
    assert {entry.state for entry in journals[0].find(Filter())} == {State.CONFIRMED}


def test_each_transaction_behind_a_pooler_leaves_no_setting_to_the_next(
    pooled: str, open_it: Open
) -> None:
    journal = open_it(pooled, create=True)
    journal.plan([planned(f"order-{each}") for each in range(BATCH + 5)])
    asked = "SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')"

    with journal.database.writing() as transaction:
        assert transaction.execute(asked).fetchone() == ("on", "read committed")
    with psycopg.connect(pooled, prepare_threshold=None) as other:
        assert other.execute(asked).fetchall() == [("off", "serializable")]
    assert len([*journal.find(Filter())]) == BATCH + 5


def test_a_server_that_its_pooler_cannot_reach_can_be_tried_again(
    own_server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LimitedConnection, "limit", 1.0)
    own_server.start()
    with pgbouncer(own_server) as folder:
        url = f"postgresql:///postgres?host={folder}&port={BOUNCER_PORT}"
        open_journal(url, create=True).close()
        own_server.stop()

        refused(url, code=ErrorCode.UNREACHABLE)


def test_a_schema_in_the_url_is_refused_by_a_pooler_with_a_hint(pooled: str) -> None:
    said = refused(f"{pooled}&options=-csearch_path%3Dloyalty")

    assert "startup parameter" in said
    assert "ALTER ROLE" in said
