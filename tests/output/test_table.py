"""Tables: every digit and every character, at any width."""

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from loyalty_cli.output.escape import visible
from loyalty_cli.output.table import draw, plain_text
from loyalty_cli.output.view import Cell, Column, Group
from tests.fakes.terminal import run_together, unstyled

WIDTHS = [20, 40, 80, 200]
COLUMNS = (
    Column("Customer", once=True),
    Column("Balance"),
    Column("Available", numbers=True, style="bold"),
    Column("Expires next", numbers=True, aside=True),
)
WORDS = st.text(max_size=30) | st.sampled_from(
    [
        "プレミアム会員ポイントプログラム",
        "🎁🎉👩‍👩‍👧‍👦 gifts",
        "[red]VIP[/red] [/x] :star:",
        "\x1b[2J\x1b]52;c;eA==\x07",
        "\u202e001",
        "Star\rs\b\b",
        "x" * 300,
        "e\u0301\ufe0f",
    ]
)
AMOUNTS = st.from_regex(r"-?[1-9][0-9]{0,79}(\.[0-9]{1,3})?", fullmatch=True)
NUMBERS = st.builds(
    Cell, AMOUNTS, st.sampled_from(["", "points", "$", "積分"]) | st.text(max_size=9)
)
ROWS = st.tuples(st.builds(Cell, WORDS), NUMBERS, NUMBERS | st.just(Cell()))


@st.composite
def groups_of_rows(draw_from: st.DrawFn) -> Group:
    """Rows about the same customer, notes, and details."""
    customer = Cell(draw_from(WORDS))
    rows = draw_from(st.lists(ROWS, min_size=1, max_size=3))
    notes, details = (draw_from(st.lists(WORDS, max_size=2)) for _ in range(2))
    return Group([[customer, *row] for row in rows], notes, details)


GROUPS = st.lists(groups_of_rows(), min_size=1, max_size=3)


def drawn(groups: list[Group], width: int, *, ascii_only: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=True, highlight=False, markup=False, emoji=False
    )
    draw(console, COLUMNS, groups, ascii_only=ascii_only)
    return unstyled(file.getvalue())


def row(customer: str, balance: str, available: Cell, expiry: Cell | None = None) -> list[Cell]:
    return [Cell(customer), Cell(balance), available, expiry or Cell()]


@example([Group([row("C-1", "points", Cell("2", "\N{COMBINING ACUTE ACCENT}"))])], 20)
@given(GROUPS, st.sampled_from(WIDTHS) | st.integers(2, 250))
def test_a_table_of_any_width_has_every_character_and_no_number_without_its_unit(
    groups: list[Group], width: int
) -> None:
    shown = run_together(drawn(groups, width))

    for group in groups:
        for each in group.rows:
            for cell in each[:2]:
                assert run_together(visible(cell.text)) in shown
                assert run_together(visible(cell.unit)) in shown
            for number in each[2:]:
                assert run_together(visible(number.text) + visible(number.unit)) in shown
        for text in (*group.notes, *group.details):
            assert run_together(visible(text)) in shown


@settings(max_examples=50)
@given(GROUPS)
def test_a_table_in_a_pipe_has_each_row_on_one_line(groups: list[Group]) -> None:
    lines = plain_text(COLUMNS, groups).splitlines()

    rows = [each for group in groups for each in group.rows]
    assert len(lines) == 1 + len(rows)
    for line, each in zip(lines[1:], rows, strict=True):
        for cell in each:
            assert visible(cell.text).strip() in line
            assert visible(cell.unit).strip() in line
    firsts = [sum(len(group.rows) for group in groups[:at]) for at in range(len(groups))]
    for first, group in zip(firsts, groups, strict=True):
        for detail in group.details:
            assert visible(detail).strip() in lines[1 + first]


@pytest.mark.parametrize("width", [80, 200, None])
def test_the_digits_of_a_column_line_up_whatever_the_units(width: int | None) -> None:
    cells = [Cell("7", "points"), Cell("120000", "$"), Cell("-3.50", "積分"), Cell("42")]
    groups = [Group([row("C-1", f"line {cell.text}", cell)]) for cell in cells]

    text = drawn(groups, width) if width else plain_text(COLUMNS, groups)

    ends = {
        cell_len(line[: line.rindex(cell.text) + len(cell.text)])
        for cell in cells
        for line in text.splitlines()
        if f"line {cell.text} " in line
    }
    assert len(ends) == 1


def test_rows_of_a_table_that_fit_stand_under_their_headings() -> None:
    group = Group(
        [row("C-1", "points", Cell("1200", "points"), Cell("200", "points"))], ["Look out."]
    )

    heading, rule, line, note = drawn([group], 80).splitlines()

    assert heading.split() == ["Customer", "Balance", "Available", "Expires", "next"]
    assert set(rule.strip()) == {"─"}
    assert line.split() == ["C-1", "points", "1200", "points", "200", "points"]
    assert note == "! Look out."


def test_a_note_of_a_table_stands_under_the_rows_it_is_about() -> None:
    groups = [
        Group([row("C-1", "points", Cell("1"))], ["about C-1"]),
        Group([row("C-2", "points", Cell("2"))], ["about C-2"]),
    ]
    for width in WIDTHS:
        shown = run_together(drawn(groups, width))
        places = [shown.index(each) for each in ("C-1", "!aboutC-1", "C-2", "!aboutC-2")]
        assert places == sorted(places)


def test_details_stand_between_the_rows_of_a_table_and_its_notes() -> None:
    group = Group([row("C-1", "points", Cell("1"))], ["Look out."], ["tier: Gold", "n: 2.50"])

    assert drawn([group], 80).splitlines()[-3:] == ["  tier: Gold", "  n: 2.50", "! Look out."]
    assert plain_text(COLUMNS, [group]).splitlines() == [
        "Customer  Balance  Available  Details",
        "C-1       points           1  tier: Gold; n: 2.50",
    ]


def test_a_table_too_wide_for_rows_becomes_sections_and_then_a_list() -> None:
    group = Group([row("C-1001", "Reward Points", Cell("1200", "points"), Cell("200", "points"))])

    sections, as_list = drawn([group], 40), drawn([group], 20)

    assert "Reward Points: expires next 200 points" in sections
    assert "Available     1200 points" in as_list


def test_columns_of_a_table_without_a_cell_are_left_out() -> None:
    assert "Expires next" not in drawn([Group([row("C-1", "points", Cell("1"))])], 80)


def test_markup_and_emoji_codes_in_a_table_are_text() -> None:
    shown = drawn([Group([row("[red]", "[/x] [gold]", Cell("1", ":star:"))], ["[b]no[/b]"])], 80)

    for text in ("[red]", "[/x] [gold]", "1 :star:", "! [b]no[/b]"):
        assert text in shown


def test_a_terminal_without_unicode_gets_tables_with_ascii_lines() -> None:
    assert drawn([Group([row("C-1", "points", Cell("1"))])], 80, ascii_only=True).isascii()


def test_a_long_cell_in_the_last_column_does_not_widen_other_rows() -> None:
    columns = [Column("Field"), Column("Value")]
    rows = [[Cell(str(number)), Cell("v")] for number in range(1000)]

    text = plain_text(columns, [Group([*rows, [Cell("long"), Cell("x" * 1_000_000)]])])

    assert len(text) < 1_100_000
