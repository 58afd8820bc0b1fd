"""Each rule that keeps a debit from being made twice is needed: without it kills do harm.

Rules that kills do not show are in `tests/test_planted_faults.py`.
"""

from functools import partial
from pathlib import Path

import pytest

from tests.crashes.neighbours import RandomTrial
from tests.crashes.trial import trials
from tests.crashes.without import RULES

SEEDS = [f"7:{number}" for number in range(40)]


@pytest.mark.parametrize("name", RULES)
def test_without_a_rule_kills_soon_do_harm(name: str, tmp_path: Path) -> None:
    make = partial(RandomTrial, retold=RULES[name].story)

    found = trials(SEEDS, tmp_path, make, without=name, until_red=True)

    assert found.violations != []
