"""`loyalty debit --from`: what a file is refused for, and what a dry run of it says."""

import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.conftest import Outcome, Run
from tests.fakes.debit_platform import DebitPlatform

HEADER = "customer,amount,reference\n"
WITH_PROFILE = "customer,amount,reference,profile\n"
MEMORY = 2**30
"""Bytes of address space; reading without a bound would need more soon."""

Tries = Callable[..., Outcome]


@pytest.fixture
def debits(loyalty: Run, file: Callable[..., str]) -> Tries:
    """Make the debits of a file."""
    return lambda content, *more: loyalty("debit", "--from", file(content), "-y", *more)


def told(done: Outcome) -> list[str]:
    """The mistakes, without the folder of the file."""
    return [line.rpartition("/debits:")[2].strip() for line in done.err.splitlines()[2:]]


def allowing(there: DebitPlatform, old: str, new: str) -> None:
    """Change what the profiles allow."""
    text = there.file.read_text()
    assert old in text
    there.file.write_text(text.replace(old, new))


def test_mistakes_of_every_kind_in_a_file_of_debits_are_told_at_once(
    ready: DebitPlatform, debits: Tries
) -> None:
    assert debits(f"{HEADER}C-1001,5,taken\n").code == 0

    done = debits(
        f"{WITH_PROFILE}"
        "C-1001,0,a,\n"
        "C-1001,5,a,\n"
        "C-1001,5001,b,\n"
        "C-1001,5,c,card\n"
        "C-1001,5,d,closed\n"
        "C-1001,5001,e,clubb\n"
        "C-1001,6,taken,\n"
        "C-1001,5,f\n"
        "C-1001,5,g,\n"
    )

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[:2] == [
        "Error: the file has 9 mistakes.",
        "Hint: No debit was made. Fix these rows, then run again:",
    ]
    assert told(done)[0] == (
        "2: amount '0': must be a whole number from 1 to 1000000000000000, in digits only"
    )
    assert [":".join(mistake.split(":")[:2]) for mistake in told(done)] == [
        "2: amount '0'",
        "3: reference 'a'",
        "4: amount '5001'",
        "5: profile 'card'",
        "6: profile 'closed'",
        "6: unit ''",
        "7: profile 'clubb'",
        "9: the row 'C-1001,5,f'",
        "8: reference 'taken'",
    ]
    assert len(ready.debits) == 1


