"""Splitting customers among runs that do not talk to each other."""

import re
from hashlib import blake2b

from msgspec import Struct


class Shard(Struct, frozen=True):
    """One of `of` parts of a list; each customer is in exactly one part.

    Part 0 is the same as part `of`, so N runs may count from 0 or from 1.
    """

    part: int
    of: int

    def has(self, customer: str) -> bool:
        """Whether a customer is in this part."""
        digest = blake2b(customer.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.of == self.part % self.of


def check_shard(text: str) -> Shard:
    """Read a shard, written I/N; raise ValueError for any other text."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, re.ASCII)
    part, of = (int(each) for each in found.groups()) if found else (0, 0)
    if not 0 <= part <= of or of == 0:
        raise ValueError("must be I/N, I from 1 to N (or from 0 to N - 1), N at most 999999")
    return Shard(part, of)
