"""What a platform's own list of debits proves, and what it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.evidence import Proof, judge_list
from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.model.amount import Amount
from loyalty_cli.providers.contract import Evidence, Redemption
from tests.debits.conftest import DebitMaker

CLAIMED = datetime(2026, 11, 20, 5, tzinfo=UTC)
SETTLE = 900.0
OURS = "r-1.2"


@pytest.fixture
def entry(maker: DebitMaker) -> Entry:
    planned = maker.plan(maker.order())
    return replace(planned, state=State.UNKNOWN, attempt=1, claimed_at=CLAIMED)


def at(seconds: float) -> datetime:
    return CLAIMED + timedelta(seconds=seconds)


def listed(**more: Any) -> Redemption:
    """A debit with our reference, as it should be."""
    given = {"amount": Amount(50), "unit": "CENTS", "reference": OURS, "at": at(1)}
    return Redemption(**{**given, "provider_reference": "77", **more})


def unnamed(**more: Any) -> Redemption:
    return listed(reference=None, **more)


class Case(NamedTuple):
    redemptions: tuple[Redemption, ...]
    proof: Proof
    why: str
    is_complete: bool = True


MADE, NOT_THERE, DOUBTFUL, NOTHING = Proof.MADE, Proof.NOT_THERE, Proof.DOUBTFUL, Proof.NOTHING
DAY = 24 * 3600
CASES = {
    "our reference and amount": Case((listed(),), MADE, "lists a debit of 50 CENTS"),
    "our reference, without a unit": Case((listed(unit=None),), MADE, "'r-1.2'"),
    "our reference, at any time": Case((listed(at=at(-(10**6))),), MADE, "'r-1.2'"),
    "our reference in an incomplete list": Case((listed(),), MADE, "'r-1.2'", is_complete=False),
    "our reference, and others' debits": Case(
        (listed(reference="x"), listed(), unnamed()), MADE, "'r-1.2'"
    ),
    "our reference with another amount": Case(
        (listed(amount=Amount(49)),), DOUBTFUL, "a debit of 49 CENTS"
    ),
    "our reference with a little more": Case(
        (listed(amount=Amount("50.001")),), DOUBTFUL, "not 50 CENTS"
    ),
    "our reference in another unit": Case((listed(unit="cents"),), DOUBTFUL, "50 cents"),
    "our reference, reversed": Case(
        (listed(doubt="it was reversed"),), DOUBTFUL, "but it was reversed"
    ),
    "our reference twice": Case((listed(), listed()), DOUBTFUL, "twice"),
    "our reference in another case": Case((listed(reference="R-1.2"),), DOUBTFUL, "'R-1.2'"),
    "the reference of another attempt": Case(
        (listed(reference="r-1"),), NOT_THERE, "does not have it"
    ),
    "nothing": Case((), NOT_THERE, "does not have it"),
    "nothing in an incomplete list": Case((), NOTHING, "incomplete", is_complete=False),
    "one without a reference": Case((unnamed(),), MADE, "lists a debit of 50 CENTS"),
    "one with an empty reference": Case((listed(reference=""),), MADE, "(77)"),
    "one without a reference, in an incomplete list": Case(
        (unnamed(),), NOTHING, "incomplete", is_complete=False
    ),
    "one a minute before the claim": Case((unnamed(at=at(-60)),), MADE, "50 CENTS"),
    "one at the end of the settle period": Case((unnamed(at=at(960)),), MADE, "50 CENTS"),
    "one more than a minute before the claim": Case(
        (unnamed(at=at(-61)),), NOTHING, "which may be it"
    ),
    "one a little after the settle period": Case((unnamed(at=at(961)),), NOTHING, "may be it"),
    "one a day before the claim": Case((unnamed(at=at(-DAY)),), NOTHING, "which may be it"),
    "one a day later": Case((unnamed(at=at(DAY)),), NOTHING, "which may be it"),
    "one two days before the claim": Case((unnamed(at=at(-2 * DAY)),), NOT_THERE, "not have it"),
    "one two days later": Case((unnamed(at=at(2 * DAY)),), NOT_THERE, "not have it"),
    "one without a time": Case((unnamed(at=None),), NOTHING, "which may be it"),
    "one without a time zone": Case(
        (unnamed(at=at(DAY).replace(tzinfo=None)),), NOTHING, "which may be it"
    ),
    "one of another day without a time zone": Case(
        (unnamed(at=at(2 * DAY).replace(tzinfo=None)),), NOT_THERE, "not have it"
    ),
    "one of another amount": Case((unnamed(amount=Amount(51)),), NOT_THERE, "not have it"),
    "one of another unit": Case((unnamed(unit="points"),), NOT_THERE, "not have it"),
    "one that was reversed": Case((unnamed(doubt="it was reversed"),), DOUBTFUL, "reversed"),
    "two without a reference": Case(
        (unnamed(), unnamed(provider_reference="78")), DOUBTFUL, "each of these may be it"
    ),
    "one in time, and one before": Case((unnamed(), unnamed(at=at(-1800))), MADE, "05:00:01"),
    "one in time, and one without a time": Case(
        (unnamed(), unnamed(at=None)), DOUBTFUL, "each of these may be it"
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_list_of_debits_proves_only_what_is_certain(case: str, entry: Entry) -> None:
    redemptions, proof, why, is_complete = CASES[case]

    found = judge_list(entry, OURS, Evidence(redemptions, is_complete), SETTLE)

    assert (found.proof, why in found.why) == (proof, True), found
    assert found.provider_reference == ("77" if proof is MADE else None)


def other(entry: Entry, began: float, **more: Any) -> Entry:
    """Another debit of ours, on this account."""
    key = replace(entry.key, reference="r-0")
    given = {"state": State.CONFIRMED, "claimed_at": at(began), "changed_at": at(began + 1)}
    return replace(entry, key=key, **{**given, **more})


@pytest.mark.parametrize(
    ("began", "more", "proof"),
    [
        (-100, {"provider_reference": "77"}, NOT_THERE),
        (10**6, {"provider_reference": "77"}, NOT_THERE),
        (-100, {"provider_reference": "76"}, MADE),
        (-100, {}, NOTHING),
        (-100, {"amount": 7}, NOTHING),
        (-200, {}, MADE),
        (1000, {}, NOTHING),
        (1100, {}, MADE),
        (-900, {"state": State.UNKNOWN}, NOTHING),
        (-900, {"state": State.NOT_APPLIED}, NOTHING),
        (-1100, {"state": State.UNKNOWN}, MADE),
        (0, {"claimed_at": None, "state": State.PLANNED}, MADE),
    ],
    ids=str,
)
def test_a_debit_that_another_of_ours_may_explain_proves_nothing(
    began: float, more: dict[str, Any], proof: Proof, entry: Entry
) -> None:
    evidence = Evidence((unnamed(),), is_complete=True)

    found = judge_list(entry, OURS, evidence, SETTLE, [other(entry, began, **more)])

    assert found.proof is proof
    assert ("'r-0'" in found.why) == (proof is NOTHING)


def test_another_debit_of_ours_does_not_matter_where_the_reference_is_listed(entry: Entry) -> None:
    evidence = Evidence((listed(),))

    assert judge_list(entry, OURS, evidence, SETTLE, [other(entry, 0)]).proof is MADE
