"""Keys of people for TAB, from a database in a file."""

from pathlib import Path

from loyalty_cli.database.read_only import read_only
from loyalty_cli.people.keys import beginnings_of

MOST = 100

_KEYS = (
    "SELECT person, name FROM people WHERE key >= :begin AND key < :end ORDER BY key LIMIT :most"
)
_NAMES = """\
SELECT name, person FROM people WHERE name_key >= :begin AND name_key < :end
    ORDER BY name_key LIMIT :most"""


def keys_from(path: Path, begin: str) -> list[tuple[str, str]]:
    """Keys and names that begin with a text, each with the other of the two; at most MOST of both.

    Raises OSError or sqlite3.Error.
    """
    found: dict[str, str] = {}
    with read_only(path) as connection:
        for query in (_KEYS, _NAMES):
            for each in beginnings_of(begin):
                row = {"begin": each, "end": f"{each}\U0010ffff", "most": MOST}
                for text, other in connection.execute(query, row):
                    found.setdefault(text, other or "")
    return [*found.items()]
