"""How much of a list may fail until a run is ended."""

from collections.abc import Sequence

import pytest

from loyalty_cli.lists.failure_limit import FailureLimit
from loyalty_cli.model.errors import ErrorCode

DOWN, LATE, ODD = ErrorCode.UNREACHABLE, ErrorCode.TIMED_OUT, ErrorCode.BAD_RESPONSE
UNKNOWN, REFUSED = ErrorCode.NOT_FOUND, ErrorCode.REFUSED


@pytest.mark.parametrize(
    ("limit", "failed", "ended"),
    [
        (FailureLimit(), [DOWN] * 50, []),
        (FailureLimit(3), [DOWN, LATE, ODD], [2]),
        (FailureLimit(3), [DOWN, UNKNOWN, REFUSED, LATE, UNKNOWN], []),
        (FailureLimit(2), [UNKNOWN, DOWN, UNKNOWN, DOWN, UNKNOWN], [3, 4]),
        (FailureLimit(2), [ErrorCode.OUTCOME_UNKNOWN, DOWN], [1]),
        (FailureLimit(fail_fast=True), [UNKNOWN], [0]),
        (FailureLimit(fail_fast=True), [DOWN, DOWN], [0, 1]),
    ],
    ids=[
        "none",
        "three",
        "answers do not count",
        "two",
        "an unknown debit",
        "fail fast",
        "fail fast twice",
    ],
)
def test_a_run_ends_with_the_failure_that_reaches_the_limit(
    limit: FailureLimit, failed: Sequence[ErrorCode], ended: Sequence[int]
) -> None:
    assert [number for number, each in enumerate(failed) if limit.add(each)] == ended
    assert limit.ended_by == (failed[ended[0]] if ended else None)
