"""`loyalty journal`: what was debited, what is still unknown, and how it is settled."""

import csv
import io
import json
import os
import re
import shlex
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from loyalty_cli.commands.journal.reconcile import LOCK
from loyalty_cli.database.user import user_name
from loyalty_cli.debits.journal.entries import Change, Entry, State
from loyalty_cli.debits.journal.locks import release_lock, take_lock
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.processes import _started, this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.output.escape import is_shown
from loyalty_cli.output.json_schema import json_schema
from loyalty_cli.sandbox.misbehaviour import LATE_SECONDS
from loyalty_cli.sandbox.server import Reply
from tests.conftest import Outcome, Run
from tests.fakes.debit_platform import DebitPlatform

FORMATS = ["table", "json", "jsonl", "csv"]
LOST = Reply(reset=True)


@pytest.fixture
def debit(ready: DebitPlatform, loyalty: Run) -> Callable[..., Outcome]:
    """Make a debit; `lost` has the platform hang up before it does anything."""

    def make(reference: str, *more: str, customer: str = "C-1001", lost: bool = False) -> Outcome:
        ready.replies.extend([LOST] * lost)
        return loyalty(
            *("debit", customer, "5", "--reference", reference, "-y", "-o", "json", *more)
        )

    return make


@pytest.fixture
def some(debit: Callable[..., Outcome]) -> None:
    """Four debits: one made at each platform, one lost, one refused."""
    assert debit("made").code == 0
    assert debit("points made", "-p", "points").code == 0
    assert debit("lost", customer="C-1004", lost=True).code == 8
    assert debit("refused", customer="E-insufficient").code == 6


def listed(loyalty: Run, *more: str) -> list[str]:
    records = loyalty("journal", "list", *more, "-o", "json").records
    return [record["reference"] for record in records]


def state(loyalty: Run, reference: str) -> str:
    return str(loyalty("journal", "show", reference, "-o", "json").record["debit"]["state"])


def evidence(loyalty: Run, reference: str) -> str:
    record = loyalty("journal", "show", reference, "-o", "json").record
    return str(record["events"][-1]["why"])


def assert_refused(done: Outcome, code: int, said: str) -> None:
    assert (done.code, done.out) == (code, "")
    assert 1 <= len(done.err.splitlines()) <= 2
    assert done.err.startswith("Error: ")
    assert said in done.err


def test_every_journal_command_says_how_to_make_a_journal_if_there_is_none(
    there: DebitPlatform, loyalty: Run
) -> None:
    for command in ("list", "show a", "reconcile", "resolve a --confirmed --why x"):
        assert_refused(loyalty("journal", *command.split()), 3, "`loyalty journal init`")
    assert not there.journal.exists()


