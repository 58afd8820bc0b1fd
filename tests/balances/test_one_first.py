"""One goes ahead alone, and the others follow."""

from threading import Barrier, Event, Thread

import pytest

from loyalty_cli.balances.one_first import OneFirst

PATIENCE = 20.0


def test_nobody_has_a_turn_before_the_first_is_done() -> None:
    alone, had = OneFirst(), Event()

    def follow() -> None:
        with alone.enter("card"):
            had.set()

    follower = Thread(target=follow)
    with alone.enter("card"):
        follower.start()
        assert not had.wait(0.1)

    assert had.wait(PATIENCE)
    follower.join(PATIENCE)


def test_once_it_is_done_the_others_go_at_the_same_time() -> None:
    alone, together = OneFirst(), Barrier(3)
    with alone.enter("card"):
        pass

    def follow() -> None:
        with alone.enter("card"):
            together.wait(PATIENCE)

    followers = [Thread(target=follow) for _ in range(3)]
    for each in followers:
        each.start()
    for each in followers:
        each.join(PATIENCE)

    assert not together.broken


def test_groups_do_not_wait_for_each_other() -> None:
    alone = OneFirst()

    with alone.enter("card"), alone.enter("points"):
        pass


def test_where_the_first_fails_another_one_goes_ahead() -> None:
    alone, had = OneFirst(), Event()
    with pytest.raises(ZeroDivisionError), alone.enter("card"):
        raise ZeroDivisionError

    def follow() -> None:
        with alone.enter("card"):
            had.set()

    with alone.enter("card"):
        follower = Thread(target=follow)
        follower.start()
        assert not had.wait(0.1)

    assert had.wait(PATIENCE)
    follower.join(PATIENCE)
