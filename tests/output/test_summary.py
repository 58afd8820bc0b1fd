"""Summaries as tables, as CSV and as JSON: every number, at any width."""

import csv
import io
import re
from typing import Any

import pytest
from rich.console import Console

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Bin, Expiring, SummaryRecord
from loyalty_cli.output.csv_text import csv_rows
from loyalty_cli.output.escape import is_shown
from loyalty_cli.output.summary import SUMMARY
from loyalty_cli.output.table import draw, plain_text, table_text
from loyalty_cli.output.view import Cell, Column, Group


def bin_(at_least: object, below: object, customers: int) -> Bin:
    first = None if at_least is None else Amount(str(at_least))
    return Bin(at_least=first, below=Amount(str(below)), customers=customers)


def record(**values: Any) -> SummaryRecord:
    known: dict[str, Any] = {
        "profile": "club",
        "provider": "saasquatch",
        "sandbox": False,
        "unit": "AUD",
        "kinds": ("money", "credit"),
        "basis": "computed",
        "customers": 1203,
        "found": 1111,
        "failed": 92,
        "total": Amount("54321.50"),
        "median": Amount("12.75"),
        "largest": Amount("999.00"),
        "expiring": Expiring(
            days=30,
            until="2026-12-20T05:00:00Z",
            amount=Amount("77.70"),
            customers=33,
            unclear=4,
        ),
        "histogram": (
            bin_(None, "0.00", 1),
            bin_("0.00", "0.01", 0),
            bin_("0.01", "1.00", 110),
            bin_("1.00", "10.00", 1000),
        ),
    }
    return SummaryRecord(**(known | values))


NOTHING = SummaryRecord(profile="card", provider="imprint", sandbox=True, customers=5, failed=5)


def drawn(records: list[SummaryRecord], width: int, *, ascii_only: bool = False) -> str:
    text = io.StringIO()
    console = Console(file=text, width=width, no_color=True)
    draw(console, *SUMMARY.table(records), ascii_only=ascii_only)
    return text.getvalue()


def bars(text: str) -> list[int]:
    """The lengths of the bars, in eighths of a character."""
    return [
        sum("▏▎▍▌▋▊▉█".index(sign) + 1 for sign in bar) for bar in re.findall("[▏▎▍▌▋▊▉█]+", text)
    ]


def test_a_summary_in_a_pipe_has_a_line_for_each_number() -> None:
    lines = plain_text(*SUMMARY.table([record()])).splitlines()

    assert [re.split(" {2,}", each)[:5] for each in lines] == [
        ["Profile", "Unit", "Kind", "What", "Number"],
        *(
            ["club", "AUD", "money, credit", *each]
            for each in [
                ("customers", "1203"),
                ("found", "1111"),
                ("failed", "92"),
                ("total", "54321.50 AUD"),
                ("median", "12.75 AUD"),
                ("largest", "999.00 AUD"),
                ("expiring in 30 days", "77.70 AUD"),
                ("expiring: customers", "33"),
                ("expiring: unclear", "4"),
                ("with less than 0.00", "1"),
                ("with 0.00", "0"),
                ("with 0.01 to 0.99", "110"),
                ("with 1.00 to 9.99", "1000"),
            ]
        ),
    ]


def test_amounts_of_unknown_scale_have_a_question_mark_in_a_summary() -> None:
    columns, groups = SUMMARY.table([record(unit="$", basis="scale_unknown")])

    lines = [line.split() for line in plain_text(columns, groups).splitlines()]

    assert ["club", "$?", "money,", "credit", "total", "54321.50", "$?"] in lines
    assert ["club", "$?", "money,", "credit", "found", "1111"] in lines


def test_small_amounts_of_a_summary_are_written_out() -> None:
    tiny = record(
        histogram=(
            bin_(None, "0.00000000", 1),
            bin_("0.00000000", "0.00000001", 2),
            bin_("0.00000001", "1.00000000", 3),
        )
    )

    *_, negative, zero, fraction = plain_text(*SUMMARY.table([tiny])).splitlines()

    assert "with less than 0.00000000 " in negative
    assert "with 0.00000000 " in zero
    assert "with 0.00000001 to 0.99999999 " in fraction


