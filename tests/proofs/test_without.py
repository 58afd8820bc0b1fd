"""Each rule that keeps a debit from being made twice is needed: without it kills do harm.

Rules that kills do not show are in `tests/proofs/test_planted_faults.py`.
"""

import re
from functools import partial
from pathlib import Path

import pytest

from tests.proofs.neighbours import RandomTrial
from tests.proofs.trial import trials
from tests.proofs.without import RULES

HARM = re.compile(
    r"debited [02-9] times|, and debited|not in the journal|below zero|open at a time"
    r"|lacks|were sent with a journal that may lack some"
)
BATCH = 10
MOST_BATCHES = 20
"""Far more than it takes: how soon harm is seen depends on how busy the machine is."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", RULES)
def test_without_a_rule_kills_soon_do_harm(name: str, tmp_path: Path) -> None:
    make = partial(RandomTrial, retold=RULES[name].story)
    harm, seen = False, list[str]()

    for batch in range(MOST_BATCHES):
        seeds = [f"7:{batch * BATCH + number}" for number in range(BATCH)]
        seen += trials(seeds, tmp_path, make, without=name, until_red=True, at_once=5).violations
        harm = any(HARM.search(each) for each in seen)
        if harm:
            break

    assert harm, seen