def test_init_makes_a_journal_that_only_its_user_can_read_and_makes_it_once(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    ready.journal.unlink()
    assert_refused(loyalty("journal", "init", "x"), 2, "x")

    done = loyalty("journal", "init")

    assert (done.code, done.out) == (0, "")
    assert done.err == f"the journal {ready.journal} was made.\n"
    assert ready.journal.stat().st_mode & 0o777 == 0o600
    debit("a")
    before = ready.journal.read_bytes()
    assert_refused(loyalty("journal", "init"), 3, "exists already; nothing was changed.")
    assert ready.journal.read_bytes() == before
    assert listed(loyalty) == ["a"]


@pytest.mark.parametrize("place", ["mysql://host/db", "sqlite:///x.db", "postgresql+psycopg:///x"])
def test_a_url_of_another_database_is_refused_and_not_taken_for_a_path(
    there: DebitPlatform, loyalty: Run, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(there.file.parent)
    before = sorted(there.file.parent.iterdir())
    there.file.write_text(there.file.read_text().replace(str(there.journal), place))

    for command in (["init"], ["list"]):
        assert_refused(loyalty("journal", *command), 3, "postgresql://")
    assert sorted(there.file.parent.iterdir()) == before


def test_a_journal_that_cannot_be_used_is_an_error_before_anything_is_sent(
    ready: DebitPlatform, debit: Callable[..., Outcome]
) -> None:
    ready.journal.write_text("notes" * 1000)

    assert_refused(debit("a"), 3, str(ready.journal))
    assert ready.asked == []


def test_an_empty_journal_is_an_empty_document(ready: DebitPlatform, loyalty: Run) -> None:
    for command in ("list", "reconcile"):
        for output, lines in (("json", 1), ("csv", 1), ("jsonl", 0), ("table", 0)):
            done = loyalty("journal", command, "-o", output)
            assert (done.code, len(done.out.splitlines())) == (0, lines)
            assert done.out == "[]\n" or output != "json"
            has_none = f"the journal {ready.journal} has no debits." in done.err
            assert has_none == (command == "list")
    for more in ((), ("--wait",)):
        assert loyalty("journal", "reconcile", *more).err == "Nothing is unknown.\n"
        assert loyalty("journal", "reconcile", *more, "-q").err == ""


@pytest.mark.usefixtures("some")
def test_journal_list_has_the_oldest_debit_first_and_can_be_narrowed(loyalty: Run) -> None:
    everything = ["made", "points made", "lost", "refused"]
    for chosen, found in (
        ([], everything),
        (["--state", "unknown"], ["lost"]),
        (["--state", "unknown", "--state", "refused"], ["lost", "refused"]),
        (["--state", "sending"], []),
        (["-p", "points"], ["points made"]),
        (["-p", "points", "--state", "unknown"], []),
        (["--customer", "c-1001"], ["made", "points made"]),
        (["--since", "2w"], everything),
        (["--since", "0m"], []),
        (["--until", "2020-01-01T00:00:00Z"], []),
        (["--newest"], everything[::-1]),
        (["--limit", "1"], ["made"]),
        (["--newest", "--limit", "2"], ["refused", "lost"]),
    ):
        assert listed(loyalty, *chosen) == found, chosen

    slip = loyalty("journal", "list", "-p", "pionts", "--state", "unknown")
    assert_refused(slip, 3, "Did you mean 'points'?")


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--state", "unknwon"], "Did you mean 'unknown'?"),
        (["--state", "Confirmed"], "Did you mean 'confirmed'?"),
        (["--state", ""], "Available: planned, sending,"),
        (["--state", "unknown", "--state", "\x1b[31m"], r"no state '\x1b[31m'"),
        (["--since", "7y"], "--since '7y' is not a moment"),
        (["--until", "20261120"], "--until '20261120' is not a moment"),
        (["--limit", "0"], "--limit"),
        (["-o", "xml"], "xml"),
        (["a"], "a"),
    ],
    ids=str,
)
def test_journal_list_refuses_an_unknown_state_or_moment(
    loyalty: Run, wrong: list[str], said: str
) -> None:
    assert_refused(loyalty("journal", "list", *wrong), 2, said)


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("chosen", "sums"),
    [
        (
            [],
            [
                *(("club", "confirmed", "CENTS"), ("club", "refused", "CENTS")),
                *(("club", "unknown", "CENTS"), ("points", "confirmed", "points")),
            ],
        ),
        (["--state", "refused"], [("club", "refused", "CENTS")]),
        (["--customer", "C-1001", "-p", "points"], [("points", "confirmed", "points")]),
        (["--newest", "--limit", "1"], [("club", "refused", "CENTS")]),
        (["--since", "0m"], []),
    ],
    ids=str,
)
def test_journal_list_counts_and_adds_up_what_was_chosen(
    loyalty: Run, chosen: list[str], sums: list[tuple[str, str, str]]
) -> None:
    expected = [(*each, 1, 5) for each in sums]

    def shown(output: str) -> str:
        return loyalty("journal", "list", "--summary", *chosen, "-o", output).out

    found = json.loads(shown("json"))
    Draft202012Validator(json_schema()).validate(found)
    keys = ("profile", "state", "unit", "debits", "total")
    assert [tuple(each[key] for key in keys) for each in found] == expected
    lines = shown("jsonl").splitlines()
    assert [json.loads(line) for line in lines] == found
    rows = csv.DictReader(io.StringIO(shown("csv")))
    assert [row["state"] for row in rows] == [each[1] for each in expected]
    rows_of_a_table = [f"{name}{state}1{total}{unit}" for name, state, unit, _, total in expected]
    assert ["".join(row.split()) for row in shown("table").splitlines()[1:]] == rows_of_a_table
    assert [
        "".join(row.replace("|", "").split()) for row in shown("markdown").splitlines()[2:]
    ] == rows_of_a_table


