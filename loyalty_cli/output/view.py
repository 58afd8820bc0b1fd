"""How a record is shown: headings, rows and notes of a table, and what CSV has of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from loyalty_cli.output.csv_text import CsvCell

Shown = TypeVar("Shown")


class Column(Struct, frozen=True):
    """A column, by its heading.

    `numbers` are aligned to the right. What is the same for all rows of a group has a place `above`
    them, in the group's heading: 1 is the first. A terminal marks dates that are over in a column
    that `expires`.
    """

    heading: str
    numbers: bool = False
    above: int = 0
    style: str = ""
    expires: bool = False


class Cell(Struct, frozen=True):
    """A cell: text, or a number with its unit; and `at`, a date as the platform wrote it."""

    text: str = ""
    unit: str = ""
    style: str = ""
    at: str = ""


class Note(Struct, frozen=True):
    """What must be known about a group: a warning, or the error in place of its rows."""

    text: str
    is_error: bool = False


class Group(Struct, frozen=True):
    """Rows about one thing, which the heading names, with notes and details of it.

    The heading has the cells of the columns with a place above the rows, in this order, a row those
    of the others; it may leave out empty cells at its end. The one row of a failed group says
    briefly why it has no other; its notes say more. Details are texts by their names. The section
    names what this group and its neighbours belong to.
    """

    heading: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[Note] = ()
    details: Mapping[str, str] = {}
    is_failed: bool = False
    section: Cell = Cell()


def headings_of(columns: Iterable[Column]) -> list[Column]:
    """The columns above the rows of their group, in their order there."""
    return sorted((each for each in columns if each.above), key=lambda each: each.above)


def inner_of(columns: Iterable[Column]) -> list[Column]:
    """The columns of the rows."""
    return [each for each in columns if not each.above]


class Table(Struct, frozen=True):
    """A table; its groups are read once.

    A section stands above its groups, and above the whole table if there is only one; where each
    row stands alone, sections have a column of this heading. The sentences of the `ending` stand
    below the table. A table of facts has two columns: what a row is about, and what is known.
    """

    columns: Sequence[Column]
    groups: Iterable[Group]
    section: str = ""
    ending: Sequence[str] = ()
    is_facts: bool = False

    @property
    def headings(self) -> list[Column]:
        """The columns of the groups' headings."""
        return headings_of(self.columns)

    @property
    def inner(self) -> list[Column]:
        """The columns of the rows."""
        return inner_of(self.columns)


class View(Struct, Generic[Shown], frozen=True):
    """How one kind of record is shown as CSV and as a table.

    `units` names for each column of amounts in CSV the column with their unit. `sorted_as` names
    for a column that only the table has the one of CSV that its rows are sorted by.
    """

    csv_header: Sequence[str]
    csv_rows: Callable[[Shown], Iterable[Sequence[CsvCell]]]
    columns: Sequence[Column]
    group: Callable[[Shown], Group]
    section: str = ""
    units: Mapping[str, str] = {}
    sorted_as: Mapping[str, str] = {}
    is_facts: bool = False

    @property
    def headings(self) -> list[Column]:
        """The columns of the groups' headings."""
        return headings_of(self.columns)

    @property
    def inner(self) -> list[Column]:
        """The columns of the rows."""
        return inner_of(self.columns)

    def table(self, records: Iterable[Shown], ending: Sequence[str] = ()) -> Table:
        """The table of some records, which are read only once."""
        return Table(self.columns, map(self.group, records), self.section, ending, self.is_facts)


def texts(row: Iterable[CsvCell]) -> list[Cell]:
    """A row of plain text; null is an empty cell."""
    return [Cell("" if text is None else str(text)) for text in row]


def facts_view(facts: Callable[[Shown], Iterable[tuple[str, CsvCell]]]) -> View[Shown]:
    """Show a record as facts: pairs of a name and a value."""
    return View(
        ("about", "what"),
        facts,
        (Column("About"), Column("What")),
        lambda record: Group((), [texts(fact) for fact in facts(record)]),
        is_facts=True,
    )
