"""Tables for people: in a terminal as wide as it is, in a pipe as wide as they need to be.

Nothing is ever cut. A table that does not fit its terminal is shown as a list of its cells instead.
"""

import io
from collections.abc import Iterable, Sequence

from msgspec import Struct
from rich.box import ASCII2, SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loyalty_cli.output.stdout import is_terminal, is_unicode
from loyalty_cli.output.visible import visible

GAP = 2


class Column(Struct, frozen=True):
    """A column: its heading, and whether it holds numbers, which stand to the right."""

    heading: str
    numbers: bool = False
    style: str = ""


class Cell(Struct, frozen=True):
    """What stands in one place: text, or a number with its unit."""

    text: str = ""
    unit: str = ""
    style: str = ""


class Group(Struct, frozen=True):
    """Rows that belong together, and what the reader should know about them."""

    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


def table_text(columns: Sequence[Column], groups: Sequence[Group]) -> str:
    """Lay a table out for this process's stdout."""
    text = io.StringIO()
    console = Console(
        file=text,
        force_terminal=is_terminal(),
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    if not is_terminal():
        console.width = 1_000_000
    draw(console, columns, groups, plain=not is_terminal(), ascii_only=not is_unicode())
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def draw(
    console: Console,
    columns: Sequence[Column],
    groups: Sequence[Group],
    *,
    plain: bool = False,
    ascii_only: bool = False,
) -> None:
    """Draw a table on a console, or the list where the console is too narrow for the table.

    `plain` is for a pipe: no lines, no colours, every cell repeated, the notes left to stderr.
    """
    columns, groups = _shown(columns, groups)
    units = [_widest(cell.unit for cell in _column(groups, at)) for at in range(len(columns))]
    widths = [
        max(cell_len(column.heading), _widest(_joined(cell, unit) for cell in _column(groups, at)))
        for at, (column, unit) in enumerate(zip(columns, units, strict=True))
    ]
    if sum(widths) + GAP * len(widths) > console.width:
        _draw_list(console, columns, groups)
        return
    box = None if plain else ASCII2 if ascii_only else SIMPLE_HEAD
    for number, group in enumerate(groups):
        table = Table(box=box, show_header=number == 0, show_edge=False, pad_edge=False)
        table.padding = (0, 0 if box else GAP, 0, 0)
        for column, width in zip(columns, widths, strict=True):
            style = "" if plain else column.style
            table.add_column(
                column.heading,
                justify="right" if column.numbers else "left",
                style=style,
                min_width=width,
                no_wrap=True,
            )
        for row in group.rows if plain else _without_repeats(group.rows):
            cells = zip(row, units, strict=True)
            table.add_row(*(Text(_joined(cell, unit), cell.style) for cell, unit in cells))
        console.print(table)
        if not plain:
            _draw_notes(console, group.notes)


def _draw_list(console: Console, columns: Sequence[Column], groups: Sequence[Group]) -> None:
    width = _widest(column.heading for column in columns)
    for group in groups:
        for row in group.rows:
            for column, cell in zip(columns, row, strict=True):
                if cell.text:
                    value = f"{cell.text} {cell.unit}".rstrip()
                    line = Text.assemble(
                        f"{column.heading:{width}}  ", (value, cell.style or column.style)
                    )
                    # The terminal itself goes on in the next line; nothing is put in between.
                    console.print(line, soft_wrap=True)
            console.print()
        _draw_notes(console, group.notes)


def _draw_notes(console: Console, notes: Sequence[str]) -> None:
    for note in notes:
        console.print(Text(f"! {visible(note)}", "yellow"), overflow="fold")


def _shown(
    columns: Sequence[Column], groups: Sequence[Group]
) -> tuple[Sequence[Column], Sequence[Group]]:
    """Leave out the columns with nothing in them, and make what is left safe to show."""
    kept = [at for at in range(len(columns)) if any(cell.text for cell in _column(groups, at))]
    return [columns[at] for at in kept], [
        Group([[_safe(row[at]) for at in kept] for row in group.rows], group.notes)
        for group in groups
    ]


def _safe(cell: Cell) -> Cell:
    return Cell(visible(cell.text), visible(cell.unit), cell.style)


def _without_repeats(rows: Sequence[Sequence[Cell]]) -> Sequence[Sequence[Cell]]:
    """Leave out what a row's leading cells share with the row above, as a person would."""
    shown = []
    above: Sequence[Cell] = ()
    for row in rows:
        same = 0
        while same < len(above) and row[same] == above[same]:
            same += 1
        shown.append([Cell()] * same + list(row[same:]))
        above = row
    return shown


def _column(groups: Sequence[Group], at: int) -> list[Cell]:
    return [row[at] for group in groups for row in group.rows]


def _joined(cell: Cell, unit_width: int) -> str:
    """A number and its unit; a column's units are padded alike, so that its digits align."""
    if not unit_width:
        return cell.text
    padding = " " * (unit_width - cell_len(cell.unit))
    return f"{cell.text} {cell.unit}{padding}"


def _widest(texts: Iterable[str]) -> int:
    return max((cell_len(text) for text in texts), default=0)
