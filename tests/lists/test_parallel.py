"""Many things, several at a time: each result in its turn, and nothing begun for nobody."""

from collections.abc import Iterator
from itertools import count
from threading import Barrier, Event, Lock, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.lists.parallel import MAX_PENDING, map_in_order
from loyalty_cli.lists.stop import Stop

PATIENCE = 20.0


def same(item: int) -> int:
    return item


@given(st.integers(0, 300), st.integers(1, 40))
def test_every_item_gives_one_result_in_the_order_of_the_items(items: int, jobs: int) -> None:
    assert list(map_in_order(same, range(items), jobs)) == list(range(items))


def test_results_come_in_order_though_the_first_is_the_slowest() -> None:
    others = Barrier(4)  # the three others, and the first that waits for them

    def together(item: int) -> int:
        others.wait(PATIENCE)
        return item

    assert list(map_in_order(together, range(4))) == [0, 1, 2, 3]


def test_a_result_is_given_before_the_later_items_are_done_or_there() -> None:
    first_was_given = Event()

    def second_waits(item: int) -> int:
        if item == 1:
            assert first_was_given.wait(PATIENCE)
        return item

    for results in (
        map_in_order(second_waits, range(2)),
        map_in_order(same, map(second_waits, range(2))),
    ):
        first_was_given.clear()
        assert next(results) == 0
        first_was_given.set()
        assert list(results) == [1]


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_items_run_at_once_as_there_are_jobs(jobs: int) -> None:
    lock, together = Lock(), Barrier(jobs)
    running, most = 0, 0

    def counted(item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(PATIENCE)
        with lock:
            running -= 1
        together.wait(PATIENCE)
        return item

    assert list(map_in_order(counted, range(9), jobs=jobs)) == list(range(9))
    assert most == jobs


def test_one_item_starts_no_more_than_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    hired: list[Thread] = []
    start = Thread.start

    def hire(thread: Thread) -> None:
        hired.append(thread)
        start(thread)

    monkeypatch.setattr(Thread, "start", hire)

    assert list(map_in_order(same, [1], jobs=8)) == [1]
    assert len(hired) <= 2  # the second finds that there is nothing left


def test_the_threads_that_the_system_allows_do_all_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = 0
    start = Thread.start

    def limited(thread: Thread) -> None:
        nonlocal started
        if started == 2:
            raise RuntimeError
        started += 1
        start(thread)

    monkeypatch.setattr(Thread, "start", limited)

    assert list(map_in_order(same, range(50), jobs=8)) == list(range(50))
    assert started == 2


def test_map_in_order_without_a_single_thread_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: Thread) -> None:
        raise RuntimeError

    monkeypatch.setattr(Thread, "start", none)

    with pytest.raises(RuntimeError):
        list(map_in_order(same, range(5)))


def test_few_results_are_made_before_the_first_one_is_taken() -> None:
    """What is done and not yet written is lost where the process is killed."""
    done: list[int] = []

    def noted(item: int) -> int:
        done.append(item)
        return item

    results = map_in_order(noted, count(), jobs=4)
    first = next(results)
    Event().wait(0.2)

    assert first == 0
    assert len(done) <= 8
    results.close()


def test_behind_a_slow_item_a_limited_number_of_others_is_taken() -> None:
    taken, first, full = [], Event(), Event()

    def endless() -> Iterator[int]:
        for item in count():
            taken.append(item)
            if len(taken) == MAX_PENDING:
                full.set()
            yield item

    def first_waits(item: int) -> int:
        if item == 0:
            assert first.wait(PATIENCE)
        return item

    results = map_in_order(first_waits, endless(), jobs=4)
    reader = Thread(target=next, args=(results,))
    reader.start()
    assert full.wait(PATIENCE)

    assert len(taken) == MAX_PENDING
    first.set()
    reader.join(PATIENCE)
    results.close()


def test_no_item_is_begun_once_nobody_reads_the_results() -> None:
    begun: list[int] = []
    stopped = Event()

    def others_wait(item: int) -> int:
        begun.append(item)
        if item:
            stopped.wait(PATIENCE)
        return item

    results = map_in_order(others_wait, range(50), jobs=2)
    next(results)
    results.close()
    stopped.set()

    assert len(begun) < 50


def test_an_exception_of_one_item_is_raised_in_its_turn() -> None:
    def fails(item: int) -> int:
        if item == 1:
            raise ZeroDivisionError
        return item

    results = map_in_order(fails, range(3))

    assert next(results) == 0
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_an_error_of_the_source_is_raised_after_the_results_before_it() -> None:
    def torn() -> Iterator[int]:
        yield from range(5)
        raise ValueError

    results = map_in_order(same, torn(), jobs=3)

    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError):  # noqa: PT011 - it is that one
        next(results)


def test_after_a_stop_no_item_is_begun_and_finished_results_are_given() -> None:
    stop, never, behind = Stop(), Event(), Event()
    begun: list[int] = []

    def second_never_ends(item: int) -> int:
        begun.append(item)
        if item == 1:
            never.wait(PATIENCE)
        if item == 4:
            behind.set()
            stop.set()
        return item

    results = list(map_in_order(second_never_ends, range(50), jobs=2, stop=stop))
    never.set()

    assert behind.is_set()
    assert results == [0, 2, 3, 4]
    assert sorted(begun) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("jobs", [1, 8])
def test_a_result_that_ends_the_run_is_given_and_no_item_is_begun_after_it(jobs: int) -> None:
    begun: list[int] = []

    def noted(item: int) -> int:
        begun.append(item)
        return item

    results = list(map_in_order(noted, count(), jobs, ends=lambda item: item == 20))

    assert 20 in results
    assert sorted(results) == results
    assert max(begun) < 20 + MAX_PENDING
    assert jobs > 1 or begun == list(range(21))


def test_a_stop_before_the_first_item_begins_none() -> None:
    stop = Stop()
    stop.set()

    assert list(map_in_order(same, range(9), stop=stop)) == []
