"""A run of look-ups: one at each profile goes ahead alone, and the others follow."""

from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, Event, Thread

import pytest

from loyalty_cli.balances.run import OneFirst

PATIENCE = 20.0


def following(alone: OneFirst, then: Callable[[], object]) -> Thread:
    """Somebody who wants to have a turn after the first."""

    def follow() -> None:
        with alone.enter("card"):
            then()

    thread = Thread(target=follow)
    thread.start()
    return thread


@pytest.mark.parametrize("one_failed", [False, True], ids=["at first", "after a failure"])
def test_no_look_up_begins_before_the_first_that_succeeds_is_done(one_failed: bool) -> None:
    alone, had = OneFirst(), Event()
    if one_failed:
        with suppress(ZeroDivisionError), alone.enter("card"):
            raise ZeroDivisionError

    with alone.enter("card"):
        follower = following(alone, had.set)
        assert not had.wait(0.1)

    assert had.wait(PATIENCE)
    follower.join(PATIENCE)


def test_after_the_first_success_look_ups_run_at_the_same_time() -> None:
    alone, together = OneFirst(), Barrier(3)
    with alone.enter("card"):
        pass

    followers = [following(alone, lambda: together.wait(PATIENCE)) for _ in range(3)]
    for each in followers:
        each.join(PATIENCE)

    assert not together.broken


def test_profiles_do_not_wait_for_each_others_first_look_up() -> None:
    alone = OneFirst()

    with alone.enter("card"), alone.enter("points"):
        pass
