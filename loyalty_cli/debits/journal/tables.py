"""The journal's tables, the same in SQLite and PostgreSQL."""

SCHEMA_VERSION = 2

ONE_OPEN_DEBIT = """\
CREATE UNIQUE INDEX IF NOT EXISTS one_open_debit ON debits (platform, customer)
    WHERE state IN ('sending', 'unknown')"""
"""The database itself holds that an account has one open debit at the most."""

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
    # A row for each process that may have debits in the log alone; none: the file has them all.
    "CREATE TABLE IF NOT EXISTS senders (process TEXT PRIMARY KEY)",
    # Who has what only one process at a time may do.
    """\
CREATE TABLE IF NOT EXISTS locks (name TEXT PRIMARY KEY, holder TEXT NOT NULL, at TEXT NOT NULL)""",
    # Which server this was, and who accepted that it is another one; the last row holds.
    """\
CREATE TABLE IF NOT EXISTS servers (
    number {counted} PRIMARY KEY, system TEXT NOT NULL, timeline BIGINT NOT NULL,
    at TEXT NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL
)""",
    # Since when debits may be missing, and who has looked; `reviewed_at` null: nobody has.
    """\
CREATE TABLE IF NOT EXISTS gaps (
    number {counted} PRIMARY KEY, since TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL,
    why TEXT NOT NULL, reviewed_at TEXT, reviewer TEXT, review TEXT
)""",
    # A salted fingerprint of what an account was debited with; a new row where it changes.
    """\
CREATE TABLE IF NOT EXISTS fingerprints (
    number {counted} PRIMARY KEY, platform TEXT NOT NULL, salt TEXT NOT NULL,
    fingerprint TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL
)""",
    "CREATE INDEX IF NOT EXISTS fingerprints_of_an_account ON fingerprints (platform)",
    "CREATE TABLE IF NOT EXISTS journal_schema (version INTEGER NOT NULL)",
)
"""In this order; `{counted}` is the type of a column that the database counts up."""
