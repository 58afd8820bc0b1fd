"""Tables for people: they fit a terminal's width, and are as wide as needed in a pipe.

Nothing is ever cut. Rows too wide for the terminal become sections, or a list.
"""

import io
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from rich.box import ASCII2, SIMPLE_HEAD, Box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loyalty_cli.output.console import console_of
from loyalty_cli.output.escape import visible
from loyalty_cli.output.stdout import is_terminal, is_unicode
from loyalty_cli.output.view import Cell, Column, Group

GAP = 2
SHORTEST_BAR, LONGEST_BAR = 8, 40
"""The longest bar has this many characters; in a terminal, as there is room."""

_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def table_text(columns: Sequence[Column], groups: Sequence[Group]) -> str:
    """Lay out a table for this process's stdout."""
    ascii_only = not is_unicode()
    if ascii_only:
        groups = _each_cell(groups, _in_ascii)
    if not is_terminal():
        return plain_text(columns, groups, ascii_only=ascii_only)
    text = io.StringIO()
    console = console_of(
        file=text,
        force_terminal=True,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    draw(console, columns, groups, ascii_only=ascii_only)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def plain_text(
    columns: Sequence[Column], groups: Sequence[Group], *, ascii_only: bool = False
) -> str:
    """Lay out a table for a pipe: full-width rows with every cell, and no notes."""
    columns, groups = _with_details(columns, groups)
    grid = _grid(columns, _with_bars(groups, LONGEST_BAR, ascii_only=ascii_only))
    rows = [
        [_joined(cell, unit) for cell, unit in zip(row, grid.units, strict=True)]
        for group in grid.groups
        for row in group.rows
    ]
    lines = [[column.heading for column in grid.columns], *rows]
    return "".join(f"{_plain_line(grid, line)}\n" for line in lines)


def _with_details(
    columns: Sequence[Column], groups: Sequence[Group]
) -> tuple[Sequence[Column], Sequence[Group]]:
    """Put the details of each group into one more cell of its first row."""
    added = [
        Group(
            [
                [*row, Cell("" if number else "; ".join(group.details))]
                for number, row in enumerate(group.rows)
            ],
        )
        for group in groups
    ]
    return [*columns, Column("Details")], added


def _plain_line(grid: "_Grid", texts: Sequence[str]) -> str:
    cells = []
    for number, (column, width, text) in enumerate(
        zip(grid.columns, grid.widths, texts, strict=True), start=1
    ):
        at_the_end = number == len(texts) and not column.numbers
        cells.append(text if at_the_end else _filled(column, width, text))
    return (" " * GAP).join(cells).rstrip()


def draw(
    console: Console,
    columns: Sequence[Column],
    groups: Sequence[Group],
    *,
    ascii_only: bool = False,
) -> None:
    """Draw a table in the first layout that fits: rows, sections, or a list."""

    def fitted(room: int) -> _Grid:
        longest = min(SHORTEST_BAR + room, LONGEST_BAR)
        return _grid(columns, _with_bars(groups, longest, ascii_only=ascii_only))

    everything = fitted(0)
    inner = _inner(everything)
    box = ASCII2 if ascii_only else SIMPLE_HEAD
    if everything.width <= console.width:
        everything = fitted(console.width - everything.width)
        for number, group in enumerate(everything.groups):
            rows = list(_without_repeats(everything.columns, group.rows))
            _draw_rows(console, everything, rows, box, header=number == 0)
            _draw_below(console, group)
    elif inner.width <= console.width:
        _draw_sections(console, fitted(console.width - inner.width), box)
    else:
        _draw_list(console, everything)


def _each_cell(groups: Sequence[Group], change: Callable[[Cell], Cell]) -> list[Group]:
    return [replace(each, rows=[[*map(change, row)] for row in each.rows]) for each in groups]


def _with_bars(groups: Sequence[Group], longest: int, *, ascii_only: bool) -> list[Group]:
    """Draw all bars; a share of 1 is the longest."""

    def drawn(cell: Cell) -> Cell:
        if not cell.bar:
            return cell
        return replace(cell, text=_bar(cell.bar, longest, ascii_only=ascii_only))

    return _each_cell(groups, drawn)


def _bar(share: float, longest: int, *, ascii_only: bool) -> str:
    """A bar that is never too short to be seen."""
    if ascii_only:
        return "#" * max(1, int(share * longest))
    whole, eighths = divmod(max(1, int(share * longest * 8)), 8)
    return "█" * whole + _EIGHTHS[eighths]


class _Grid(Struct, frozen=True):
    """Columns that are not empty, safe to show, with their widths."""

    columns: Sequence[Column]
    groups: Sequence[Group]
    units: Sequence[int]
    widths: Sequence[int]

    @property
    def width(self) -> int:
        return sum(self.widths) + GAP * len(self.widths)


def _grid(columns: Sequence[Column], groups: Sequence[Group]) -> _Grid:
    """Leave out empty columns, make the rest safe to show, and measure it."""
    groups = _each_cell(groups, _safe)
    rows = [row for group in groups for row in group.rows]
    kept = [at for at in range(len(columns)) if any(row[at].text for row in rows)]
    units = [max(cell_len(row[at].unit) for row in rows) for at in kept]
    widths = [
        max(cell_len(columns[at].heading), *(cell_len(_joined(row[at], unit)) for row in rows))
        for at, unit in zip(kept, units, strict=True)
    ]
    return _Grid([columns[at] for at in kept], _with_columns(groups, kept), units, widths)


def _with_columns(groups: Sequence[Group], kept: Sequence[int]) -> list[Group]:
    return [replace(each, rows=[[row[at] for at in kept] for row in each.rows]) for each in groups]


def _inner(grid: _Grid) -> _Grid:
    """The columns of a grid that are in the rows of a section."""
    at = [index for index, column in enumerate(grid.columns) if not (column.once or column.aside)]
    return _grid([grid.columns[index] for index in at], _with_columns(grid.groups, at))


def _draw_rows(
    console: Console, grid: _Grid, rows: Sequence[Sequence[Cell]], box: Box, *, header: bool
) -> None:
    table = Table(box=box, show_header=header, show_edge=False, pad_edge=False)
    table.padding = (0, GAP - 1, 0, 0)
    for column, width in zip(grid.columns, grid.widths, strict=True):
        heading = _filled(column, width, column.heading)
        table.add_column(heading, style=column.style, min_width=width, no_wrap=True)
    for row in rows:
        cells = zip(row, grid.columns, grid.widths, grid.units, strict=True)
        table.add_row(
            *(
                Text(_filled(column, width, _joined(cell, unit)), cell.style)
                for cell, column, width, unit in cells
            )
        )
    console.print(table)


def _draw_sections(console: Console, grid: _Grid, box: Box) -> None:
    """Draw each group under a heading of shared values; long values go below the rows."""
    inner = _inner(grid)
    for number, (group, rows) in enumerate(zip(grid.groups, inner.groups, strict=True)):
        if number:
            console.print()
        shared = zip(grid.columns, group.rows[0], strict=True)
        heading = "  ".join(cell.text for column, cell in shared if column.once and cell.text)
        console.print(Text(heading, "bold"), soft_wrap=True)
        _draw_rows(console, inner, rows.rows, box, header=True)
        for row, inside in zip(group.rows, rows.rows, strict=True):
            aside = [
                f"{column.heading.lower()} {_whole(cell)}"
                for column, cell in zip(grid.columns, row, strict=True)
                if column.aside and cell.text
            ]
            if aside:
                console.print(Text(f"{inside[0].text}: {', '.join(aside)}"), soft_wrap=True)
        _draw_below(console, group)


def _whole(cell: Cell) -> str:
    return f"{cell.text} {cell.unit}".rstrip()


def _draw_list(console: Console, grid: _Grid) -> None:
    if len(grid.columns) == 2:
        _draw_pairs(console, grid)
        return
    width = max(cell_len(column.heading) for column in grid.columns)
    for group in grid.groups:
        for number, row in enumerate(_without_repeats(grid.columns, group.rows)):
            if number:
                console.print()
            for column, cell in zip(grid.columns, row, strict=True):
                if cell.text:
                    style = cell.style or column.style
                    line = Text.assemble(f"{column.heading:{width}}  ", (_whole(cell), style))
                    # The terminal wraps the line itself, so that copied text has no line break.
                    console.print(line, soft_wrap=True)
        _draw_below(console, group)
        console.print()


def _draw_pairs(console: Console, grid: _Grid) -> None:
    """Draw two columns that are too wide as lines: a label, then its text."""
    for group in grid.groups:
        for label, what in group.rows:
            first = _whole(label)
            gap = " " * (grid.widths[0] - cell_len(first) + GAP)
            console.print(Text(f"{first}{gap}{_whole(what)}"), soft_wrap=True)
        _draw_below(console, group)


def _draw_below(console: Console, group: Group) -> None:
    for detail in group.details:
        console.print(Text(f"  {visible(detail)}", "dim"), soft_wrap=True)
    for note in group.notes:
        console.print(Text(f"! {visible(note)}", "yellow"), overflow="fold")


def _safe(cell: Cell) -> Cell:
    return replace(cell, text=visible(cell.text), unit=visible(cell.unit))


def _in_ascii(cell: Cell) -> Cell:
    """Return the cell in ASCII before it is measured, so that columns stay aligned."""
    text, unit = (
        each.encode("ascii", errors="backslashreplace").decode() for each in (cell.text, cell.unit)
    )
    return replace(cell, text=text, unit=unit)


def _without_repeats(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]]
) -> Iterator[Sequence[Cell]]:
    above: Sequence[Cell] = [Cell()] * len(columns)
    for row in rows:
        cells = zip(columns, row, above, strict=True)
        yield [Cell() if column.once and cell == over else cell for column, cell, over in cells]
        above = row


def _filled(column: Column, width: int, text: str) -> str:
    """Pad text to its column's width, numbers on the left; Rich would ignore their units."""
    fill = " " * (width - cell_len(text))
    return fill + text if column.numbers else text + fill


def _joined(cell: Cell, unit_width: int) -> str:
    """A number and its unit; units are padded to one width, so that digits align."""
    if not (unit_width or cell.unit):  # a unit may have no width, as an accent alone
        return cell.text
    padding = " " * (unit_width - cell_len(cell.unit))
    return f"{cell.text} {cell.unit}{padding}"
