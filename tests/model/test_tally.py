"""What is counted of a run: how many failed and why, what is told of it, and the exit code."""

import pickle

from msgspec.structs import replace

from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.model.records import Failure, Lookup, WarningCode, WarningRecord
from loyalty_cli.model.tally import MAX_REPORTED, Tally


def lookup(customer: str, code: ErrorCode | None = None, message: str = "no.") -> Lookup:
    return Lookup(
        profile="card",
        provider="imprint",
        customer=customer,
        sandbox=False,
        asked={"by": "id"},
        retrieved_at="2026-11-20T05:00:00Z",
        error=Failure(code=code, message=message) if code else None,
    )


def tally_of(*lookups: Lookup) -> Tally:
    tally = Tally()
    for each in lookups:
        tally.add(each)
    return tally


GOOD = lookup("C-1")
MISSING = lookup("C-2", ErrorCode.NOT_FOUND)
BROKEN = lookup("C-3", ErrorCode.SERVER_ERROR)
LATE = lookup("C-4", ErrorCode.TIMED_OUT)


def test_a_tally_counts_failures_by_kind_and_reports_no_success() -> None:
    tally = tally_of(GOOD, MISSING, GOOD, BROKEN, MISSING)
    tally.report(GOOD)

    assert tally.done == 5
    assert tally.failed == {ErrorCode.NOT_FOUND: 2, ErrorCode.SERVER_ERROR: 1}
    assert tally.reported == [MISSING]


def test_the_exit_code_of_a_tally_is_the_common_one_or_some_failed() -> None:
    for lookups, code in (
        ((), ExitCode.OK),
        ((GOOD, GOOD), ExitCode.OK),
        ((MISSING, MISSING), ExitCode.NOT_FOUND),
        ((BROKEN, LATE), ExitCode.UNAVAILABLE),
        ((MISSING, BROKEN), ExitCode.SOME_FAILED),
        ((GOOD, MISSING), ExitCode.SOME_FAILED),
    ):
        assert tally_of(*lookups).exit_code is code


def test_a_tally_reports_each_reason_once_with_the_first_customer() -> None:
    again = lookup("C-9", ErrorCode.NOT_FOUND)

    assert tally_of(MISSING, again, BROKEN, GOOD).reported == [MISSING]
    assert tally_of(lookup("C-8", ErrorCode.NOT_FOUND, "other."), again).reported[1] == again


def test_a_tally_reports_the_first_failures_and_the_one_that_ended_the_run() -> None:
    failed = [lookup(f"C-{n}", ErrorCode.NOT_FOUND, f"{n}.") for n in range(MAX_REPORTED + 5)]
    tally = tally_of(*failed)

    assert tally.reported == failed[:MAX_REPORTED]
    tally.report(failed[-1])
    assert tally.reported == [*failed[:MAX_REPORTED], failed[-1]]


def test_a_tally_of_a_long_run_stays_small() -> None:
    failed = (lookup(f"C-{n}", ErrorCode.NOT_FOUND, f"no customer {n}.") for n in range(20_000))

    tally = tally_of(*failed)

    assert tally.done == tally.failed.total() == 20_000
    assert len(pickle.dumps(tally)) < 10_000


def test_a_tally_keeps_the_first_warning_of_each_code_at_each_profile() -> None:
    scale, other, same = (
        WarningRecord(WarningCode.SCALE_UNKNOWN, "Dollars, or cents?"),
        WarningRecord(WarningCode.PLATFORM, "Slow today."),
        WarningRecord(WarningCode.PLATFORM, "Slow tomorrow."),
    )
    first = replace(GOOD, warnings=(other, same))
    second = replace(GOOD, warnings=(scale, same))
    elsewhere = replace(GOOD, profile="points", warnings=(same,))

    tally = tally_of(GOOD, first, second, elsewhere, second)

    assert tally.warned == {
        ("card", WarningCode.PLATFORM): 3,
        ("card", WarningCode.SCALE_UNKNOWN): 2,
        ("points", WarningCode.PLATFORM): 1,
    }
    assert tally.first_warned == {
        ("card", WarningCode.PLATFORM): (first, other),
        ("card", WarningCode.SCALE_UNKNOWN): (second, scale),
        ("points", WarningCode.PLATFORM): (elsewhere, same),
    }
