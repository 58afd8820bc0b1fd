"""A table in Markdown as GitHub reads it: for a ticket, with footnotes for what must be known."""

import re
from collections.abc import Iterator, Sequence

from loyalty_cli.model.named_commands import SANDBOX, is_sandbox
from loyalty_cli.output.escape import visible
from loyalty_cli.output.table import Grid, as_rows, briefly, grid_of
from loyalty_cli.output.view import Table

# An underscore within a word, such as cus_8812, is only an underscore.
_SIGN = r"[\\`*\[\]<>|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)"
# Who is mentioned gets a message, even with a backslash before the sign, but not in code.
_MENTION = r"(?<![A-Za-z0-9])(?:@[A-Za-z0-9][A-Za-z0-9_/-]*)+"
_SPECIAL = re.compile(f"(?P<mention>{_MENTION})|{_SIGN}")
# What would begin a heading or a list.
_BLOCK = re.compile(r"^\d*(?=[#+=.)-])")


def markdown(*tables: Table) -> Iterator[str]:
    """Tables line by line, with dates as the platform wrote them; of the sandbox it says so."""
    has_rows = False
    for table in tables:
        with grid_of(as_rows(briefly(table)), None) as grid:
            if has_rows and grid.number:
                yield "\n"
            headings = {table.section, *(column.heading for column in table.headings)}
            yield from _lines(grid, headings)
            has_rows = has_rows or grid.number > 0
    if has_rows and is_sandbox():
        yield f"\n{SANDBOX}\n"


def _lines(grid: Grid, headings: set[str]) -> Iterator[str]:
    """The lines; the marks of footnotes stand in the first column that is not a heading."""
    if not grid.number:
        return
    if grid.title.text:
        yield f"### {escaped(', '.join(filter(None, (grid.title.text, grid.title.at))))}\n\n"
    kept = grid.kept(without=grid.table.section if grid.title.text else None)
    first = next(
        (at for at, (_, column, _) in enumerate(kept) if column.heading not in headings), 0
    )
    yield _line([column.heading for _, column, _ in kept])
    yield _line(["---:" if column.numbers else "---" for _, column, _ in kept])
    numbers: dict[str, int] = {}
    for group in grid.groups():
        notes = [numbers.setdefault(each.text, len(numbers) + 1) for each in group.notes]
        marks = "".join(f"[^{number}]" for number in notes)
        for row in group.rows:
            cells = [escaped(row[at].text) for at, _, _ in kept]
            cells[first] += marks
            yield _line(cells)
            marks = ""
    if numbers:
        yield "\n"
    for text, number in numbers.items():
        plain = _BLOCK.sub(r"\g<0>\\", escaped(text).strip())
        yield f"[^{number}]: {plain}\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no links, emphasis, HTML, formulas or cells.

    The only code is what would mention a user, such as `@octocat`.
    """
    return _SPECIAL.sub(
        lambda found: f"`{found[0]}`" if found["mention"] else f"\\{found[0]}", visible(text)
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
