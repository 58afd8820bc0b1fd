"""`loyalty balance -P`: a person, asked for by the right identifier at each platform."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Run, Serve
from tests.fakes.terminal import in_terminal, unstyled

PEOPLE = """\
person,name,card,points,club
ada@example.com,Ada Lovelace,c-17,p/17 x,
bob,Bob,,,
"""


@pytest.fixture(autouse=True)
def platforms(
    serve: Serve,
    received: list[Received],
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    loyalty: Run,
) -> None:
    """Two profiles that answer and one at Capillary, and two people on file."""

    def handle(request: Received) -> Reply:
        received.append(request)
        body: Any = {"customer_id": request.path[2], "reward_balance": 5, "reward_symbol": "points"}
        return Reply(body=body)

    url = serve(handle)
    for name in ("CARD", "POINTS", "CLUB"):
        monkeypatch.setenv(f"LOYALTY_{name}_API_KEY", "made-up")
    config = profile_file(
        "default_profile: card\n"
        "profiles:\n"
        f"  card: {{provider: imprint, base_url: '{url}'}}\n"
        f"  points: {{provider: imprint, base_url: '{url}'}}\n"
        f"  club: {{provider: capillary, base_url: '{url}', by: email}}\n"
    )
    path = config.with_name("people.csv")
    path.write_text(PEOPLE)
    assert loyalty("people", "import", str(path)).code == 0


def test_a_person_is_asked_for_by_the_identifier_at_each_profile(
    loyalty: Run, received: list[Received]
) -> None:
    done = loyalty("balance", "-P", "ADA lovelace", "-p", "card", "-p", "points", "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert [(each["profile"], each["customer"]) for each in done.records] == [
        ("card", "c-17"),
        ("points", "p/17 x"),
    ]
    assert sorted(request.path[2] for request in received) == ["c-17", "p/17 x"]
    assert all("ada" not in str(request).lower() for request in received)


def test_without_a_profile_all_are_asked_and_where_there_is_no_id_that_is_said(
    loyalty: Run, received: list[Received]
) -> None:
    done = loyalty("balance", "--person", "ada@example.com", "-o", "json")

    assert done.code == 9
    assert [each["profile"] for each in done.records] == ["card", "points", "club"]
    last = done.records[2]
    assert (last["customer"], last["asked"]["by"]) == ("ada@example.com", "email")
    assert (last["balances"], last["platform_customer"]) == ([], None)
    assert last["error"] == {
        "code": "not_found",
        "message": "no id on file for ada@example.com at club",
        "hint": "`loyalty people set ada@example.com club=ID`",
        "http_status": None,
        "provider_code": None,
    }
    assert done.err.splitlines() == [
        "Error: no id on file for ada@example.com at club",
        "Hint: `loyalty people set ada@example.com club=ID`",
        "1 of 3 look-ups failed: not found.",
    ]
    assert len(received) == 2


def test_a_person_without_any_id_is_not_found_and_nothing_is_asked(
    loyalty: Run, received: list[Received]
) -> None:
    done = loyalty("balance", "-P", "bob", "-p", "card", "--raw", "-o", "json")

    assert (done.code, received) == (5, [])
    assert done.record["error"]["message"] == "no id on file for bob at card"


def test_the_hint_can_be_typed_also_where_the_key_has_spaces(loyalty: Run) -> None:
    done = loyalty("balance", "-P", "Ada Lovelace", "-p", "club")

    assert done.code == 5
    assert "Hint: `loyalty people set 'Ada Lovelace' club=ID`\n" in done.err


def test_hints_about_people_of_the_sandbox_are_commands_for_the_sandbox(
    loyalty: Run, tmp_path: Path
) -> None:
    path = tmp_path / "sandbox.csv"
    path.write_text("person,gameball\nbob,C-1001\n")
    loyalty("--sandbox", "people", "import", str(path))

    shown = unstyled(in_terminal("--sandbox", "balance", "-P", "bob").out)
    nobody = loyalty("--sandbox", "people", "show", "eve")

    assert "NO ID ON FILE: loyalty --sandbox people set bob omneo=ID\n" in shown
    assert "`loyalty --sandbox people import FILE` adds people." in nobody.err


def test_a_table_of_a_person_has_the_name_above_it_and_says_where_there_is_no_id() -> None:
    shown = unstyled(in_terminal("balance", "-P", "ada@example.com").out).splitlines()

    assert shown[0].startswith("Ada Lovelace, ada@example.com  ")
    assert shown[1] == ""
    at = shown.index("club")  # no customer stands beside it
    assert shown[at + 1] == "  NO ID ON FILE: loyalty people set ada@example.com club=ID"
    assert shown[-2:] == [
        *("", "2 of 3 platforms answered. For a ticket: -o markdown or --copy"),
    ]


def test_in_a_table_of_several_people_each_has_a_name() -> None:
    shown = unstyled(in_terminal("balance", "-P", "c-17", "-P", "bob", "-p", "card").out)

    lines = shown.splitlines()
    assert lines[2].startswith("Ada Lovelace, ada@example.com")
    assert lines[3] == "card  c-17"
    assert lines[lines.index("") + 1].startswith("Bob, bob")


def test_markdown_of_a_person_has_the_name_as_its_heading(loyalty: Run) -> None:
    done = loyalty("balance", "-P", "c-17", "-o", "markdown")

    assert done.out.startswith("### Ada Lovelace, ada@example.com, 20")
    assert "|  | club | no id on file[^1] |" in done.out


def test_a_table_of_people_in_a_pipe_has_the_name_in_each_row(loyalty: Run) -> None:
    done = loyalty("balance", "-P", "c-17", "-P", "bob", "-p", "card")

    assert [line.split("  ")[0] for line in done.out.splitlines()] == [
        *("Person", "Ada Lovelace, ada@example.com", "Bob, bob"),
    ]


def test_several_people_are_asked_for_in_the_order_they_were_named(loyalty: Run) -> None:
    done = loyalty("balance", "-P", "bob", "-P", "c-17", "-p", "card", "-o", "json")

    assert done.code == 9
    assert [each["customer"] for each in done.records] == ["bob", "c-17"]


def test_nobody_by_that_key_is_not_found(loyalty: Run, received: list[Received]) -> None:
    done = loyalty("balance", "-P", "eve", "-P", "bob")

    assert (done.code, done.out, received) == (5, "", [])
    assert "there is nobody with the key 'eve'" in done.err


def test_two_people_with_one_key_are_both_named(
    loyalty: Run, received: list[Received], tmp_path: Path
) -> None:
    path = tmp_path / "more.csv"
    path.write_text("person,name\nada2,ada LOVELACE\n")
    loyalty("people", "import", str(path))

    done = loyalty("balance", "-P", "Ada Lovelace")

    assert (done.code, done.out, received) == (2, "", [])
    assert "Ada Lovelace, ada@example.com; ada LOVELACE, ada2" in done.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["C-1", "-P", "bob"], "-P names a person, in place of a customer."),
        (["-f", "list", "-P", "bob"], "-P names a person, in place of a customer."),
        (
            ["-P", "bob", "--by", "email"],
            "--by is for a customer; a person has identifiers on file.",
        ),
        (["-P", "bob", "-p", "crad"], "there is no profile 'crad'"),
        (["-P", " "], "the key of a person must not be empty."),
    ],
)
def test_what_a_person_cannot_be_combined_with_is_refused(
    loyalty: Run, received: list[Received], arguments: list[str], why: str
) -> None:
    done = loyalty("balance", *arguments)

    assert done.code in (2, 3)
    assert (done.out, received) == ("", [])
    assert why in done.err


def test_a_person_in_a_file_that_others_can_read_is_not_asked_for(
    loyalty: Run, received: list[Received]
) -> None:
    path = Path.home() / ".local" / "share" / "loyalty" / "people.db"
    path.chmod(0o640)

    done = loyalty("balance", "-P", "bob")

    assert (done.code, done.out, received) == (3, "", [])
    assert f"Hint: chmod 600 {path}\n" in done.err


LISTS = {
    "csv": "person,plan,profile\nAda Lovelace,a,\nbob,b,\neve,c,\nada@example.com,d,points\n",
    "jsonl": (
        '{"person": "Ada Lovelace"}\n{"person": "bob"}\n{"person": "eve", "profile": ""}\n'
        '{"person": "ada@example.com", "profile": "points"}\n'
    ),
}


@pytest.mark.parametrize("form", LISTS)
def test_a_list_can_name_people(
    loyalty: Run, received: list[Received], tmp_path: Path, form: str
) -> None:
    path = tmp_path / "list"
    path.write_text(LISTS[form])

    done = loyalty("balance", "-f", str(path), "-o", "json")

    assert done.code == 9
    found = [
        (each["profile"], each["customer"], each["error"] and each["error"]["message"])
        for each in done.records
    ]
    assert found == [
        ("card", "c-17", None),
        ("card", "bob", "no id on file for bob at card"),
        ("card", "eve", "there is nobody with the key 'eve'."),
        ("points", "p/17 x", None),
    ]
    assert len(received) == 2


def test_a_list_of_persons_alone_is_recognised_and_resumed(
    loyalty: Run, received: list[Received], tmp_path: Path
) -> None:
    path, into = tmp_path / "list", tmp_path / "balances.jsonl"
    path.write_text("person\nada@example.com\nbob\n")
    command = ("balance", "-f", str(path), "--all-profiles", "--output-file", str(into))

    assert loyalty(*command).code == 9
    assert len(into.read_text().splitlines()) == 6
    assert loyalty(*command, "--resume").code == 9
    assert len(received) == 2


@pytest.mark.parametrize(
    ("content", "arguments", "why"),
    [
        ("person\nbob\n", ["--by", "email"], "list:2: --by is for a customer"),
        ("person,profile\nbob,crad\n", [], "list:2: there is no profile 'crad'."),
        ("person,profile\n,card\n", [], "list:2: the row has no person."),
        ('{"person": 7}\n', [], "list:1: person must be text, in quotes."),
    ],
)
def test_a_mistake_in_a_list_of_people_is_told_with_its_line(
    loyalty: Run, tmp_path: Path, content: str, arguments: list[str], why: str
) -> None:
    path = tmp_path / "list"
    path.write_text(content)

    done = loyalty("balance", "-f", str(path), *arguments)

    assert (done.code, done.out) == (2, "")
    assert why in done.err


def test_a_person_who_was_taken_for_a_customer_is_told(
    loyalty: Run, answer: Callable[[Reply], str], profile_file: Callable[[str], Path]
) -> None:
    url = answer(Reply(404, {"error": {"type": "CUSTOMER_NOT_FOUND_ERROR"}}))
    profile_file(f"profiles:\n  card: {{provider: imprint, base_url: '{url}'}}\n")

    done = loyalty("balance", "ada@example.com", "c-404", "-p", "card", "-o", "json")

    assert done.code == 5
    told = [line for line in done.err.splitlines() if "on file" in line]
    assert told == ["'ada@example.com' is a person on file: use -P ada@example.com."]
