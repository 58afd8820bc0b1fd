"""Bringing a journal that an earlier version made up to the present one."""

import sqlalchemy as sql

from loyalty_cli.debits.journal.accounts import folded
from loyalty_cli.debits.journal.database import Database
from loyalty_cli.debits.journal.tables import SCHEMA_VERSION, debits, events, metadata, schema

ADDED_COLUMNS = (
    (debits, debits.c.folded),
    (debits, debits.c.claimed_at),
    (events, events.c.folded),
    (events, events.c.clock),
    (events, events.c.seconds),
)


def upgrade(connection: sql.Connection, database: Database) -> None:
    """Bring a journal of version 1 to the present one, in the caller's transaction."""
    if connection.execute(schema.select()).scalars().all() != [1]:
        return
    database.lock_tables(connection)
    if connection.execute(schema.select()).scalars().all() != [1]:
        return  # another process was quicker
    quote = connection.dialect.identifier_preparer.quote
    for table, column in ADDED_COLUMNS:
        kind = column.type.compile(connection.dialect)
        default = "" if column.nullable else " NOT NULL DEFAULT ''"
        connection.exec_driver_sql(
            f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}{default}"
        )
    metadata.create_all(connection)
    for index in (*debits.indexes, *events.indexes):
        index.create(connection, checkfirst=True)
    for (customer,) in connection.execute(sql.select(debits.c.customer).distinct()).all():
        _name_account(connection, customer)
    claims = (
        sql.select(sql.func.max(events.c.at))
        .where(
            events.c.platform == debits.c.platform,
            events.c.reference == debits.c.reference,
            events.c.after == "sending",
        )
        .scalar_subquery()
    )
    connection.execute(debits.update().values(claimed_at=claims))
    connection.execute(schema.update().values(version=SCHEMA_VERSION))


def _name_account(connection: sql.Connection, customer: str) -> None:
    of_customer = debits.c.customer == customer
    connection.execute(debits.update().where(of_customer).values(folded=folded(customer)))
    references = sql.select(debits.c.platform, debits.c.reference).where(of_customer)
    connection.execute(
        events.update()
        .where(sql.tuple_(events.c.platform, events.c.reference).in_(references))
        .values(folded=folded(customer))
    )
