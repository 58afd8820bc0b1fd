"""Tables: every digit and every character, at any width."""

import io
import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from loyalty_cli.output import table as tables
from loyalty_cli.output.escape import visible
from loyalty_cli.output.format import TableLayout
from loyalty_cli.output.markdown import markdown
from loyalty_cli.output.table import LONGEST_DETAIL, draw, plain_text, wrapped
from loyalty_cli.output.view import Cell, Column, Group, Note, Table
from tests.fakes.terminal import run_together, unstyled

WIDTHS = [20, 40, 80, 200]
NOW = datetime(2026, 11, 21, 13, 2, tzinfo=UTC)
COLUMNS = (
    Column("Customer", above=2),
    Column("Profile", above=1),
    Column("Name"),
    Column("Available", numbers=True, style="bold"),
    Column("Worth", numbers=True),
    Column("Next expiry", numbers=True, expires=True),
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
IDENTIFIERS = st.from_regex(r"[A-Za-z0-9][-A-Za-z0-9_.:]{0,60}", fullmatch=True)
NUMBERS = st.builds(
    Cell, AMOUNTS, st.sampled_from(["", "points", "$", "積分"]) | st.text(max_size=9)
)
ROWS = st.tuples(
    st.builds(Cell, WORDS), NUMBERS, NUMBERS | st.just(Cell()), NUMBERS | st.just(Cell())
)
NOTES = st.builds(Note, WORDS.filter(str.strip), st.booleans())


@st.composite
def groups_of_rows(draw_from: st.DrawFn) -> Group:
    """Rows about a customer at a profile, notes, and details."""
    heading = [Cell(draw_from(st.sampled_from(["card", "points"]))), Cell(draw_from(IDENTIFIERS))]
    rows = draw_from(st.lists(ROWS, min_size=1, max_size=3))
    details = draw_from(st.dictionaries(IDENTIFIERS, WORDS, max_size=2))
    notes = draw_from(st.lists(NOTES, max_size=2))
    section = Cell(draw_from(st.sampled_from(["", "Ada Lovelace"]) | WORDS), at="2026-11-21")
    return Group(heading, rows, notes, details, section=section)


GROUPS = st.lists(groups_of_rows(), min_size=1, max_size=4)
IN_TERMINAL = [TableLayout.GROUPS, TableLayout.WIDE, TableLayout.LIST]


def drawn(
    groups: Iterable[Group],
    width: int,
    layout: TableLayout = TableLayout.GROUPS,
    *,
    ascii_only: bool = False,
    columns: tuple[Column, ...] = COLUMNS,
    **more: Any,
) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=True, highlight=False, markup=False, emoji=False
    )
    table = Table(columns, groups, "Person", **more)
    draw(console, table, layout, now=NOW, ascii_only=ascii_only)
    return unstyled(file.getvalue())


def plain(groups: Iterable[Group], layout: TableLayout = TableLayout.WIDE) -> str:
    return "".join(plain_text(Table(COLUMNS, groups, "Person"), layout))


def group(profile: str, customer: str, *rows: list[Cell], **more: Any) -> Group:
    return Group([Cell(profile), Cell(customer)], rows, **more)


def points(available: str = "1200", *more: Cell) -> list[Cell]:
    return [Cell("Reward Points"), Cell(available, "points"), *more]


# Nothing is ever cut.


@settings(max_examples=100)
@given(GROUPS, st.sampled_from(WIDTHS) | st.integers(20, 200), st.sampled_from(IN_TERMINAL))
@example([group("card", "C-1", [Cell("a"), Cell("2", "\N{COMBINING ACUTE ACCENT}")])], 20, "groups")
@example([group("card", "C-1", points(), details={k: k}) for k in ("a1", "b2")], 80, "groups")
def test_a_table_of_any_width_has_every_amount_and_identifier_whole_and_every_character(
    groups: list[Group], width: int, layout: TableLayout
) -> None:
    shown = drawn(groups, width, layout)
    without_breaks = run_together(shown)

    for each in groups:
        assert run_together(visible(each.section.text)) in without_breaks
        for cell in each.heading:
            assert visible(cell.text) in shown
        for row in each.rows:
            assert run_together(visible(row[0].text)) in without_breaks
            for number in row[1:]:
                whole = visible(" ".join(filter(None, (number.text, number.unit))))
                assert whole in shown
        for note in each.notes:
            for word in visible(note.text).split(" "):
                assert word in shown
        for key, text in each.details.items():
            assert run_together(visible(text)) in without_breaks or key in shown


