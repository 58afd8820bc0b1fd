"""One debit as a person reads it: what it is, what happened to it, and what can be next."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import BaselineRecord, DebitHistory, EventRecord, NextCommand
from loyalty_cli.output.debit_history import history_markdown, print_history
from loyalty_cli.output.format import Format
from tests.fakes.terminal import unstyled
from tests.output.test_debits import debit

AT = datetime(2026, 11, 20, 5, tzinfo=UTC)
LONG = "the connection was reset by the other side " * 3
COMMAND = NextCommand(purpose="Look", command="loyalty journal reconcile " + "x" * 60)


def event(after: str = "unknown", before: str | None = "sending", **more: Any) -> EventRecord:
    known = {"at": "2026-11-20T05:00:00Z", "actor": "ada on host", "attempt": 1, "why": LONG}
    return EventRecord(**{**known, "before": before, "after": after, **more})


def history(**more: Any) -> DebitHistory:
    known: dict[str, Any] = {
        "debit": debit(state="unknown"),
        "baseline": BaselineRecord(available=Amount("1000.50")),
        "events": (event("planned", None, why="planned"), event()),
        "next": (COMMAND,),
    }
    return DebitHistory(**{**known, **more})


def shown(
    record: DebitHistory, capsys: pytest.CaptureFixture[str], output: Format = Format.TABLE
) -> str:
    print_history(record, output, AT + timedelta(days=3))
    return unstyled(capsys.readouterr().out)


@pytest.fixture(params=[40, 80])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The width of a terminal, which stdout is."""
    monkeypatch.setattr("loyalty_cli.output.table.is_terminal", lambda: True)
    monkeypatch.setattr("loyalty_cli.output.format.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("TERM", "xterm")
    return int(request.param)


def test_a_debit_is_shown_first_then_its_events_wrapped_at_words_and_its_commands_whole(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    debit_, events, commands = shown(history(), capsys).split("\n\n")

    facts = [line.split(maxsplit=1) for line in debit_.splitlines()]
    assert facts.pop(4)[1].startswith("3 days ago, ")
    assert facts == [
        ["Customer", "C-1001"],
        ["Amount", "250 CENTS"],
        ["Profile", "club"],
        ["State", "unknown for 3 days"],
        ["Reference", "order 7"],
        ["Before", "1000.50 CENTS"],
        ["After", "750.50 CENTS if it was made"],
    ]
    assert max(map(len, events.splitlines())) <= width
    assert LONG.strip() in " ".join(events.split()).replace("why ", "")
    assert events.count("ada on host") == 1
    assert commands == f"Look:\n  {COMMAND.command}\n"


@pytest.mark.parametrize(
    ("record", "facts"),
    [
        (history(debit=debit(balance_after=Amount("9.0"))), ["Before", "After 9.0 CENTS"]),
        (history(debit=debit()), ["Before", "After not on record"]),
        (history(debit=debit(state="refused")), ["Before"]),
        (history(debit=debit(state="planned"), baseline=None), []),
        (history(debit=debit(state="unknown"), baseline=BaselineRecord()), []),
    ],
    ids=["left", "confirmed", "refused", "not sent", "not told"],
)
def test_what_a_balance_became_is_told_as_far_as_it_is_known(
    record: DebitHistory, facts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [" ".join(line.split()) for line in shown(record, capsys).splitlines()]

    found = [line for line in lines if line.startswith(("Before", "After"))]
    expected = [fact.replace("Before", "Before 1000.50 CENTS") for fact in facts]
    assert found == expected


def test_a_later_attempt_is_numbered_and_a_note_has_no_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    events = (event("sending", "planned", attempt=2, why="claimed"), event(before="unknown"))

    _, table, end = shown(history(events=events, next=()), capsys).split("\n\n")

    heading, first, second = table.splitlines()
    assert heading.split() == ["At", "State", "By", "Why"]
    assert first.split("  ")[1] == "sending, attempt 2"
    assert "unknown" not in second
    assert end == "Nothing is left to do.\n"


def test_a_screen_reader_gets_a_fact_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCESSIBLE", "1")

    lines = shown(history(), capsys).splitlines()

    assert lines[:2] == ["Customer: C-1001", "Amount: 250 CENTS"]
    assert "State: planned" in lines


def test_markdown_has_two_tables_and_the_commands_as_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = shown(history(), capsys, Format.MARKDOWN)

    assert printed == history_markdown(history(), AT + timedelta(days=3))
    facts, events, code = printed.split("\n\n")
    assert facts.startswith("| Customer | Amount | Profile | State |")
    assert events.startswith("| At | State | By | Why |\n")
    assert code == f"```console\n{COMMAND.command}\n```\n"
    assert history_markdown(history(next=()), AT).count("\n\n") == 1


def test_csv_has_a_row_for_each_event_with_the_reference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    header, *rows = shown(history(), capsys, Format.CSV).splitlines()

    assert header == "schema_version,reference,at,actor,attempt,before,after,why"
    assert [row.split(",")[1:7] for row in rows] == [
        ["order 7", "2026-11-20T05:00:00Z", "ada on host", "1", "", "planned"],
        ["order 7", "2026-11-20T05:00:00Z", "ada on host", "1", "sending", "unknown"],
    ]
