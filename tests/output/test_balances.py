"""How look-ups are shown as CSV and as a table."""

import csv
import io
import json
from typing import Any

import pytest
from msgspec import Raw

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import (
    Balance,
    Failure,
    Lookup,
    RawLookup,
    Value,
    WarningCode,
    WarningRecord,
)
from loyalty_cli.output.balances import BALANCES, RAW
from loyalty_cli.output.csv_text import csv_rows
from loyalty_cli.output.table import plain_text
from loyalty_cli.output.view import Group

WHO: dict[str, Any] = {
    "profile": "store",
    "provider": "omneo",
    "customer": "C-1",
    "sandbox": False,
    "asked": {"by": "id", "currency": "NZD"},
    "platform_customer": "=1+1",
    "retrieved_at": "2026-11-20T05:00:00Z",
}
POINTS = Balance(
    name="points",
    kind="points",
    unit="points",
    includes_pending=True,
    available=Amount("1200"),
    value=Value(currency="NZD", available=Amount("132.00")),
)
COMBINED = Balance(
    name="combined",
    kind="money",
    unit="NZD",
    basis="computed",
    sum_of=("points", "rewards"),
    total=Amount("159.50"),
)
DOUBT = WarningRecord(WarningCode.SCALE_UNKNOWN, "Dollars, or cents?")
UNSTATED = WarningRecord(WarningCode.NOT_STATED, "There is no known field in the answer.")
DETAILS = {"=tier": {"name": 'Gold, "VIP"'}, "digits": Amount("12345678901234567890.10")}


def csv_of(lookup: Lookup | RawLookup) -> list[dict[str, str]]:
    view: Any = RAW if isinstance(lookup, RawLookup) else BALANCES
    content = csv_rows([view.csv_header, *view.csv_rows(lookup)]).decode()
    return list(csv.DictReader(io.StringIO(content, newline=""), strict=True))


def group(*lines: Balance, **values: Any) -> Group:
    return BALANCES.group(Lookup(**WHO, balances=lines, **values))


def shown(*lines: Balance, **values: Any) -> list[dict[str, str]]:
    """The rows of the table, by their headings."""
    made = group(*lines, **values)
    headings = [column.heading for column in BALANCES.columns if not column.above]
    return [
        {
            heading: f"{cell.text} {cell.unit}".strip()
            for heading, cell in zip(headings, row, strict=False)
            if cell.text
        }
        for row in made.rows
    ]


# CSV.


def test_every_csv_row_of_a_look_up_has_what_was_asked_the_details_and_the_warnings() -> None:
    rows = csv_of(
        Lookup(**WHO, balances=(POINTS, COMBINED), details=DETAILS, warnings=(DOUBT, UNSTATED))
    )

    for row in rows:
        assert json.loads(row["asked"]) == WHO["asked"]
        assert json.loads(row["details"], parse_float=Amount) == DETAILS
        assert row["warnings"] == (
            "scale_unknown: Dollars, or cents? | not_stated: There is no known field in the answer."
        )
        assert row["platform_customer"] == "'=1+1"
    points, combined = rows
    assert (points["basis"], points["includes_pending"], points["sum_of"]) == ("stated", "true", "")
    assert (combined["basis"], combined["includes_pending"]) == ("computed", "")
    assert json.loads(combined["sum_of"]) == ["points", "rewards"]


def test_a_csv_row_without_a_balance_line_has_the_details_and_the_warnings_too() -> None:
    (row,) = csv_of(Lookup(**WHO, details=DETAILS, warnings=(UNSTATED,)))

    assert (row["name"], row["sum_of"], row["warnings"].split(":")[0]) == ("", "", "not_stated")
    assert json.loads(row["details"], parse_float=Amount) == DETAILS


def test_no_json_cell_in_csv_is_run_by_a_spreadsheet_or_breaks_a_line() -> None:
    nasty = {"=1\r\n": ["@x", "\x1b[2J\u202e", {"+": None}], "b": True, "\x7f": '",'}
    (row,) = csv_of(Lookup(**WHO, details=nasty))

    assert json.loads(row["details"]) == nasty
    assert row["details"].startswith("{")
    assert row["details"].isprintable()


def test_the_csv_of_a_raw_answer_has_a_row_for_each_field_with_what_was_asked() -> None:
    raw = Raw(b'{"n": 8500.000, "t": "=1", "list": [null, true], "none": {}}')

    rows = csv_of(RawLookup(**WHO, raw=raw, warnings=(DOUBT,)))

    assert [(row["field"], row["value"]) for row in rows] == [
        ("n", "8500.000"),
        ("t", "'=1"),
        ("list[0]", ""),
        ("list[1]", "true"),
        ("none", "{}"),
    ]
    assert {row["asked"] for row in rows} == {'{"by":"id","currency":"NZD"}'}
    assert {row["warnings"] for row in rows} == {"scale_unknown: Dollars, or cents?"}


