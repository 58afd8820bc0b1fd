"""Splitting many items into batches."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield items in lists of `size`, the last one shorter; items are taken only when needed."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
