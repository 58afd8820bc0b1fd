"""The keys that accounts were debited with: a salted fingerprint of each, in the journal."""

from msgspec import Struct

from loyalty_cli.debits.journal.database import Database
from loyalty_cli.debits.journal.processes import actor
from loyalty_cli.debits.journal.text import time_text

_SELECT = "SELECT salt, fingerprint FROM fingerprints WHERE platform = :platform ORDER BY number"
_INSERT = """\
INSERT INTO fingerprints (platform, salt, fingerprint, at, actor)
VALUES (:platform, :salt, :fingerprint, :at, :actor)"""


class Fingerprint(Struct, frozen=True):
    """A value that identifies a key without revealing it, and its salt."""

    salt: str
    fingerprint: str


def fingerprints_of(database: Database, platform: str) -> list[Fingerprint]:
    """The fingerprints of keys that an account was debited with, the oldest first."""
    with database.reading() as transaction:
        return [Fingerprint(*row) for row in transaction.execute(_SELECT, {"platform": platform})]


def keep_fingerprint(database: Database, platform: str, mine: Fingerprint) -> None:
    """Record the fingerprint of the key that an account is debited with from now on."""
    row = {"platform": platform, "salt": mine.salt, "fingerprint": mine.fingerprint}
    with database.writing() as transaction:
        at = time_text(database.now(transaction))
        transaction.execute(_INSERT, {**row, "at": at, "actor": actor()})
