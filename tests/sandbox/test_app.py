"""Every platform of the sandbox, asked over a socket in the same way."""

import pytest

from loyalty_cli import providers
from loyalty_cli.providers.contract import Query
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.customers import CUSTOMERS
from tests.sandbox.conftest import Ask, Sandbox, every_provider


def test_the_index_names_the_providers_and_there_is_nothing_beside_them(ask: Ask) -> None:
    assert set(ask("GET", "/").json["providers"]) == set(APIS)

    answer = ask("GET", "/smile/v1/customers/1")

    assert answer.status == 404
    assert all(name in answer.json["message"] for name in APIS)


@every_provider
def test_a_provider_can_read_every_customer(platforms: Sandbox, name: str) -> None:
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
def test_a_customer_nobody_knows_is_not_found(platforms: Sandbox, name: str, customer: str) -> None:
    answer = platforms.balance(name, customer)

    assert answer.status == 404
    if answer.headers["content-type"] == "application/json":
        error = providers.load(name).read_error(answer.json)
        assert error is not None
        assert error.code == "not_found"


@every_provider
def test_every_way_to_sign_in_is_taken_and_it_the_address_and_the_method_must_be_right(
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
