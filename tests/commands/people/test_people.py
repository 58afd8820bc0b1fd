"""`loyalty people`: import, show, set, forget, export."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from tests.conftest import PROGRAM, Run
from tests.fakes.postgresql import PostgreSQL

PEOPLE = """\
person,name,points,store,referrals
ada@example.com,Ada Lovelace,cus_8812,,acct_77
+61 412 345 678,"Bob ""B"" O'Neil, Jr",cus_1,17,
'=1+1,'t Hooft,cus_2,'-5,
"""

Import = Callable[..., str]


@pytest.fixture(autouse=True)
def profiles(profile_file: Callable[[str], Path]) -> str:
    text = (
        "default_profile: points\n"
        "profiles:\n"
        "  points: {provider: gameball}\n"
        "  store: {provider: omneo, base_url: 'https://h.example'}\n"
        "  referrals: {provider: saasquatch, tenant: acme}\n"
    )
    profile_file(text)
    return text


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    """Write a file of people, and give its name."""

    def write(content: str) -> str:
        path = tmp_path / "people.csv"
        path.write_text(content, newline="")
        return str(path)

    return write


@pytest.fixture
def imported(loyalty: Run, file: Callable[[str], str]) -> Import:
    """Import a file of people; what was said."""

    def run(content: str = PEOPLE) -> str:
        done = loyalty("people", "import", file(content))
        assert (done.code, done.out) == (0, "")
        return done.err

    return run


def database(home: str) -> Path:
    return Path(home) / ".local" / "share" / "loyalty" / "people.db"


def test_people_are_imported_and_shown_by_any_key(loyalty: Run, imported: Import) -> None:
    said = imported()
    assert f"3 people were imported into {database(os.environ['HOME'])}: 3 new, 0 updated." in said

    for key in ("ada@example.com", "ADA LOVELACE", "cus_8812", "acct_77"):
        done = loyalty("people", "show", key, "-o", "json")
        assert (done.code, done.err) == (0, "")
        assert done.record == {
            "schema_version": 2,
            "person": "ada@example.com",
            "name": "Ada Lovelace",
            "identifiers": {"points": "cus_8812", "referrals": "acct_77"},
            "sandbox": False,
        }


def test_a_person_is_shown_as_a_table_and_as_csv(loyalty: Run, imported: Import) -> None:
    imported()

    shown = loyalty("people", "show", "+61412345678").out
    assert [line.split(maxsplit=1) for line in shown.splitlines()[1:]] == [
        ["person", "+61 412 345 678"],
        ["name", 'Bob "B" O\'Neil, Jr'],
        ["points", "cus_1"],
        ["store", "17"],
    ]
    assert loyalty("people", "show", "cus_8812", "-o", "csv").out == (
        "person,name,points,referrals\nada@example.com,Ada Lovelace,cus_8812,acct_77\n"
    )


def test_for_a_screen_reader_a_person_is_a_fact_a_line(
    loyalty: Run, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported()
    monkeypatch.setenv("ACCESSIBLE", "1")

    assert loyalty("people", "show", "acct_77").out.splitlines() == [
        "person: ada@example.com",
        "name: Ada Lovelace",
        "points: cus_8812",
        "referrals: acct_77",
    ]


def test_the_exported_csv_is_the_imported_one_also_in_a_new_database(
    loyalty: Run, imported: Import
) -> None:
    imported()
    first = loyalty("people", "export")
    assert (first.code, first.out) == (0, PEOPLE)

    database(os.environ["HOME"]).unlink()
    imported(first.out)
    assert loyalty("people", "export", "-o", "csv").out == PEOPLE

    assert "0 new, 3 updated" in imported(first.out)
    assert loyalty("people", "export").out == PEOPLE


def test_people_are_exported_as_json_and_jsonl(loyalty: Run, imported: Import) -> None:
    imported()

    records = loyalty("people", "export", "-o", "json").records
    lines = loyalty("people", "export", "-o", "jsonl").out.splitlines()

    assert [record["person"] for record in records] == [
        "ada@example.com",
        "+61 412 345 678",
        "=1+1",
    ]
    assert [json.loads(line) for line in lines] == json.loads(json.dumps(records, default=int))


def test_without_people_the_export_is_a_header(loyalty: Run) -> None:
    said = "nobody is on file. `loyalty people import FILE` adds people.\n"
    assert loyalty("people", "export") == (0, "person,name\n", said)
    assert loyalty("people", "export", "-o", "json") == (0, "[]\n", said)
    assert loyalty("--quiet", "people", "export").err == ""
    assert not database(os.environ["HOME"]).exists()


def test_an_import_from_stdin_is_the_same(program: Run) -> None:
    done = program("people", "import", "-", input="person,points\nada,C-1\n")

    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("1 person was imported into ")


def test_a_file_that_is_wrong_changes_nothing(
    loyalty: Run, imported: Import, file: Callable[[str], str]
) -> None:
    imported()
    wrong = "person,points\nada@example.com,other\ncy,1\ndi,2\nCY ,3\n"

    name = file(wrong)
    done = loyalty("people", "import", name)

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"Error: {name}:5: the person 'CY' is in line 3, too.\n"
        "Hint: Nothing was imported. Leave one of them out.\n"
    )
    assert loyalty("people", "export").out == PEOPLE


def test_a_file_that_is_not_there_is_told(loyalty: Run) -> None:
    done = loyalty("people", "import", "/nowhere/people.csv")

    assert done.code == 2
    assert "'/nowhere/people.csv' cannot be read" in done.err


def test_identifiers_and_the_name_are_set_and_taken_away(loyalty: Run, imported: Import) -> None:
    imported()

    change = ("store= 42 ", "referrals=", "name=Ada King")
    done = loyalty("people", "set", "cus_8812", *change, "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert done.record["name"] == "Ada King"
    assert done.record["identifiers"] == {"points": "cus_8812", "store": "42"}
    assert loyalty("people", "show", "42", "-o", "json").records == done.records
    assert loyalty("people", "show", "acct_77").code == 5

    assert loyalty("people", "set", "42", "name=", "-o", "json").record["name"] is None


WRONG_CHANGES = {
    "stor=1": "there is no profile 'stor'.\nHint: Did you mean 'store'?",
    "store": "'store' is not PROFILE=ID.\nHint: Write it like points=C-1001.",
    "=1": "there is no profile ''.",
    "store=..": "store: the identifier '..' would change the address",
    "store=ID": "'store=ID' was copied as it stood.\nHint: Write what it stands for after store=.",
    "name=NAME": "'name=NAME' was copied as it stood.",
    "name=a\x1bb": "name: 'a\\x1bb' has the invisible character",
}


@pytest.mark.parametrize("wrong", WRONG_CHANGES)
def test_a_change_that_cannot_be_made_is_refused(
    loyalty: Run, imported: Import, wrong: str
) -> None:
    imported()

    done = loyalty("people", "set", "cus_8812", "points=new", wrong)

    assert (done.code, done.out) == (2, "")
    assert WRONG_CHANGES[wrong] in done.err
    assert loyalty("people", "export").out == PEOPLE


def test_the_same_profile_is_not_set_twice(loyalty: Run, imported: Import) -> None:
    imported()

    done = loyalty("people", "set", "cus_8812", "store=1", "store=2")

    assert (done.code, done.err.splitlines()[0]) == (2, "Error: 'store' is there twice.")


def test_an_identifier_at_a_profile_that_is_no_more_is_exported_and_can_be_taken_away(
    loyalty: Run, imported: Import, profile_file: Callable[[str], Path], profiles: str
) -> None:
    imported()
    profile_file("".join(line for line in profiles.splitlines(True) if "store" not in line))

    exported = loyalty("people", "export").out
    assert exported.splitlines()[0] == "person,name,points,referrals,store"

    assert loyalty("people", "set", "cus_1", "store=18").code == 2
    assert loyalty("people", "set", "cus_1", "store=").code == 0
    assert loyalty("people", "show", "17").code == 5


@pytest.mark.parametrize("command", ["show KEY", "set KEY points=1", "forget KEY --yes"])
def test_nobody_by_a_key_is_not_found(loyalty: Run, imported: Import, command: str) -> None:
    for _ in range(2):
        done = loyalty("people", *command.replace("KEY", "eve@example.com").split())

        assert (done.code, done.out) == (5, "")
        assert "there is nobody with the key 'eve@example.com'" in done.err
        assert len(done.err.splitlines()) == 2
        imported()


@pytest.mark.parametrize("command", ["show KEY", "set KEY points=1", "forget KEY --yes"])
def test_two_people_with_one_key_are_both_named(
    loyalty: Run, imported: Import, command: str
) -> None:
    imported("person,name\nada@example.com,Ada\nada@example.org,ADA\n")

    done = loyalty("people", *command.replace("KEY", "ada").split())

    assert (done.code, done.out) == (2, "")
    assert "several people have the key 'ada'" in done.err
    assert "Ada, ada@example.com; ADA, ada@example.org" in done.err


def test_when_everybody_was_forgotten_the_export_says_so(loyalty: Run, imported: Import) -> None:
    imported("person\nada\n")
    assert loyalty("people", "export").err == ""

    loyalty("people", "forget", "ada", "--yes")

    assert "nobody is on file" in loyalty("people", "export").err


def test_who_was_forgotten_is_in_no_file(loyalty: Run, imported: Import) -> None:
    many = "".join(
        f"person-{number}@example.com,Name {number},id-{number},,\n" for number in range(999)
    )
    imported(PEOPLE + many)
    loyalty("people", "set", "person-500@example.com", "points=changed-500")
    folder = database(os.environ["HOME"]).parent

    done = loyalty("people", "forget", "person-500@example.com", "--yes")

    assert (done.code, done.out) == (0, "")
    assert done.err == "Name 500, person-500@example.com was forgotten.\n"
    left = b"".join(path.read_bytes() for path in folder.iterdir())
    for text in (b"person-500@", b"Name 500", b"name 500", b"id-500", b"changed-500"):
        assert text not in left
    assert b"person-501@example.com" in left


def test_to_forget_needs_yes_where_nobody_can_be_asked(loyalty: Run, imported: Import) -> None:
    imported()

    done = loyalty("people", "forget", "cus_8812")

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "Error: there is no terminal to ask on.\nHint: Add --yes if you are sure.\n"
    )
    assert loyalty("people", "export").out == PEOPLE


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 2), ("n", 6, 3)])
def test_a_person_at_a_terminal_is_asked_before_somebody_is_forgotten(
    loyalty: Run, imported: Import, answer: str, code: int, left: int
) -> None:
    imported()

    child = pexpect.spawn(str(PROGRAM), ["people", "forget", "cus_8812"], timeout=30)
    child.expect_exact("Forget Ada Lovelace, ada@example.com? [y/N]")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.wait()

    assert child.exitstatus == code
    assert len(loyalty("people", "export", "-o", "json").records) == left


@pytest.mark.parametrize("command", ["show a", "set a points=1", "forget a --yes", "export"])
def test_a_file_that_others_can_read_is_refused(
    loyalty: Run, imported: Import, command: str
) -> None:
    imported()
    path = database(os.environ["HOME"])
    path.chmod(0o644)

    done = loyalty("people", *command.split())

    assert (done.code, done.out) == (3, "")
    assert f"{path} is open to other users (mode 644)" in done.err
    assert f"Hint: chmod 600 {path}\n" in done.err


def test_the_profile_file_names_where_people_are_kept(
    loyalty: Run, imported: Import, profile_file: Callable[[str], Path], profiles: str
) -> None:
    config = profile_file(f"{profiles}people: data/who.db\n")
    imported()

    path = config.parent / "data" / "who.db"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not database(os.environ["HOME"]).exists()
    assert loyalty("people", "show", "ada@example.com").code == 0


@pytest.fixture
def shared(
    profile_file: Callable[[str], Path], profiles: str, server: PostgreSQL, own_place: str
) -> None:
    """Name a database in PostgreSQL in the profile file."""
    profile_file(f"{profiles}people: '{server.url(own_place)}'\n")


@pytest.mark.usefixtures("shared")
def test_people_are_shared_in_postgresql(loyalty: Run, imported: Import) -> None:
    assert "imported into postgresql://" in imported()
    assert loyalty("people", "export").out == PEOPLE
    assert loyalty("people", "forget", "cus_1", "--yes").code == 0
    assert loyalty("people", "show", "17").code == 5


def test_the_sandbox_has_people_of_its_own(loyalty: Run, imported: Import, tmp_path: Path) -> None:
    imported()
    path = tmp_path / "sandbox.csv"
    path.write_text("person,gameball\neve,C-1001\n")

    assert loyalty("--sandbox", "people", "import", str(path)).code == 0
    assert loyalty("--sandbox", "people", "show", "eve", "-o", "json").record["sandbox"] is True
    assert loyalty("--sandbox", "people", "show", "ada@example.com").code == 5
    assert loyalty("people", "show", "eve").code == 5


def test_help_names_every_command(loyalty: Run) -> None:
    shown = loyalty("people", "--help").out

    for command in ("import", "show", "set", "forget", "export"):
        assert command in shown


def test_people_of_a_european_spreadsheet_are_imported_by_option(
    loyalty: Run, file: Callable[[str], str]
) -> None:
    name = file("\ufeffperson;points\r\nada@example.com;C-1\r\n")

    refused = loyalty("people", "import", name)
    assert (refused.code, refused.err.splitlines()[-1]) == (2, "Hint: Add --delimiter ';'.")

    assert loyalty("people", "import", name, "--delimiter", ";").code == 0
    assert "C-1" in loyalty("people", "show", "ada@example.com").out


def test_somebody_new_is_added_by_a_name_and_an_identifier(loyalty: Run) -> None:
    refused = loyalty("people", "set", "eve@example.com", "store=5")
    assert (refused.code, refused.out) == (5, "")
    assert refused.err.endswith(
        "Hint: To add the person: `loyalty people set eve@example.com name=NAME store=5`.\n"
    )
    assert not database(os.environ["HOME"]).exists()

    done = loyalty("people", "set", "eve@example.com", "name=Eve", "store=5", "-o", "json")

    assert (done.code, done.err) == (0, "Eve, eve@example.com was added.\n")
    assert loyalty("people", "show", "5", "-o", "json").records == done.records


def test_how_somebody_is_added_without_an_identifier_names_a_profile(loyalty: Run) -> None:
    hint = loyalty("people", "set", "eve@example.com", "name=Eve Li").err.splitlines()[-1]

    assert hint.endswith("`loyalty people set eve@example.com 'name=Eve Li' points=ID`.")


@pytest.mark.parametrize(
    "change", [["name=ada lovelace", "store=5"], ["name=A", "points=cus_8812"]]
)
def test_who_is_on_file_by_another_key_is_not_added_again(
    loyalty: Run, imported: Import, change: list[str]
) -> None:
    imported()

    done = loyalty("people", "set", "adda@example.com", *change)

    assert (done.code, done.out) == (2, "")
    assert "but Ada Lovelace, ada@example.com has '" in done.err
    assert loyalty("people", "export").out == PEOPLE


def test_an_identifier_that_somebody_else_has_at_the_profile_is_a_warning(
    loyalty: Run, imported: Import
) -> None:
    warning = (
        "Warning: cus_8812 at points is on file for several people: Ada Lovelace,"
        " ada@example.com; eve@example.com. `-P cus_8812` is refused therefore.\n"
    )
    imported()

    assert warning in imported("person,points\neve@example.com,cus_8812\n")
    assert loyalty("people", "set", "eve@example.com", "points=cus_8812").err == warning
    assert loyalty("people", "set", "eve@example.com", "store=cus_8812").err == ""


def test_of_many_shared_identifiers_the_first_ten_are_named(imported: Import) -> None:
    said = imported(
        "person,points\n"
        + "".join(f"{each}-{number},{number}\n" for number in range(12) for each in "ab")
    )

    assert said.count(" is on file for several people: ") == 10
    assert "Warning: More identifiers are on file for several people.\n" in said


def test_a_local_telephone_number_that_nobody_has_is_explained(
    loyalty: Run, imported: Import
) -> None:
    imported()

    hint = loyalty("people", "show", "0412 345 678").err.splitlines()[-1]

    assert "country code" in hint