@pytest.mark.usefixtures("some")
def test_journal_list_says_who_planned_each_debit_and_when(loyalty: Run) -> None:
    records = loyalty("journal", "list", "-o", "json").records

    for record in records:
        shown = loyalty("journal", "show", record["reference"], "-o", "json").record
        first = shown["events"][0]
        assert (record["planned_at"], record["planned_by"]) == (first["at"], first["actor"])
        assert shown["debit"] == record
    assert user_name() in loyalty("journal", "list", "--limit", "1").out.splitlines()[1].split()


@pytest.mark.usefixtures("some")
def test_debits_can_be_listed_by_person_and_a_person_is_not_taken_for_a_customer(
    loyalty: Run, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    ada, ben = "ada@example.com,Ada Lovelace,C-1001,c-1001", "ben,,,"
    people.write_text(f"person,name,club,points\n{ada}\n{ben}\n")
    assert loyalty("people", "import", str(people)).code == 0

    assert listed(loyalty, "-P", "Ada Lovelace") == ["made", "points made"]
    assert listed(loyalty, "-P", "ada@example.com", "-p", "points") == ["points made"]
    assert listed(loyalty, "-P", "ben") == []  # there is no identifier of his
    none = loyalty("journal", "list", "--customer", "Ada Lovelace")
    assert (none.code, none.out) == (0, "")
    assert none.err.splitlines() == [
        "No debits match --customer 'Ada Lovelace'.",
        "'Ada Lovelace' is a person on file: use -P 'Ada Lovelace'.",
    ]
    assert_refused(loyalty("journal", "list", "-P", "nobody"), 5, "nobody")


@pytest.mark.usefixtures("some")
def test_a_list_without_a_match_names_what_was_asked_for(loyalty: Run) -> None:
    done = loyalty("journal", "list", "--state", "planned", "-p", "club", "--since", "7d")

    assert done.err == "No debits match --state planned -p club --since 7d.\n"


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("more", [(), ("--summary",)], ids=str)
def test_a_list_without_debits_is_said_unless_it_is_to_be_quiet(
    loyalty: Run, more: tuple[str, ...]
) -> None:
    for output, document in (("json", "[]\n"), ("jsonl", ""), ("table", ""), ("markdown", "")):
        said = loyalty("journal", "list", *more, "-o", output)
        silent = loyalty("journal", "list", *more, "-o", output, "-q")
        assert (said.code, said.out) == (silent.code, silent.out) == (0, document)
        assert "has no debits." in said.err
        assert silent.err == ""


@pytest.mark.usefixtures("some")
def test_every_journal_command_prints_what_fits_the_schema(loyalty: Run) -> None:
    validator = Draft202012Validator(json_schema())

    for command in (["list"], ["show", "lost"], ["show", "made"], ["reconcile"]):
        whole = json.loads(loyalty("journal", *command, "-o", "json").out)
        validator.validate(whole)
        assert whole
    lines = loyalty("journal", "list", "-o", "jsonl").out.splitlines()
    validator.validate([json.loads(line) for line in lines])
    resolved = loyalty("journal", "resolve", "lost", "--confirmed", "--why", "seen", "-o", "json")
    validator.validate(json.loads(resolved.out))


@pytest.mark.usefixtures("some")
def test_journal_list_as_csv_has_a_row_for_each_debit_with_its_error(loyalty: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(loyalty("journal", "list", "-o", "csv").out)))

    assert [row["reference"] for row in rows] == listed(loyalty)
    assert [row["error_code"] for row in rows] == ["", "", "outcome_unknown", "refused"]
    assert [row["replayed"] for row in rows] == ["false"] * 4


@pytest.mark.usefixtures("some")
def test_journal_show_tells_everything_that_happened_to_a_debit(loyalty: Run) -> None:
    record = loyalty("journal", "show", "lost", "-o", "json").record

    assert record["debit"] == loyalty("journal", "list", "-o", "json").records[2]
    assert [(each["before"], each["after"], each["attempt"]) for each in record["events"]] == [
        (None, "planned", 0),
        ("planned", "sending", 1),
        ("sending", "unknown", 1),
    ]
    for event in record["events"]:
        assert re.fullmatch(rf"{re.escape(user_name())} on .+, process \d+", event["actor"])
        assert event["at"].endswith("Z")
    debit, events, commands = loyalty("journal", "show", "lost").out.split("\n\n")
    assert [line.split() for line in debit.splitlines()[:3]] == [
        *(["Customer", "C-1004"], ["Amount", "5", "CENTS"], ["Profile", "club"]),
    ]
    assert "State      unknown for " in debit
    assert events.splitlines()[0].split() == ["At", "State", "By", "Why"]
    assert len(events.splitlines()) == 4
    assert [line.strip() for line in commands.splitlines()[1::2]] == [
        each["command"] for each in record["next"]
    ]
    rows = csv.DictReader(io.StringIO(loyalty("journal", "show", "lost", "-o", "csv").out))
    assert [row["after"] for row in rows] == ["planned", "sending", "unknown"]


