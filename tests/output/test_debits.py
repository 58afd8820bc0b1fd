"""Debits and their history as tables, CSV, and words on stderr."""

import csv
import io
import re
from typing import Any

import pytest
from rich.console import Console

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import DebitHistory, DebitRecord, EventRecord, Failure
from loyalty_cli.output.csv_text import csv_rows
from loyalty_cli.output.debits import DEBITS, HISTORY, report_failures
from loyalty_cli.output.document import View
from loyalty_cli.output.escape import is_shown
from loyalty_cli.output.table import draw, plain_text
from tests.fakes.terminal import run_together

HOSTILE = "=a\x1b[31mb\x9b32mc\x1b]8;;http://evil\x07d\r\n\b\u202e [red]r[/red] [/x] :star:"


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
        "sandbox": False,
    }
    return DebitRecord(**(known | values))


def failure(message: str, hint: str | None = "Do this.") -> Failure:
    return Failure(code=ErrorCode.REFUSED, message=message, hint=hint)


def event(**values: Any) -> EventRecord:
    known: dict[str, Any] = {
        "at": "2026-11-20T05:00:00Z",
        "actor": "uid 0 on host, process 1",
        "attempt": 1,
        "before": "sending",
        "after": "unknown",
        "why": "the connection was reset",
    }
    return EventRecord(**(known | values))


def drawn(view: View[Any], records: list[Any], width: int) -> str:
    text = io.StringIO()
    draw(Console(file=text, width=width, no_color=True), *view.table(records))
    return text.getvalue()


def rows(view: View[Any], record: Any) -> list[dict[str, str]]:
    content = csv_rows([view.csv_header, *view.csv_rows(record)]).decode()
    return list(csv.DictReader(io.StringIO(content, newline="")))


def say(debits: list[DebitRecord]) -> None:
    """Say what failed of a run that was kept whole."""
    failed = [each for each in debits if each.error]
    report_failures(failed, len(failed), len(debits))


def test_a_table_shows_what_was_taken_from_whom_and_what_is_left() -> None:
    made = debit(balance_after=Amount("9750.00"))
    lost = debit(reference="lost", state="unknown", amount=7)

    heading, first, second = plain_text(*DEBITS.table([made, lost])).splitlines()

    assert heading.split() == [
        *("Reference", "Customer", "Profile", "Amount", "State", "Left", "At"),
    ]
    assert re.split(" {2,}", first) == [
        *("order 7", "C-1001", "club", "250 CENTS", "confirmed", "9750.00 CENTS"),
        "2026-11-20T05:00:00Z",
    ]
    assert "7 CENTS" in second
    assert "unknown" in second


def test_a_table_says_what_was_only_printed_again() -> None:
    shown = plain_text(*DEBITS.table([debit(), debit(replayed=True)])).splitlines()

    assert [("repeated, nothing was sent" in line) for line in shown] == [False, False, True]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_width_cuts_anything(width: int) -> None:
    reference, customer = "r" * 200, "c" * 150
    record = debit(
        reference=reference,
        customer=customer,
        amount=10**15,
        balance_after=Amount("98765432109876543210.000"),
        replayed=True,
        state="not_applied",
    )

    shown = run_together(drawn(DEBITS, [record, debit()], width))

    for text in (
        *(reference, customer, "club", "1000000000000000CENTS", "notapplied"),
        *("98765432109876543210.000CENTS", "2026-11-20T05:00:00Z", "repeated,nothingwassent"),
        *("order7", "C-1001", "250CENTS", "confirmed"),
    ):
        assert text in shown


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_width_cuts_a_history(width: int) -> None:
    why = "HTTP 502: " + "<html>" * 60
    history = DebitHistory(debit=debit(state="unknown"), events=(event(), event(why=why)))

    shown = run_together(drawn(HISTORY, [history], width))

    for text in (run_together(why), "uid0onhost,process1", "theconnectionwasreset", "order7"):
        assert text in shown


@pytest.mark.parametrize("width", [20, 80, 500])
def test_hostile_text_is_shown_and_does_nothing(width: int) -> None:
    record = debit(reference=HOSTILE, customer=HOSTILE, unit=HOSTILE, profile=HOSTILE)
    history = DebitHistory(debit=record, events=(event(why=HOSTILE, actor=HOSTILE),))

    for text in (
        drawn(DEBITS, [record], width),
        drawn(HISTORY, [history], width),
        plain_text(*DEBITS.table([record])),
        plain_text(*HISTORY.table([history])),
        csv_rows([*DEBITS.csv_rows(record), *HISTORY.csv_rows(history)]).decode(),
    ):
        assert {sign for sign in text if not is_shown(sign)} <= {"\n"}
        assert r"\x1b[31mb" in text
        assert "[red]r[/red]" in run_together(text)


def test_csv_has_every_key_and_the_error_beside_it() -> None:
    failed = debit(
        error=Failure(
            code=ErrorCode.REFUSED, message="no", hint=None, http_status=422, provider_code="9008"
        )
    )

    (made,), (wrong,) = rows(DEBITS, debit(balance_after=Amount("9750.00"))), rows(DEBITS, failed)

    assert list(made) == [
        *(name for name in DebitRecord.__struct_fields__ if name != "error"),
        *(f"error_{name}" for name in Failure.__struct_fields__),
    ]
    assert (made["amount"], made["balance_after"], made["replayed"]) == ("250", "9750.00", "false")
    assert (wrong["error_code"], wrong["error_http_status"]) == ("refused", "422")
    assert (wrong["error_provider_code"], wrong["error_hint"]) == ("9008", "")


def test_csv_does_not_let_a_spreadsheet_run_anything() -> None:
    (row,) = rows(DEBITS, debit(reference="=1+1", customer="@x", unit="+1", profile="-x"))

    assert [row[name] for name in ("reference", "customer", "unit", "profile")] == [
        *("'=1+1", "'@x", "'+1", "'-x"),
    ]


def test_a_history_is_a_row_an_event() -> None:
    history = DebitHistory(debit=debit(), events=(event(before=None, after="planned"), event()))

    found = rows(HISTORY, history)

    assert [(each["before"], each["after"]) for each in found] == [
        ("", "planned"),
        ("sending", "unknown"),
    ]
    assert {each["reference"] for each in found} == {"order 7"}


def test_one_error_is_said_without_a_reference(capsys: pytest.CaptureFixture[str]) -> None:
    say([debit(error=failure("no."))])

    assert capsys.readouterr() == ("", "Error: no.\nHint: Do this.\n")


def test_of_several_each_that_failed_is_named_and_a_hint_is_given_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
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


def test_nothing_is_said_where_nothing_failed(capsys: pytest.CaptureFixture[str]) -> None:
    say([debit(), debit()])

    assert capsys.readouterr() == ("", "")


def test_hostile_errors_are_shown_and_do_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    say([debit(reference=HOSTILE, error=failure(HOSTILE, HOSTILE)), debit()])

    said = capsys.readouterr().err
    assert {sign for sign in said if not is_shown(sign)} <= {"\n"}
    assert len(said.splitlines()) == 3
