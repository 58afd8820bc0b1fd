"""Identifiers that misbehave, on every platform alike."""

import json
import socket
import sqlite3
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from loyalty_cli import providers
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.api import Trouble
from loyalty_cli.sandbox.app import sandbox
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.misbehaviour import ON_DEBITS, behave, behave_on_debit
from loyalty_cli.sandbox.server import Reply, Server

if TYPE_CHECKING:
    from tests.sandbox.conftest import Answer, Clock, Sandbox

REDEEM_CREDIT = "/saasquatch/api/v1/sandbox/credit/bulkredeem"
REDEEM_POINTS = "/gameball/api/v4.0/integrations/transactions/redeem"

TOO_LITTLE = {"saasquatch": (400, "INVALID_REQUEST"), "gameball": (422, 9008)}

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
        assert providers.load(name).read_error(answer.json)


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


def never(*arguments: object) -> Reply:
    raise AssertionError(arguments)


def test_what_is_slow_takes_thirty_seconds() -> None:
    assert behave("E-slow", never, Reply) == Reply(delay=30)


@every_provider
@pytest.mark.parametrize("identifier", ON_DEBITS)
def test_who_misbehaves_on_debits_reads_like_anyone_else(
    platforms: "Sandbox", name: str, identifier: str
) -> None:
    answer = platforms.balance(name, identifier)

    assert answer.status == 200
    body = answer.body.replace(identifier.encode(), b"C-1001")
    assert body == platforms.balance(name, "C-1001").body


# Debits


class Debits:
    """Debits at one platform, and what is left after them."""

    def __init__(self, platforms: "Sandbox", name: str) -> None:
        self.platforms = platforms
        self.name = name

    def __call__(self, customer: str, amount: int = 100, order: str = "order 7") -> "Answer":
        target, body = self._order(customer, amount, order)
        signed = self.platforms.signed(self.name)
        return self.platforms.ask("POST", target, signed, json.dumps(body).encode())

    def is_lost(self, customer: str, amount: int = 100, order: str = "order 7") -> bool:
        try:
            self(customer, amount, order)
        except ConnectionResetError:
            return True
        return False

    def left(self, customer: str) -> int:
        body = self.platforms.balance(self.name, customer).json
        if self.name == "gameball":
            return int(body["availablePointsBalance"])
        return int(body[0]["totalAssignedCredit"] - body[0]["totalRedeemedCredit"])

    def taken(self, customer: str) -> int:
        return self.left("C-1001") - self.left(customer)

    def _order(self, customer: str, amount: int, order: str) -> tuple[str, dict[str, Any]]:
        if self.name == "saasquatch":
            return REDEEM_CREDIT, {"accountId": customer, "unit": "CENTS", "amount": amount}
        time = "2026-11-20T05:00:00Z"
        body = {"customerId": customer, "transactionId": order, "transactionTime": time}
        return REDEEM_POINTS, {**body, "points": amount}


@pytest.fixture(params=sorted(TOO_LITTLE))
def debits(platforms: "Sandbox", request: pytest.FixtureRequest) -> Debits:
    return Debits(platforms, request.param)


@pytest.fixture
def gameball(platforms: "Sandbox") -> Debits:
    return Debits(platforms, "gameball")


def refusal(answer: "Answer") -> tuple[int, Any]:
    """The status, and the platform's own code."""
    body = answer.json
    return answer.status, body.get("apiErrorCode") or body.get("code")


@pytest.mark.parametrize(
    ("identifier", "trouble"),
    [
        ("E-404", Trouble.NO_CUSTOMER),
        ("E-401", Trouble.SIGN_IN),
        ("E-429", Trouble.TOO_OFTEN),
        ("E-500", Trouble.BROKEN),
        ("E-of-my-own", Trouble.NO_CUSTOMER),
    ],
)
def test_a_debit_fails_as_a_balance_does_and_takes_nothing(
    debits: Debits, ledger: Ledger, identifier: str, trouble: Trouble
) -> None:
    answer = debits(identifier)

    expected = APIS[debits.name].error(trouble)
    assert (answer.status, answer.json) == (expected.status, expected.body)
    assert is_as_new(ledger)


def test_a_page_for_a_debit_takes_nothing(debits: Debits, ledger: Ledger) -> None:
    answer = debits("E-html")

    assert answer.body.startswith(b"<!DOCTYPE html>")
    assert is_as_new(ledger)


def test_a_debit_is_reset_before_it_is_made(debits: Debits, ledger: Ledger) -> None:
    assert debits.is_lost("E-reset")
    assert is_as_new(ledger)


def is_as_new(ledger: Ledger) -> bool:
    """Whether the ledger has nothing in it, and nothing to come."""
    with closing(sqlite3.connect(ledger.path)) as database:
        return not database.execute("SELECT * FROM redemption").fetchall()


