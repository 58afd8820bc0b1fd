"""`loyalty debit`: one, and many from a file; what is refused before anything is sent."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pexpect
import pytest

from loyalty_cli.commands.debit import action as debiting
from loyalty_cli.config.load import load
from loyalty_cli.config.profile import DebitRules
from loyalty_cli.debits.debit_list import read_rows
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.debits.run import run_all
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.output.escape import is_shown
from loyalty_cli.sandbox.server import Reply
from tests.conftest import PROGRAM, Outcome, Run
from tests.fakes.debit_platform import DebitPlatform

HEADER = "customer,amount,reference\n"
HOSTILE = "a\x1b[31mb\x9b32mc\x1b]8;;http://evil\x07d\r\b\u202e [red]r[/red] [/x] :star: =1+1"
LOST = Reply(reset=True)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a person type into this process."""

    def types(text: str) -> None:
        for module in (debiting, sys.modules["loyalty_cli.commands.confirm"]):
            monkeypatch.setattr(module, "is_interactive", lambda: True)
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return types


def states(loyalty: Run) -> dict[str, str]:
    """What the journal has."""
    records = loyalty("journal", "list", "-o", "json").records
    return {record["reference"]: record["state"] for record in records}


def assert_refused(done: Outcome, code: int, lines: int = 2) -> None:
    assert done.code == code
    assert done.out == ""
    assert 1 <= len(done.err.splitlines()) <= lines
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err
    assert "defect" not in done.err


def test_a_debit_is_made_and_printed(ready: DebitPlatform, loyalty: Run) -> None:
    done = loyalty("debit", "C-1001", "250", "--reference", "a", "-y", "-o", "json")

    assert (done.code, done.err) == (0, "")
    expected = {
        "schema_version": 2,
        "profile": "club",
        "provider": "saasquatch",
        "customer": "C-1001",
        "unit": "CENTS",
        "amount": 250,
        "reference": "a",
        "state": "confirmed",
        "attempt": 1,
        "replayed": False,
        "balance_after": 9750,
        "provider_reference": None,
        "at": done.record["at"],
        "sandbox": False,
        "error": None,
        "planned_at": done.record["planned_at"],
        "planned_by": None,
    }
    assert list(done.record.items()) == list(expected.items())
    (sent,) = ready.debits
    assert json.loads(sent.body) == {"accountId": "C-1001", "unit": "CENTS", "amount": 250}
    balance = loyalty("balance", "C-1001", "-o", "json").record["balances"][0]
    assert balance["available"] == 9750


def test_gameball_is_sent_a_reference_once_and_its_own_number_is_printed(
    ready: DebitPlatform, loyalty: Run
) -> None:
    asked = ("debit", "C-1001", "200", "-p", "points", "--reference", "a", "-y", "-o", "json")

    done = loyalty(*asked)

    assert done.record["state"] == "confirmed"
    assert done.record["provider_reference"] == "1"
    assert done.record["balance_after"] is None
    assert loyalty(*asked).record == done.record | {"replayed": True}
    (sent,) = ready.debits
    assert json.loads(sent.body)["transactionId"] == "a"


@pytest.mark.parametrize(
    "other",
    [("C-1001", "251"), ("C-1004", "250"), ("C-1004", "250", "--unit", "points")],
    ids=" ".join,
)
@pytest.mark.parametrize("how", ["-y", "--dry-run"])
def test_a_reference_that_another_debit_has_is_refused(
    ready: DebitPlatform, loyalty: Run, other: tuple[str, ...], how: str
) -> None:
    loyalty("debit", "C-1001", "250", "--reference", "a", "-y")

    done = loyalty("debit", *other, "--reference", "a", how)

    assert_refused(done, 6)
    assert "the reference 'a' is on record for another debit: 250 CENTS of 'C-1001'" in done.err
    assert len(ready.debits) == 1


