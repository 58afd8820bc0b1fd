"""References for TAB, from a journal in a file that nobody need have closed."""

from collections.abc import Sequence
from pathlib import Path

from loyalty_cli.database.read_only import read_only
from loyalty_cli.debits.journal.entries import State

MOST = 100

_NEWEST = """\
SELECT reference, state, amount, unit, customer FROM debits WHERE {states}
    ORDER BY created_at DESC, reference DESC LIMIT {most}"""
_FROM = """\
SELECT reference, state, amount, unit, customer FROM debits
    WHERE reference >= :begin AND reference < :end AND {states} ORDER BY reference LIMIT {most}"""


def references_from(path: Path, begin: str, states: Sequence[State]) -> list[tuple[str, str]]:
    """References that begin with a text, each with what the debit is; at most MOST.

    For an empty text they are the newest. Raises OSError or sqlite3.Error.
    """
    named = ", ".join(f"'{state}'" for state in states)
    # Without a condition, SQLite reads them in their order, and need not sort them.
    chosen = f"state IN ({named})" if set(states) != set(State) else "true"
    query = (_FROM if begin else _NEWEST).format(states=chosen, most=MOST)
    with read_only(path) as connection:
        rows = connection.execute(query, {"begin": begin, "end": f"{begin}\U0010ffff"}).fetchall()
    return [
        (reference, f"{state}: {amount} {unit}, {customer}")
        for reference, state, amount, unit, customer in rows
    ]
