"""Upgrades a journal of an earlier version."""

from loyalty_cli.debits.journal import tables
from loyalty_cli.debits.journal.database import Database, Transaction
from loyalty_cli.debits.journal.text import folded

ADDED_COLUMNS = (
    "debits ADD COLUMN folded TEXT NOT NULL DEFAULT ''",
    "debits ADD COLUMN claimed_at TEXT",
    "events ADD COLUMN folded TEXT NOT NULL DEFAULT ''",
    "events ADD COLUMN clock TEXT",
    "events ADD COLUMN seconds DOUBLE PRECISION",
)
NAME_ACCOUNTS = (
    "UPDATE debits SET folded = :folded WHERE customer = :customer",
    """\
UPDATE events SET folded = :folded WHERE (platform, reference) IN
    (SELECT platform, reference FROM debits WHERE customer = :customer)""",
)
NOTE_CLAIMS = """\
UPDATE debits SET claimed_at = (
    SELECT max(at) FROM events WHERE events.platform = debits.platform
    AND events.reference = debits.reference AND "after" = 'sending'
)"""


def versions(transaction: Transaction) -> list[int]:
    """The version of the tables: one number, otherwise the journal is incomplete."""
    return [version for (version,) in transaction.execute("SELECT version FROM journal_schema")]


def make_tables(transaction: Transaction, database: Database) -> None:
    """Make missing tables and indexes."""
    for statement in tables.TABLES:
        transaction.execute(statement.format(counted=database.counted))


def upgrade(transaction: Transaction, database: Database) -> None:
    """Upgrade a journal from version 1 to the present one, in the caller's transaction."""
    if versions(transaction) != [1]:
        return
    database.lock_tables(transaction)
    if versions(transaction) != [1]:
        return  # another process did it first
    for column in ADDED_COLUMNS:
        transaction.execute(f"ALTER TABLE {column}")
    make_tables(transaction, database)
    for (customer,) in transaction.execute("SELECT DISTINCT customer FROM debits").fetchall():
        for statement in NAME_ACCOUNTS:
            transaction.execute(statement, {"customer": customer, "folded": folded(customer)})
    transaction.execute(NOTE_CLAIMS)
    new = {"new": tables.SCHEMA_VERSION}
    transaction.execute("UPDATE journal_schema SET version = :new", new)