AMOUNT = "must be a whole number from 1 to 1000000000000000, in digits only"
REFERENCE = "--reference"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        *(
            (["C-1001", amount, "--reference", "a"], AMOUNT)
            for amount in ("0", "1.5", "", "1\x1b[m")
        ),
        (["C-1001", "2.50", "--reference", "a"], "If the unit is cents, 2.50 is 250."),
        (["C-1001", "9" * 5000, "--reference", "a"], AMOUNT),
        (["--reference", "a", "C-1001", "--", "-5"], AMOUNT),
        *((["C-1001", less, "--reference", "a"], "AMOUNT must be") for less in ("-5", "-0.5")),
        (["5", "C-1001", "--reference", "a"], "comes first: `loyalty debit C-1001 5`."),
        (["-", "5", "--reference", "a"], "To read from stdin, write `--from -`."),
        (["C-1001\u200b", "5", "--reference", "a"], "Did you mean 'C-1001'?"),
        *(
            ([customer, "5", "--reference", "a"], "")
            for customer in ("", "..", "C\x1b[31m", "\udc80")
        ),
        *((["C-1001", "5", "--reference", text], REFERENCE) for text in ("", " a", "a\x1b[31mb")),
        (["C-1001", "5"], "--reference"),
        ([], "CUSTOMER and AMOUNT"),
        (["C-1001"], "CUSTOMER and AMOUNT"),
        (["C-1001", "5", "6", "--reference", "a"], "6"),
        (["C-1001", "5", "--reference", "a", "--unit", ""], "--unit"),
        (["C-1001", "5", "--reference", "a", "--unit", " CENTS"], "--unit"),
        (["C-1001", "5", "--reference", "a", "--expect-total", "6"], "add up to 5, not to 6"),
        (["C-1001", "5", "--reference", "a", "--expect-total", "5.0"], "--expect-total"),
        (["C-1001", "5", "--reference", "a", "-o", "xml"], "xml"),
        (["C-1001", "5", "--reference", "a", "-p", "club", "-p", "points"], "one profile"),
        (["C-1001", "5", "--from", "x"], "Leave CUSTOMER, AMOUNT and --reference out."),
        (["C-1001", "--from", "x"], "Leave CUSTOMER, AMOUNT and --reference out."),
        (["--from", "x", "--reference", "a"], "Leave CUSTOMER, AMOUNT and --reference out."),
        (["--from", "/nowhere/at/all"], "/nowhere/at/all"),
        (["--from", ""], ""),
        (["--from", "/"], ""),
        (["--from", "-"], ""),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_debit_command_that_makes_no_sense_is_refused(
    ready: DebitPlatform, loyalty: Run, wrong: list[str], said: str
) -> None:
    done = loyalty("debit", "-y", *wrong)

    assert_refused(done, 2)
    assert said in done.err
    assert all(is_shown(sign) or sign == "\n" for sign in done.err)
    assert ready.asked == []


def test_a_debit_without_a_terminal_needs_yes(ready: DebitPlatform, loyalty: Run) -> None:
    done = loyalty("debit", "C-1001", "5", "--reference", "a")

    assert_refused(done, 2)
    assert "no terminal to ask on" in done.err
    assert "--yes" in done.err
    assert ready.asked == []


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ("5 -p clubb", 3, "Did you mean 'club'?"),
        ("5 --profile=", 3, "there is no profile ''"),
        ("5 -p card", 6, "Imprint (profile 'card') cannot debit."),
        ("5 -p closed", 6, "the profile 'closed' does not allow debits."),
        ("5001", 6, "debit.max_amount 5000"),
    ],
)
def test_a_debit_that_its_profile_does_not_allow_is_refused(
    ready: DebitPlatform, loyalty: Run, asked: str, code: int, said: str
) -> None:
    done = loyalty("debit", "C-1001", *asked.split(), "--reference", "a", "-y")

    assert_refused(done, code)
    assert said in done.err
    assert ready.asked == []


