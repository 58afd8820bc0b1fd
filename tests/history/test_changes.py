"""Each change of a balance, and the debits of ours that may have made it."""

from collections.abc import Sequence
from typing import Any

from loyalty_cli.history.changes import OurDebit, changes
from loyalty_cli.history.lookups import Line
from loyalty_cli.history.periods import Period, Whose
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import DebitBetween, HistoryRecord
from loyalty_cli.output.history import HISTORY

WHOSE = Whose("points", "id", "C-1")


def line(amount: object, **values: Any) -> Line:
    known: dict[str, Any] = {"name": "Points", "kind": "points", "unit": "points"}
    return Line(**(known | values), available=Amount(str(amount)))


def period(first: int, last: int, *lines: Line) -> Period:
    return Period(lines, f"2026-11-{first:02}", f"user {first}", f"2026-11-{last:02}", "")


def debit(
    sent: int,
    until: int | None,
    profile: str = "points",
    unit: str = "points",
    customer: str = "C-1",
) -> OurDebit:
    shown = DebitBetween(
        reference=f"r-{sent}",
        amount=500,
        unit=unit,
        state="confirmed" if until else "unknown",
        at=f"2026-11-{sent:02}",
    )
    return OurDebit(profile, customer, shown, f"2026-11-{until:02}" if until else None)


def found(periods: Sequence[Period], debits: Sequence[OurDebit] | None = ()) -> list[HistoryRecord]:
    return list(changes(WHOSE, "gameball", periods, debits, sandbox=False))


def causes(*debits: OurDebit, lines: Sequence[Line] = (line(1200),)) -> list[str]:
    """The debits of a change between the fifth and the tenth."""
    after = [line(700), *lines[1:]]
    records = found([period(1, 5, *lines), period(10, 12, *after)], debits)
    return [each.reference for each in records[-1].debits or ()]


def test_the_first_balance_is_a_record_for_each_line() -> None:
    records = found([period(1, 2, line(5), line("2.50", name="Rewards", unit="AUD"))])

    assert [(each.what, each.name, str(each.after)) for each in records] == [
        ("first", "Points", "5"),
        ("first", "Rewards", "2.50"),
    ]
    assert {(each.before, each.change, each.before_seen, each.debits) for each in records} == {
        (None, None, None, None)
    }


def test_a_first_balance_of_nothing_is_a_record_too() -> None:
    (record,) = found([period(1, 2)])

    assert (record.what, record.name, record.at, record.last_seen) == (
        "first",
        None,
        "2026-11-01",
        "2026-11-02",
    )


def test_a_change_says_between_which_times_it_was_and_who_saw_it() -> None:
    _, record = found([period(1, 5, line("1200")), period(10, 12, line("700.25"))])

    assert (record.what, str(record.before), str(record.after), str(record.change)) == (
        "changed",
        "1200",
        "700.25",
        "-499.75",
    )
    assert (record.before_seen, record.at, record.last_seen) == (
        "2026-11-05",
        "2026-11-10",
        "2026-11-12",
    )
    assert record.seen_by == "user 10"


def test_only_lines_that_changed_are_told() -> None:
    same, gone, new = line(1, name="same"), line(2, name="gone"), line(3, name="new")
    records = found([period(1, 5, same, gone), period(10, 12, same, new)])

    assert [(each.name, each.what, each.change) for each in records[2:]] == [
        ("gone", "vanished", None),
        ("new", "appeared", None),
    ]


def test_two_periods_that_are_the_same_tell_of_no_change() -> None:
    assert len(found([period(1, 5, line(5)), period(6, 7, line(5))])) == 1


def test_a_debit_between_two_sightings_may_be_the_cause() -> None:
    assert causes(debit(6, 6), debit(5, 5), debit(10, 10)) == ["r-6", "r-5", "r-10"]
    assert causes(debit(4, 4), debit(11, 11)) == []


def test_a_debit_that_was_settled_late_or_never_may_be_the_cause_too() -> None:
    assert causes(debit(2, 8), debit(3, None), debit(11, None)) == ["r-2", "r-3"]


def test_a_debit_of_another_customer_profile_or_unit_is_no_cause() -> None:
    money = line(5, name="Credit", unit="AUD")

    assert causes(debit(6, 6, profile="store")) == []
    assert causes(debit(6, 6, customer="C-2")) == []
    assert causes(debit(6, 6, unit="AUD"), lines=[line(1200), money]) == []


def test_a_debit_in_a_unit_that_no_line_has_may_be_the_cause() -> None:
    assert causes(debit(6, 6, unit="CENTS")) == ["r-6"]


def test_no_debit_and_no_journal_are_told_apart() -> None:
    both = [period(1, 5, line(1200)), period(10, 12, line(700))]

    assert (found(both, [])[1].debits, found(both, None)[1].debits) == ((), None)


def not_ours(before: object, after: object, *debits: OurDebit, **values: Any) -> tuple[str, str]:
    """What is left of a fall, and how a table says it."""
    both = [line(before, **values), line(after, **values)]
    record = found([period(1, 5, both[0]), period(10, 12, both[1])], debits)[-1]
    (row,) = HISTORY.group(record).rows
    return str(record.not_ours), row[6].text


def test_what_our_debits_do_not_explain_of_a_fall_is_told() -> None:
    first, second = debit(6, 6), debit(7, None)

    assert not_ours(1200, "669.50", first) == (
        "30.50",
        "r-6: 500 points; 30.50 points not by debits of ours",
    )
    assert not_ours(1200, 100, first, second) == (
        "100",
        "r-6: 500 points, r-7: 500 points (unknown); 100 points not by debits of ours",
    )
    assert not_ours(1200, 700, first) == ("0", "r-6: 500 points")
    assert not_ours(1200, 750, first) == ("0", "r-6: 500 points")
    assert not_ours(1200, 1170) == ("30", "no debit of ours")


def test_what_our_debits_do_not_explain_may_be_unknown() -> None:
    cents = debit(6, 6, unit="CENTS")

    assert not_ours(1200, 1300, debit(6, 6)) == ("None", "r-6: 500 points")
    assert not_ours(1200, 600, cents) == ("None", "r-6: 500 CENTS")
    assert not_ours(1200, 600, debit(6, 6), basis="scale_unknown") == ("None", "r-6: 500 points")
