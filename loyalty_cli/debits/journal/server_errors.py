"""What an error of PostgreSQL's means: run the same again, or fix something first."""

import re
from typing import Any

from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.model.errors import ErrorCode

# By SQLSTATE: the connection, a full server, one that ends or starts, a time limit, a lock, a
# deadlock, and a server that has become read-only.
_PASSING = re.compile(r"08|53|57(?!P04)|40|25P0|25006|55P03")

# Before a session has begun there is no SQLSTATE, only the text.
_TO_MEND = re.compile(
    r"password|authentication|pg_hba\.conf|permission denied|no such (database|user)"
    r"|(role|user|database) \S+ (does not exist|is not permitted)|definition of service"
    r"|service file|startup parameter|certificate file|private key|root certificate",
    re.IGNORECASE,
)
_NAMES = re.compile(r'"[^"]*"')

HINTS = {
    r"authentication failed|no password supplied": (
        "Set PGPASSWORD, or name a password file (PGPASSFILE, else ~/.pgpass) or a service"
        " (postgresql:///?service=NAME)."
    ),
    r"definition of service|service file": (
        "The file of services (PGSERVICEFILE, else ~/.pg_service.conf) must have that one."
    ),
    r"pg_hba\.conf": "The server's pg_hba.conf must let this user in from this machine.",
    r"permission denied|must be owner": (
        "The user needs rights: to use the journal's tables, and for `loyalty journal init` to make"
        " them."
    ),
    r"database \S+ does not exist|no such database": (
        "Fix the URL, or run createdb --encoding=UTF8 --template=template0."
    ),
    r"(role|user) \S+ does not exist|no such user": (
        "Fix the user in the URL; where it has none it is PGUSER, or who runs this."
    ),
    r"certificate verify failed|does not match host name|does not support SSL": (
        "sslrootcert must name the authority of the server's certificate, and the URL the host that"
        " stands in it."
    ),
    r"startup parameter": "PgBouncer takes no options; set search_path by ALTER ROLE.",
}


def journal_error(place: str, what: str, error: Any) -> JournalError:
    """The JournalError for an error of psycopg's: what happened to the journal, and what to do."""
    reason = (str(error).strip() or "no reason given").splitlines()[0].rstrip(".")
    plain = _NAMES.sub('""', reason)
    message = f"the journal {place} {what}: {reason}."
    code, hint = ErrorCode.SETUP, "Fix the journal, then run the same again."
    if _passes(error.sqlstate, plain):
        code, hint = ErrorCode.UNREACHABLE, "Run the same again once the server answers."
    fitting = (hint for pattern, hint in HINTS.items() if re.search(pattern, plain, re.IGNORECASE))
    return JournalError(code, message, hint=f"Nothing more was sent. {next(fitting, hint)}")


def _passes(sqlstate: str | None, text: str) -> bool:
    if sqlstate is not None:
        return _PASSING.match(sqlstate) is not None
    return _TO_MEND.search(text) is None
