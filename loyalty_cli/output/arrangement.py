"""Which columns of a table or of CSV are printed, and in which order the rows are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.model.errors import nearest, usage_error
from loyalty_cli.output.csv_text import CsvCell, cell_value
from loyalty_cli.output.view import Cell, Column, Group, Shown, View

_UNSURE = "scale_unknown"


class Row(Struct, frozen=True):
    """A row as a group of its own, and the values of CSV by their columns.

    Only the first row of a record has its notes and details.
    """

    group: Group
    values: Mapping[str, CsvCell]

    @property
    def cells(self) -> Sequence[Cell]:
        """The cells of the row, without those of its heading."""
        (cells,) = self.group.rows
        return cells


class Arrangement(Struct, frozen=True):
    """The columns by their names, or all of them; and the column to sort by, or none."""

    columns: Sequence[str] = ()
    sort: str = ""
    is_descending: bool = False

    def of(self, view: View[Any], records: Iterable[Any]) -> tuple[Iterable[Any], View[Any]]:
        """The records, or the rows of which they are made, and how they are shown.

        If they are sorted, all rows are in memory.
        """
        if not (self.columns or self.sort):
            return records, view
        rows = _rows(view, records)
        return self._sorted(view, rows) if self.sort else rows, self._view(view)

    def _view(self, view: View[Any]) -> View[Row]:
        if not self.columns:
            return View(
                view.csv_header,
                lambda row: [[*row.values.values()]],
                view.columns,
                lambda row: row.group,
                view.section,
            )
        return View(
            self.columns,
            lambda row: [[row.values[name] for name in self.columns]],
            [_column(view, name) for name in self.columns],
            lambda row: replace(
                row.group,
                heading=(),
                rows=[self._cells(view, row)],
                details={},
                section=Cell(),
            ),
        )

    def _cells(self, view: View[Any], row: Row) -> list[Cell]:
        shown = _shown(view, row)
        cells = [shown.get(name) or _cell(view, row, name) for name in self.columns]
        headings = {_name(column) for column in view.headings}
        inner = [at for at, name in enumerate(self.columns) if name not in headings]
        if (row.group.is_failed or len(row.cells) == 1) and inner:
            cells[inner[0]] = next((cell for cell in row.cells if cell.text), Cell())
        return cells

    def _sorted(self, view: View[Any], rows: Iterable[Row]) -> list[Row]:
        """Rows in their order: numbers in each unit by themselves, and missing values last."""
        name = view.sorted_as.get(self.sort, self.sort)
        found = list(rows)
        known = [row for row in found if row.values[name] not in (None, "")]
        known.sort(key=lambda row: _rank(row.values[name]), reverse=self.is_descending)
        known.sort(key=lambda row: _by_unit(_unit(view, row, name)))
        return [*known, *(row for row in found if row.values[name] in (None, ""))]


def read_arrangement(
    view: View[Shown], columns: str | None, sort: str | None, *, is_csv: bool
) -> Arrangement:
    """Read `--columns A,B` and `--sort KEY`; raise LoyaltyError for a column that is not there."""
    chosen = [] if columns is None else [_plain(name) for name in columns.split(",")]
    names = [*view.csv_header] if is_csv else column_names(view)
    for name in chosen:
        if not name:
            usage_error("--columns has an empty name.", f"Available: {', '.join(names)}.")
        if name not in names:
            hint = nearest(view.sorted_as.get(name, name), names)
            usage_error(f"--columns: there is no column {name!r}.", hint)
    if twice := [name for name in chosen if chosen.count(name) > 1]:
        usage_error(f"--columns has {twice[0]!r} twice.", "Leave one out.")
    if sort is None:
        return Arrangement(chosen)
    key = _plain(sort.removeprefix("-"))
    if key not in column_names(view):
        usage_error(f"--sort: there is no column {key!r}.", nearest(key, column_names(view)))
    return Arrangement(chosen, key, sort.startswith("-"))


def column_names(view: View[Shown]) -> list[str]:
    """The names of all columns, those of CSV and those that only a table has."""
    return list(dict.fromkeys([*map(_name, view.columns), *view.csv_header]))


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _name(column: Column) -> str:
    return _plain(column.heading)


def _column(view: View[Any], name: str) -> Column:
    known = next((column for column in view.columns if _name(column) == name), None)
    if known:
        return replace(known, above=0)
    return Column(name.replace("_", " ").capitalize(), numbers=name in view.units)


def _shown(view: View[Any], row: Row) -> dict[str, Cell]:
    """The cells of a row in a table by their names."""
    pairs = (
        *zip(view.headings, row.group.heading, strict=False),
        *zip(view.inner, row.cells, strict=False),
    )
    return {_name(column): cell for column, cell in pairs}


def _cell(view: View[Any], row: Row, name: str) -> Cell:
    """The cell of a column that only CSV has; an amount has its unit."""
    value = row.values.get(name)
    if value is None:
        return Cell()
    return Cell(cell_value(value), _unit(view, row, name))


def _unit(view: View[Any], row: Row, name: str) -> str:
    """The unit of an amount; amounts that may be in minor units have another one."""
    unit = row.values.get(view.units.get(name, ""))
    return f"{unit}{'?' if row.values.get('basis') == _UNSURE else ''}" if unit else ""


def _by_unit(unit: str) -> tuple[bool, str]:
    """The order of units; numbers without a unit come after them."""
    return not unit, unit


def _rank(value: CsvCell) -> tuple[int, Decimal | str]:
    """What a value is sorted by: numbers by their size, texts without regard to capitals."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return 0, Decimal(value)
    return 1, cell_value(value).casefold()


def _rows(view: View[Shown], records: Iterable[Shown]) -> Iterator[Row]:
    for record in records:
        group = view.group(record)
        for cells, found in zip(group.rows, view.csv_rows(record), strict=True):
            named = dict(zip(view.csv_header, found, strict=True))
            yield Row(replace(group, rows=[cells]), named)
            group = replace(group, notes=(), details={})
