"""Answers whose frame is odd settle no debit."""

import pytest

from loyalty_cli.debits.journal.entries import State
from tests.debits.conftest import Shop
from tests.fakes.fault_server import answers, applies_and
from tests.network.test_framing import ODD

YES = b'{"creditRedeemed": 50, "creditAvailable": 1, "unit": "CENTS"}'


@pytest.mark.parametrize("case", ODD)
def test_a_debit_with_an_odd_answer_stays_unknown(case: str, shop: Shop) -> None:
    shop.bank.debit = applies_and(answers(ODD[case](YES)))

    done = shop.debit()

    assert (done.code, done.record["state"]) == (8, "unknown")
    assert shop.entry().state is State.UNKNOWN
    assert "Traceback" not in done.err
    assert len(shop.bank.posts) == 1
