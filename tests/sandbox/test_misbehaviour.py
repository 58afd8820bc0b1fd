"""Identifiers that misbehave, on every platform alike."""

import json
import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from loyalty_cli import providers
from loyalty_cli.errors import ErrorCode
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.api import Trouble
from loyalty_cli.sandbox.ledger import Account, Ledger
from loyalty_cli.sandbox.misbehaviour import behave
from loyalty_cli.sandbox.server import Reply

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandbox

REDEEM_CREDIT = "/saasquatch/api/v1/sandbox/credit/bulkredeem"
REDEEM_POINTS = "/gameball/api/v4.0/integrations/transactions/redeem"

every_provider = pytest.mark.parametrize("name", sorted(APIS))


@every_provider
@pytest.mark.parametrize(
    ("identifier", "status"),
    [("E-404", 404), ("E-401", 401), ("E-429", 429), ("E-500", 500), ("E-of-my-own", 404)],
)
def test_an_error_comes_in_the_words_of_its_platform(
    platforms: "Sandbox", name: str, identifier: str, status: int
) -> None:
    answer = platforms.balance(name, identifier)

    assert answer.status == status
    if (name, status) != ("omneo", 404):
        assert providers.load(name).complaint(answer.json)


@every_provider
def test_asking_too_often_says_when_to_come_back(platforms: "Sandbox", name: str) -> None:
    assert platforms.balance(name, "E-429").headers["retry-after"] == "1"


@every_provider
def test_a_page_comes_with_status_200(platforms: "Sandbox", name: str) -> None:
    answer = platforms.balance(name, "E-html")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")


@every_provider
def test_a_connection_can_be_reset(platforms: "Sandbox", name: str) -> None:
    with pytest.raises(ConnectionResetError):
        platforms.balance(name, "E-reset")


@every_provider
def test_the_sign_in_comes_before_the_misbehaviour(platforms: "Sandbox", name: str) -> None:
    assert platforms.ask("GET", platforms.target(name, "E-500")).status == 401


def test_what_is_slow_says_nothing_for_a_while(platforms: "Sandbox") -> None:
    url = urlsplit(platforms.ask.url)
    connection = HTTPConnection(str(url.hostname), url.port, timeout=0.2)
    target = platforms.target("imprint", "E-slow")
    connection.request("GET", target, headers=dict(platforms.signed("imprint")))

    with pytest.raises(socket.timeout):
        connection.getresponse()
    connection.close()


@every_provider
def test_what_is_slow_answers_in_the_end(
    platforms: "Sandbox", name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.sandbox.misbehaviour.SLOW", 0.01)

    answer = platforms.balance(name, "E-slow")

    assert answer.status == 200
    body = answer.body.replace(b"E-slow", b"C-1001")
    assert body == platforms.balance(name, "C-1001").body


def test_what_is_slow_takes_thirty_seconds() -> None:
    def error(trouble: Trouble) -> Reply:
        raise AssertionError(trouble)

    assert behave("E-slow", error, Reply) == Reply(delay=30)


@pytest.mark.parametrize(
    ("identifier", "code"),
    [
        ("E-404", ErrorCode.NOT_FOUND),
        ("E-401", ErrorCode.CREDENTIAL_REFUSED),
        ("E-429", ErrorCode.RATE_LIMITED),
    ],
)
def test_a_debit_misbehaves_too(
    platforms: "Sandbox", ledger: Ledger, identifier: str, code: ErrorCode
) -> None:
    order = {"accountId": identifier, "unit": "CENTS", "amount": 1}
    body = json.dumps(order).encode()
    answer = platforms.ask("POST", REDEEM_CREDIT, platforms.signed("saasquatch"), body)

    complaint = providers.load("saasquatch").complaint(answer.json)
    assert complaint
    assert complaint.code == code
    assert ledger.redeemed(Account("saasquatch", identifier, "CENTS")) == 0


def test_a_debit_is_reset_before_it_is_made(platforms: "Sandbox", ledger: Ledger) -> None:
    order = {
        "customerId": "E-reset",
        "transactionId": "order 7",
        "transactionTime": "2026-11-20T05:00:00Z",
        "points": 1,
    }

    with pytest.raises(ConnectionResetError):
        platforms.ask(
            "POST", REDEEM_POINTS, platforms.signed("gameball"), json.dumps(order).encode()
        )

    assert ledger.redeemed(Account("gameball", "E-reset", "points")) == 0
