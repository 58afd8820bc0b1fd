"""Every platform of the sandbox, asked over a socket in the same way."""

import pytest

from loyalty_cli import providers
from loyalty_cli.providers.contract import Query
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.customers import CUSTOMERS
from tests.sandbox.conftest import Ask, Sandbox, every_provider


def test_the_sandbox_serves_an_index_and_its_providers_alone(ask: Ask) -> None:
    assert set(ask("GET", "/").json["providers"]) == set(APIS)

    answer = ask("GET", "/smile/v1/customers/1")

    assert answer.status == 404
    assert all(name in answer.json["message"] for name in APIS)


@every_provider
def test_every_customer_of_the_sandbox_can_be_looked_up(platforms: Sandbox, name: str) -> None:
    provider = providers.load(name)
    for customer in CUSTOMERS:
        answer = platforms.balance(name, customer)

        assert answer.status == 200
        assert provider.read_error(answer.json) is None
        lines = provider.normalize(answer.json, Query(customer, APIS[name].settings)).balances
        assert all(line.available is not None or line.total is not None for line in lines)
        assert bool(lines) or customer == "C-1002"


@every_provider
@pytest.mark.parametrize("customer", ["C-9999", "C-1001/x", "../C-1001"])
def test_an_unknown_customer_of_the_sandbox_is_not_found(
    platforms: Sandbox, name: str, customer: str
) -> None:
    answer = platforms.balance(name, customer)

    assert answer.status == 404
    if answer.headers["content-type"] == "application/json":
        error = providers.load(name).read_error(answer.json)
        assert error is not None
        assert error.code == "not_found"


@every_provider
def test_a_sandbox_request_needs_the_right_sign_in_address_and_method(
    platforms: Sandbox, name: str
) -> None:
    target, credentials = platforms.target(name), APIS[name].credentials
    wrong = {field: f"{value}x" for field, value in credentials.items()}
    for way in providers.load(name).auths:
        if way.exchange is None:
            assert platforms.ask("GET", target, way.headers(credentials)).status == 200
            assert platforms.ask("GET", target, way.headers(wrong)).status == 401

    signed, unsigned = platforms.signed(name), platforms.ask("GET", target)
    assert unsigned.status == 401
    assert providers.load(name).read_error(unsigned.json)
    assert platforms.ask("GET", f"/{name}/nowhere", signed).status == 404
    assert platforms.ask("DELETE", target, signed).status == 405
