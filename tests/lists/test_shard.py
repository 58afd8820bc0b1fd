"""Shards: each customer is in exactly one of them, the same one on every machine."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loyalty_cli.lists.shard import Shard, check_shard

CUSTOMERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(CUSTOMERS, st.integers(1, 60))
@example("C-1", 1)
def test_a_customer_is_in_exactly_one_shard_counted_from_0_or_from_1(
    customer: str, of: int
) -> None:
    from_1 = [part for part in range(1, of + 1) if Shard(part, of).has(customer)]
    from_0 = [part for part in range(of) if Shard(part, of).has(customer)]

    assert len(from_1) == len(from_0) == 1
    assert from_1[0] % of == from_0[0]


@pytest.mark.parametrize(
    ("customer", "parts"),
    [
        ("C-1", {2: 1, 3: 0, 10: 9, 1000: 629}),
        ("0123", {2: 0, 3: 0, 10: 8, 1000: 528}),
        ("Zoë", {2: 0, 3: 1, 10: 2, 1000: 922}),
        ("🎁", {2: 1, 3: 0, 10: 9, 1000: 439}),
    ],
)
def test_a_customers_shard_is_the_same_on_every_machine_and_in_every_release(
    customer: str, parts: dict[int, int]
) -> None:
    """Else machines of a mixed fleet would look customers up twice, and others never."""
    assert {
        of: next(part for part in range(of) if Shard(part, of).has(customer)) for of in parts
    } == parts


@pytest.mark.parametrize("names", ["C-{}", "{:08}", "{}@shop.example", "{0}{0}"])
@pytest.mark.parametrize("of", [2, 7, 64])
def test_customers_are_spread_evenly_over_the_shards(names: str, of: int) -> None:
    customers = [names.format(number) for number in range(6400)]

    sizes = Counter(
        next(part for part in range(of) if Shard(part, of).has(customer)) for customer in customers
    )

    fair = len(customers) / of
    assert len(sizes) == of
    assert max(abs(size - fair) for size in sizes.values()) < 4.5 * fair**0.5


@pytest.mark.parametrize(
    ("text", "shard"),
    [
        ("1/1", Shard(1, 1)),
        ("0/1", Shard(0, 1)),
        ("3/4", Shard(3, 4)),
        ("4/4", Shard(4, 4)),
        ("0/4", Shard(0, 4)),
        ("007/010", Shard(7, 10)),
        ("999999/999999", Shard(999_999, 999_999)),
    ],
)
def test_a_shard_is_written_as_i_of_n(text: str, shard: Shard) -> None:
    assert check_shard(text) == shard


@pytest.mark.parametrize(
    "text",
    [
        *("5/4", "0/0", "1/0", "x", "", "/", "1/", "/4", "1", "1/2/3", "1 of 4", "1\\4"),
        *("-1/2", "1/-2", "+1/2", " 1/2", "1/2\n", "1/2 ", "1.0/2", "1e1/20", "1_0/20"),
        *("1/1000000", "1/1000001", "१/२", "1/²"),
    ],
)
def test_any_other_text_is_refused_as_a_shard(text: str) -> None:
    with pytest.raises(ValueError, match="must be I/N"):
        check_shard(text)
