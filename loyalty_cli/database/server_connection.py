"""A connection to PostgreSQL with a timeout for every answer."""

import re
import time
from collections.abc import Generator
from functools import lru_cache
from typing import Any

import psycopg

from loyalty_cli.config.base_url import is_loopback
from loyalty_cli.database.statements import NO_VALUES

CONNECT_SECONDS = 10

_NAME = re.compile(r":([a-z_0-9]+)")


class LimitedConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes more than `limit` seconds.

    It takes statements in SQLite's style: `:name` is a value.
    """

    limit = float(CONNECT_SECONDS)

    def execute(self, query: Any, params: Any = NO_VALUES, **more: Any) -> psycopg.Cursor[Any]:
        """Run a statement."""
        return super().execute(translated(query), params, **more)

    def wait(self, gen: Any, *args: Any, **more: Any) -> Any:
        """Run one of psycopg's exchanges with the server."""
        return super().wait(self._limited(gen), *args, **more)

    def _limited(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        ends = time.monotonic() + self.limit
        try:
            wanted = next(gen)
            while True:
                # Returns from time to time, ready or not.
                ready = yield wanted
                if time.monotonic() > ends:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer within {self.limit:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


@lru_cache(maxsize=128)
def translated(statement: str) -> bytes:
    """A statement in psycopg's style."""
    return _NAME.sub(r"%(\1)s", statement).encode()


def connect(url: str) -> LimitedConnection:
    """Connect, and set nothing that PgBouncer would refuse; raise psycopg.Error if that fails."""
    return LimitedConnection.connect(
        url,
        autocommit=True,  # we send BEGIN ourselves
        prepare_threshold=None,
        client_encoding="utf8",
        connect_timeout=CONNECT_SECONDS,
        keepalives=1,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=30_000,
    )


def unproven(connection: LimitedConnection, key: str) -> tuple[str, ...]:
    """A warning if the connection, named by this key, does not prove the server's identity."""
    server = connection.pgconn
    given = {each.keyword: each.val for each in server.info}
    mode = (given.get(b"sslmode") or b"").decode()
    host = server.host.decode()
    is_local = host.startswith(("/", "@")) or is_loopback(server.hostaddr.decode() or host)
    if is_local or mode in ("verify-ca", "verify-full"):
        return ()
    warning = (
        f"the {key}'s server {host} has not proven its identity (sslmode={mode}): somebody"
        f" on the way can pretend to be it. Add sslmode=verify-full to the URL in `{key}`."
    )
    return (warning,)
