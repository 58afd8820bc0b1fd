"""The journal's tables in SQLite and PostgreSQL: makes them, and upgrades those of version 1."""

from loyalty_cli.database.statements import Transaction
from loyalty_cli.debits.journal.database import Database
from loyalty_cli.debits.journal.text import folded

SCHEMA_VERSION = 2

ONE_OPEN_DEBIT = """\
CREATE UNIQUE INDEX IF NOT EXISTS one_open_debit ON debits (platform, customer)
    WHERE state IN ('sending', 'unknown')"""
"""The database itself enforces that an account has at most one open debit."""

TABLES = (
    """\
CREATE TABLE IF NOT EXISTS debits (
    platform TEXT NOT NULL, reference TEXT NOT NULL, profile TEXT NOT NULL, provider TEXT NOT NULL,
    customer TEXT NOT NULL, unit TEXT NOT NULL, amount BIGINT NOT NULL, sandbox BOOLEAN NOT NULL,
    state TEXT NOT NULL, attempt INTEGER NOT NULL, created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL, sender TEXT, baseline TEXT, balance_after TEXT,
    provider_reference TEXT, error TEXT, folded TEXT NOT NULL, claimed_at TEXT,
    PRIMARY KEY (platform, reference)
)""",
    ONE_OPEN_DEBIT,
    "CREATE INDEX IF NOT EXISTS debits_by_state ON debits (state, changed_at)",
    "CREATE INDEX IF NOT EXISTS debits_in_order ON debits (created_at, reference, platform)",
    "CREATE INDEX IF NOT EXISTS debits_by_customer ON debits (folded)",
    "CREATE INDEX IF NOT EXISTS debits_by_reference ON debits (reference)",
    "CREATE INDEX IF NOT EXISTS debits_by_claim ON debits (platform, claimed_at)",
    """\
CREATE TABLE IF NOT EXISTS events (
    number {counted} PRIMARY KEY, platform TEXT NOT NULL, reference TEXT NOT NULL,
    at TEXT NOT NULL, actor TEXT NOT NULL, attempt INTEGER NOT NULL, "before" TEXT,
    "after" TEXT NOT NULL, why TEXT NOT NULL, folded TEXT NOT NULL, clock TEXT,
    seconds DOUBLE PRECISION
)""",
    "CREATE INDEX IF NOT EXISTS events_of_a_debit ON events (platform, reference)",
    "CREATE INDEX IF NOT EXISTS events_of_an_account ON events (platform, folded, number)",
    # A row for each process that may have debits only in the log; if empty, the file is complete.
    "CREATE TABLE IF NOT EXISTS senders (process TEXT PRIMARY KEY)",
    # The holders of locks.
    """\
CREATE TABLE IF NOT EXISTS locks (name TEXT PRIMARY KEY, holder TEXT NOT NULL, at TEXT NOT NULL)""",
    # The servers of this journal, and who accepted each; the last row is the present one.
    """\
CREATE TABLE IF NOT EXISTS servers (
    number {counted} PRIMARY KEY, system TEXT NOT NULL, timeline BIGINT NOT NULL,
    at TEXT NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL
)""",
    # Since when debits may be missing, and who reviewed that; `reviewed_at` null: nobody did.
    """\
CREATE TABLE IF NOT EXISTS gaps (
    number {counted} PRIMARY KEY, since TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL,
    why TEXT NOT NULL, reviewed_at TEXT, reviewer TEXT, review TEXT
)""",
    # A salted fingerprint of the key that an account was debited with; a new row for a new key.
    """\
CREATE TABLE IF NOT EXISTS fingerprints (
    number {counted} PRIMARY KEY, platform TEXT NOT NULL, salt TEXT NOT NULL,
    fingerprint TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL
)""",
    "CREATE INDEX IF NOT EXISTS fingerprints_of_an_account ON fingerprints (platform)",
    "CREATE TABLE IF NOT EXISTS journal_schema (version INTEGER NOT NULL)",
)
"""The statements, in this order; `{counted}` is the type of an automatic number."""

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
    for statement in TABLES:
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
    new = {"new": SCHEMA_VERSION}
    transaction.execute("UPDATE journal_schema SET version = :new", new)