@pytest.mark.parametrize(
    ("asked", "code", "state"),
    [
        ("C-1005 301", 6, "planned"),
        ("E-insufficient 250", 6, "refused"),
        ("E-404 250", 5, "planned"),
        ("E-401 250", 4, "planned"),
        ("C-1002 250", 6, "planned"),
    ],
)
def test_a_debit_that_is_not_made_says_so_in_its_record_and_exit_code(
    ready: DebitPlatform, loyalty: Run, asked: str, code: int, state: str
) -> None:
    done = loyalty("debit", *asked.split(), "--reference", "a", "-y", "-o", "json")

    assert (done.code, done.record["state"]) == (code, state)
    assert done.record["error"]["message"] in done.err
    assert len(ready.debits) == (state == "refused")


def test_an_unattended_debit_without_a_journal_is_refused(
    there: DebitPlatform, loyalty: Run
) -> None:
    done = loyalty("debit", "C-1001", "5", "--reference", "a", "-y")

    assert_refused(done, 3)
    assert "`loyalty journal init`" in done.err
    assert there.asked == []
    assert not there.journal.exists()


def test_a_person_is_asked_whether_a_journal_and_the_first_debit_are_to_be_made(
    there: DebitPlatform, loyalty: Run, person: Callable[[str], None]
) -> None:
    asked = ("debit", "C-1001", "5", "--reference", "a", "-y")

    person("n\n")
    done = loyalty(*asked)
    assert (done.code, done.out) == (3, "")
    assert "`loyalty journal init`" in done.err
    assert there.asked == []
    assert not there.journal.exists()

    person("y\n")
    done = loyalty(*asked)
    assert done.code == 0
    assert f"There is no journal {there.journal} yet." in done.err
    assert there.journal.exists()


@pytest.mark.parametrize("answer", ["n\n", "\n", "NO\n", "nah\n\x00\nn\n", ""], ids=repr)
def test_any_answer_but_yes_sends_no_debit(
    ready: DebitPlatform, loyalty: Run, person: Callable[[str], None], answer: str
) -> None:
    person(answer)

    done = loyalty("debit", "C-1001", "250", "--reference", "a")

    assert (done.code, done.out) == (6, "")
    assert done.err.endswith("Nothing was sent.\n")
    assert ready.debits == []
    assert states(loyalty) == {}


def test_nobody_is_asked_about_a_debit_that_would_not_be_sent(
    ready: DebitPlatform, loyalty: Run, person: Callable[[str], None]
) -> None:
    for reference in ("made", "lost"):
        loyalty("debit", "C-1001", "5", "--reference", reference, "-y")
        ready.replies.append(LOST)
    person("")

    done = [
        loyalty("debit", *debit.split(), "--reference", reference)
        for debit, reference in (
            *(("C-1001 5", "made"), ("C-1001 5", "lost")),
            *(("C-1005 301", "too much"), ("E-404 5", "nobody")),
        )
    ]

    assert [each.code for each in done] == [0, 8, 6, 5]
    assert "has 300 CENTS available, less than 301" in done[2].err
    assert not any("[y/N]" in each.err for each in done)
    assert len(ready.debits) == 2


def test_without_a_reference_a_person_gets_one_and_sees_it(
    ready: DebitPlatform, loyalty: Run, person: Callable[[str], None]
) -> None:
    person("y\ny\n")

    records = [loyalty("debit", "C-1001", "5", "-o", "json") for _ in range(2)]

    first, second = (done.record["reference"] for done in records)
    assert first != second
    assert f", reference '{first}'?" in records[0].err
    assert len(ready.debits) == 2


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (
            ("E-insufficient", "5"),
            (
                "`loyalty journal resolve --not-applied --why TEXT {0}`."
                " Then run the same command with --reference {0}."
            ),
        ),
        (
            ("C-1005", "301"),
            (
                "Run the same command again when there is enough."
                " For the same debit add --reference {0}; without it, it would be another one."
            ),
        ),
    ],
    ids=["refused by the platform", "too little credit"],
)
def test_a_debit_that_was_not_made_and_got_its_reference_says_what_to_run_in_which_order(
    ready: DebitPlatform,
    loyalty: Run,
    person: Callable[[str], None],
    asked: tuple[str, str],
    hint: str,
) -> None:
    person("")

    done = loyalty("debit", *asked, "-y", "-o", "json")

    assert done.record["error"]["hint"].endswith(hint.format(done.record["reference"]))
    assert len(ready.debits) < 2