@settings(max_examples=50)
@given(GROUPS, st.sampled_from(WIDTHS) | st.integers(20, 200))
def test_a_line_of_a_table_is_wider_than_the_terminal_only_for_an_amount_or_a_word(
    groups: list[Group], width: int
) -> None:
    pieces = [
        visible(text)
        for each in groups
        for cell in (*each.heading, *(cell for row in each.rows for cell in row))
        for text in (f"{cell.text} {cell.unit}", cell.text)
    ]
    pieces += [visible(each.section.text) for each in groups]
    pieces += [visible(note.text) for each in groups for note in each.notes]
    pieces += [visible(text) for each in groups for text in each.details.values()]
    pieces += [key for each in groups for key in each.details]
    indented = len("      ") + max(cell_len(piece) for piece in pieces)

    for line in drawn(groups, width).splitlines():
        assert cell_len(line) <= max(width, indented)


@settings(max_examples=50)
@given(GROUPS)
def test_a_table_in_a_pipe_has_each_row_on_one_line(groups: list[Group]) -> None:
    lines = plain(groups).splitlines()

    rows = [(each, row) for each in groups for row in each.rows]
    assert len(lines) == 1 + len(rows)
    for line, (each, row) in zip(lines[1:], rows, strict=True):
        for cell in (*each.heading, *row):
            assert visible(f"{cell.text} {cell.unit}").strip() in line
        for detail in each.details.values() if row is each.rows[0] else ():
            assert visible(detail).strip() in line


@given(st.text(), st.integers(1, 60))
def test_a_text_is_broken_only_at_spaces(text: str, width: int) -> None:
    lines = wrapped(text, width)

    assert " ".join(lines).split() == text.replace("  ", " ").split() or "  " in text
    for line in lines:
        assert cell_len(line) <= width or " " not in line.strip(" ")


def test_a_command_in_a_text_stays_whole() -> None:
    text = "Run `loyalty --sandbox people import` now"

    assert wrapped(text, 20) == ["Run", "`loyalty --sandbox people import`", "now"]


# How it looks.


def test_a_table_has_one_heading_and_each_group_says_what_it_is_about() -> None:
    groups = [
        group("card", "2EE24580", [Cell("Cash back"), Cell("120000", "$")], notes=[Note("Cents?")]),
        group(
            "points", "cus_8812", points("1200", Cell("60", "USD"), Cell("200", at="2026-12-01"))
        ),
    ]

    assert drawn(groups, 80).splitlines() == [
        "                   Available   Worth  Next expiry",
        "─────────────────────────────────────────────────",
        "card  2EE24580",
        "  Cash back         120000 $",
        "  ! Cents?",
        "points  cus_8812",
        "  Reward Points  1200 points  60 USD   200, 1 Dec",
    ]


def test_what_has_no_room_in_a_narrow_table_stands_below_with_its_label() -> None:
    groups = [group("points", "cus_8812", points("1200", Cell("60", "USD")))]

    assert drawn(groups, 34).splitlines() == [
        "points  cus_8812",
        "  Reward Points  1200 points",
        "    worth             60 USD",
    ]


def test_texts_that_have_no_room_in_their_columns_share_a_line_if_no_amount_is_among_them() -> None:
    columns = (*(Column(each) for each in "ABC"), Column("D"), Column("E"))
    long = "x" * 15
    row = [Cell(long), Cell(long), Cell("c"), Cell("dd dd"), Cell(f"{long} {long}")]

    def shown(*columns: Column) -> list[str]:
        text = drawn([Group((), [row])], 34, columns=columns)
        return [line.rstrip() for line in unstyled(text).splitlines()][-4:]

    first = f"{long}  {long}"
    assert shown(*columns) == [first, "  c c   d dd dd", f"  e  {long}", f"     {long}"]
    with_amounts = (*columns[:3], Column("D", numbers=True), columns[4])
    assert "  c c   d dd dd" not in shown(*with_amounts)


