"""People in a database: the same in a file and in PostgreSQL."""

from collections.abc import Callable, Iterator

import pytest

from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.people.find import the_one
from loyalty_cli.people.person import Person
from loyalty_cli.people.store import BATCH, MOST_FOUND, SCHEMA, People

ADA = Person("ada@example.com", "Ada Lovelace", {"points": "cus_8812", "store": "17"})
BOB = Person("+61 412 345 678", None, {"points": "cus_1"})


@pytest.fixture
def people(customer_data: Callable[[Schema], CustomerData]) -> People:
    made = People(customer_data(SCHEMA))
    made.put([ADA, BOB], ["points", "store"], has_name=True)
    return made


@pytest.mark.parametrize(
    "key", ["ADA@example.com", " ada lovelace", "CUS_8812", "17", "Ada@Example.Com "]
)
def test_a_person_is_found_by_any_key(people: People, key: str) -> None:
    assert the_one(people, key) == ADA


def test_a_person_is_found_by_a_telephone_number_however_it_is_written(people: People) -> None:
    assert the_one(people, "+61412345678") == BOB
    assert the_one(people, "+61 (412) 345-678") == BOB


@pytest.mark.parametrize("key", ["ada", "cus_88", "%", "_", "ada@example.com' OR 1=1 --"])
def test_nobody_is_found_by_a_part_of_a_key(people: People, key: str) -> None:
    with pytest.raises(LoyaltyError) as raised:
        the_one(people, key)

    assert raised.value.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("key", ["", " \t", "a\x00", "\udcff", "a\u202eb", "k" * 501])
def test_a_key_that_nobody_can_have_is_refused(people: People, key: str) -> None:
    with pytest.raises(LoyaltyError) as raised:
        the_one(people, key)

    assert raised.value.code is ErrorCode.USAGE


def test_nobody_is_found_where_there_are_no_people() -> None:
    with pytest.raises(LoyaltyError) as raised:
        the_one(None, "ada")

    assert raised.value.code is ErrorCode.NOT_FOUND
    assert "loyalty people import" in str(raised.value.hint)


def test_two_people_with_one_key_are_both_named(people: People) -> None:
    people.put([Person("x", "ADA lovelace", {})], [], has_name=True)

    with pytest.raises(LoyaltyError) as raised:
        the_one(people, "Ada Lovelace")

    assert raised.value.code is ErrorCode.USAGE
    assert "Ada Lovelace, ada@example.com; ADA lovelace, x." in raised.value.message


def test_of_many_people_with_one_key_the_first_are_named(people: People) -> None:
    many = [Person(f"p{number}", "John Smith", {}) for number in range(MOST_FOUND + 5)]
    people.put(many, [], has_name=True)

    with pytest.raises(LoyaltyError, match="John Smith, p9 and others"):
        the_one(people, "john smith")


def test_a_person_with_one_text_as_several_keys_is_one_person(people: People) -> None:
    person = Person("x@example.com", "x@example.com", {"points": "X@example.com"})
    people.put([person], ["points"], has_name=True)

    assert the_one(people, "x@example.com") == person


def test_people_who_are_put_again_are_updated_by_the_columns_that_are_given(
    people: People,
) -> None:
    people.put([Person("ADA@example.com", None, {"points": "new"})], ["points"], has_name=False)
    assert the_one(people, "new") == Person(
        "ADA@example.com", "Ada Lovelace", {"points": "new", "store": "17"}
    )

    people.put([Person("ada@example.com", None, {})], ["points"], has_name=True)
    assert the_one(people, "17") == Person("ada@example.com", None, {"store": "17"})

    assert [each.person for each in people] == ["ada@example.com", BOB.person]
    assert (len(people), people.profiles()) == (2, ["points", "store"])


def test_when_the_people_to_put_end_with_an_error_nobody_is_changed(people: People) -> None:
    def failing() -> Iterator[Person]:
        for number in range(2 * BATCH):
            yield Person(f"p{number}", "new", {"points": str(number)})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        people.put(failing(), ["points"], has_name=True)

    assert list(people) == [ADA, BOB]


def test_many_people_come_back_in_the_order_in_which_they_were_put(people: People) -> None:
    many = [Person(f"p{number}", None, {"store": f"s{number}"}) for number in range(2 * BATCH)]
    people.put(many, ["store"], has_name=True)

    assert list(people) == [ADA, BOB, *many]


def test_who_was_forgotten_is_found_by_no_key_and_the_others_stay(people: People) -> None:
    people.forget(ADA)

    for key in ("ada@example.com", "Ada Lovelace", "cus_8812", "17"):
        assert people.find(key) == []
    assert list(people) == [BOB]


def test_an_identifier_is_shared_by_all_who_have_it_at_one_profile(people: People) -> None:
    eve = Person("eve", None, {"points": "CUS_1", "store": "cus_8812"})
    people.put([eve], eve.identifiers, has_name=True)

    (shared,) = people.shared([eve, BOB])

    assert shared.profile == "points"
    assert [each.person for each in shared.people] == [BOB.person, "eve"]
    assert [*people.shared([ADA]), *people.shared([])] == []
