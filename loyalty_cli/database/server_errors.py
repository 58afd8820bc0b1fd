"""What a PostgreSQL error means: run the same command again, or fix something first."""

import re
from typing import Any

from msgspec import Struct

from loyalty_cli.model.errors import ErrorCode

# Errors that may pass, by SQLSTATE: the connection, a server that is full, stops, starts or is
# read-only, a time limit, a lock, a deadlock.
_PASSING = re.compile(r"08|53|57(?!P04)|40|25P0|25006|55P03")

# Before a session begins there is no SQLSTATE, only the text.
_TO_MEND = re.compile(
    r"password|authentication|pg_hba\.conf|permission denied|no such (database|user)"
    r"|(role|user|database) \S+ (does not exist|is not permitted)|definition of service"
    r"|service file|startup parameter|certificate file|private key|root certificate",
    re.IGNORECASE,
)
_NAMES = re.compile(r'"[^"]*"')

HINTS = {
    r"authentication failed|no password supplied": (
        "Set PGPASSWORD, or name a password file (PGPASSFILE, or ~/.pgpass) or a service"
        " (postgresql:///?service=NAME)."
    ),
    r"definition of service|service file": (
        "The service file (PGSERVICEFILE, or ~/.pg_service.conf) must have that service."
    ),
    r"pg_hba\.conf": "The server's pg_hba.conf must allow this user from this machine.",
    r"permission denied|must be owner": (
        "The user needs rights to use its tables, and the one who uses it first to make them."
    ),
    r"database \S+ does not exist|no such database": (
        "Fix the URL, or run createdb --encoding=UTF8 --template=template0."
    ),
    r"(role|user) \S+ does not exist|no such user": (
        "Fix the user in the URL; without one it is PGUSER, or the user who runs this."
    ),
    r"certificate verify failed|does not match host name|does not support SSL": (
        "sslrootcert must name the authority of the server's certificate, and the URL must have the"
        " host of that certificate."
    ),
    r"startup parameter": "PgBouncer takes no options; set search_path by ALTER ROLE.",
}


class Meaning(Struct, frozen=True):
    """What a psycopg error means: its code, the server's reason, and what to do, if known."""

    code: ErrorCode
    reason: str
    hint: str | None


def meaning_of(error: Any) -> Meaning:
    """The meaning of a psycopg error."""
    reason = (str(error).strip() or "no reason given").splitlines()[0].rstrip(".")
    plain = _NAMES.sub('""', reason)
    by_state = error.sqlstate is not None
    passes = _PASSING.match(error.sqlstate) if by_state else not _TO_MEND.search(plain)
    fitting = (hint for pattern, hint in HINTS.items() if re.search(pattern, plain, re.IGNORECASE))
    code = ErrorCode.UNREACHABLE if passes else ErrorCode.SETUP
    return Meaning(code, reason, next(fitting, None))
