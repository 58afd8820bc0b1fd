"""`--max-failures` and `--fail-fast`: a platform that is down ends a list soon, and it resumes."""

from pathlib import Path

import pytest

from loyalty_cli.lists.parallel import JOBS
from loyalty_cli.network.retry import MAX_ATTEMPTS
from loyalty_cli.sandbox.server import Reply
from tests.commands.balance.lists import (
    At,
    BalancePlatform,
    Listed,
    customers,
    found,
    is_in_order,
    lines,
    names,
    not_found,
)
from tests.conftest import Run

pytestmark = pytest.mark.usefixtures("no_pauses")

MANY = 300


class Failing:
    """Answers with an error about these customers, as long as the platform is down."""

    def __init__(self, *customers: str, error: Reply | None = None) -> None:
        self.customers = set(customers)
        self._error = error or Reply(500, {})

    def __call__(self, customer: str) -> Reply:
        return self._error if customer in self.customers else found(customer)


@pytest.mark.parametrize("output", ["jsonl", "json", "csv"])
def test_a_list_ends_soon_when_its_platform_goes_down_and_is_resumed_when_it_is_back(
    output: str, at: At, listed: Listed, loyalty: Run, tmp_path: Path
) -> None:
    failing = Failing(*names(MANY)[40:])
    platform = at(failing)
    path = tmp_path / f"out.{output}"
    run = ("balance", "--from", listed(lines(names(MANY))), "--output-file", str(path))

    ended = loyalty(*run, "--max-failures", "5")

    assert ended.code == 7
    note = "The run was ended by --max-failures 5"
    assert [each for each in ended.err.splitlines() if each.startswith(note)]
    assert len(platform.asked) <= 40 + (5 + JOBS) * MAX_ATTEMPTS
    assert "--resume" in ended.err
    assert path.exists() == (output == "jsonl")  # what is not complete has another name

    failing.customers.clear()
    done = loyalty(*run, "--max-failures", "5", "--resume")

    assert done.code == 0
    assert customers(path.read_text(), output) == names(MANY)


def test_a_list_that_is_printed_has_all_that_was_done_when_it_ends(
    at: At, listed: Listed, loyalty: Run
) -> None:
    at(Failing(*names(MANY)[20:]))

    done = loyalty("balance", "--from", listed(lines(names(MANY))), "-o", "csv", "--fail-fast")

    assert done.code == 7
    there = customers(done, "csv")
    assert len(there) in range(20 - JOBS, 20 + JOBS)  # but what was still being asked for
    assert is_in_order(there)


def test_an_answer_about_a_customer_is_no_failure_of_the_platform(
    at: At, listed: Listed, loyalty: Run
) -> None:
    platform = at(not_found)

    done = loyalty("balance", "--from", listed(lines(names(20))), "--max-failures", "2")

    assert (done.code, len(platform.asked)) == (5, 20)


@pytest.mark.parametrize(("error", "code"), [(404, 5), (400, 6), (500, 7)])
def test_fail_fast_ends_with_the_first_failure_whatever_it_is(
    error: int, code: int, at: At, listed: Listed, loyalty: Run
) -> None:
    kind = {"error": {"type": "CUSTOMER_NOT_FOUND_ERROR" if error == 404 else "X", "message": "-"}}
    at(Failing("C-1", error=Reply(error, kind)))

    done = loyalty("balance", "--from", listed(lines(names(20))), "--fail-fast", "-o", "jsonl")

    assert (done.code, customers(done, "jsonl")) == (code, ["C-1"])


def test_a_customer_who_always_fails_does_not_hold_up_a_resumed_run(
    at: At, listed: Listed, loyalty: Run, tmp_path: Path
) -> None:
    at(Failing("C-3", "C-4"))
    path = tmp_path / "out.jsonl"
    run = ("balance", "--from", listed(lines(names(9))), "--output-file", str(path), "--resume")

    codes = [loyalty(*run, "--fail-fast", "--jobs", "1").code for _ in range(3)]

    assert codes == [7, 7, 9]
    assert customers(path.read_text(), "jsonl") == names(9)


@pytest.fixture
def down(at: At) -> BalancePlatform:
    """A platform that cannot answer."""
    return at(Failing(*names(5)))


def test_customers_of_the_command_line_can_end_a_run_too(
    down: BalancePlatform, loyalty: Run
) -> None:
    done = loyalty("balance", *names(5), "--fail-fast", "--jobs", "1", "-o", "jsonl")

    assert (done.code, customers(done, "jsonl")) == (7, ["C-1"])
    assert len(down.asked) == MAX_ATTEMPTS


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--fail-fast", "--max-failures", "3"], "--fail-fast and --max-failures exclude"),
        (["--max-failures", "0"], "Invalid value for '--max-failures': 0 is less than 1"),
    ],
    ids=str,
)
def test_a_limit_that_says_nothing_is_refused(
    options: list[str], error: str, down: BalancePlatform, loyalty: Run
) -> None:
    done = loyalty("balance", "C-1", *options)

    assert (done.code, down.asked) == (2, [])
    assert done.err.startswith(f"Error: {error}")
