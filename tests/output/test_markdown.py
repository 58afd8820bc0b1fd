"""Markdown: a table that reads back with every cell as it was, whatever is in it."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from loyalty_cli.output.debits import DEBITS
from loyalty_cli.output.escape import visible
from loyalty_cli.output.markdown import escaped, markdown
from loyalty_cli.output.view import Cell, Column, Group, Note, Table
from tests.conftest import Run
from tests.output.test_debits import debit

COLUMNS = (
    Column("Customer", above=2),
    Column("Profile", above=1),
    Column("Name"),
    Column("Available", numbers=True),
)
NASTY = [
    *("a|b", "a\\|b", "`code`", "``", "<script>alert(1)</script>", "<!-- -->", "a\nb", "# heading"),
    *(
        "**bold**",
        "__init__",
        "_a_",
        "cus_8812",
        "[x](javascript:y)",
        "![i](u)",
        "&amp; &#35;",
        "~~no~~",
    ),
    *(
        "$x$",
        "\\",
        "- item",
        "1. item",
        "a  b",
        "---",
        ":---",
        "[^1]",
        "[^1]: note",
        "[ ]",
        "* * *",
    ),
    *("http://a_b_c/*", "<http://a>", "|", "||", "\u202e", "=", "x^2^", "Dollars\\"),
    *(
        "@octocat",
        "(@a/b)",
        "@a/@b-@c",
        "`@a`",
        "@a_b_|@c",
        "@@a",
        "a@b.example",
        "_@a",
        "<@a>",
        "\\@a",
    ),
]
TEXTS = st.sampled_from(NASTY) | st.text(alphabet="|`<>\\_*[]()#&;~$!-+1.^: @/\nab") | st.text()
SHOWN = TEXTS.filter(lambda text: bool(visible(text).strip()))
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def is_plain(parts: Sequence[Token]) -> bool:
    """Whether all is text that mentions nobody; only what would mention somebody may be code."""
    return all(
        part.content.startswith("@")
        if part.type == "code_inline"
        else part.type == "text" and not re.search("(?<![A-Za-z0-9])@[A-Za-z0-9]", part.content)
        for part in parts
    )


def read_back(document: str) -> list[list[str]]:
    """The text of each cell as a parser of GitHub's Markdown finds it; only text is allowed."""
    rows: list[list[str]] = []
    tokens = PARSER.parse(document)
    for at, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            parts = tokens[at + 1].children or []
            assert is_plain(parts), document
            rows[-1].append("".join(part.content for part in parts))
    return rows


def table(*groups: Group) -> str:
    return "".join(markdown(Table(COLUMNS, groups, "Person")))


def group(profile: str, customer: str, *rows: list[Cell], **more: Any) -> Group:
    return Group([Cell(profile), Cell(customer)], rows, **more)


@given(st.lists(st.tuples(SHOWN, SHOWN, SHOWN, SHOWN), min_size=1, max_size=3))
def test_every_cell_of_a_markdown_table_reads_back_as_it_was(
    rows: list[tuple[str, str, str, str]],
) -> None:
    groups = [group(profile, who, [Cell(name), Cell(many)]) for profile, who, name, many in rows]

    header, *read = read_back(table(*groups))

    assert header == ["Customer", "Profile", "Name", "Available"]
    assert read == [
        [visible(text).strip() for text in (who, profile, name, many)]
        for profile, who, name, many in rows
    ]


@given(SHOWN)
@example("1) item")
@example("12. item")
@example("+ item")
@example(" - item")
def test_a_footnote_of_a_markdown_table_is_one_paragraph_of_plain_text(text: str) -> None:
    document = table(group("card", "C-1", [Cell("a"), Cell("1")], notes=[Note(text)]))

    *_, blank, footnote = document.splitlines()
    assert blank == ""
    (mark,) = re.findall(r"^\[\^1\]: (.*)$", footnote)
    opening, inline, closing = PARSER.parse(mark)
    assert (opening.type, closing.type) == ("paragraph_open", "paragraph_close")
    parts = inline.children or []
    assert is_plain(parts)
    assert "".join(part.content for part in parts) == visible(text).strip()