def test_amounts_below_a_row_without_columns_of_amounts_stand_beside_their_labels() -> None:
    columns = (Column("Seen"), Column("After", numbers=True), Column("Change", numbers=True))
    group_of_one = Group([], [[Cell("22 Nov, 03:26"), Cell("10000"), Cell("-250")]])

    assert drawn([group_of_one], 18, columns=columns).splitlines() == [
        "22 Nov, 03:26",
        "  after   10000",
        "  change  -250",
    ]


def test_a_row_with_nothing_in_its_columns_has_the_first_fact_beside_its_name() -> None:
    groups = [
        group("points", "c", points("1200")),
        group("store", "c", [Cell("sum"), Cell(), Cell("5", "AUD")]),
    ]

    assert drawn(groups, 34).splitlines()[-1] == "  sum            worth 5 AUD"


def test_a_heading_too_wide_for_the_terminal_has_a_line_for_each_part() -> None:
    identifier = "2EE24580-B97B-4949-A65C-929CCB9B9B8D"

    shown = drawn([group("card", identifier, points())], 40).splitlines()

    assert shown[2:4] == ["card", identifier]


def test_customers_at_one_profile_stand_in_rows_under_its_one_heading() -> None:
    doubt = Note("Dollars, or cents?")
    groups = [
        group("card", "C-1", points("1"), notes=[doubt], details={"tier": "tier: Gold"}),
        group("card", "C-2", points("2"), points("3"), details={"tier": "tier: Gold"}),
        group(
            "card", "C-3", [Cell("not found")], is_failed=True, notes=[Note("No.", is_error=True)]
        ),
        group("card", "C-4", points("4"), notes=[doubt], details={"tier": "tier: Gold"}),
    ]

    assert drawn(groups, 80).splitlines()[2:] == [
        "card",
        "  C-1       Reward Points   1 points",
        "  C-2       Reward Points   2 points",
        "            Reward Points   3 points",
        "  C-3       not found",
        "  C-4       Reward Points   4 points",
        "  C-1, C-2, C-4: tier: Gold",
        "  ! C-1, C-4: Dollars, or cents?",
        "  C-3: No.",
    ]


def test_a_group_that_failed_has_its_error_in_place_of_rows() -> None:
    failed = group("card", "C-1", [Cell("not found")], is_failed=True, notes=[Note("NO.", True)])

    assert drawn([failed, group("points", "C-1", points())], 80).splitlines()[2:4] == [
        "card  C-1",
        "  NO.",
    ]
    assert "not found" in plain([failed, group("points", "C-1", points())])


def test_a_table_in_which_everything_failed_is_empty() -> None:
    failed = group("card", "C-1", [Cell("not found")], is_failed=True, notes=[Note("NO.", True)])

    for layout in IN_TERMINAL:
        assert drawn([failed, failed], 80, layout) == plain([failed], layout) == ""


def test_short_details_stand_beside_the_heading_and_long_ones_are_named() -> None:
    details = {"tier": "tier.name: Silver", "long": "x" * 61}

    shown = drawn([group("points", "C-1", points(), details=details)], 80)

    assert "points  C-1  tier.name: Silver; more in -o json: long\n" in shown
    assert plain([group("points", "C-1", points(), details=details)]).splitlines() == [
        "Customer  Profile  Name             Available  Details",
        f"C-1       points   Reward Points  1200 points  tier.name: Silver; {'x' * 61}",
    ]


def test_a_list_has_a_fact_a_line_and_no_box_characters() -> None:
    groups = [
        group("points", "C-1", points(), notes=[Note("Careful."), Note("Bad.", is_error=True)]),
        group("card", "C-2", points("7"), details={"tier": "tier: Gold"}),
    ]

    assert drawn(groups, 40, TableLayout.LIST).splitlines() == [
        *("Profile: points", "Customer: C-1", "Name: Reward Points", "Available: 1200 points"),
        *("Warning: Careful.", "Error: Bad.", ""),
        *("Profile: card", "Customer: C-2", "Name: Reward Points", "Available: 7 points"),
        "tier: Gold",
    ]


