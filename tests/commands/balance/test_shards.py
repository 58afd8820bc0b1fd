"""`loyalty balance --from --shard`: runs that part a list among themselves without talking."""

from collections import Counter

import pytest

from tests.commands.balance.lists import At, BalancePlatform, Listed, customers, lines, names, piped
from tests.conftest import Run

pytestmark = pytest.mark.timeout(60)

OF = 5


@pytest.fixture
def platform(at: At) -> BalancePlatform:
    return at()


@pytest.mark.parametrize("first", [0, 1])
def test_all_shards_together_ask_for_everybody_once_and_each_in_the_order_of_the_list(
    first: int, platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    name = listed(lines(names(200)))

    runs = [
        loyalty("balance", "--from", name, "--shard", f"{part}/{OF}", "-o", "jsonl")
        for part in range(first, first + OF)
    ]

    assert [done.code for done in runs] == [0] * OF
    assert Counter(platform.asked) == Counter(names(200))
    for done in runs:
        part = customers(done, "jsonl")
        assert part == [each for each in names(200) if each in set(part)]
        assert 15 < len(part) < 70


def test_a_shard_is_the_same_wherever_the_list_comes_from(
    platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    asking = ("--shard", "2/3", "-o", "jsonl")
    from_file = loyalty("balance", "--from", listed(lines(names(50))), *asking)
    rows = [f'{{"customer": "{each}"}}' for each in names(50)]
    with piped(lines(rows)) as pipe:
        from_pipe = loyalty("balance", "--from", pipe, *asking)
    with piped(lines(["x,customer", *(f"1,{each}" for each in names(50))])) as pipe:
        from_csv = loyalty("balance", "--from", pipe, *asking)
    named = loyalty("balance", *names(50), *asking)

    assert len(platform.asked) == 4 * len(customers(from_file, "jsonl"))
    runs = (from_file, from_pipe, from_csv, named)
    assert len({tuple(customers(done, "jsonl")) for done in runs}) == 1


def test_a_customer_is_in_the_same_shard_at_every_profile(loyalty: Run, listed: Listed) -> None:
    asking = ("--sandbox", "balance", "--from", listed(lines(names(12))), "-o", "jsonl")

    runs = [
        loyalty(*asking, "-p", "gameball", "-p", "imprint", "--shard", f"{part}/2")
        for part in (1, 2)
    ]

    first, second = (Counter(customers(done, "jsonl")) for done in runs)
    assert set(first.values()) == set(second.values()) == {2}
    assert not first & second
    assert set(first | second) == set(names(12))


@pytest.mark.parametrize(
    ("output", "document"), [("json", "[]\n"), ("jsonl", ""), ("table", ""), ("csv", None)]
)
def test_a_shard_that_nobody_is_in_is_no_error(
    output: str, document: str | None, platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    done = loyalty("balance", "--from", listed("C-1\n"), "--shard", "2/1000", "-o", output)

    assert (done.code, done.err, platform.asked) == (0, "", [])
    if document is None:
        assert done.out.startswith("schema_version,")
        assert len(done.out.splitlines()) == 1
    else:
        assert done.out == document


def test_a_mistake_in_the_list_is_one_for_every_shard(
    platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    name = listed(lines([*names(9), ".."]))

    for part in range(1, 4):
        done = loyalty("balance", "--from", name, "--shard", f"{part}/3", "-o", "jsonl")
        assert (done.code, done.out, platform.asked) == (2, "", [])
        assert done.err.startswith("Error: line 10 of the file: ")
