"""`loyalty debit -P`: the debit of a person."""

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