def test_a_wide_table_says_in_each_row_what_it_is_about() -> None:
    groups = [group("points", "C-1", points(), points("3"), notes=[Note("Careful.")])]

    assert drawn(groups, 30, TableLayout.WIDE).splitlines() == [
        "Customer  Profile  Name             Available",
        "─────────────────────────────────────────────",
        "C-1       points   Reward Points  1200 points",
        "C-1       points   Reward Points     3 points",
        "! Careful.",
    ]


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-12-01T00:00:00", "200, 1 Dec"),
        ("2027-12-01", "200, 1 Dec 2027"),
        ("2024-12-01T00:00:00", "200, 1 Dec 2024, past"),
        ("2026-11-21", "200, 21 Nov"),
        ("2026-12-01T23:59:59Z", "200, 1 Dec, 23:59"),
        ("soon", "200, soon"),
    ],
)
def test_dates_in_a_terminal_are_short_and_marked_if_they_are_over(at: str, shown: str) -> None:
    groups = [group("points", "C-1", points("1", Cell(), Cell("200", at=at)))]

    assert drawn(groups, 80).rstrip().endswith(f"  {shown}")
    assert plain(groups).rstrip().endswith(f"200, {at}")


def test_an_ending_stands_below_a_table_and_is_one_line_where_it_fits() -> None:
    groups = [group("points", "C-1", points())]
    sentences = ["1 of 2 platforms answered.", "For a ticket: -o markdown"]

    assert drawn(groups, 80, ending=sentences).splitlines()[-2:] == ["", " ".join(sentences)]
    assert drawn(groups, 40, ending=sentences).splitlines()[-3:] == ["", *sentences]


ADA = Cell("Ada Lovelace", at="2026-11-21T13:02:00Z")
BOB = Cell("Bob", at="2026-11-21T13:03:00Z")


def test_the_one_section_of_a_table_is_its_title_with_the_date_to_the_right() -> None:
    groups = [
        group("points", "C-1", points(), section=ADA),
        group("store", "C-2", points(), section=ADA),
    ]

    assert drawn(groups, 80).splitlines()[:4] == [
        "Ada Lovelace  21 Nov 2026, 13:02",
        "",
        "                   Available",
        "────────────────────────────",
    ]
    assert drawn(groups, 30).splitlines()[:3] == ["Ada Lovelace", "21 Nov 2026, 13:02", ""]
    assert drawn(groups, 80, TableLayout.WIDE).splitlines()[2].startswith("Customer")
    assert drawn(groups, 80, TableLayout.LIST).splitlines()[:3] == [
        *("Ada Lovelace, 21 Nov 2026, 13:02", "", "Profile: points"),
    ]


def test_each_of_several_sections_stands_above_its_groups() -> None:
    groups = [
        group("points", "C-1", points("1200", Cell("60", "USD")), section=ADA),
        group("store", "C-1", points(), section=ADA),
        group("points", "C-2", points("7"), section=BOB),
    ]

    assert drawn(groups, 80).splitlines() == [
        "                   Available   Worth",
        "────────────────────────────────────",
        "Ada Lovelace      21 Nov 2026, 13:02",
        "points  C-1",
        "  Reward Points  1200 points  60 USD",
        "store  C-1",
        "  Reward Points  1200 points",
        "",
        "Bob               21 Nov 2026, 13:03",
        "points  C-2",
        "  Reward Points     7 points",
    ]
    facts = drawn(groups, 80, TableLayout.LIST)
    assert facts.count("Person: Ada Lovelace\n") == 2
    assert facts.count("Person: Bob\n") == 1


def test_rows_that_stand_alone_have_a_column_of_sections() -> None:
    one = [group("points", "C-1", points(), section=ADA)]
    several = [*one, group("points", "C-2", points("7"), section=BOB)]

    for shown in (plain(several), drawn(several, 80, TableLayout.WIDE), plain(one)):
        header, *_, first = shown.splitlines()[: 3 if "─" in shown else 2]
        assert header.split()[:2] == ["Person", "Customer"]
        assert first.startswith("Ada Lovelace  C-1 ")


def test_columns_of_a_table_without_a_cell_are_left_out() -> None:
    groups = [group("points", "C-1", points())]

    for shown in (drawn(groups, 80), drawn(groups, 80, TableLayout.LIST), plain(groups)):
        assert "Next expiry" not in shown
        assert "Worth" not in shown


