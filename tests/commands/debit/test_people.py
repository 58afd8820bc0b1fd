"""`loyalty debit -P`: the debit of a person."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.fakes.debit_platform import DebitPlatform

ONE = ("500", "--reference", "one", "--yes", "-o", "json")


@pytest.fixture(autouse=True)
def people(ready: DebitPlatform, loyalty: Run, tmp_path: Path) -> None:
    """Two people on file, one of them with an identifier."""
    path = tmp_path / "people.csv"
    path.write_text("person,name,club\nada@example.com,Ada Lovelace,C-1001\nbob,Bob,\n")
    assert loyalty("people", "import", str(path)).code == 0
    assert ready.debits == []


def test_a_person_is_debited_by_the_identifier_at_the_profile(
    ready: DebitPlatform, loyalty: Run
) -> None:
    done = loyalty("debit", "-P", "ada lovelace", *ONE)

    assert done.code == 0
    assert (done.record["customer"], done.record["state"]) == ("C-1001", "confirmed")
    assert done.err.startswith("Ada Lovelace, ada@example.com is 'C-1001' at club.\n")
    assert len(ready.debits) == 1

    again = loyalty("debit", "C-1001", *ONE)
    assert (again.code, again.record["replayed"], len(ready.debits)) == (0, True, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("-P", "bob", *ONE), 5, "no id on file for bob at club"),
        (("-P", "eve", *ONE), 5, "there is nobody with the key 'eve'"),
        (("-P", "bob", "C-1", *ONE), 2, "-P names a person, in place of CUSTOMER."),
        (("-P", "bob", "-f", "list", "--yes"), 2, "--from takes the debits from the file."),
        (("-P", "ada@example.com", "--yes"), 2, "a debit needs CUSTOMER and AMOUNT"),
    ],
)
def test_a_debit_of_a_person_that_cannot_be_made_sends_nothing(
    ready: DebitPlatform, loyalty: Run, arguments: tuple[str, ...], code: int, why: str
) -> None:
    done = loyalty("debit", *arguments)

    assert (done.code, done.out, ready.debits) == (code, "", [])
    assert why in done.err


FORMATS = {
    "csv": "person,amount,reference\n{},5,a\n",
    "jsonl": '{{"person": "{}", "amount": 5, "reference": "a"}}\n',
}


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_a_file_of_debits_can_name_people_and_the_journal_keeps_their_identifiers(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str], content: str
) -> None:
    path = file(content.format("Ada Lovelace"))

    done = loyalty("debit", "--from", path, "--yes", "-o", "json")
    again = loyalty("debit", "--from", path, "--yes", "-o", "json")

    assert (done.code, done.record["customer"], done.record["state"]) == (0, "C-1001", "confirmed")
    assert (again.code, again.record["replayed"], len(ready.debits)) == (0, True, 1)
    shown = loyalty("journal", "show", "a", "-o", "json")
    assert shown.record["debit"]["customer"] == "C-1001"
    assert "Ada" not in shown.out


def test_people_without_one_identifier_are_mistakes_of_their_rows(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str], tmp_path: Path
) -> None:
    more = tmp_path / "more.csv"
    more.write_text("person,name\nada2,Ada Lovelace\n")
    loyalty("people", "import", str(more))
    rows = "ada@example.com,5,a\nbob,5,b\neve,5,c\nada lovelace,5,d\n bob,5,e\n,5,f\n"

    both = "Ada Lovelace, ada@example.com; Ada Lovelace, ada2"

    done = loyalty("debit", "--from", file(f"person,amount,reference\n{rows}"), "--yes")

    assert (done.code, done.out, ready.debits) == (2, "", [])
    assert [line.rpartition("/debits:")[2] for line in done.err.splitlines()[2:]] == [
        "3: person 'bob': no id on file for bob at club",
        "4: person 'eve': there is nobody with the key 'eve'",
        f"5: person 'ada lovelace': several people have the key 'ada lovelace': {both}",
        "6: person ' bob': has a space before or after it",
        "7: person '': is missing",
    ]


def test_a_person_with_another_identifier_than_before_is_not_debited_again(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str]
) -> None:
    path = file("person,amount,reference\nada lovelace,5,a\n")
    assert loyalty("debit", "--from", path, "--yes").code == 0
    loyalty("people", "set", "ada lovelace", "club=C-1002")

    done = loyalty("debit", "--from", path, "--yes")

    assert (done.code, len(ready.debits)) == (6, 1)
    assert ":2: reference 'a'" in done.err


def test_a_row_of_a_file_names_a_person_or_a_customer(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str]
) -> None:
    rows = [
        {"person": "ada@example.com", "amount": 5, "reference": "a"},
        {"person": "ada@example.com", "customer": "C-7", "amount": 5, "reference": "b"},
        {"customer": "C-7", "amount": 5, "reference": "c"},
    ]
    path = file("".join(f"{json.dumps(row)}\n" for row in rows))

    done = loyalty("debit", "--from", path, "--yes")

    assert (done.code, done.out, ready.debits) == (2, "", [])
    assert [line.rpartition("/debits:")[2] for line in done.err.splitlines()[2:]] == [
        "2: customer 'C-7': a row that names a person must not name a customer, too",
        "3: customer 'C-7': a row that names a person must not name a customer, too",
        "3: person '': is missing",
    ]


def test_a_file_of_people_that_others_can_read_debits_nobody(
    ready: DebitPlatform, loyalty: Run, file: Callable[..., str], environment: dict[str, str]
) -> None:
    Path(environment["HOME"], ".local/share/loyalty/people.db").chmod(0o644)

    done = loyalty("debit", "-f", file("person,amount,reference\nbob,5,a\n"), "--yes")

    assert (done.code, done.out, ready.debits) == (3, "", [])
    assert len(done.err.splitlines()) == 2


def test_the_question_names_the_person_and_what_is_left_before_the_reference(
    ready: DebitPlatform, loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.commands.debit.action.is_interactive", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    done = loyalty("debit", "-P", "ada@example.com", "500", "--reference", "one")

    assert (done.code, ready.debits) == (6, [])
    assert (
        "Debit 500 CENTS from Ada Lovelace, ada@example.com ('C-1001' at club), which leaves"
        " 9500 CENTS, reference 'one'? [y/N] "
    ) in done.err


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_a_person_who_was_taken_for_the_customer_is_told(
    ready: DebitPlatform, loyalty: Run, how: str
) -> None:
    person = ("people", "set", "eve@example.com", "name=Eve", "club=C-1002")
    assert loyalty(*person).code == 0
    told = "'eve@example.com' is a person on file: use -P eve@example.com."

    done = loyalty("debit", "eve@example.com", "5", "--reference", "a", how)
    nobody = loyalty("debit", "bob@example.com", "5", "--reference", "b", how)

    assert (done.code, done.err.count(told), ready.debits) == (5, 1, [])
    assert (nobody.code, "on file" in nobody.err) == (5, False)