def test_a_markdown_table_has_aligned_amounts_and_each_note_once_at_its_end() -> None:
    doubt = Note("Dollars, or cents?")
    failed = {"is_failed": True, "notes": [Note("NOT FOUND: no.", is_error=True)]}

    assert table(
        group("card", "C-1", [Cell("cash"), Cell("5", "$")], [Cell("b")], notes=[doubt]),
        group("points", "cus_2", [Cell("gold"), Cell("7.50", "points")], details={"a": "tier: 1"}),
        group("card", "C-3", [Cell("cash"), Cell("6", "$")], notes=[doubt, Note("And more.")]),
        group("card", "C-4", [Cell("not found")], **failed),
    ).splitlines() == [
        "| Customer | Profile | Name | Available | Details |",
        "| --- | --- | --- | ---: | --- |",
        "| C-1 | card | cash[^1] | 5 \\$ |  |",
        "| C-1 | card | b |  |  |",
        "| cus_2 | points | gold | 7.50 points | tier: 1 |",
        "| C-3 | card | cash[^1][^2] | 6 \\$ |  |",
        "| C-4 | card | not found[^3] |  |  |",
        "",
        "[^1]: Dollars, or cents?",
        "[^2]: And more.",
        "[^3]: NOT FOUND: no.",
    ]


def test_a_section_of_a_markdown_table_is_its_heading_and_several_are_a_column() -> None:
    ada = {"section": Cell("Ada *L*", at="2026-11-21T13:02:00Z")}
    row = [Cell("cash"), Cell("5")]
    notes = [Note("Cents?")]

    assert table(group("card", "C-1", row, notes=notes, **ada)).splitlines()[:4] == [
        *("### Ada \\*L\\*, 2026-11-21T13:02:00Z", ""),
        *("| Customer | Profile | Name | Available |", "| --- | --- | --- | ---: |"),
    ]
    several = table(group("card", "C-1", row, notes=notes, **ada), group("card", "C-2", row))
    assert several.splitlines()[:4] == [
        *("| Person | Customer | Profile | Name | Available |", "| --- | --- | --- | --- | ---: |"),
        *("| Ada \\*L\\* | C-1 | card | cash[^1] | 5 |", "|  | C-2 | card | cash | 5 |"),
    ]


def test_what_needs_no_escape_has_none() -> None:
    for text in (
        "cus_8812",
        "C-1001",
        "2EE24580-B97B",
        "-3.50 AUD",
        "Ada & Co.",
        "(1 of 2)",
        "50 %",
        "ada@example.com",
    ):
        assert escaped(text) == text


@pytest.mark.parametrize(
    "command",
    [
        ["balance", "C-1001", "E-404", "--all-profiles"],
        ["balance", "C-1001", "--all-profiles", "--summary"],
        ["balance", "E-404", "-p", "imprint"],
        ["balance", "C-1001", "-p", "imprint", "--raw"],
        ["profiles"],
        ["journal", "list"],
    ],
    ids=str,
)
def test_markdown_is_a_format_of_every_table(loyalty: Run, command: list[str]) -> None:
    loyalty("--sandbox", "debit", "C-1001", "5", "--reference", "a", "-y")

    done = loyalty("--sandbox", *command, "-o", "markdown")

    assert done.out.splitlines()[1].startswith("| --- |")
    header, *rows = read_back(re.sub(r"\[\^\d+\]", "", done.out))
    assert rows
    assert {len(row) for row in rows} == {len(header)}


def test_warnings_and_errors_in_markdown_are_footnotes(loyalty: Run) -> None:
    done = loyalty("--sandbox", "balance", "C-1001", "E-404", "-p", "imprint", "-o", "markdown")

    assert "| Cash back[^1] | 120000" in done.out
    assert "\n[^1]: Whole \\$ or cents? Imprint does not say." in done.out
    assert "| not found[^2] |" in done.out
    assert "Warning" not in done.err


def test_debits_in_markdown_have_their_dates_as_the_journal_has_them() -> None:
    assert "2026-11-20T05:00:00Z" in "".join(markdown(DEBITS.table([debit()])))


def test_a_file_of_markdown_is_not_a_file_of_records(loyalty: Run) -> None:
    for name in (["--output-file", "x.jsonl", "-o", "markdown"], ["--output-file", "x.md"]):
        done = loyalty("--sandbox", "balance", "C-1001", *name)

        assert done.code == 2
        assert len(done.err.splitlines()) == 2
