"""A journal that an earlier version made is brought up to the present one, with all it has."""

from loyalty_cli.debits.journal.entries import Baseline, State
from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.debits.journal.tables import SCHEMA_VERSION
from tests.debits.journal.conftest import SENDER, Open, changed, claimed, plan


def as_version_1(journal: Journal) -> None:
    """Take away what version 1 did not have."""
    with journal.database.writing() as transaction:
        for index in (
            *("debits_in_order", "debits_by_customer", "debits_by_reference"),
            *("debits_by_claim", "events_of_an_account"),
        ):
            transaction.execute(f"DROP INDEX {index}")
        for table, columns in (
            ("debits", ("folded", "claimed_at")),
            ("events", ("folded", "clock", "seconds")),
        ):
            for column in columns:
                transaction.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for table in ("senders", "servers", "gaps", "fingerprints", "locks"):
            transaction.execute(f"DROP TABLE {table}")
        transaction.execute("UPDATE journal_schema SET version = 1")
    journal.close()


def test_a_journal_of_version_1_is_upgraded_with_all_it_has(open_it: Open, place: str) -> None:
    old = open_it(place, create=True)
    first, second = (plan(old, name, customer=f" C-{name}") for name in ("A", "B"))
    changed(old, claimed(old, first), State.CONFIRMED)
    as_version_1(old)

    journal = open_it(place)

    entries = list(journal.find(Filter()))
    assert [entry.key for entry in entries] == [first.key, second.key]
    assert [entry.state for entry in entries] == [State.CONFIRMED, State.PLANNED]
    claims = [each.at for each in journal.events(first.key) if each.after is State.SENDING]
    assert [entry.claimed_at for entry in entries] == [*claims, None]
    with journal.database.reading() as transaction:
        version = transaction.execute("SELECT version FROM journal_schema").fetchall()
        assert version == [(SCHEMA_VERSION,)]
        accounts = transaction.execute("SELECT DISTINCT folded FROM events ORDER BY folded")
        assert accounts.fetchall() == [("c-a",), ("c-b",)]
    assert journal.claim(second, SENDER, Baseline()) is not None
