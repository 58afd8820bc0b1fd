"""The journal's tables, the same in SQLite and PostgreSQL."""

import sqlalchemy as sql

from loyalty_cli.debits.journal.entries import OPEN

SCHEMA_VERSION = 2

metadata = sql.MetaData()

debits = sql.Table(
    "debits",
    metadata,
    sql.Column("platform", sql.Text, primary_key=True),
    sql.Column("reference", sql.Text, primary_key=True),
    sql.Column("profile", sql.Text, nullable=False),
    sql.Column("provider", sql.Text, nullable=False),
    sql.Column("customer", sql.Text, nullable=False),
    sql.Column("unit", sql.Text, nullable=False),
    sql.Column("amount", sql.BigInteger, nullable=False),
    sql.Column("sandbox", sql.Boolean, nullable=False),
    sql.Column("state", sql.Text, nullable=False),
    sql.Column("attempt", sql.Integer, nullable=False),
    sql.Column("created_at", sql.Text, nullable=False),
    sql.Column("changed_at", sql.Text, nullable=False),
    sql.Column("sender", sql.Text),
    sql.Column("baseline", sql.Text),
    sql.Column("balance_after", sql.Text),
    sql.Column("provider_reference", sql.Text),
    sql.Column("error", sql.Text),
    sql.Column("folded", sql.Text, nullable=False),
    sql.Column("claimed_at", sql.Text),
)

_is_open = debits.c.state.in_([sql.literal_column(f"'{state}'") for state in OPEN])

# The database itself holds that an account has one open debit at the most.
one_open_debit = sql.Index(
    "one_open_debit",
    debits.c.platform,
    debits.c.customer,
    unique=True,
    sqlite_where=_is_open,
    postgresql_where=_is_open,
)

sql.Index("debits_by_state", debits.c.state, debits.c.changed_at)
sql.Index("debits_in_order", debits.c.created_at, debits.c.reference, debits.c.platform)
sql.Index("debits_by_customer", debits.c.folded)
sql.Index("debits_by_reference", debits.c.reference)
sql.Index("debits_by_claim", debits.c.platform, debits.c.claimed_at)

events = sql.Table(
    "events",
    metadata,
    sql.Column("number", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True),
    sql.Column("platform", sql.Text, nullable=False),
    sql.Column("reference", sql.Text, nullable=False),
    sql.Column("at", sql.Text, nullable=False),
    sql.Column("actor", sql.Text, nullable=False),
    sql.Column("attempt", sql.Integer, nullable=False),
    sql.Column("before", sql.Text),
    sql.Column("after", sql.Text, nullable=False),
    sql.Column("why", sql.Text, nullable=False),
    sql.Column("folded", sql.Text, nullable=False),
    sql.Column("clock", sql.Text),
    sql.Column("seconds", sql.Double),
    sql.Index("events_of_a_debit", "platform", "reference"),
    sql.Index("events_of_an_account", "platform", "folded", "number"),
)

# A row for each process that may have debits in the log alone; none: the file has them all.
senders = sql.Table(
    "senders",
    metadata,
    sql.Column("process", sql.Text, primary_key=True),
)

# Who has what only one process at a time may do.
locks = sql.Table(
    "locks",
    metadata,
    sql.Column("name", sql.Text, primary_key=True),
    sql.Column("holder", sql.Text, nullable=False),
    sql.Column("at", sql.Text, nullable=False),
)

# Which server this was, and who accepted that it is another one; the last row holds.
servers = sql.Table(
    "servers",
    metadata,
    sql.Column("number", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True),
    sql.Column("system", sql.Text, nullable=False),
    sql.Column("timeline", sql.BigInteger, nullable=False),
    sql.Column("at", sql.Text, nullable=False),
    sql.Column("actor", sql.Text, nullable=False),
    sql.Column("why", sql.Text, nullable=False),
)

# Since when debits may be missing here, and who has looked; `reviewed_at` null: nobody has.
gaps = sql.Table(
    "gaps",
    metadata,
    sql.Column("number", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True),
    sql.Column("since", sql.Text, nullable=False),
    sql.Column("at", sql.Text, nullable=False),
    sql.Column("actor", sql.Text, nullable=False),
    sql.Column("why", sql.Text, nullable=False),
    sql.Column("reviewed_at", sql.Text),
    sql.Column("reviewer", sql.Text),
    sql.Column("review", sql.Text),
)

# A salted fingerprint of what an account was debited with; a new row where it changes.
fingerprints = sql.Table(
    "fingerprints",
    metadata,
    sql.Column("number", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True),
    sql.Column("platform", sql.Text, nullable=False),
    sql.Column("salt", sql.Text, nullable=False),
    sql.Column("fingerprint", sql.Text, nullable=False),
    sql.Column("at", sql.Text, nullable=False),
    sql.Column("actor", sql.Text, nullable=False),
    sql.Index("fingerprints_of_an_account", "platform"),
)

schema = sql.Table("journal_schema", metadata, sql.Column("version", sql.Integer, nullable=False))