def test_a_job_learns_that_the_next_debit_needs_a_reference_of_its_own(
    ready: DebitPlatform, loyalty: Run
) -> None:
    done = loyalty("debit", "C-1001", "5", "-y")

    assert_refused(done, 2)
    assert "the same one when this debit is tried again, and a new one for the next" in done.err
    assert ready.asked == []


def test_the_question_about_a_file_names_how_many_how_much_and_where(
    ready: DebitPlatform,
    loyalty: Run,
    file: Callable[..., str],
    person: Callable[[str], None],
) -> None:
    name = file(
        "customer,amount,reference,profile\n"
        "C-1001,5,a,\nC-1001,7,b,club\nC-1001,20,c,points\nC-1004,30,d,points\n"
    )
    loyalty("debit", "C-1001", "5", "--reference", "a", "-y")
    person("n\n")

    done = loyalty("debit", "--from", name)

    assert done.code == 6
    assert "Make 3 debits, 7 CENTS and 50 points in all, at club, points? [y/N] " in done.err
    assert len(ready.debits) == 1


def at_a_terminal(*arguments: str, redirection: str = "") -> "pexpect.spawn[str]":
    """The program in a real terminal, where somebody types."""
    return pexpect.spawn(
        "/bin/sh",
        ["-c", f'exec "$@" {redirection}', "sh", str(PROGRAM), *arguments],
        env={**os.environ, "TERM": "xterm-256color"},
        encoding="utf-8",
        timeout=30,
        dimensions=(50, 200),
    )