@pytest.mark.parametrize("how", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_every_row_that_its_profile_does_not_allow_is_told(
    ready: DebitPlatform, debits: Tries, how: list[str]
) -> None:
    allowing(ready, "max_amount: 5000}", "max_amount: 5000, max_total_per_day: 100}")
    assert debits(f"{HEADER}C-1001,5,taken\n").code == 0
    rows = "".join(f"C-1006,5000,{number},club\n" for number in range(5))

    done = debits(
        f"{WITH_PROFILE}C-1001,5,b,card\nC-1001,5001,c,club\nC-1001,6,taken,club\n{rows}"
        "C-1001,60,d,points\nC-1004,41,e,points\n",
        *how,
    )

    assert (done.code, done.out) == (6, "")
    assert [":".join(mistake.split(":")[:2]) for mistake in told(done)] == [
        "2: profile 'card'",
        "3: amount '5001'",
        "4: reference 'taken'",
        "7: amount '5000'",
        "11: amount '41'",
    ]
    assert "is 20001, above its debit.max_total 20000" in done.err
    assert "be 101 in 24 hours, above its debit.max_total_per_day 100" in done.err
    assert len(ready.debits) == 1


def test_mistakes_in_a_file_of_debits_are_told_without_a_journal(
    there: DebitPlatform, debits: Tries
) -> None:
    done = debits(f"{HEADER}C-1001,0,a\n")

    assert (done.code, len(told(done))) == (2, 1)
    assert not there.journal.exists()


@pytest.mark.parametrize("endless", ["/dev/zero", "letters"])
def test_endless_input_is_refused_soon_and_takes_no_memory(
    ready: DebitPlatform, program: Run, tmp_path: Path, endless: str
) -> None:
    name = endless
    if endless == "letters":
        name = str(tmp_path / "letters")
        with Path(name).open("wb") as sparse:
            sparse.write(b"x" * 2**20)
            sparse.truncate(2**40)

    done = program(
        *("debit", "--from", name, "-y"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Error: {name}:1: it has ")
    assert ready.asked == []


def test_a_dry_run_adds_up_what_is_asked_of_an_account(ready: DebitPlatform, debits: Tries) -> None:
    rows = f"{HEADER}C-1005,200,a\nC-1005,150,b\nC-1001,250,c\nC-1005,100,d\nC-1005,301,e\n"

    done = debits(rows, "--dry-run", "-o", "jsonl")

    records = [json.loads(line) for line in done.out.splitlines()]
    assert [record["reference"] for record in records] == ["a", "b", "c", "d", "e"]
    assert [(record["error"] or {}).get("code") for record in records] == [
        *(None, "refused", None, None, "refused"),
    ]
    assert records[1]["error"]["message"] == (
        "'C-1005' has 300 CENTS available, less than 150 after the rows before it take 200."
    )
    assert done.code == 6
    assert done.err.splitlines()[-4:] == [
        "2 of 5 debits would not be made.",
        "club: 3 of 5 debits would be made, 550 of 1001 CENTS.",
        "C-1005 at club has 300 CENTS: 300 of 751 would be taken, 0 left.",
        "C-1001 at club has 10000 CENTS: 250 of 250 would be taken, 9750 left.",
    ]
    assert ready.debits == []


def test_a_dry_run_adds_up_each_unit_and_profile_but_nothing_on_record(
    ready: DebitPlatform, debits: Tries
) -> None:
    assert debits(f"{HEADER}C-1005,200,a\n").code == 0
    rows = f"{WITH_PROFILE}C-1005,200,a,\nC-1005,100,b,\nC-1001,7,c,points\nC-1001,6,d,club\n"

    done = debits(rows, "--dry-run", "-o", "jsonl")

    assert done.code == 0
    assert done.err.splitlines()[-5:-2] == [
        "club: 2 of 2 debits would be made, 106 of 106 CENTS.",
        "points: 1 of 1 debits would be made, 7 of 7 points.",
        "C-1005 at club has 100 CENTS: 100 of 100 would be taken, 0 left.",
    ]
    assert len(ready.debits) == 1


def test_a_dry_run_says_where_an_open_debit_holds_up_the_account(
    ready: DebitPlatform, debits: Tries
) -> None:
    ready.replies.append(Reply(reset=True))
    assert debits(f"{HEADER}C-1001,5,lost\n").code == 8

    done = debits(f"{HEADER}C-1001,5,a\nC-1004,5,b\n", "--dry-run", "-o", "json")

    assert done.code == 6
    assert [(each["error"] or {}).get("code") for each in done.records] == ["account_busy", None]
    assert len(ready.debits) == 1


def test_ten_failed_debits_are_told_and_the_rest_are_counted(
    ready: DebitPlatform, debits: Tries
) -> None:
    rows = "".join(f"nobody-{number},1,r-{number}\n" for number in range(54))

    done = debits(f"{HEADER}{rows}", "-o", "jsonl")

    assert done.code == 5
    assert done.err.count("Error: r-") == 10
    assert done.err.splitlines()[-2:] == [
        "and 44 more (44 not found); the error of each is in its record.",
        "54 of 54 debits were not confirmed.",
    ]
    assert ready.debits == []


def test_debits_of_a_european_spreadsheet_are_made_with_the_option_that_the_error_names(
    ready: DebitPlatform, debits: Tries
) -> None:
    content = "\ufeffcustomer;amount;reference\r\nC-1001;5;a\r\n"

    refused = debits(content)
    assert (refused.code, ready.debits) == (2, [])
    assert "Hint: Add --delimiter ';'.\n" in refused.err

    assert debits(content, "--delimiter", ";").code == 0
    assert len(ready.debits) == 1


def test_a_delimiter_without_a_file_of_debits_is_refused(
    ready: DebitPlatform, loyalty: Run
) -> None:
    done = loyalty("debit", "C-1001", "5", "--reference", "a", "-y", "--delimiter", ";")

    assert (done.code, ready.asked) == (2, [])
    assert done.err.startswith("Error: --delimiter is about the file of --from.")


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no debit begin before the one before it is done."""
    monkeypatch.setattr("loyalty_cli.commands.debit.action.JOBS", 1)


@pytest.mark.parametrize(
    ("option", "rows", "ended"),
    [
        ("--fail-fast", "C-1001,5,a\nE-404,5,b\nC-1001,6,c\nC-1004,5,d\n", (5, 1)),
        ("--max-failures=1", "C-1001,5,a\nE-404,5,b\nE-500,6,c\nC-1001,5,d\n", (7, 1)),
        ("--max-failures=9", "C-1001,5,a\nE-404,5,b\nC-1001,6,c\n", (9, 2)),
    ],
)
@pytest.mark.usefixtures("no_pauses", "one_at_a_time")
def test_a_file_of_debits_ends_early_if_its_platform_does_not_answer(
    ready: DebitPlatform,
    debits: Tries,
    option: str,
    rows: str,
    ended: tuple[int, int],
) -> None:
    done = debits(f"{HEADER}{rows}", option)

    assert (done.code, len(ready.debits)) == ended
    has_ended = f"The run was ended by {option.replace('=', ' ')}.\n" in done.err
    assert has_ended == ("debits unfinished; run the same command again" in done.err)
    assert has_ended == (ended[0] != 9)


def test_a_limit_of_failures_without_a_file_of_debits_is_refused(
    ready: DebitPlatform, loyalty: Run
) -> None:
    for option in ("--fail-fast", "--max-failures=3"):
        done = loyalty("debit", "C-1001", "5", "--reference", "a", "-y", option)
        assert (done.code, ready.asked) == (2, [])
        assert done.err.startswith(f"Error: {option.partition('=')[0]} is about the file")
