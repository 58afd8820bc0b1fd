"""Lists of look-ups that are killed, and gone on with; `python -m tests.proofs.kill_lookups` does
more of it.
"""

import random
import signal
from pathlib import Path

from tests.proofs.kill_lookups import trials

SEED = random.randrange(10**6)


def test_no_kill_loses_more_than_is_in_flight_or_lets_anybody_be_asked_again(
    tmp_path: Path,
) -> None:
    found = trials([f"{SEED}:{each}" for each in range(8)], tmp_path)

    assert found.violations == []
    assert found.counts[f"ended by {signal.SIGKILL.name}"] > 3
