"""Reading a file of people: what is taken, and what is refused with its line."""

from io import BytesIO

import pytest
from msgspec.structs import replace

from loyalty_cli.config.load import load
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.people.people_file import PeopleFile, PersonRow, read_people
from loyalty_cli.people.person import LONGEST, Person
from loyalty_cli.providers.contract import Way
from loyalty_cli.providers.gameball import Gameball


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Profile]:
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(
        "profiles:\n"
        "  points: {provider: gameball}\n"
        "  store: {provider: omneo, base_url: 'https://h.example'}\n"
        "  referrals: {provider: saasquatch, tenant: acme}\n"
    )
    return dict(load(path).profiles)


def read(content: str | bytes, profiles: dict[str, Profile]) -> tuple[PeopleFile, list[PersonRow]]:
    data = content if isinstance(content, bytes) else content.encode()
    file = read_people(BytesIO(data), profiles)
    return file, list(file.rows)


def test_a_row_is_a_person_with_the_identifiers_that_are_there(
    profiles: dict[str, Profile],
) -> None:
    content = (
        "\n person ,store,name,points\r\n"
        'ada@example.com, 17 ,"Lovelace, Ada", C-1 \r\n'
        '"+61 412 345 678",,,C-2\r\n\n\n'
    )

    file, rows = read(content, profiles)

    assert (file.has_name, file.profiles) == (True, ["store", "points"])
    assert rows == [
        PersonRow(3, Person("ada@example.com", "Lovelace, Ada", {"store": "17", "points": "C-1"})),
        PersonRow(4, Person("+61 412 345 678", None, {"points": "C-2"})),
    ]


def test_a_file_without_names_says_so(profiles: dict[str, Profile]) -> None:
    file, rows = read("person\nada", profiles)

    assert (file.has_name, file.profiles) == (False, [])
    assert [row.person for row in rows] == [Person("ada", None, {})]


def test_what_was_made_harmless_for_a_spreadsheet_is_read_as_it_was(
    profiles: dict[str, Profile],
) -> None:
    _, rows = read("person,name\n'=1+1,'t Hooft\n''@x,\n", profiles)

    assert [(row.person.person, row.person.name) for row in rows] == [
        ("=1+1", "'t Hooft"),
        ("'@x", None),
    ]


ROWS = "person,name,points\nada,Ada,C-1\n"

REFUSED = {
    "": "the file of people is empty",
    "\n\n": "the file of people is empty",
    "person,points\n": "there is nobody in the file",
    "name,points\nAda,C-1\n": "line 1: the header has no column 'person'",
    "email,points\nada,C-1\n": "The column of keys, such as e-mails, must be named person.",
    "person;points\nada;C-1\n": "Add --delimiter ';'.",
    "person,person\nada,ada\n": "the column 'person' twice",
    "person,points,points\nada,1,2\n": "the column 'points' twice",
    "person,pionts\nada,C-1\n": "unknown column 'pionts'. Did you mean 'points'?",
    "person,refer\nada,C-1\n": "the column 'refer' is no profile. Did you mean 'referrals'?",
    "person,xyz\nada,C-1\n": (
        "the column 'xyz' is no profile. Available: person, name, points, store, referrals."
    ),
    "person,\nada,C-1\n": "line 1: the column '' is no profile",
    f"{ROWS},Bob,C-2\n": "line 3: the row has no person",
    f"{ROWS},,\nbob,,\n": "line 3: the row is empty",
    f"{ROWS}\nbob,,\n": "line 3: the row is empty",
    f"{ROWS}bob\n": "line 3: it has 1 cells where the header has 3",
    f"{ROWS}bob,,,\n": "line 3: it has 4 cells where the header has 3",
    f'{ROWS}bob,"Bob\n': "line 3: it is not CSV",
    f"{ROWS}b\u202eob,,\n": "has the invisible character '\\u202e' in it",
    f"{ROWS}bob,,..\n": "would change the address of the request",
    f"{ROWS}{'b' * (LONGEST + 1)},,\n": f"has more than {LONGEST} characters",
}


@pytest.mark.parametrize("content", REFUSED)
def test_a_wrong_file_is_refused_with_its_line(profiles: dict[str, Profile], content: str) -> None:
    with pytest.raises(LoyaltyError) as raised:
        read(content, profiles)

    assert raised.value.code is ErrorCode.USAGE
    assert REFUSED[content] in f"{raised.value.message} {raised.value.hint}"


def test_text_that_is_not_utf_8_is_refused(profiles: dict[str, Profile]) -> None:
    with pytest.raises(LoyaltyError, match="line 2: it is not UTF-8 text"):
        read(b"person\nJ\xfcrgen\n", profiles)


class Numbered(Gameball):
    """A platform whose customers have numbers."""

    @staticmethod
    def _number(text: str) -> None:
        if not text.isdigit():
            raise ValueError("must be a number")

    ways = (Way("id", "the number", _number),)


def test_an_identifier_must_fit_the_way_in_which_its_profile_asks(
    profiles: dict[str, Profile],
) -> None:
    numbered = {**profiles, "points": replace(profiles["points"], provider=Numbered())}

    _, rows = read("person,points\nada,17\n", numbered)
    assert rows[0].person.identifiers == {"points": "17"}
    with pytest.raises(LoyaltyError, match="line 2: 'x' cannot be a customer's id"):
        read("person,points\nada,x\n", numbered)