@pytest.mark.usefixtures("some")
def test_journal_show_and_resolve_refuse_an_unknown_reference(loyalty: Run) -> None:
    for reference in ("none", "", "LOST", "%", "\x1b[31m"):
        for command in (["show", reference], ["resolve", reference, "--confirmed", "--why", "x"]):
            assert_refused(loyalty("journal", *command), 2, "`loyalty journal list`")


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        *(("MADE", "made"), ("refusde", "refused"), ("point made", "points made")),
        *(("olst", "lost"), ("xyz", None)),
    ],
)
@pytest.mark.usefixtures("some")
def test_a_reference_that_is_nearly_right_is_suggested(
    loyalty: Run, reference: str, meant: str | None
) -> None:
    done = loyalty("journal", "show", reference)

    assert_refused(done, 2, f"no debit {reference!r}")
    assert (f"Did you mean {meant!r}?" in done.err) == (meant is not None)


@pytest.mark.usefixtures("some")
def test_the_commands_that_show_names_can_be_pasted(loyalty: Run) -> None:
    for reference in ("refused", "lost"):
        (*_, last) = loyalty("journal", "show", reference, "-o", "json").record["next"]
        *command, text = shlex.split(last["command"])[1:]
        assert_refused(loyalty(*command, text), 2, "--why must say how you know; TEXT stands for")
        assert loyalty(*command, "I asked them").code == 0
        assert state(loyalty, reference) == "not_applied"
        again, drop = loyalty("journal", "show", reference, "-o", "json").record["next"]
        assert loyalty(*shlex.split(again["command"])[1:], "--dry-run").code in (0, 6)
        assert loyalty(*shlex.split(drop["command"])[1:-1], "not needed").code == 0
        assert loyalty("journal", "show", reference).out.endswith("Nothing is left to do.\n")


