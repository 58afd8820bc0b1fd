"""The error of a journal at a PostgreSQL server."""

from typing import Any

from loyalty_cli.database.server_errors import meaning_of
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.model.errors import ErrorCode


def journal_error(
    place: str, what: str, error: Any, kind: type[JournalError] = JournalError
) -> JournalError:
    """The JournalError for a psycopg error: what happened to the journal, and what to do."""
    meaning = meaning_of(error)
    usual = "Fix the journal, then run the same command again."
    if meaning.code is ErrorCode.UNREACHABLE:
        usual = "Run the same command again once the server answers."
    message = f"the journal {place} {what}: {meaning.reason}."
    return kind(meaning.code, message, hint=f"Nothing more was sent. {meaning.hint or usual}")