def end_of(child: "pexpect.spawn[str]") -> tuple[int, str]:
    """How a program in a terminal ends: its exit code, and what it says until then."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus or 0, child.before or ""


def test_a_person_at_a_terminal_is_asked_what_to_check_before_a_debit(
    ready: DebitPlatform, tmp_path: Path
) -> None:
    written = tmp_path / "out.json"
    child = at_a_terminal("debit", "C-1001", "250", "-o", "json", redirection=f">{written}")

    child.expect(
        r"Debit 250 CENTS from 'C-1001' at club, which leaves 9750 CENTS,"
        r" reference '(loyalty-[-0-9a-f]{36})'\? \[y/N\] "
    )
    assert child.before == ""
    reference = re.findall(r"loyalty-[-0-9a-f]{36}", str(child.after))[0]
    assert ready.debits == []
    child.sendline("y")

    assert end_of(child)[0] == 0
    assert written.read_text().startswith("[\n")
    (record,) = json.loads(written.read_text())
    assert (record["reference"], record["state"]) == (reference, "confirmed")
    assert len(ready.debits) == 1


@pytest.mark.parametrize(("typed", "code"), [("n\r", 6), ("\r", 6), ("\x04", 6), ("\x03", 130)])
def test_a_person_at_a_terminal_can_refuse_or_leave_the_question(
    ready: DebitPlatform, loyalty: Run, typed: str, code: int
) -> None:
    child = at_a_terminal("debit", "C-1001", "250")

    child.expect(r"\[y/N\] ")
    child.send(typed)
    ended, rest = end_of(child)

    assert ended == code
    assert "Traceback" not in rest
    assert ("Interrupted." in rest) == (code == 130)
    assert ("Nothing was sent." in rest) == (code == 6)
    assert ready.debits == []
    assert states(loyalty) == {}


@pytest.mark.parametrize(("typed", "code"), [("y\r", 0), ("n\r", 6), ("\x04", 6), ("\x03", 130)])
def test_a_person_who_sends_debits_through_a_pipe_is_asked_on_the_terminal(
    ready: DebitPlatform, file: Callable[..., str], typed: str, code: int
) -> None:
    name = file(f"{HEADER}C-1001,5,a\nC-1001,6,b\n")
    child = at_a_terminal("debit", "--from", "-", redirection=f"< {name}")

    child.expect(r"Make 2 debits, 11 CENTS in all, at club\? \[y/N\] ")
    assert ready.debits == []
    child.send(typed)
    ended, rest = end_of(child)

    assert (ended, len(ready.debits)) == (code, 2 if code == 0 else 0)
    assert "Traceback" not in rest


def test_debits_through_a_pipe_are_asked_about_nowhere_but_on_the_terminal(
    ready: DebitPlatform, program: Run, file: Callable[..., str]
) -> None:
    name = file(f"{HEADER}C-1001,5,a\n")
    silent = at_a_terminal("debit", "--from", "-", redirection=f"< {name} 2>{name}.err")

    assert end_of(silent)[0] == 2
    done = program("debit", "--from", "-", input=Path(name).read_bytes())
    for said in (done.err, Path(f"{name}.err").read_text()):
        assert said.startswith("Error: there is no terminal to ask on.\nHint: Add --yes")
    assert (done.code, ready.debits) == (2, [])


def test_a_dry_run_tells_what_it_would_send_and_sends_nothing(
    ready: DebitPlatform, loyalty: Run
) -> None:
    done = loyalty("debit", "C-1001", "250", "--reference", "a", "--dry-run", "-o", "json")

    assert (done.code, done.record["state"], done.record["attempt"]) == (0, "planned", 0)
    assert done.err.startswith(f"would send POST {ready.url}/saasquatch/api/v1/sandbox/credit/")
    assert '{"accountId":"C-1001","unit":"CENTS","amount":250}' in done.err
    assert "sandbox-saasquatch-key" not in done.err
    assert ready.debits == []
    assert states(loyalty) == {}


def test_a_dry_run_finds_what_would_be_refused(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str]
) -> None:
    loyalty("debit", "C-1001", "5", "--reference", "made", "-y")
    name = file(f"{HEADER}C-1001,5,made\nC-1005,301,short\nE-404,5,nobody\nC-1004,5,good\n")

    done = loyalty("debit", "--from", name, "--dry-run", "-o", "jsonl")

    records = [json.loads(line) for line in done.out.splitlines()]
    assert [record["state"] for record in records] == ["confirmed", "planned", "planned", "planned"]
    assert [(record["error"] or {}).get("code") for record in records] == [
        None,
        "refused",
        "not_found",
        None,
    ]
    assert [record["replayed"] for record in records] == [True, False, False, False]
    assert done.code == 9
    assert done.err.count("would send POST") == 1
    assert len(ready.debits) == 1


def test_the_expected_total_is_compared_with_that_of_the_whole_file(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str]
) -> None:
    name = file(f"{HEADER}C-1001,5,a\nC-1001,7,b\n")

    wrong = loyalty("debit", "--from", name, "--expect-total", "13", "-y")
    assert_refused(wrong, 2)
    assert "the amounts add up to 12, not to 13" in wrong.err
    assert ready.asked == []
    for _ in range(2):
        assert loyalty("debit", "--from", name, "--expect-total", "12", "-y").code == 0
    assert len(ready.debits) == 2


def test_rows_of_debits_can_name_their_profiles_and_units_so_that_no_default_is_needed(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str]
) -> None:
    ready.file.write_text(ready.file.read_text().replace("default_profile: club\n", ""))
    name = file(
        "customer,amount,reference,profile,unit\n"
        "C-1004,5,a,club,\nC-1001,7,b,points,\nC-1004,6,c,club,points\n"
    )

    done = loyalty("debit", "--from", name, "-y", "-o", "json")

    assert done.code == 0
    assert [(each["profile"], each["unit"], each["balance_after"]) for each in done.records] == [
        *(("club", "CENTS", 6995), ("points", "points", None), ("club", "points", 1994)),
    ]
    missing = loyalty("debit", "--from", file(f"{HEADER}C-1001,5,b\n"), "-y")
    assert_refused(missing, 3)


def test_the_same_file_of_debits_again_makes_only_those_not_settled(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str]
) -> None:
    name = file(f"{HEADER}C-1001,5,a\nC-1005,301,b\nE-insufficient,5,c\nC-1004,7,d\n")
    first = loyalty("debit", "--from", name, "-y", "-o", "json")
    more = file(f"{HEADER}C-1001,5,a\nC-1005,301,b\nE-insufficient,5,c\nC-1004,7,d\nC-1010,1,e\n")

    again = loyalty("debit", "--from", more, "-y", "-o", "json")

    assert (first.code, again.code) == (9, 9)
    assert [each["state"] for each in again.records] == [
        *("confirmed", "planned", "refused", "confirmed", "confirmed"),
    ]
    assert [each["replayed"] for each in again.records] == [True, False, True, True, False]
    assert len(ready.debits) == 4


def test_every_debit_that_failed_is_named_on_stderr(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str]
) -> None:
    ready.replies.extend([LOST, LOST, LOST])
    name = file(f"{HEADER}C-1001,5,a\nC-1004,5,b\nC-1010,5,c\nC-1008,5,d\n")

    done = loyalty("debit", "--from", name, "-y", "-o", "json")

    assert done.code == 8
    lost = [each["reference"] for each in done.records if each["state"] == "unknown"]
    assert len(lost) == 3
    for reference in lost:
        assert f"Error: {reference}: the debit was sent, and it is unknown" in done.err
    assert done.err.count("Hint: ") == 1
    assert done.err.endswith("3 of 4 debits were not confirmed.\n")


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{HEADER}C-1001,5,a\r\n".encode(),
        b'{"customer": "C-1001", "amount": 5, "reference": "a"}\n',
    ],
    ids=repr,
)
def test_a_dash_reads_debits_from_stdin(ready: DebitPlatform, program: Run, content: bytes) -> None:
    done = program("debit", "--from", "-", "-y", "-o", "json", input=content)

    assert (done.code, done.record["state"]) == (0, "confirmed")
    assert len(ready.debits) == 1


def test_a_stdin_that_is_closed_is_an_error_and_not_an_empty_file(ready: DebitPlatform) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", PROGRAM, "debit", "--from", "-", "-y"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == "Error: stdin is closed."
    assert ready.asked == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{HEADER}Zo\u00eb,5,a\n".encode("utf-16"), "UTF-8"),
        (f"{HEADER}C-1001,5,a\n".encode("utf-16-le"), "NUL"),
        (f"{HEADER}C-1001,5,a\0\n".encode(), "debits:2: it has a NUL"),
        (f"{HEADER}C-1001,5,\x1b[31m\n".encode(), r"debits:2: reference '\x1b[31m'"),
        (f"{HEADER}C-1001,5,\x9b31m\n".encode(), r"debits:2: reference '\x9b31m'"),
        (b"customer\x1b,amount,reference\n", r"an unknown column 'customer\x1b'"),
    ],
    ids=ascii,
)
def test_an_escape_in_a_file_of_debits_does_not_reach_the_terminal(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str], content: bytes, said: str
) -> None:
    done = loyalty("debit", "--from", file(content), "-y")

    assert_refused(done, 2, lines=3)
    assert said in done.err
    assert all(is_shown(sign) or sign == "\n" for sign in done.err)
    assert ready.asked == []


@pytest.mark.parametrize("output", ["table", "json"])
def test_hostile_text_in_a_debit_is_shown_and_does_nothing(
    ready: DebitPlatform, loyalty: Run, output: str
) -> None:
    body = {"statusCode": 400, "message": HOSTILE, "apiErrorCode": HOSTILE}
    ready.replies.append(Reply(400, body))
    reference = "=1+1 [red]x[/red] [/x] :star:"

    done = loyalty("debit", "C-1001", "5", "--reference", reference, "-y", "-o", output)

    assert done.code == 6
    assert reference in done.out
    assert {sign for sign in done.out + done.err if not is_shown(sign)} <= {"\n"}
    assert r"\x1b[31mb" in done.err
    assert output == "table" or done.record["error"]["provider_code"] == HOSTILE


@pytest.mark.parametrize("output", ["jsonl", "csv"])
def test_a_reader_that_leaves_stops_a_run_of_debits_in_good_order(
    ready: DebitPlatform, program: Run, loyalty: Run, file: Callable[..., str], output: str
) -> None:
    name = file(HEADER + "".join(f"C-1006,{n},ref-{n}\n" for n in range(1, 60)))
    with Path("/dev/full").open("wb") as full:
        done = program("debit", "--from", name, "-y", "-o", output, stdout=full)

    assert done.code == 3
    assert "No space left on device" in done.err
    found = states(loyalty)
    assert set(found.values()) <= {"planned", "confirmed"}
    assert sum(state == "confirmed" for state in found.values()) == len(ready.debits)
    assert len(ready.debits) < 59


@pytest.mark.parametrize("lost", [False, True], ids=["known", "unknown"])
def test_the_exit_code_of_an_unknown_outcome_wins_over_a_failed_journal(
    ready: DebitPlatform,
    loyalty: Run,
    file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    lost: bool,
) -> None:
    ready.replies.extend([LOST] * lost)
    claim, claimed = Journal.claim, Event()

    def failing(journal: Journal, entry: Entry, *more: Any) -> Entry | None:
        if entry.key.reference == "b":
            claimed.wait(timeout=20)
            raise JournalError(ErrorCode.SETUP, "the journal failed: disk I/O error.")
        claimed.set()
        return claim(journal, entry, *more)

    monkeypatch.setattr(Journal, "claim", failing)

    name = file(f"{HEADER}C-1001,5,a\nC-1004,5,b\nC-1001,5,c\n")

    done = loyalty("debit", "--from", name, "-y", "-o", "jsonl")

    assert done.code == (8 if lost else 3)
    assert "Error: the journal failed: disk I/O error." in done.err
    assert "run the same command again" in done.err
    assert states(loyalty)["b"] == "planned"


@pytest.mark.parametrize(("lost", "code"), [(False, 130), (True, 8)], ids=["known", "unknown"])
def test_the_exit_code_of_an_unknown_outcome_wins_over_ctrl_c(
    ready: DebitPlatform, loyalty: Run, monkeypatch: pytest.MonkeyPatch, lost: bool, code: int
) -> None:
    ready.replies.extend([LOST] * lost)

    def interrupted(*arguments: Any) -> Iterator[DebitResult]:
        for settled in run_all(*arguments):
            os.kill(os.getpid(), signal.SIGINT)
            yield settled

    monkeypatch.setattr(debiting, "run_all", interrupted)

    done = loyalty("debit", "C-1001", "5", "--reference", "a", "-y", "-o", "json")

    assert done.code == code
    assert done.record["state"] == ("unknown" if lost else "confirmed")


PAGE = (Path(__file__).parents[3] / "docs" / "debits.md").read_text()


def examples(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("rows", [*examples("csv"), *examples("json")])
def test_the_files_of_the_debits_page_are_read(rows: str) -> None:
    first, *_ = (each.row for each in read_rows(io.BytesIO(rows.encode()), str))

    assert first is not None
    assert (first.customer, first.amount, first.reference) == ("C-1001", 250, "order-17")


def test_the_profiles_of_the_debits_page_load(tmp_path: Path) -> None:
    profile, shops, shared = examples("yaml")
    services = re.findall(r"`(postgresql:\S+)`", PAGE)
    file = tmp_path / "config.yaml"

    for journal in (shared, *(f"journal: {service}\n" for service in services)):
        file.write_text(profile + journal)
        config = load(file)
        assert config.profiles["referrals"].debit == DebitRules(
            allow=True,
            unit="CENTS",
            max_amount=5000,
            max_total=100_000,
            max_total_per_day=200_000,
        )
        assert str(config.journal).startswith("postgresql://")
    assert len(services) == 1
    file.write_text(shops)
    assert {each.account for each in load(file).profiles.values()} == {"eu", "us"}


@pytest.mark.parametrize("state", State)
def test_every_state_is_on_the_debits_page(state: State) -> None:
    assert f"| `{state}` |" in PAGE