# Tables.


@pytest.mark.parametrize(
    ("warnings", "text"),
    [((), "nothing yet"), ((DOUBT,), "nothing yet"), ((DOUBT, UNSTATED), "not stated")],
    ids=["no warning", "another warning", "a warning that nothing is stated"],
)
def test_nothing_yet_is_only_shown_if_the_platform_says_so(
    warnings: tuple[WarningRecord, ...], text: str
) -> None:
    assert [row["Name"] for row in shown(warnings=warnings)] == [text]


def test_a_failed_look_up_does_not_say_that_there_is_nothing_yet() -> None:
    failed = Lookup(**WHO, error=Failure(code=ErrorCode.TIMED_OUT, message="too slow"))

    assert [cell.text for row in BALANCES.group(failed).rows for cell in row] == ["timed out"]


def test_a_line_that_is_a_sum_of_others_says_so_in_a_table() -> None:
    _, combined = shown(POINTS, COMBINED)

    assert combined["Name"] == "combined = points + rewards"
    assert combined["Total"] == "159.50 NZD"


@pytest.mark.parametrize(
    ("unit", "basis", "text"),
    [
        ("$", "scale_unknown", "120000 $?"),
        (None, "scale_unknown", "120000 ?"),
        ("$", "computed", "120000 $"),
        ("$", "stated", "120000 $"),
    ],
)
def test_an_amount_of_unknown_scale_has_a_question_mark_in_a_table(
    unit: str | None, basis: Any, text: str
) -> None:
    line = Balance(
        name="cash", kind="money", unit=unit, basis=basis, available=Amount(120000), pending=None
    )

    assert shown(line)[0]["Available"] == text


@pytest.mark.parametrize(
    ("available", "value", "text"),
    [
        (
            Amount(9),
            Value(currency="USD", available=Amount("0.90"), total=Amount("1.50")),
            "0.90 USD",
        ),
        (Amount(9), Value(available=Amount("0.90")), "0.90"),
        (Amount(9), Value(currency="USD", total=Amount("1.50")), "1.50 USD total"),
        (None, Value(currency="USD", total=Amount("1.50")), "1.50 USD"),
        (Amount(9), Value(total=Amount("1.50")), "1.50 total"),
        (Amount(9), Value(currency="USD", pending=Amount(2)), None),
        (Amount(9), None, None),
    ],
)
def test_a_table_shows_what_a_line_is_worth_available_or_else_in_total(
    available: Amount | None, value: Value | None, text: str | None
) -> None:
    line = Balance(
        name="a", kind="money", unit="AUD", available=available, total=Amount(5), value=value
    )

    assert shown(line)[0].get("Worth") == text


@pytest.mark.parametrize(
    ("details", "texts"),
    [
        (None, []),
        ({}, []),
        ({"tier": {"name": "Gold", "n": Amount("2.50")}}, ["tier.name: Gold, tier.n: 2.50"]),
        ({"id": 7, "open": True, "none": None}, ["id: 7", "open: true", "none: null"]),
        ({"list": [1, {"a": []}]}, ["list[0]: 1, list[1].a: []"]),
        ({"many": list(range(5))}, ["many: [0,1,2,3,4]"]),
        (
            {"digits": {str(n): Amount("1.10") for n in range(5)}},
            ['digits: {"0":1.10,"1":1.10,"2":1.10,"3":1.10,"4":1.10}'],
        ),
        ({"tier": "x" * 1990}, ["tier: " + "x" * 1990]),
        ({"tier": "Gold", "long": "x" * 2000}, ["details: in -o json"]),
    ],
    ids=["none", "empty", "nested", "values", "a list", "many", "digits", "long", "too long"],
)
def test_details_in_a_table_are_whole_or_not_there(
    details: dict[str, Any] | None, texts: list[str]
) -> None:
    assert [*group(POINTS, details=details).details.values()] == texts


def test_a_table_in_a_pipe_has_the_details_of_a_customer_without_a_balance() -> None:
    table = BALANCES.table([Lookup(**WHO, details={"tier": "Gold"})])

    assert [*plain_text(table)][1].split() == [
        *("C-1", "store", "nothing", "yet", "tier:", "Gold"),
    ]
