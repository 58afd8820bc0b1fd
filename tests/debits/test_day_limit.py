"""What all runs and hosts together may take in 24 hours."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_cli.debits.journal.file import FileDatabase
from tests.debits.conftest import Opens, Shop
from tests.fakes.fault_server import LOST, answers, as_json


@pytest.fixture
def shop(opens: Opens) -> Shop:
    return opens(rules=", max_total_per_day: 100")


def test_debits_of_other_runs_count_for_the_days_limit(shop: Shop) -> None:
    assert [shop.debit(reference=f"r-{each}").code for each in (1, 2, 3)] == [0, 0, 6]

    done = shop.debit(reference="r-4", amount=1)

    assert done.code == 6
    assert "would be 101 in 24 hours, above its debit.max_total_per_day 100" in done.err
    assert shop.bank.taken() == 100


def test_a_file_that_passes_the_days_limit_in_the_middle_is_refused_whole(shop: Shop) -> None:
    done = shop.debit_file("C-1,60,a", "C-2,40,b", "C-3,1,c")

    assert (done.code, done.out) == (6, "")
    assert "be 101" in done.err
    assert (shop.bank.posts, shop.bank.reads) == ([], 0)


def test_after_24_hours_the_days_limit_has_room_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shop.debit(amount=100).code == 0

    def in_hours(hours: float) -> int:
        at = datetime.now(UTC) + timedelta(hours=hours)
        monkeypatch.setattr(FileDatabase, "now", lambda *_: at)
        return shop.debit(amount=100, reference="r-2").code

    assert in_hours(23.9) == 6
    assert in_hours(24.1) == 0


def test_unknown_debits_count_for_the_days_limit_and_refused_ones_do_not(shop: Shop) -> None:
    shop.bank.debit = answers(as_json(shop.bank.error(400), "400 No"))
    assert shop.debit(reference="no").record["state"] == "refused"
    shop.bank.debit = LOST
    assert shop.debit(reference="lost", customer="C-2", amount=100).code == 8

    assert shop.debit(customer="C-3", amount=1).code == 6
