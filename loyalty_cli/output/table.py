"""Tables for people: rows under the thing they are about, rows alone, or a fact a line.

Nothing is ever cut: what has no room in its column stands below its row, with its label. Only
sentences are broken over lines, at their spaces; whatever is longer the terminal itself wraps.
"""

import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, repeat
from tempfile import SpooledTemporaryFile
from typing import IO

from msgspec import Struct, json
from msgspec.structs import replace
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.text import Text

from loyalty_cli.output.color import may_color
from loyalty_cli.output.console import console_of
from loyalty_cli.output.dates import is_over, short_date
from loyalty_cli.output.escape import visible
from loyalty_cli.output.format import TableLayout
from loyalty_cli.output.stdout import is_terminal, is_unicode
from loyalty_cli.output.view import Cell, Column, Group, Note, Table

GAP = 2
FACTS_APART = 3
"""Between facts that share a line, so that a label is not read as a part of the text before it."""
LEAST_TEXT = 16
"""The last column may wrap its texts if it has at least this width."""
SHORT_NAME = 20
"""Texts of the first column up to this width never stand above their rows."""
LONGEST_DETAIL = 60
"""A longer detail is only named in a table with headings."""
UNLIMITED = sys.maxsize
_WORD = re.compile(r"(?:^| )((?:`loyalty [^`]*`|[^ ])*)")
IN_MEMORY = 1_000_000
"""A table of more bytes waits in a temporary file until the widths of its columns are known."""

Span = tuple[str, str]
"""A text and its style."""
_Fact = tuple[str, Column, Cell]
"""A cell that has no room in its column, and its label."""


class _Plain(Struct, frozen=True):
    """Makes plain text that is safe to show; with `now`, dates are short."""

    now: datetime | None
    ascii_only: bool

    def cell(self, column: Column, cell: Cell) -> Cell:
        """A cell of a column, with its number, unit and date as one text."""
        is_past = self.now and column.expires and is_over(cell.at, self.now)
        number = " ".join(filter(None, (cell.text, cell.unit)))
        parts = (number, self._date(cell.at), "past" if is_past else "")
        return Cell(self._text(", ".join(filter(None, parts))), style=cell.style or column.style)

    def section(self, cell: Cell) -> Cell:
        """What names a section, with its date apart."""
        return Cell(self._text(cell.text), at=self._text(self._date(cell.at, with_year=True)))

    def _date(self, text: str, *, with_year: bool = False) -> str:
        return short_date(text, self.now, with_year=with_year) if self.now else text

    def _text(self, text: str) -> str:
        text = visible(text)
        return text.encode("ascii", "backslashreplace").decode() if self.ascii_only else text


class Grid:
    """A table whose groups can be read many times, in little memory; all cells are plain text.

    `is_about_one` if all headings begin with the same cell; `differs` if they are not all the same.
    If all groups are in one section, it is the `title`.
    """

    def __init__(self, table: Table, plain: _Plain, file: IO[bytes]) -> None:
        self.table = table
        self._file = file
        self._columns = (*table.headings, *table.inner)
        self._widths = [0] * len(self._columns)
        self._first: list[str] = []
        self.is_about_one = True
        self.differs = False
        self.title = Cell()
        self.has_sections = False
        self.number = 0
        self.is_all_failed = True
        for group in table.groups:
            self._add(group, plain)
        if self.has_sections:
            self.title = Cell()

    def _add(self, group: Group, plain: _Plain) -> None:
        headings, columns = self.table.headings, self.table.inner
        made = replace(
            group,
            heading=[*map(plain.cell, headings, group.heading)],
            rows=[[*map(plain.cell, columns, row)] for row in group.rows],
            notes=[replace(each, text=visible(each.text)) for each in group.notes],
            details={visible(key): visible(text) for key, text in group.details.items()},
            section=plain.section(group.section),
        )
        for row in made.rows or [()]:
            for at, cell in enumerate((*made.heading, *row)):
                self._widths[at] = max(self._widths[at], cell_len(cell.text))
        about = [cell.text for cell in made.heading]
        self._first = self._first or about
        self.is_about_one &= about[:1] == self._first[:1]
        self.differs |= about != self._first
        self.title = self.title if self.number else made.section
        self.has_sections |= made.section.text != self.title.text
        self.number += 1
        self.is_all_failed &= group.is_failed
        self._file.write(json.encode(made) + b"\n")

    def groups(self) -> Iterator[Group]:
        """All groups, from the first."""
        self._file.seek(0)
        return (json.decode(line, type=Group) for line in self._file)

    def kept(self, first: int = 0, *, without: str | None = None) -> list[tuple[int, Column, int]]:
        """The columns from `first` on that are not empty: their place, and their width."""
        return [
            (at - first, column, max(self._widths[at], cell_len(column.heading)))
            for at, column in enumerate(self._columns)
            if at >= first and self._widths[at] and column.heading != without
        ]