def test_amounts_of_a_column_end_at_the_same_place() -> None:
    cells = [Cell("7", "points"), Cell("120000", "$"), Cell("-3.50", "積分"), Cell("42")]
    groups = [group(f"p{at}", "C-1", [Cell("name"), cell]) for at, cell in enumerate(cells)]

    for text in (drawn(groups, 80), plain(groups)):
        rows = [line for line in text.splitlines() if "name" in line]
        assert len({cell_len(row) for row in rows}) == 1


def test_markup_and_emoji_codes_in_a_table_are_text() -> None:
    shown = drawn(
        [group("[red]", "[/x]", [Cell("[gold]"), Cell("1", ":star:")], notes=[Note("[b]no[/b]")])],
        80,
    )

    for text in ("[red]  [/x]", "[gold]", "1 :star:", "! [b]no[/b]"):
        assert text in shown


def test_a_terminal_without_unicode_gets_tables_with_ascii_lines() -> None:
    assert drawn([group("points", "C-1", points("é"))], 80, ascii_only=True).isascii()


def test_a_group_without_rows_has_its_heading_in_every_layout() -> None:
    alone = group("open", "C-1", details={"tier": "tier: Gold"})

    assert drawn([alone], 80).splitlines() == ["open  C-1  tier: Gold"]
    assert drawn([alone], 80, TableLayout.LIST).splitlines()[0] == "Profile: open"
    for groups in ([alone], [group("points", "C-2", points()), alone]):
        assert plain(groups).splitlines()[-1].split() == ["C-1", "open", "tier:", "Gold"]


# Long tables in a pipe.


def test_a_long_cell_in_the_last_column_does_not_widen_other_rows() -> None:
    long = group("long", "C-1", points(), details={"x": "x" * 1_000_000})
    groups = [*(group("points", str(number), points()) for number in range(1000)), long]

    assert len(plain(groups)) < 1_100_000


def test_a_table_in_a_pipe_takes_as_much_memory_for_many_rows_as_for_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "IN_MEMORY", 10_000)

    def groups(number: int) -> Iterator[Group]:
        return (group("points", f"C-{at}", points(str(at))) for at in range(number))

    def peak(number: int) -> int:
        tracemalloc.start()
        lines = sum(1 for _ in plain_text(Table(COLUMNS, groups(number))))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert lines == number + 1
        return most

    peak(100)
    assert peak(6_000) < 1_500_000


def test_a_long_detail_is_only_named_in_a_list_and_in_markdown_but_whole_in_a_pipe() -> None:
    long = f"currency: {'x' * LONGEST_DETAIL}"
    one = group("omneo", "C-1", points(), details={"tier": "tier: Gold", "currency": long})

    assert drawn([one], 80, TableLayout.LIST).splitlines()[-2:] == [
        "tier: Gold",
        "more in -o json: currency",
    ]
    assert "| tier: Gold; more in -o json: currency |" in "".join(markdown(Table(COLUMNS, [one])))
    assert long in plain([one])


def test_a_note_names_a_customer_once_who_was_asked_for_twice() -> None:
    failed = group("card", "E", [Cell("not found")], is_failed=True, notes=[Note("NO.", True)])

    shown = drawn([group("card", "C-1", points()), failed, failed], 80)

    assert shown.splitlines()[-1] == "  E: NO."


def test_two_amounts_never_run_together_also_without_a_name() -> None:
    row = [Cell(), Cell("1" * 30, "points"), Cell("1.000")]

    (line,) = [each for each in drawn([group("card", "C-1", row)], 40).splitlines() if "11" in each]

    assert line.strip() == f"{'1' * 30} points"


def test_the_only_amount_that_has_a_column_has_a_heading_unless_it_is_the_main_one() -> None:
    columns = (Column("Unit"), Column("Before", numbers=True), Column("After", numbers=True))
    row = [Cell("points"), Cell("1" * 20), Cell("2" * 20)]

    def shown(main: str) -> str:
        named = (columns[0], replace(columns[1], style=main), columns[2])
        return drawn([Group((), [row])], 40, columns=named)

    assert ("Before" in shown(""), "Before" in shown("bold")) == (True, False)
