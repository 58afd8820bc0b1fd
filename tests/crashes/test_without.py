"""Each rule that keeps a debit from being made twice is needed: without it kills do harm.

Rules that kills do not show are in `tests/test_planted_faults.py`.
"""

import re
from functools import partial
from pathlib import Path

import pytest

from tests.crashes.neighbours import RandomTrial
from tests.crashes.trial import trials
from tests.crashes.without import RULES

HARM = re.compile(
    r"debited [02-9] times|, and debited|not in the journal|below zero|open at a time"
    r"|lacks|were sent with a journal that may lack some"
)
SEEDS = [f"7:{number}" for number in range(20)]


@pytest.mark.parametrize("name", RULES)
def test_without_a_rule_kills_soon_do_harm(name: str, tmp_path: Path) -> None:
    make = partial(RandomTrial, retold=RULES[name].story)

    found = trials(SEEDS, tmp_path, make, without=name, until_red=True, at_once=5)

    assert any(HARM.search(each) for each in found.violations), found.violations
