"""`loyalty balance --from`: whose records come, in which order, when, and what of the failed."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty_cli.sandbox.server import Reply
from tests.balances.test_customer_list import IDENTIFIERS
from tests.commands.balance.lists import (
    PATIENCE,
    At,
    BalancePlatform,
    EachAt,
    Gate,
    Listed,
    customers,
    found,
    lines,
    names,
    not_found,
    refused,
    running,
)
from tests.conftest import Outcome, Run
from tests.fakes.terminal import in_terminal, unstyled

pytestmark = pytest.mark.timeout(60)

Card = Callable[..., Path]
FORMATS = ["json", "jsonl", "csv"]


# In which order, and when.


@pytest.mark.parametrize(
    ("output", "is_list"),
    [("json", True), ("jsonl", True), ("csv", True), ("json", False)],
    ids=["json", "jsonl", "csv", "json of named customers"],
)
def test_records_of_a_list_come_in_its_order_whoever_is_answered_first(
    output: str, is_list: bool, loyalty: Run, at: At, listed: Listed
) -> None:
    last_was_asked = Event()

    def second_after_last(customer: str) -> Reply:
        if customer == "C-30":
            last_was_asked.set()
        elif customer == "C-2":
            assert last_was_asked.wait(PATIENCE)
        return found(customer)

    platform = at(second_after_last)

    asked = ["--from", listed(lines(names(30)))] if is_list else names(30)
    done = loyalty("balance", *asked, "-o", output)

    assert (done.code, done.err) == (0, "")
    assert customers(done, output) == names(30)
    assert sorted(platform.asked) == sorted(names(30))
    assert last_was_asked.is_set()


@pytest.mark.parametrize("output", FORMATS)
def test_records_of_a_list_are_printed_while_the_run_goes_on(
    output: str, at: At, listed: Listed
) -> None:
    gate = Gate("C-3")
    at(gate)

    with running("balance", "--from", listed(lines(names(5))), "-o", output) as there:
        first_two = there.until(lambda read: b"C-2" in read).decode()
        gate.open()
        done = there.ended()

    whole = first_two + "]" if output == "json" else first_two
    assert customers(Outcome(0, whole, ""), output) == ["C-1", "C-2"]
    assert done.code == 0
    assert customers(done, output) == names(5)


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_a_record_comes_before_the_next_line_is_written_to_the_pipe(jobs: str, at: At) -> None:
    at()

    with running(
        "balance", "--from", "-", "-o", "jsonl", "--jobs", jobs, stdin=subprocess.PIPE
    ) as there:
        for number in range(1, 4):
            there.give(f"C-{number}\n")
            assert there.line(number)["customer"] == f"C-{number}"
        assert there.process.stdin
        there.process.stdin.close()
        there.process.stdin = None
        done = there.ended()

    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == 3


def test_a_list_on_stdin_is_read_from_a_pipe_and_from_the_middle_of_a_file(
    program: Run, at: At, listed: Listed
) -> None:
    at()
    content = "\ufeffC-1\r\n\r\n0123  \r\nC-1\r\n"

    from_pipe = program("balance", "--from", "-", "-o", "csv", input=content)
    with Path(listed(f"not this line\n{content}")).open("rb", buffering=0) as file:
        file.readline()
        with running("balance", "-f", "-", "-o", "csv", stdin=file) as there:
            from_file = there.ended()

    for done in (from_pipe, from_file):
        assert (done.code, done.err) == (0, "")
        assert customers(done, "csv") == ["C-1", "0123", "C-1"]


@given(
    st.lists(st.tuples(IDENTIFIERS, st.booleans()), min_size=1, max_size=40),
    st.integers(1, 20),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_identifiers_are_printed_as_given_each_with_its_own_answer(
    loyalty: Run,
    at: At,
    listed: Listed,
    rows: list[tuple[str, bool]],
    jobs: int,
) -> None:
    failing = {customer for customer, fails in rows if fails}
    platform = at(lambda name: not_found(name) if name in failing else found(name))
    wanted = [customer for customer, _ in rows]
    name = listed("".join(json.dumps({"customer": each}) + "\n" for each in wanted))

    done = loyalty("balance", "--from", name, "--jobs", str(jobs), "-o", "json")

    assert [record["customer"] for record in done.records] == wanted
    for record in done.records:
        if record["customer"] in failing:
            assert (record["error"]["code"], record["balances"]) == ("not_found", [])
        else:
            assert record["error"] is None
            assert record["balances"][0]["available"] == len(record["customer"])
    failed = [customer in failing for customer in wanted]
    assert done.code == (5 if all(failed) else 9 if any(failed) else 0)
    assert sorted(platform.asked) == sorted(wanted)


# What failed.


def told(done: Outcome) -> str:
    return done.err.splitlines()[-1]


def test_each_failed_look_up_is_a_record_and_stderr_counts_them_by_error(
    loyalty: Run, at: At, listed: Listed
) -> None:
    def some_fail(customer: str) -> Reply:
        number = int(customer.removeprefix("C-"))
        if number % 10 == 0:
            return Reply(422, {"type": "INVALID_REQUEST_ERROR", "message": "no"})
        return not_found(customer) if number % 3 == 0 else found(customer)

    at(some_fail)

    done = loyalty("balance", "--from", listed(lines(names(60))), "-o", "jsonl")

    records = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 9
    assert [record["customer"] for record in records] == names(60)
    assert [bool(record["error"]) for record in records] == [
        number % 10 == 0 or number % 3 == 0 for number in range(1, 61)
    ]
    assert told(done) == (
        "24 of 60 look-ups failed: 18 not found, 6 refused; the first 10 are listed above."
    )
    assert done.err.count("Error: ") == 10
    assert done.err.startswith("Error: C-3 at card: Imprint has no customer 'C-3'")


# The table.


@pytest.mark.parametrize("number", [99, 130])
def test_a_table_of_a_list_in_a_pipe_has_all_customers(
    number: int, loyalty: Run, at: At, listed: Listed
) -> None:
    at()

    done = loyalty("balance", "--from", listed(lines(names(number))))

    heading, *rows = done.out.splitlines()
    assert heading.split()[:2] == ["Customer", "Profile"]
    assert [row.split()[0] for row in rows] == names(number)
    assert done.err == ""


@pytest.mark.parametrize(("number", "shown"), [(99, 99), (100, 100), (101, 100), (130, 100)])
def test_a_table_of_a_list_in_a_terminal_has_the_first_hundred_and_says_of_how_many(
    number: int, shown: int, at: At, listed: Listed
) -> None:
    platform = at()

    done = in_terminal(
        "balance", "--from", listed(lines(names(number))), width=200, stderr=subprocess.PIPE
    )

    rows = unstyled(done.out).splitlines()[3:]
    assert [row.split()[0] for row in rows] == names(shown)
    assert len(platform.asked) == number
    assert done.err == (
        f"The first 100 of {number} look-ups are shown;"
        " `| less`, -o jsonl, json or csv shows all.\n"
        if number > shown
        else ""
    )


def test_warnings_of_a_long_list_in_a_pipe_are_told_a_hundred_times_and_then_counted(
    loyalty: Run, at: At, listed: Listed
) -> None:
    at(
        lambda name: Reply(
            body={"customer_id": name, "reward_balance": 3, "reward_symbol": "$"},
        )
    )

    done = loyalty("balance", "--from", listed(lines(names(130))))

    assert len(done.out.splitlines()) == 131
    assert done.err.count("Warning: ") == 100
    assert told(done) == "30 more look-ups have warnings; -o csv and jsonl have them all."


def test_a_table_shows_all_customers_of_the_command_line(loyalty: Run, at: At) -> None:
    at()

    done = loyalty("balance", *names(130))

    assert len(done.out.splitlines()) == 131
    assert done.err == ""


def test_a_table_of_a_list_whose_first_hundred_failed_says_so(at: At, listed: Listed) -> None:
    first = set(names(100))
    at(lambda name: not_found(name) if name in first else found(name))

    done = in_terminal("balance", "--from", listed(lines(names(130))), stderr=subprocess.PIPE)

    assert done.code == 9
    assert done.out == ""
    assert "are shown" not in done.err
    assert done.err.splitlines()[-1] == (
        "The first 100 of 130 look-ups failed; `| less`, -o jsonl, json or csv shows all."
    )


# Which profiles.


@pytest.fixture
def two(each_at: EachAt) -> dict[str, BalancePlatform]:
    """The profiles `north`, which is the default, and `south`."""
    platforms = {name: BalancePlatform() for name in ("north", "south")}
    each_at(**platforms)
    return platforms


def pairs(done: Outcome) -> list[tuple[str, str]]:
    return [(record["customer"], record["profile"]) for record in done.records]


def test_each_customer_of_a_list_is_asked_for_at_each_profile_in_order(
    loyalty: Run, two: dict[str, BalancePlatform], listed: Listed
) -> None:
    done = loyalty(
        *("balance", "--from", listed(lines(names(20))), "-o", "json"),
        *("-p", "south", "-p", "north"),
    )

    assert pairs(done) == [(name, place) for name in names(20) for place in ("south", "north")]
    assert [len(platform.asked) for platform in two.values()] == [20, 20]


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("arguments", "others"),
    [([], ["north"]), (["-p", "south"], ["south"]), (["--all-profiles"], ["north", "south"])],
    ids=["the default", "one profile", "all profiles"],
)
def test_a_row_of_a_list_can_name_its_own_profile(
    arguments: list[str], others: list[str], loyalty: Run, listed: Listed
) -> None:
    content = "profile,customer\nsouth,C-1\n,C-2\nnorth,C-3\n"
    done = loyalty("balance", "--from", listed(content), *arguments, "-o", "json")

    assert pairs(done) == [
        ("C-1", "south"),
        *(("C-2", other) for other in others),
        ("C-3", "north"),
    ]


def test_where_every_row_names_its_profile_no_other_is_needed(
    loyalty: Run, at: At, listed: Listed
) -> None:
    at()
    file = Path(os.environ["LOYALTY_CONFIG"])
    others = "  other: {provider: gameball}\n"
    file.write_text(file.read_text().removeprefix("default_profile: card\n") + others)

    done = loyalty("balance", "--from", listed("customer,profile\nC-1,card\n"), "-o", "json")
    without = loyalty("balance", "--from", listed("customer,profile\nC-1,card\nC-2,\n"))

    assert done.code == 0
    assert (without.code, without.out) == (3, "")
    assert without.err.startswith("Error: no profile was named")


def test_a_bad_key_does_not_end_a_run_for_customers_of_the_command_line(
    loyalty: Run, at: At
) -> None:
    at(refused)

    done = loyalty("balance", *names(4), "-o", "json")

    assert done.code == 4
    assert customers(done, "json") == names(4)