def test_a_section_of_a_summary_is_headed_by_profile_unit_and_kind() -> None:
    lines = drawn([record(), record(unit=None, kinds=("other",))], 60).splitlines()

    assert [each for each in lines if each.startswith("club")] == [
        "club  AUD  money, credit",
        "club  other",
    ]


def test_a_figure_that_is_missing_takes_no_line_of_a_summary() -> None:
    clear = Expiring(
        days=30, until="2026-12-20T05:00:00Z", amount=Amount(0), customers=0, unclear=0
    )

    without, nobody = (
        drawn([record(total=None, expiring=expiring)], 80) for expiring in (None, clear)
    )

    assert "total" not in without
    assert "expiring" not in without
    assert "median" in without
    assert "expiring: customers" in nobody
    assert "unclear" not in nobody


def test_a_summary_of_nothing_found_has_three_numbers() -> None:
    lines = [each.split() for each in plain_text(*SUMMARY.table([NOTHING])).splitlines()]

    assert lines == [
        ["Profile", "What", "Number"],
        ["card", "customers", "5"],
        ["card", "found", "0"],
        ["card", "failed", "5"],
    ]


@pytest.mark.parametrize(("width", "longest"), [(60, 22), (80, 12), (90, 22), (200, 40)])
def test_the_bar_of_the_largest_bin_takes_the_room_there_is(width: int, longest: int) -> None:
    shown = drawn([record()], width)
    tail, fraction, largest = bars(shown)

    assert max(map(len, shown.splitlines())) <= width
    assert largest == 8 * longest
    assert fraction == 8 * longest * 110 // 1000
    assert tail == 1


@pytest.mark.parametrize(
    ("width", "shares", "lengths"),
    [
        (200, (1, 0.5, 0.25, 1e-9), [320, 160, 80, 1]),
        (200, (1, 0), [320]),
        (5, (1, 0.5), [64, 32]),
    ],
    ids=["tiny", "none", "narrow"],
)
def test_bars_of_a_summary_are_in_proportion_and_never_too_short_to_see(
    width: int, shares: tuple[float, ...], lengths: list[int]
) -> None:
    columns = [Column("Number", numbers=True), Column("Histogram")]
    rows = [[Cell(str(index)), Cell(bar=share)] for index, share in enumerate(shares)]
    text = io.StringIO()

    draw(Console(file=text, width=width), columns, [Group(rows)])

    assert bars(text.getvalue()) == lengths


def test_bars_of_a_summary_are_ascii_where_unicode_cannot_be_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = drawn([record(), NOTHING], 80, ascii_only=True)
    usual = table_text(*SUMMARY.table([record()]))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    pipe = table_text(*SUMMARY.table([record()]))

    assert screen.isascii()
    assert sorted(map(len, re.findall("#+", screen))) == [1, 1, 12]
    assert pipe.isascii()
    assert [len(each) for each in re.findall("#+", pipe)] == [1, 4, 40]
    assert {sign for sign in usual if not is_shown(sign)} == {"\n"}
    assert max(bars(usual)) == 320


def csv_row(shown: SummaryRecord) -> dict[str, str]:
    content = csv_rows([SUMMARY.csv_header, *SUMMARY.csv_rows(shown)]).decode()
    (row,) = csv.DictReader(io.StringIO(content, newline=""))
    return row


def test_a_summary_as_csv_has_a_row_for_each_unit() -> None:
    assert csv_row(record()) == {
        "schema_version": "2",
        "profile": "club",
        "provider": "saasquatch",
        "sandbox": "false",
        "unit": "AUD",
        "kinds": "money, credit",
        "basis": "computed",
        "customers": "1203",
        "found": "1111",
        "failed": "92",
        "total": "54321.50",
        "median": "12.75",
        "largest": "999.00",
        "expiring_days": "30",
        "expiring_until": "2026-12-20T05:00:00Z",
        "expiring_amount": "77.70",
        "expiring_customers": "33",
        "expiring_unclear": "4",
        "histogram": "less than 0.00: 1; 0.00: 0; 0.01 to 0.99: 110; 1.00 to 9.99: 1000",
    }


def test_a_summary_as_csv_has_empty_cells_for_missing_figures() -> None:
    row = csv_row(NOTHING)

    assert {name for name, cell in row.items() if not cell} == {
        *("unit", "kinds", "basis", "total", "median", "largest", "histogram"),
        *(f"expiring_{name}" for name in Expiring.__struct_fields__),
    }
