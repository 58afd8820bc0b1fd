"""Looks at unknown debits again and again until they are settled: `reconcile --wait`."""

from collections.abc import Callable, Iterator, Sequence

from loyalty_cli.debits.journal.entries import OPEN
from loyalty_cli.debits.reconcile import BETWEEN_LOOKS_SECONDS
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.model.errors import LoyaltyError

FIRST_PAUSE_SECONDS = 5.0
"""Each pause is twice as long as the one before, up to that between two looks."""

Results = Sequence[DebitResult]


def until_settled(
    look: Callable[[Results], Results],
    patience: Callable[[Results], float],
    clock: Callable[[], float],
    pause: Callable[[Results, float], bool],
) -> Iterator[DebitResult]:
    """Yield each debit as soon as it is settled, and at the end those that stay unknown.

    `look` gives the present results of the open debits, and of those that were open before.
    `patience` is how many seconds from the beginning may pass for those that are open. `pause`
    waits some seconds by the `clock`; False ends it.
    """
    begun, seconds, left = clock(), FIRST_PAUSE_SECONDS, list[DebitResult]()
    while True:
        try:
            results = look(left)
        except LoyaltyError:
            yield from left  # what was sent must not be passed over
            raise
        left = [each for each in results if each.entry.state in OPEN]
        yield from (each for each in results if each.entry.state not in OPEN)
        rest = begun + patience(left) - clock()
        if not left or rest <= 0 or not pause(left, min(seconds, rest)):
            break
        seconds = min(2 * seconds, BETWEEN_LOOKS_SECONDS)
    yield from left
