"""Locks in the journal, for work that only one process at a time may do."""

from collections.abc import Callable
from datetime import datetime, timedelta

from loyalty_cli.debits.journal.database import Database
from loyalty_cli.debits.journal.entries import Process
from loyalty_cli.debits.journal.rows import process_of, process_text
from loyalty_cli.debits.journal.text import time_text


def take_lock(
    database: Database,
    name: str,
    holder: Process,
    is_abandoned: Callable[[Process, timedelta], bool],
) -> bool:
    """Take a lock; False if another process has it, unless `is_abandoned` says so of the lock."""
    insert = "INSERT INTO locks VALUES (:name, :holder, :at) ON CONFLICT DO NOTHING"
    select = database.locking("SELECT holder, at FROM locks WHERE name = :name")
    with database.writing() as transaction:
        now = database.now(transaction)
        row = {"name": name, "holder": process_text(holder), "at": time_text(now)}
        if transaction.execute(insert, row).rowcount == 1:
            return True
        had = transaction.execute(select, {"name": name}).fetchone()
        if not (had and is_abandoned(process_of(had[0]), now - datetime.fromisoformat(had[1]))):
            return False
        transaction.execute("UPDATE locks SET holder = :holder, at = :at WHERE name = :name", row)
        return True


def release_lock(database: Database, name: str, holder: Process) -> None:
    """Release a lock, if this holder still has it."""
    mine = {"name": name, "holder": process_text(holder)}
    with database.writing() as transaction:
        transaction.execute("DELETE FROM locks WHERE name = :name AND holder = :holder", mine)