def test_the_commands_name_the_profile_file_if_the_command_line_did(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    debit("a", lost=True)

    named = loyalty("--config", str(ready.file), "journal", "show", "a", "-o", "json").record
    usual = loyalty("journal", "show", "a", "-o", "json").record

    assert named["next"][0]["command"] == f"loyalty --config {ready.file} journal reconcile"
    assert usual["next"][0]["command"] == "loyalty journal reconcile"


def test_a_hint_names_the_profile_file_if_the_command_line_did_whoever_made_the_debit(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    here = ("--config", str(ready.file))
    lost = debit("b", lost=True)

    again = loyalty(*here, "debit", "C-1001", "5", "--reference", "b", "-y", "-o", "json")

    assert "`loyalty journal reconcile`" in lost.err
    assert f"`loyalty {shlex.join(here)} journal reconcile`" in again.record["error"]["hint"]
    assert "`loyalty journal reconcile`" in loyalty("journal", "list", "-o", "json").out


def test_one_reference_at_two_accounts_is_told_apart_by_its_profile(
    loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    debit("a", lost=True)
    debit("a", "-p", "points")

    done = loyalty("journal", "show", "a")
    assert_refused(done, 2, "exists at several accounts")
    assert "-p club" in done.err
    shown = loyalty("journal", "show", "a", "-p", "points", "-o", "json").record
    assert shown["debit"]["provider"] == "gameball"
    settled = loyalty("journal", "resolve", "a", "-p", "club", "--confirmed", "--why", "seen")
    assert settled.code == 0
    assert_refused(loyalty("journal", "show", "a", "-p", "clubb"), 2, "It is at club and points.")
    debit("b", lost=True, customer="C-1004")
    debit("b", "-p", "points")
    first, *_ = loyalty("journal", "show", "b", "-p", "club", "-o", "json").record["next"][1:]
    assert first["command"] == "loyalty journal resolve b -p club --confirmed --why TEXT"


@pytest.mark.usefixtures("some")
def test_resolve_needs_a_verdict_and_a_reason(loyalty: Run) -> None:
    for wrong in (
        ["lost"],
        ["lost", "--why", "x"],
        ["lost", "--confirmed"],
        ["lost", "--confirmed", "--why", ""],
        ["lost", "--confirmed", "--why", "  "],
        ["lost", "--confirmed", "--not-applied", "--why", "x"],
        ["--confirmed", "--why", "x"],
    ):
        done = loyalty("journal", "resolve", *wrong)
        assert (done.code, done.out) == (2, ""), wrong
    assert state(loyalty, "lost") == "unknown"


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("verdict", "after", "output"),
    [
        ("--confirmed", "confirmed", "table"),
        ("--not-applied", "not applied", "table"),
        ("--not-applied", "not_applied", "json"),
        ("--confirmed", "confirmed", "jsonl"),
        ("--not-applied", "not_applied", "csv"),
    ],
)
def test_resolve_settles_an_unknown_debit_and_records_who_and_why(
    loyalty: Run, verdict: str, after: str, output: str
) -> None:
    done = loyalty("journal", "resolve", "lost", verdict, "--why", "saw \x1b it", "-o", output)

    assert (done.code, done.err) == (0, "")
    assert after in done.out
    assert state(loyalty, "lost") == after.replace(" ", "_")
    assert evidence(loyalty, "lost") == "by hand: saw \x1b it"
    assert r"saw \x1b it" in loyalty("journal", "show", "lost").out
    assert loyalty("journal", "reconcile").code == 0


@pytest.mark.usefixtures("some")
def test_resolve_does_not_change_a_debit_that_is_settled(loyalty: Run) -> None:
    for reference, verdict, before in (
        ("made", "--not-applied", "confirmed"),
        ("made", "--confirmed", "confirmed"),
        ("refused", "--confirmed", "refused"),
    ):
        done = loyalty("journal", "resolve", reference, verdict, "--why", "x")
        assert_refused(done, 6, f"is {before}, not unknown")
        assert state(loyalty, reference) == before


def test_a_refused_debit_can_be_tried_again_once_a_person_says_so(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    ready.replies.append(Reply(400, {"statusCode": 400, "message": "No such unit"}))
    assert debit("a").record["state"] == "refused"
    assert debit("a").record["replayed"] is True

    done = loyalty("journal", "resolve", "a", "--not-applied", "--why", "unit set up", "-o", "json")
    reopened = evidence(loyalty, "a")
    again = debit("a")

    assert (done.code, done.record["state"], done.record["error"]) == (0, "not_applied", None)
    assert reopened == "by hand: unit set up"
    assert (again.record["state"], again.record["attempt"]) == ("confirmed", 2)
    assert len(ready.debits) == 2


@pytest.mark.usefixtures("some")
def test_resolve_yields_to_another_process_that_settled_the_debit_first(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = Journal.change

    def slower(journal: Journal, entry: Entry, state: State, why: Change) -> Entry | None:
        change(journal, entry, State.CONFIRMED, Change("by balance"))
        return change(journal, entry, state, why)

    monkeypatch.setattr(Journal, "change", slower)

    done = loyalty("journal", "resolve", "lost", "--not-applied", "--why", "x")

    assert_refused(done, 6, "is confirmed, not unknown")
    assert state(loyalty, "lost") == "confirmed"


@pytest.mark.parametrize("output", FORMATS)
def test_reconcile_confirms_a_debit_with_a_lost_reply_by_the_balance(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome], output: str
) -> None:
    assert debit("a", customer="E-lost-reply").record["state"] == "unknown"

    done = loyalty("journal", "reconcile", "-o", output)

    assert (done.code, done.err) == (0, "")
    assert "confirmed" in done.out
    assert evidence(loyalty, "a") == "by balance: redeemed changed from 2500 to 2505"
    assert debit("a", customer="E-lost-reply").record["replayed"] is True
    assert len(ready.debits) == 1


def test_reconcile_waits_for_a_debit_that_arrives_late(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    debit("a", customer="E-late")

    early = loyalty("journal", "reconcile", "-o", "json")
    ready.clock.time += LATE_SECONDS
    late = loyalty("journal", "reconcile", "-o", "json")

    assert (early.code, early.record["state"]) == (8, "unknown")
    assert "stays unknown: the request may still arrive for another 900 s" in early.err
    assert "Reconcile again after that." in early.err
    assert (late.code, late.record["state"]) == (0, "confirmed")
    assert len(ready.debits) == 1


def test_reconcile_tells_the_first_errors_and_counts_the_others(
    loyalty: Run, debit: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.commands.journal.reconcile.MAX_REPORTED", 1)
    for customer in ("C-1001", "C-1004", "C-1005"):
        debit(f"of {customer}", customer=customer, lost=True)

    done = loyalty("journal", "reconcile", "-o", "json")

    assert (done.code, len(done.records)) == (8, 3)
    assert done.err.count("Error: ") == 1
    assert done.err.splitlines()[-1] == (
        "and 2 more (2 outcome unknown); the error of each is in its record."
    )


def test_reconcile_sends_gameball_the_same_debit_until_it_lists_the_reference(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    assert debit("a", "-p", "points", customer="E-late").code == 8

    assert loyalty("journal", "reconcile").code == 8
    ready.clock.time += 2 * LATE_SECONDS
    done = loyalty("journal", "reconcile", "-o", "json")

    assert (done.code, done.record["state"]) == (0, "confirmed")
    assert "by evidence: the platform lists a debit of 5 points" in evidence(loyalty, "a")
    assert done.record["provider_reference"] == "1"
    assert {json.loads(each.body)["transactionId"] for each in ready.debits} == {"a"}
    balance = loyalty("balance", "E-late", "-p", "points", "-o", "json").record["balances"][0]
    assert balance["available"] == 1195


def test_reconcile_settles_what_it_can_and_names_the_rest(
    loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    debit("a", customer="E-lost-reply")
    debit("b", lost=True)
    debit("c", "-p", "points", customer="E-lost-reply")

    done = loyalty("journal", "reconcile", "-o", "json")

    assert done.code == 8
    assert [each["state"] for each in done.records] == ["confirmed", "unknown", "confirmed"]
    assert done.err.startswith("Error: 'b': it stays unknown: ")
    assert listed(loyalty, "--state", "unknown") == ["b"]


def test_the_sandbox_has_a_journal_of_its_own(loyalty: Run, debit: Callable[..., Outcome]) -> None:
    debit("real")

    made = loyalty("--sandbox", "debit", "C-1001", "5", "--reference", "toy", "-y", "-o", "json")

    assert made.record["sandbox"] is True
    assert listed(loyalty) == ["real"]
    toys = loyalty("--sandbox", "journal", "list", "-o", "json").records
    assert [each["reference"] for each in toys] == ["toy"]
    assert_refused(loyalty("--sandbox", "journal", "show", "real"), 2, "no debit 'real'")


def test_hostile_text_in_the_journal_does_nothing_in_a_terminal(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    nasty = "\x1b[31m\x9b2J\x1b]52;c;eA==\x07\r\u202e[red]"
    ready.replies.append(Reply(400, {"statusCode": 400, "message": nasty, "apiErrorCode": nasty}))
    debit("a")

    for command in (["list"], ["show", "a"]):
        for output in FORMATS:
            done = loyalty("journal", *command, "-o", output)
            assert {sign for sign in done.out + done.err if not is_shown(sign)} <= {"\n"}
            assert done.code == 0


def test_a_second_reconcile_leaves_the_work_to_the_first_unless_that_was_killed(
    ready: DebitPlatform, loyalty: Run, debit: Callable[..., Outcome]
) -> None:
    debit("a", lost=True)
    alive = replace(this_process(), pid=os.getppid(), started=_started(os.getppid()))
    killed = replace(this_process(), started="0")
    asked = len(ready.asked)

    with closing(open_journal(str(ready.journal))) as journal:
        assert take_lock(journal.database, LOCK, alive, lambda *_: False)
        done = loyalty("journal", "reconcile", "-o", "json")
        assert (done.code, done.record["state"]) == (8, "unknown")
        assert "Another reconcile is running" in done.err
        assert len(ready.asked) == asked
        release_lock(journal.database, LOCK, alive)
        assert take_lock(journal.database, LOCK, killed, lambda *_: False)

    assert "Another" not in loyalty("journal", "reconcile").err
    assert len(ready.asked) > asked


def test_a_job_makes_no_debit_in_a_sandbox_that_the_environment_turned_on(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_SANDBOX", "1")

    listing = loyalty("journal", "list")
    made = loyalty("debit", "C-1001", "5", "--reference", "a", "-y")
    typed = loyalty("debit", "C-1001", "5", "--reference", "a", "-y", "--sandbox")

    assert listing.err.startswith("Sandbox: ")
    assert made.code == 2
    assert "LOYALTY_SANDBOX is set, so these debits would be made in the sandbox only." in made.err
    assert typed.code == 0
