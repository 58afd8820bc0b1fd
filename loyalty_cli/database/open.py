"""Opens a database of customer data, and makes the tables of one kind of data in it."""

from pathlib import Path

from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.database.file import open_file
from loyalty_cli.database.statements import Transaction
from loyalty_cli.model.errors import setup_error

VERSIONS = """\
CREATE TABLE IF NOT EXISTS loyalty_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL)"""
"""The table with the version of each kind of data."""

NOTE_VERSION = "INSERT INTO loyalty_versions VALUES (:name, :version) ON CONFLICT DO NOTHING"


def open_database(where: str | Path, schema: Schema, *, create: bool) -> CustomerData | None:
    """Open the database at a path, or at a URL of the profile file (text), for one kind of data.

    None if there is none of this kind, and it must not be made. Raises LoyaltyError if it cannot
    be used.
    """
    if isinstance(where, Path):
        database: CustomerData | None = open_file(where, schema.name, create=create)
    else:
        database = _at_server(where, schema.name)
    if database is None:
        return None
    try:
        if _has_tables(database, schema, create=create):
            return database
    except BaseException:
        database.close()
        raise
    database.close()
    return None


def _at_server(url: str, name: str) -> CustomerData:
    try:
        import psycopg  # noqa: F401 - an extra

        from loyalty_cli.database.server import CustomerServer
    except ImportError:
        setup_error(
            f"a {name} database in PostgreSQL needs psycopg, which is not installed.",
            "pip install 'loyalty-cli[postgresql]'",
        )
    return CustomerServer(url, name)


def _has_tables(database: CustomerData, schema: Schema, *, create: bool) -> bool:
    """Check the version of the tables; make them if they are missing and `create`."""
    with database.reading() as transaction:
        is_there = _is_there(transaction, database, schema)
    if is_there or not create:
        return is_there
    with database.writing() as transaction:
        database.lock_tables(transaction)
        # Another process may have made them meanwhile.
        for statement in (VERSIONS, *schema.tables):
            transaction.execute(statement.format(counted=database.counted))
        row = {"name": schema.name, "version": schema.version}
        transaction.execute(NOTE_VERSION, row)
        return _is_there(transaction, database, schema)


def _is_there(transaction: Transaction, database: CustomerData, schema: Schema) -> bool:
    if not database.has_table(transaction, "loyalty_versions"):
        return False
    query = "SELECT version FROM loyalty_versions WHERE name = :name"
    found = transaction.execute(query, {"name": schema.name}).fetchone()
    if found is None:
        return False
    if found != (schema.version,):
        setup_error(
            f"{database.title} has version {found[0]}, this program knows {schema.version}.",
            "Use the version of loyalty that made it, or a newer one.",
        )
    return True
