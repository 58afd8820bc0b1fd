"""`loyalty balance --from` and bad input: one clear line, the right code, nothing half-written."""

import re
from pathlib import Path

import pytest

from tests.commands.balance.lists import (
    At,
    BalancePlatform,
    Listed,
    customers,
    lines,
    names,
    piped,
    running,
)
from tests.conftest import Outcome, Run

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def platform(at: At) -> BalancePlatform:
    """A platform at which nothing is wrong; `card` is its profile."""
    return at()


def is_refused(done: Outcome, platform: BalancePlatform, error: str, *hint: str) -> bool:
    """Whether that one line was said, with a hint or none, and nothing else was done."""
    expected = [f"Error: {error}", *(f"Hint: {text}" for text in hint)]
    said = re.sub(r"(?<= )/\S*/(?=list:)", "", done.err).splitlines()  # without the folder
    assert (done.code, said) == (2, expected)
    assert (done.out, platform.asked) == ("", [])
    return True


# Files.


CUSTOMER = "Name the column of identifiers 'customer', or add --column NAME."
AS_LINES = "If each line is one identifier, add --input-format lines."
NO_COLUMN = "list:1: the header has no column 'customer'."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,name\nC-1,Jane\n", (NO_COLUMN, f"{CUSTOMER} {AS_LINES}")),
        (
            "customer,profile\nC-1,card\nC-2,crad\n",
            ("list:3: there is no profile 'crad'.", "Did you mean 'card'?"),
        ),
    ],
    ids=["no customer column", "an unknown profile"],
)
def test_a_file_with_a_mistake_is_refused_before_anything_is_asked(
    content: str, said: tuple[str, ...], platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    done = loyalty("balance", "--from", listed(content), "-o", "csv")

    assert is_refused(done, platform, *said)


@pytest.mark.parametrize("number", [0, 40])
@pytest.mark.parametrize("output", ["json", "jsonl", "csv", "table"])
def test_the_customers_before_a_mistake_in_a_pipe_are_asked_and_written(
    number: int, output: str, platform: BalancePlatform, loyalty: Run
) -> None:
    good = names(number)
    with piped(lines(good) + "..\n") as pipe:
        done = loyalty("balance", "--from", pipe, "-o", output)

    assert done.code == 2
    assert done.err == (
        f"Error: {pipe}:{number + 1}: the identifier '..' would change the address of"
        " the request.\n"
    )
    assert sorted(platform.asked) == sorted(good)
    there = [line.split()[0] for line in done.out.splitlines()[1:]]
    assert (there if output == "table" else customers(done, output)) == good
    assert bool(done.out) == bool(number)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], ("no customer given.", "Name a customer, or a list with --from.")),
        (
            ["--from", "missing"],
            ("the file 'missing' cannot be read: No such file or directory.",),
        ),
        (["--from", "-"], ("stdin is closed.", "Send the list to it, or name a file.")),
        (
            ["C-1", "--input-format", "csv"],
            ("--input-format is about the list of --from.", "Add --from FILE, or leave it out."),
        ),
    ],
    ids=["no customer", "no such file", "stdin closed", "no list"],
)
def test_a_list_that_is_missing_or_closed_is_an_error(
    arguments: list[str],
    said: tuple[str, ...],
    platform: BalancePlatform,
    loyalty: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", None)

    assert is_refused(loyalty("balance", *arguments), platform, *said)


def test_a_stdin_that_can_only_be_written_to_is_an_error(
    platform: BalancePlatform, tmp_path: Path
) -> None:
    with (
        (tmp_path / "out").open("wb") as file,
        running("balance", "--from", "-", stdin=file) as there,
    ):
        done = there.ended()

    assert is_refused(done, platform, "the file '-' cannot be read: Bad file descriptor.")


# Options.


RANGE = "is not from 1 to 256."
SHARD = "--shard must be I/N, I from 1 to N (or from 0 to N - 1), N at most 999999."
RATE = "--rate must be more than 0 and at most 10000 requests a second."
OPTIONS: list[tuple[list[str], str]] = [
    *((["--jobs", n], f"Invalid value for '--jobs': {n} {RANGE}") for n in ("0", "-1", "257")),
    (["--jobs", "1.5"], "Invalid value for '--jobs': '1.5' is not a whole number."),
    *((["--rate", value], RATE) for value in ("0", "-1", "nan", "inf", "-inf", "1e9", "10001")),
    *(
        (["--rate", value], f"--rate must be a number of requests a second, not {value!r}.")
        for value in ("x", "", "1_0", "10/s")
    ),
    (["--shard", "5/4"], SHARD),
    (
        ["--input-format", "xml"],
        "Invalid value for '--input-format': 'xml' is not one of 'lines', 'csv', 'jsonl'.",
    ),
    (["C-1"], "--from takes the customers from the list."),
    (["-O", "x=y"], "Imprint (profile 'card') has no option 'x'."),
    (["--timeout", "0"], "--timeout must be more than 0 and at most 3600 seconds."),
]


@pytest.mark.parametrize(("arguments", "error"), OPTIONS, ids=str)
def test_a_wrong_option_is_refused_before_anything_is_asked(
    arguments: list[str], error: str, platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    done = loyalty("balance", "--from", listed("C-1\n"), *arguments, "-o", "csv")

    assert (done.code, done.out, platform.asked) == (2, "", [])
    first, *hint = done.err.splitlines()
    assert first == f"Error: {error}"
    assert len(hint) <= 1


def test_a_wrong_profile_is_an_error_though_every_row_names_its_own(
    platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    done = loyalty("balance", "--from", listed("customer,profile\nC-1,card\n"), "-p", "crad")

    assert (done.code, done.out, platform.asked) == (3, "", [])
    assert done.err.startswith("Error: there is no profile 'crad'")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("csv", (NO_COLUMN, CUSTOMER)),
        ("jsonl", ("list:1: it is not JSON (Expecting value at character 0).",)),
    ],
    ids=["csv", "jsonl"],
)
def test_a_list_in_another_format_than_the_option_says_is_refused(
    given: str, said: tuple[str, ...], platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    done = loyalty("balance", "--from", listed("C-1\n"), "--input-format", given)

    assert is_refused(done, platform, *said)
