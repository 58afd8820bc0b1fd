"""The program as a whole."""

from collections.abc import Callable

from tests.conftest import Run


def test_a_balance_comes_as_json(
    loyalty: Run, answer: Callable[..., str], card: Callable[..., object]
) -> None:
    card(answer({"reward_balance": 120000, "reward_symbol": "points"}))

    done = loyalty("balance", "C-1", "-o", "json")

    assert done.code == 0
    assert done.record["balances"][0]["available"] == 120000


def test_the_program_shows_its_version(program: Run) -> None:
    assert program("--version").out.startswith("loyalty ")
