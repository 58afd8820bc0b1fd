"""Two shops at one address are two accounts, and one shop stays one whatever it is called."""

from typing import Any

import pytest

from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.fingerprints import fingerprints_of
from loyalty_cli.debits.journal.store import Filter
from loyalty_cli.providers.contract import Query, Request, Way
from loyalty_cli.providers.gameball import Gameball
from tests.conftest import Outcome
from tests.debits.conftest import SECRET, CliWith, CommandLine
from tests.fakes.faulty_platform import ASSIGNED, LOST, IdempotentPlatform, answers, as_json

OTHER = (
    "  other: {{provider: gameball, base_url: '{url}', {account}"
    "debit: {{allow: {allow}, unit: points}}}}\n"
)


@pytest.fixture
def points(cli_with: CliWith, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for field in ("API_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"LOYALTY_OTHER_{field}", "key-of-the-other-shop")
    return cli_with(IdempotentPlatform)


def named(points: CommandLine, account: str) -> None:
    """Give the account of the shop's profile a name."""
    points.configure("  shop: {", f"  shop: {{account: {account}, ")


def with_another(points: CommandLine, account: str = "", allow: str = "true") -> None:
    """Add a profile with another key at the same address."""
    more = OTHER.format(url=points.platform.url, account=account, allow=allow)
    points.config.write_text(f"{points.config.read_text()}{more}")


def debit(points: CommandLine, profile: str = "shop", reference: str = "r-1") -> Outcome:
    return points.debit("-p", profile, reference=reference)


@pytest.mark.parametrize("account", ["", "account: eu, "], ids=["neither named", "one named"])
def test_profiles_that_may_be_two_shops_at_an_address_must_name_their_accounts(
    account: str, points: CommandLine
) -> None:
    with_another(points, account)

    for profile in ("shop", "other"):
        done = debit(points, profile)

        assert done.code == 3
        assert "'shop'" in done.err
        assert "'other'" in done.err
        assert "account: NAME" in done.err
    assert points.platform.posts == []


@pytest.mark.parametrize("other", ["eu", "us"], ids=["one shop", "two shops"])
def test_two_profiles_debit_a_reference_once_for_each_shop(other: str, points: CommandLine) -> None:
    named(points, "eu")
    with_another(points, f"account: {other}, ")

    done = [debit(points, profile) for profile in ("shop", "other")]

    is_one = other == "eu"
    assert [(each.code, each.record["replayed"]) for each in done] == [(0, False), (0, is_one)]
    first, *second = (post.raw.lower() for post in points.platform.posts)
    assert f"apikey: {SECRET}".encode() in first
    assert len(second) == (0 if is_one else 1)
    assert all(b"apikey: key-of-the-other-shop" in raw for raw in second)


def test_a_profile_that_must_not_debit_needs_no_account_name(points: CommandLine) -> None:
    with_another(points, allow="false")

    assert debit(points).code == 0


def test_an_account_that_gets_a_name_keeps_its_debits(points: CommandLine) -> None:
    debit(points)
    named(points, "eu")

    done = debit(points)

    assert (done.code, done.record["replayed"]) == (0, True)
    assert len(points.platform.posts) == 1
    (entry,) = points.journal.find(Filter())
    assert entry.key.platform.endswith(" account=eu")
    assert [event.after for event in points.journal.events(entry.key)][-1] is State.CONFIRMED


@pytest.mark.parametrize("then", ["account: us", "rate: 9"], ids=["renamed", "without a name"])
def test_an_account_whose_name_is_gone_does_not_make_its_debits_again(
    then: str, points: CommandLine
) -> None:
    named(points, "eu")
    debit(points)
    points.configure("account: eu", then)

    done = debit(points)

    assert done.code == 6
    assert "account=eu" in done.err
    assert "back as it was" in done.err
    assert debit(points, reference="r-2").code == 0
    assert len(points.platform.posts) == 2


def test_a_renamed_profile_does_not_make_its_debits_again(
    points: CommandLine,
) -> None:
    debit(points)
    points.configure("  shop: {", "  other: {account: eu, ")
    points.configure("default_profile: shop", "default_profile: other")

    done = debit(points, "other")

    assert done.code == 6
    assert "debited by the profile 'shop'" in done.err
    assert len(points.platform.posts) == 1


def test_an_account_name_is_for_one_platform(points: CommandLine) -> None:
    points.configure(
        "  shop: {", "  card: {provider: imprint, account: eu}\n  shop: {account: eu, "
    )

    done = debit(points)

    assert done.code == 3
    assert "profiles.shop.account" in done.err
    assert "is the account of the profile 'card' at Imprint" in done.err
    assert points.platform.posts == []


def test_a_new_key_of_an_account_is_told_once(
    points: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "key" not in debit(points).err
    monkeypatch.setenv("LOYALTY_SHOP_API_KEY", "another-key")

    changed = debit(points, reference="r-2")
    again = debit(points, reference="r-3")

    assert changed.code == 0
    assert "uses a key that was never used for debits of its account" in changed.err
    assert again.err == ""
    kept = fingerprints_of(points.journal.database, points.entry().key.platform)
    assert len({each.fingerprint for each in kept}) == 2
    for secret in (SECRET, "another-key"):
        assert secret.encode() not in points.place.read_bytes()


def test_a_new_key_that_the_platform_refuses_is_told_again(
    points: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert debit(points).code == 0
    monkeypatch.setenv("LOYALTY_SHOP_API_KEY", "a-wrong-key")
    points.platform.debit = answers(as_json({"code": 1001, "message": "no"}, "401 No"))

    for number in (2, 3):
        done = debit(points, reference=f"r-{number}")
        assert done.code == 4
        assert "never used for debits of its account" in done.err


def test_the_profile_that_claims_a_debit_is_on_record(points: CommandLine) -> None:
    named(points, "eu")
    with_another(points, "account: eu, ")
    points.platform.applied["C-1", "points"] = ASSIGNED
    assert debit(points, "shop").code == 6
    points.platform.applied.clear()

    done = debit(points, "other")

    assert (done.code, done.record["profile"]) == (0, "other")
    assert points.entry().profile == "other"


def digits_only(text: str) -> None:
    if not text.isdigit():
        raise ValueError("it is not a number")


@pytest.fixture
def by_number(points: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The shop of a platform that debits customers by their id or their number."""
    more = (Way("number", "the number", digits_only), Way("card", "the card"))
    monkeypatch.setattr(Gameball, "ways", (*Gameball.ways, *more))
    monkeypatch.setattr(Gameball, "debit_ways", ("id", "number"))
    return points


def named_by(points: CommandLine, way: str) -> None:
    points.configure("  shop: {", f"  shop: {{by: {way}, ")


def test_the_way_of_the_profile_names_the_customer_of_a_debit_and_of_its_balance(
    by_number: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for name in ("request", "debit_request"):
        real = getattr(Gameball, name)

        def noted(self: Gameball, query: Query, *more: Any, real: Any = real) -> Request:
            asked.append((query.customer, query.by))
            request: Request = real(self, query, *more)
            return request

        monkeypatch.setattr(Gameball, name, noted)
    named_by(by_number, "number")

    done = by_number.debit(customer="17")

    assert done.code == 0
    assert set(asked) == {("17", "number")}


@pytest.mark.parametrize("file", [False, True], ids=["one", "a file"])
def test_a_way_without_debits_is_refused_before_anything(
    file: bool, by_number: CommandLine
) -> None:
    named_by(by_number, "card")

    done = by_number.debit_file("C-1,5,r-1") if file else debit(by_number)

    assert done.code == 3
    assert "Gameball takes no debit of a customer by card (profile 'shop')" in done.err
    assert file or "Set `by:` in the profile to id or number." in done.err
    assert (by_number.platform.connections, by_number.platform.posts) == (0, [])


@pytest.mark.parametrize("file", [False, True], ids=["one", "a file"])
def test_a_customer_that_cannot_be_named_in_the_way_is_refused_before_anything(
    file: bool, by_number: CommandLine
) -> None:
    named_by(by_number, "number")

    done = by_number.debit_file("C-1,5,r-1") if file else debit(by_number)

    assert done.code == 2
    assert "'C-1' cannot be a customer's number: it is not a number" in done.err
    assert by_number.platform.connections == 0


@pytest.mark.parametrize("asked", ["shop", "other"])
def test_two_profiles_of_an_account_must_name_customers_in_the_same_way(
    asked: str, by_number: CommandLine
) -> None:
    named(by_number, "eu")
    with_another(by_number, "account: eu, by: number, ")

    done = by_number.debit("-p", asked, customer="1")

    assert done.code == 3
    assert "by id" in done.err
    assert "by number" in done.err
    assert "Give both the same `by:`" in done.err
    assert by_number.platform.posts == []


@pytest.mark.parametrize("account", ["", "eu"], ids=["no name", "a name"])
@pytest.mark.parametrize("by", [("id", "number"), ("number", "id")])
def test_a_reference_is_not_debited_again_when_customers_are_named_in_another_way(
    by: tuple[str, str], account: str, by_number: CommandLine
) -> None:
    if account:
        named(by_number, account)
    named_by(by_number, by[0])
    first = by_number.debit(customer="17")
    by_number.configure(f"by: {by[0]}", f"by: {by[1]}")

    done = by_number.debit(customer="17")

    assert (first.code, done.code) == (0, 6)
    assert "or `by:`, back as it was" in done.err
    assert len(by_number.platform.posts) == 1
    by_number.configure(f"by: {by[1]}", f"by: {by[0]}")
    assert by_number.debit(customer="17").record["replayed"] is True


def test_an_account_that_gets_a_name_keeps_its_debits_by_a_number(by_number: CommandLine) -> None:
    named_by(by_number, "number")
    by_number.debit(customer="17")
    named(by_number, "eu")

    done = by_number.debit(customer="17")

    assert (done.code, done.record["replayed"]) == (0, True)
    assert by_number.entry().key.platform.endswith(" by=number account=eu")


def test_an_unknown_debit_is_not_looked_for_under_another_way(by_number: CommandLine) -> None:
    by_number.platform.debit = LOST
    assert by_number.debit(customer="17").code == 8
    named_by(by_number, "number")

    done = by_number.reconcile()

    assert done.code == 8
    assert "no profile in the file has the account" in done.err
    assert len(by_number.platform.posts) == 1
