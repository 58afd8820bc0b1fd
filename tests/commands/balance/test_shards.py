"""`loyalty balance --from --shard`: runs that part a list among themselves without talking."""

from collections import Counter

import pytest

from tests.commands.balance.lists import At, BalancePlatform, Listed, customers, lines, names
from tests.conftest import Run

pytestmark = pytest.mark.timeout(60)

OF = 5


@pytest.fixture
def platform(at: At) -> BalancePlatform:
    return at()


@pytest.mark.parametrize("first", [0, 1])
def test_all_shards_together_ask_for_each_customer_once_in_the_lists_order(
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


@pytest.mark.parametrize(
    ("output", "document"),
    [("json", "[]\n"), ("jsonl", ""), ("table", ""), ("csv", None)],
    ids=["json", "jsonl", "table", "csv"],
)
def test_a_shard_without_customers_is_no_error(
    output: str, document: str | None, platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    done = loyalty("balance", "--from", listed("C-1\n"), "--shard", "2/1000", "-o", output)

    assert (done.code, done.err, platform.asked) == (0, "", [])
    if document is None:
        assert done.out.startswith("schema_version,")
        assert len(done.out.splitlines()) == 1
    else:
        assert done.out == document
