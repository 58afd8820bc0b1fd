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
from loyalty_cli.output.summary import SUMMARY
from loyalty_cli.output.table import draw, plain_text


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


def drawn(records: list[SummaryRecord], width: int) -> list[str]:
    text = io.StringIO()
    draw(Console(file=text, width=width, no_color=True), SUMMARY.table(records))
    return text.getvalue().splitlines()


def plain(*records: SummaryRecord) -> list[list[str]]:
    """The cells of each line that a pipe gets."""
    lines = plain_text(SUMMARY.table(records))
    return [re.split(" {2,}", line.strip()) for line in lines]


def test_a_summary_in_a_pipe_has_a_line_for_each_unit() -> None:
    assert plain(record(), record(unit="points", expiring=None)) == [
        *(
            [
                *("Profile", "Customers", "Failed", "Unit", "Found", "Total", "Median", "Largest"),
                "Expiring",
            ],
        ),
        [
            *("club", "1203", "92", "AUD", "1111", "54321.50", "12.75", "999.00"),
            "77.70 in 30 days, customers: 33",
        ],
        ["club", "1203", "92", "points", "1111", "54321.50", "12.75", "999.00"],
    ]


def test_a_summary_in_a_terminal_has_a_line_for_each_unit_under_its_profile() -> None:
    units = [record(expiring=None), record(unit="points", expiring=None), NOTHING]

    assert drawn(units, 80)[2:] == [
        "club  1203 customers  92 failed",
        "  AUD      1111  54321.50   12.75   999.00",
        "  points   1111  54321.50   12.75   999.00",
        "card  5 customers  5 failed",
        "              0",
    ]


@pytest.mark.parametrize(
    ("unit", "kinds", "basis", "name"),
    [
        ("AUD", ("money", "credit"), "computed", "AUD"),
        ("$", ("money",), "scale_unknown", "$?"),
        ("%", ("percent",), "stated", "% (percent)"),
        (None, ("money",), "stated", "money"),
        (None, ("other",), "stated", "other"),
    ],
)
def test_a_line_of_a_summary_names_the_unit_and_the_kind_where_that_says_more(
    unit: str | None, kinds: tuple[str, ...], basis: str, name: str
) -> None:
    assert plain(record(unit=unit, kinds=kinds, basis=basis))[1][3] == name


def test_a_summary_says_how_many_have_an_unclear_expiry_and_nothing_if_nobody_has() -> None:
    clear = Expiring(
        days=30, until="2026-12-20T05:00:00Z", amount=Amount(0), customers=0, unclear=0
    )

    unclear, nobody = (" ".join(drawn([each], 80)) for each in (record(), record(expiring=clear)))

    assert "! AUD, customers with an expiry with no readable date or no amount: 4" in unclear
    assert "xpir" not in nobody


def test_a_figure_that_is_missing_is_an_empty_cell_of_a_summary() -> None:
    _, without_total, _ = plain(record(total=None), record())

    assert without_total[4:7] == ["1111", "12.75", "999.00"]
    assert plain(NOTHING)[1] == ["card", "5", "5", "0"]


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
