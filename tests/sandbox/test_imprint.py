"""The sandbox's Imprint."""

import pytest

from loyalty_cli.providers.contract import basic
from loyalty_cli.sandbox import APIS
from tests.sandbox.conftest import Ask, Sandbox

BALANCE = "/imprint/v2/customers/C-1001/rewards_balance"


def test_imprint_in_the_sandbox_answers_as_its_reference(platforms: Sandbox) -> None:
    assert platforms.balance("imprint", "C-1001").json == {
        "customer_id": "C-1001",
        "reward_balance": 120000,
        "reward_symbol": "$",
        "reward_description": "Cash back",
    }
    assert "reward_description" not in platforms.balance("imprint", "C-1004").json


def test_imprint_in_the_sandbox_has_three_shapes_of_errors(platforms: Sandbox, ask: Ask) -> None:
    flat = platforms.balance("imprint", "C-9999").json
    nested = ask("GET", BALANCE).json
    gateway = ask("GET", "/imprint/v2/nothing").json

    assert flat["type"] == "CUSTOMER_NOT_FOUND_ERROR"
    assert nested["error"]["type"] == "AUTHENTICATION_ERROR"
    assert (gateway["status"], gateway["error"]) == (404, "Not Found")
    assert gateway["path"] == "/imprint/v2/nothing"


@pytest.mark.parametrize("header", ["Bearer", "Basic !", "Basic Zm9v", "sandbox-imprint-key"])
def test_a_sign_in_header_that_cannot_be_read_is_refused(ask: Ask, header: str) -> None:
    assert ask("GET", BALANCE, {"Authorization": header}).status == 401
    key = APIS["imprint"].credentials["api_key"]
    assert ask("GET", BALANCE, basic(key, "x")).status == 401
