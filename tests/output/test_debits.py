"""Debits as tables, CSV, and words on stderr."""

import csv
import io
import re
from collections import Counter
from typing import Any

import pytest
from rich.console import Console

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import DebitRecord, Failure
from loyalty_cli.output.csv_text import csv_rows
from loyalty_cli.output.debits import DEBITS, DRY_RUN, ON_RECORD, report_failures
from loyalty_cli.output.table import draw, plain_text
from loyalty_cli.output.view import View


def debit(**values: Any) -> DebitRecord:
    known: dict[str, Any] = {
        "profile": "club",
        "provider": "saasquatch",
        "customer": "C-1001",
        "unit": "CENTS",
        "amount": 250,
        "reference": "order 7",
        "state": "confirmed",
        "attempt": 1,
        "at": "2026-11-20T05:00:00Z",
        "planned_at": "2026-11-19T05:00:00Z",
        "sandbox": False,
    }
    return DebitRecord(**(known | values))


def failure(message: str, hint: str | None = "Do this.") -> Failure:
    return Failure(code=ErrorCode.REFUSED, message=message, hint=hint)


def rows(view: View[Any], record: Any) -> list[dict[str, str]]:
    content = csv_rows([view.csv_header, *view.csv_rows(record)]).decode()
    return list(csv.DictReader(io.StringIO(content, newline="")))


def say(debits: list[DebitRecord]) -> None:
    """Say what failed of a run that was kept whole."""
    failed = [each for each in debits if each.error]
    report_failures(failed, Counter(), len(debits))


def test_a_table_of_debits_shows_customer_amount_and_what_is_left() -> None:
    made = debit(balance_after=Amount("9750.00"))
    lost = debit(reference="lost", state="not_applied", amount=7, replayed=True)

    heading, first, second = plain_text(DEBITS.table([made, lost]))

    assert heading.split() == [
        *("Reference", "Customer", "Profile", "Amount", "State", "Left", "At", "Note"),
    ]
    assert re.split(" {2,}", first.rstrip()) == [
        *("order 7", "C-1001", "club", "250 CENTS", "confirmed", "9750.00 CENTS"),
        "2026-11-20T05:00:00Z",
    ]
    assert re.split(" {2,}", second.rstrip()) == [
        *("lost", "C-1001", "club", "7 CENTS", "not applied", "2026-11-20T05:00:00Z"),
        "repeated, nothing was sent",
    ]


def test_a_table_of_the_journal_says_who_planned_what_when() -> None:
    made = debit(balance_after=Amount(9750), planned_by="ann on call on till-3, process 4711")

    heading, row = plain_text(ON_RECORD.table([made]))

    assert heading.split() == [
        *("Reference", "Customer", "Profile", "Amount", "State", "Planned", "By", "Left"),
    ]
    assert re.split(" {2,}", row.rstrip()) == [
        *("order 7", "C-1001", "club", "250 CENTS", "confirmed", "2026-11-19T05:00:00Z"),
        *("ann on call", "9750 CENTS"),
    ]


def test_debits_in_a_terminal_stand_under_their_references_whatever_their_profiles() -> None:
    long = "loyalty-05b085ac-6432-44e5-8427-c29f54510b60"
    made = debit(reference=long, planned_by="ann on till-3, process 1")
    screen = io.StringIO()
    console = Console(file=screen, width=80, color_system=None)

    draw(console, ON_RECORD.table([made, debit(reference="b", profile="points")]))

    lines = screen.getvalue().splitlines()
    assert lines[0].split() == ["Amount", "State", "Planned", "By"]
    assert [line.split()[:2] for line in lines[2:]] == [
        *([long, "C-1001"], ["club", "250"], ["b", "C-1001"], ["points", "250"]),
    ]


def test_a_table_of_a_dry_run_says_what_would_be_made() -> None:
    fine, refused = debit(state="planned"), debit(state="not_applied", error=failure("no."))
    done = debit(replayed=True)

    heading, *rows = plain_text(DRY_RUN.table([fine, refused, done]))

    states = [re.split(" {2,}", row.rstrip())[4:] for row in rows]
    assert states[:2] == [["would be made"], ["would not be made"]]
    assert states[2] == ["confirmed", "2026-11-20T05:00:00Z", "repeated, nothing was sent"]
    assert "At" in heading.split()


def test_debits_as_csv_have_every_key_with_the_error_beside_it() -> None:
    failed = debit(
        error=Failure(
            code=ErrorCode.REFUSED, message="no", hint=None, http_status=422, provider_code="9008"
        )
    )

    (made,), (wrong,) = rows(DEBITS, debit(balance_after=Amount("9750.00"))), rows(DEBITS, failed)

    planned = ["planned_at", "planned_by"]
    assert list(made) == [
        *(name for name in DebitRecord.__struct_fields__ if name not in ("error", *planned)),
        *(f"error_{name}" for name in Failure.__struct_fields__),
        *planned,
    ]
    assert (made["amount"], made["balance_after"], made["replayed"]) == ("250", "9750.00", "false")
    assert (wrong["error_code"], wrong["error_http_status"]) == ("refused", "422")
    assert (wrong["error_provider_code"], wrong["error_hint"]) == ("9008", "")


def test_errors_of_several_debits_are_told_with_their_references(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say([debit(), debit()])
    assert capsys.readouterr() == ("", "")

    say([debit(error=failure("no."))])

    assert capsys.readouterr() == ("", "Error: no.\nHint: Do this.\n")

    say(
        [
            debit(reference="a", error=failure("the same.")),
            debit(reference="b"),
            debit(reference="c", error=failure("the same.")),
            debit(reference="d", error=failure("another.", None)),
        ]
    )

    assert capsys.readouterr().err.splitlines() == [
        "Error: a: the same.",
        "Hint: Do this.",
        "Error: c: the same.",
        "Error: d: another.",
        "3 of 4 debits were not confirmed.",
    ]