def test_a_slow_debit_is_answered_in_the_end(
    debits: Debits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.sandbox.misbehaviour.SLOW", 0.01)

    assert debits("E-slow").status == 200
    assert debits.taken("E-slow") == 100


def test_a_slow_debit_is_made_before_the_wait() -> None:
    delays: list[float] = []

    def take(delay: float) -> Reply:
        delays.append(delay)
        return Reply()

    assert behave_on_debit("E-slow", never, never, take) == Reply(delay=30)
    assert delays == [0]


# Too little


def test_who_reads_like_a_rich_customer_has_too_little(debits: Debits) -> None:
    assert debits.left("E-insufficient") >= 1000

    answer = debits("E-insufficient", amount=1)

    assert refusal(answer) == TOO_LITTLE[debits.name]
    assert debits.taken("E-insufficient") == 0


def test_too_little_is_said_as_of_anyone_else(debits: Debits) -> None:
    refused = debits("E-insufficient", amount=1)
    usual = debits("C-1001", amount=debits.left("C-1001") + 1)

    assert (refused.status, refused.json) == (usual.status, usual.json)


# A lost reply


def test_a_debit_whose_reply_is_lost_was_made(debits: Debits) -> None:
    assert debits.is_lost("E-lost-reply")
    assert debits.taken("E-lost-reply") == 100


def test_a_debit_whose_reply_is_lost_lasts(debits: Debits, ledger: Ledger) -> None:
    assert debits.is_lost("E-lost-reply")

    with Server(sandbox(Ledger(ledger.path))) as server:
        again = Debits(debits.platforms.at(server.url), debits.name)
        assert again.taken("E-lost-reply") == 100


def test_gameball_knows_the_transaction_whose_reply_was_lost(gameball: Debits) -> None:
    assert gameball.is_lost("E-lost-reply")

    assert refusal(gameball("E-lost-reply")) == (422, 9004)
    assert gameball.taken("E-lost-reply") == 100


def test_saasquatch_takes_again_when_a_lost_debit_is_sent_again(platforms: "Sandbox") -> None:
    saasquatch = Debits(platforms, "saasquatch")

    assert saasquatch.is_lost("E-lost-reply")
    assert saasquatch.is_lost("E-lost-reply")

    assert saasquatch.taken("E-lost-reply") == 200


@pytest.mark.parametrize("identifier", ["E-lost-reply", "E-late"])
def test_a_refusal_is_never_lost(debits: Debits, identifier: str) -> None:
    answer = debits(identifier, amount=debits.left(identifier) + 1)

    assert refusal(answer) == TOO_LITTLE[debits.name]
    assert debits.taken(identifier) == 0


# A late debit


def test_a_late_debit_is_made_three_seconds_after_its_reset(debits: Debits, clock: "Clock") -> None:
    assert debits.is_lost("E-late")

    clock.move(2.9)
    assert debits.taken("E-late") == 0
    clock.move(0.1)
    assert debits.taken("E-late") == 100


def test_a_late_debit_is_made_though_its_server_is_gone(
    debits: Debits, ledger: Ledger, clock: "Clock"
) -> None:
    with Server(sandbox(ledger)) as server:
        assert Debits(debits.platforms.at(server.url), debits.name).is_lost("E-late")

    assert debits.taken("E-late") == 0
    clock.move(3)
    assert debits.taken("E-late") == 100


def test_late_debits_take_no_more_than_there_is(debits: Debits, clock: "Clock") -> None:
    everything = debits.left("E-late")
    assert debits.is_lost("E-late", everything - 1, "order 7")

    assert refusal(debits("E-late", 2, "order 8")) == TOO_LITTLE[debits.name]
    assert debits.is_lost("E-late", 1, "order 9")

    clock.move(3)
    assert debits.left("E-late") == 0


def test_gameball_knows_a_late_transaction_once_it_is_made(
    gameball: Debits, clock: "Clock"
) -> None:
    assert gameball.is_lost("E-late")
    clock.move(2)
    assert gameball.is_lost("E-late")
    clock.move(1)

    assert refusal(gameball("E-late")) == (422, 9004)
    clock.move(60)
    assert gameball.taken("E-late") == 100


def test_a_late_transaction_whose_id_was_taken_meanwhile_is_not_made(
    gameball: Debits, clock: "Clock"
) -> None:
    before = gameball.left("E-late")
    assert gameball.is_lost("E-late")
    assert gameball("C-1001").status == 200

    clock.move(3)

    assert gameball.left("E-late") == before
    assert gameball.left("C-1001") == before - 100


def test_saasquatch_makes_every_late_debit(platforms: "Sandbox", clock: "Clock") -> None:
    saasquatch = Debits(platforms, "saasquatch")

    assert saasquatch.is_lost("E-late")
    assert saasquatch.is_lost("E-late")
    clock.move(3)

    assert saasquatch.taken("E-late") == 200