def table_text(table: Table, layout: TableLayout) -> Iterator[str]:
    """Lay out a table for this process's stdout, in pieces; none if everything failed."""
    ascii_only = not is_unicode()
    is_colored = may_color(is_terminal=is_terminal())
    if not is_terminal():
        lines = _lines(table, layout, UNLIMITED, None, ascii_only=ascii_only)
        yield from map(_styled if is_colored else _plain, lines)
        return
    text = io.StringIO()
    console = console_of(
        file=text,
        force_terminal=True,
        color_system="standard" if is_colored else None,
        no_color=False,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    draw(console, table, layout, ascii_only=ascii_only)
    yield text.getvalue()


def plain_text(
    table: Table, layout: TableLayout = TableLayout.WIDE, *, ascii_only: bool = False
) -> Iterator[str]:
    """Lay out a table for a pipe, line by line: as wide as it is, and dates as they came."""
    return map(_plain, _lines(table, layout, UNLIMITED, None, ascii_only=ascii_only))


def _plain(line: list[Span]) -> str:
    return f"{''.join(text for text, _ in line).rstrip()}\n"


def _styled(line: list[Span]) -> str:
    shown = (
        Style.parse(style).render(text, color_system=ColorSystem.STANDARD) for text, style in line
    )
    return f"{''.join(shown)}\n"


def draw(
    console: Console,
    table: Table,
    layout: TableLayout = TableLayout.GROUPS,
    *,
    now: datetime | None = None,
    ascii_only: bool = False,
) -> None:
    """Draw a table in a terminal."""
    now = now or datetime.now().astimezone()
    for line in _lines(table, layout, console.width, now, ascii_only=ascii_only):
        # The terminal wraps what is too long, so that copied text has no line break.
        console.print(Text.assemble(*line), soft_wrap=True)


@contextmanager
def grid_of(table: Table, now: datetime | None, *, ascii_only: bool = False) -> Iterator[Grid]:
    """Make every cell plain text that is safe to show; with `now`, its date is short."""
    with SpooledTemporaryFile(IN_MEMORY) as file:
        yield Grid(table, _Plain(now, ascii_only), file)


def as_rows(table: Table) -> Table:
    """The same table without headings: each row says what it is about, the first has details."""
    section = [Column(table.section)] if table.section else []

    def whole(group: Group, row: Sequence[Cell]) -> list[Cell]:
        rest = chain(row, repeat(Cell()))
        cells = [group.heading[each.above - 1] if each.above else next(rest) for each in columns]
        return [*(Cell(group.section.text) for _ in section), *cells]

    def rows(group: Group) -> Iterator[Sequence[Cell]]:
        details = "; ".join(group.details.values())
        for row in group.rows or [()]:
            yield [*whole(group, row), Cell(details)]
            details = ""

    columns = table.columns
    flat = (replace(each, heading=(), rows=[*rows(each)], details={}) for each in table.groups)
    alone = [*section, *(replace(column, above=0) for column in columns), Column("Details")]
    return replace(table, columns=alone, groups=flat)


def _lines(
    table: Table, layout: TableLayout, width: int, now: datetime | None, *, ascii_only: bool
) -> Iterator[list[Span]]:
    is_wide = layout is TableLayout.WIDE
    with grid_of(as_rows(table) if is_wide else table, now, ascii_only=ascii_only) as grid:
        if grid.is_all_failed:
            return
        if layout is TableLayout.LIST:
            yield from _facts(grid)
        else:
            is_plain = is_wide and now is None
            rule = "" if is_plain else "-" if ascii_only else "─"
            yield from _Rows(grid, width, rule, is_wide=is_wide, has_notes=not is_plain).lines()
    if table.ending:
        yield []
        whole = " ".join(table.ending)
        for line in [whole] if cell_len(whole) <= width else table.ending:
            yield from ([(each, "")] for each in wrapped(line, width))


def _facts(grid: Grid) -> Iterator[list[Span]]:
    """Each fact on a line of its own, and a blank line between groups."""
    headings, columns = grid.table.headings, grid.table.inner
    if grid.title.text:
        yield [(", ".join(filter(None, (grid.title.text, grid.title.at))), "bold")]
        yield []
    for number, group in enumerate(grid.groups()):
        if number:
            yield []
        if grid.has_sections and group.section.text:
            yield [(f"{grid.table.section}: {group.section.text}", "bold")]
        rows = () if group.is_failed and headings else group.rows
        for shown, cells in ((headings, group.heading), *((columns, row) for row in rows)):
            texts = [column.heading for column in shown]
            is_fact = grid.table.is_facts and bool(cells)
            named = [(cells[0].text, cells[1])] if is_fact else zip(texts, cells, strict=False)
            for label, cell in named:
                if cell.text:
                    yield [(f"{label}: {cell.text}", cell.style)]
        yield from ([(text, "dim")] for text in _short_details(group))
        yield from ([(f"{_label(note)}: {note.text}", _style(note))] for note in group.notes)


def _label(note: Note) -> str:
    return "Error" if note.is_error else "Warning"


def _style(note: Note) -> str:
    return "dim" if isinstance(note, _Details) else "red" if note.is_error else "yellow"


class _Details(Note, frozen=True):
    """Details that stand among the notes."""


class _Rows:
    """Rows in columns, under headings if the table has any.

    If all groups are about one thing, its heading stands there once, and the rows say the rest.
    With notes, a title or sections stand above the groups.
    """

    def __init__(
        self, grid: Grid, width: int, rule: str, *, is_wide: bool, has_notes: bool
    ) -> None:
        self._grid = grid
        self._rule = rule
        self._has_notes = has_notes
        headings = grid.table.headings
        self._title = grid.title if has_notes else Cell()
        self._has_sections = grid.has_sections and not is_wide
        self._is_merged = grid.is_about_one and grid.differs and not self._has_sections
        self._titles = headings[:1] if self._is_merged else headings
        self._indent = GAP if headings else 0
        self._width = width
        room = UNLIMITED if is_wide else width
        without = grid.table.section if self._title.text else None
        kept = grid.kept(len(self._titles), without=without) or [(0, Column(""), 0)]
        self._at, self._columns, widths = [*zip(*kept, strict=True)]
        self._fit = _fitting(self._columns, widths, room - self._indent)
        self._starts = [
            self._indent + sum(self._fit[:at]) + GAP * at for at in range(len(self._fit))
        ]
        # The last text needs no rule of its whole width.
        self._end = self._starts[-1] + min(self._fit[-1], 40)
        self._edge = next(
            (
                start + width
                for start, width, column in zip(
                    self._starts, self._fit, self._columns, strict=False
                )
                if column.numbers
            ),
            0,
        )
        folded = self._columns[len(self._fit) :]
        self._is_text_folded = not any(each.numbers for each in folded)
        self._label_width = max((cell_len(each.heading) for each in folded), default=0)

    def lines(self) -> Iterator[list[Span]]:
        yield from self._header()
        last: Sequence[Cell] = ()
        section = Cell()
        told: dict[Note, list[str]] = {}
        for group in self._grid.groups():
            yield from self._next_section(group.section, section)
            heading = group.heading[: len(self._titles)]
            details = "" if self._is_merged else _details(group)
            if heading and (details or (heading, group.section.text) != (last, section.text)):
                yield from self._heading(heading, details)
            last, section = heading, group.section
            who = group.heading[len(heading) :]
            if not (group.is_failed and self._has_notes and heading and not who):
                for row in group.rows:
                    cells = [*who, *row]
                    shown = [cells[at] if at < len(cells) else Cell() for at in self._at]
                    yield from self._row(shown)
                    who = [Cell()] * len(who)
            if self._is_merged:
                of_group = [_Details(each) for each in (_details(group),) if each]
                for note in (*of_group, *group.notes):
                    told.setdefault(note, []).append(group.heading[1].text)
            elif self._has_notes:
                for note in group.notes:
                    yield from self._note(note)
        yield from self._told(told)

    def _told(self, told: Mapping[Note, Sequence[str]]) -> Iterator[list[Span]]:
        """The notes of merged groups, each once."""
        for note, names in told.items():
            named = ", ".join(dict.fromkeys(names))
            whose = "" if len(names) == self._grid.number else f"{named}: "
            yield from self._note(replace(note, text=f"{whose}{note.text}"))

    def _header(self) -> Iterator[list[Span]]:
        """The title; the headings, unless only the main amount stands in a column, as all know."""
        if self._title.text:
            yield from (*self._section(self._title), [])
        is_plain = all(not each.numbers or each.style for each in self._columns[: len(self._fit)])
        if len(self._fit) < 3 and len(self._fit) < len(self._columns) and is_plain:
            return
        texts = [column.heading for column in self._columns[: len(self._fit)]]
        if self._titles:
            texts[0] = ""
        if not any(texts):
            return
        yield next(self._row([Cell(text, style="bold") for text in texts]))
        if self._rule:
            yield [(self._rule * self._end, "")]

    def _next_section(self, section: Cell, before: Cell) -> Iterator[list[Span]]:
        if self._has_sections and section.text != before.text:
            if before.text:
                yield []
            yield from self._section(section)

    def _section(self, section: Cell) -> Iterator[list[Span]]:
        """What names a section; its date stands to the right of it, or has a line of its own."""
        line = _Line()
        line.put(0, section.text, "bold")
        start = max(line.end + GAP, self._end - cell_len(section.at))
        if start + cell_len(section.at) <= self._width:
            line.put(start, section.at, "dim")
            yield line.spans
            return
        yield from self._text(section.text, "bold", 0)
        yield from self._text(section.at, "dim", 0)

    def _heading(self, heading: Sequence[Cell], details: str) -> Iterator[list[Span]]:
        texts = [
            f"{cell.text} {_small(column.heading)}" if column.numbers else cell.text
            for column, cell in zip(self._titles, heading, strict=True)
            if cell.text
        ]
        lines = [texts[0]]
        for text in texts[1:]:
            longer = f"{lines[-1]}{' ' * GAP}{text}"
            if cell_len(longer) > self._width:
                lines.append(text)
            else:
                lines[-1] = longer
        spans: list[list[Span]] = [[(line, "bold")] for line in lines]
        beside = " " * GAP + details
        has_room = cell_len(lines[-1]) + cell_len(beside) <= self._width
        if details and has_room:
            spans[-1].append((beside, "dim"))
        yield from spans
        if not has_room:
            yield from self._text(details, "dim", self._indent)

    def _row(self, cells: Sequence[Cell]) -> Iterator[list[Span]]:
        """A row; a text that is too wide for the first column stands alone above the others."""
        line = _Line()
        below: list[list[Span]] = []
        for at, (width, start) in enumerate(zip(self._fit, self._starts, strict=True)):
            text, style = cells[at].text, cells[at].style
            is_number = self._columns[at].numbers
            if is_number or cell_len(text) <= width:
                fill = max(0, width - cell_len(text)) if is_number else 0
                line.put(start + fill, text, style)
            elif at == 0:
                yield from self._text(text, style, start)
            else:
                first, *rest = wrapped(text, width)
                line.put(start, first, style)
                below = [[(" " * start + each, style)] for each in rest]
        folded = [
            (_small(column.heading), column, cell)
            for column, cell in [*zip(self._columns, cells, strict=False)][len(self._fit) :]
            if cell.text
        ]
        if folded and line.is_only_one:  # the name has room beside it
            label, column, cell = folded[0]
            text = f"{label} {cell.text}"
            start = max(line.end + GAP, self._edge - cell_len(text))
            if column.numbers and start + cell_len(text) <= self._width:
                line.put(start, text, cell.style)
                del folded[0]
        if line.spans:
            yield line.spans
        yield from below
        while folded:
            if beside := self._beside(folded) if self._is_text_folded else ():
                yield self._facts(beside)
            else:
                yield from self._folded(*folded[0])
            del folded[: len(beside) or 1]

    def _beside(self, folded: Sequence[_Fact]) -> Sequence[_Fact]:
        """As many of the texts without room in their columns as fit on one line."""
        left = self._width - self._indent - GAP
        found = list[_Fact]()
        for each in folded:
            label, _, cell = each
            left -= cell_len(f"{label} {cell.text}") + FACTS_APART * bool(found)
            if left < 0:
                break
            found.append(each)
        return found

    def _facts(self, facts: Sequence[_Fact]) -> list[Span]:
        """Some facts on one line, each after its label."""
        line = _Line()
        start = self._indent + GAP
        for label, _, cell in facts:
            line.put(start, f"{label} ", "")
            line.put(line.end, cell.text, cell.style)
            start = line.end + FACTS_APART
        return line.spans

    def _folded(self, label: str, column: Column, cell: Cell) -> Iterator[list[Span]]:
        """What has no room in its column, with its label beside it or above it."""
        line = _Line()
        line.put(self._indent + GAP, label, "")
        start = self._indent + 2 * GAP + self._label_width
        texts = [cell.text]
        if column.numbers:
            start = max(line.end + GAP, self._edge - cell_len(cell.text)) if self._edge else start
        else:
            texts = wrapped(cell.text, self._width - start)
        if start + max(map(cell_len, texts)) > self._width:
            yield line.spans
            line = _Line()
            start = self._indent + 2 * GAP
            texts = texts if column.numbers else wrapped(cell.text, self._width - start)
        line.put(start, texts[0], cell.style)
        yield line.spans
        yield from ([(" " * start + each, cell.style)] for each in texts[1:])

    def _note(self, note: Note) -> Iterator[list[Span]]:
        mark = "" if note.is_error or isinstance(note, _Details) else "! "
        room = self._width - self._indent - len(mark)
        for text in wrapped(note.text, room):
            yield [(" " * self._indent + mark + text, _style(note))]
            mark = " " * len(mark)

    def _text(self, text: str, style: str, start: int) -> Iterator[list[Span]]:
        for line in wrapped(text, self._width - start) if text else ():
            yield [(" " * start + line, style)]


class _Line:
    """A line that is put together from texts at given places."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.end = 0

    def put(self, start: int, text: str, style: str) -> None:
        """Add a text at `start`, or where the line ends; nothing if it is empty."""
        if text:
            fill = " " * (start - self.end)
            self.spans += [(fill, ""), (text, style)]
            self.end = max(start, self.end) + cell_len(text)

    @property
    def is_only_one(self) -> bool:
        return len(self.spans) == 2


def _fitting(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    """The widths of the first columns, as many as there is room for.

    If that makes room for more, long texts of the first column stand above their rows.
    """
    whole = _first_fitting(columns, widths, room)
    if columns[0].numbers:  # an amount never stands above its row
        return whole
    longest = max(room * 2 // 5, SHORT_NAME)
    capped = _first_fitting(columns, [min(widths[0], longest), *widths[1:]], room)
    return capped if len(capped) > len(whole) else whole


def _first_fitting(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    kept: list[int] = []
    for column, width in zip(columns, widths, strict=True):
        left = room - sum(kept) - GAP * len(kept)
        if width > left:
            is_last = len(kept) + 1 == len(columns)
            if is_last and not column.numbers and left >= LEAST_TEXT:
                kept.append(left)
            break
        kept.append(width)
    return kept or [room]


def wrapped(text: str, width: int) -> list[str]:
    """Break a text at spaces; a word is never broken, even if it is wider than the room.

    A command in backticks stays whole, so that it can be copied.
    """
    lines = [""]
    for word in _WORD.findall(text):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and cell_len(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def briefly(table: Table) -> Table:
    """The same table, of whose details the long ones are only named."""
    groups = (
        replace(each, details={text: text for text in _short_details(each)})
        for each in table.groups
    )
    return replace(table, groups=groups)


def _details(group: Group) -> str:
    return "; ".join(_short_details(group))


def _short_details(group: Group) -> list[str]:
    """The short details of a group, and the names of the others."""
    short = [text for text in group.details.values() if cell_len(text) <= LONGEST_DETAIL]
    names = [key for key, text in group.details.items() if cell_len(text) > LONGEST_DETAIL]
    more = [f"more in -o json: {', '.join(names)}"] if names else []
    return short + more


def _small(heading: str) -> str:
    return heading[:1].lower() + heading[1:]
