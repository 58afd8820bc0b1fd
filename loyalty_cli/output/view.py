"""How a record is shown: columns, cells and groups of rows, and what CSV has of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from loyalty_cli.output.csv_text import CsvCell

Shown = TypeVar("Shown")


class Column(Struct, frozen=True):
    """A column, by its heading.

    `numbers` are aligned to the right. In a terminal, repeated values are shown `once`, and long
    values may be put `aside`, below the rows.
    """

    heading: str
    numbers: bool = False
    once: bool = False
    aside: bool = False
    style: str = ""


class Cell(Struct, frozen=True):
    """A cell: text, a number with its unit, or a bar, as a share of the longest bar."""

    text: str = ""
    unit: str = ""
    style: str = ""
    bar: float = 0


class Group(Struct, frozen=True):
    """Rows that belong together, notes about them, and details of what the rows are about.

    In a pipe, notes are not part of the table, and the details are one more column.
    """

    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    details: Sequence[str] = ()


class View(Struct, Generic[Shown], frozen=True):
    """How one kind of record is shown as CSV and as a table."""

    csv_header: Sequence[str]
    csv_rows: Callable[[Shown], Iterable[Sequence[CsvCell]]]
    columns: Sequence[Column]
    groups: Callable[[Sequence[Shown]], Sequence[Group]]

    def table(self, records: Sequence[Shown]) -> tuple[Sequence[Column], Sequence[Group]]:
        """The columns and the groups of a table; no group if there is nothing to show."""
        return self.columns, self.groups(records)


def texts(rows: Iterable[Sequence[CsvCell]]) -> Group:
    """Rows of plain text; null is an empty cell."""
    return Group([[Cell("" if text is None else str(text)) for text in row] for row in rows])


def facts_view(facts: Callable[[Shown], Iterable[tuple[str, CsvCell]]]) -> View[Shown]:
    """Show a record as facts: pairs of a name and a value."""
    return View(
        ("about", "what"),
        facts,
        (Column("About"), Column("What")),
        lambda records: [texts(fact for record in records for fact in facts(record))],
    )
