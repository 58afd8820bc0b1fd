"""Identifiers that misbehave, on every platform alike."""

import socket
import sqlite3
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from loyalty_cli import providers
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.api import Trouble
from loyalty_cli.sandbox.app import sandbox
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.misbehaviour import ON_DEBITS, behave, behave_on_debit
from loyalty_cli.sandbox.server import Reply, Server
from tests.fakes.standing_clock import StandingClock
from tests.sandbox.conftest import Answer, Debits, Sandbox, every_provider


@every_provider
@pytest.mark.parametrize(
    ("identifier", "status"),
    [("E-404", 404), ("E-401", 401), ("E-429", 429), ("E-500", 500), ("E-of-my-own", 404)],
)
def test_an_error_comes_in_the_words_of_its_platform(
    platforms: Sandbox, name: str, identifier: str, status: int
) -> None:
    answer = platforms.balance(name, identifier)

    assert answer.status == status
    if answer.headers["content-type"] == "application/json":
        assert providers.load(name).read_error(answer.json)


@every_provider
def test_asking_too_often_says_when_to_come_back(platforms: Sandbox, name: str) -> None:
    assert platforms.balance(name, "E-429").headers["retry-after"] == "1"


@every_provider
def test_a_page_comes_with_status_200(platforms: Sandbox, name: str) -> None:
    answer = platforms.balance(name, "E-html")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")


@every_provider
def test_a_connection_can_be_reset(platforms: Sandbox, name: str) -> None:
    with pytest.raises(ConnectionResetError):
        platforms.balance(name, "E-reset")


@every_provider
def test_the_sign_in_comes_before_the_misbehaviour(platforms: Sandbox, name: str) -> None:
    assert platforms.ask("GET", platforms.target(name, "E-500")).status == 401


def test_a_slow_customer_is_not_answered_at_once(platforms: Sandbox) -> None:
    url = urlsplit(platforms.ask.url)
    connection = HTTPConnection(str(url.hostname), url.port, timeout=0.2)
    target = platforms.target("imprint", "E-slow")
    connection.request("GET", target, headers=dict(platforms.signed("imprint")))

    with pytest.raises(socket.timeout):
        connection.getresponse()
    connection.close()


@every_provider
def test_a_slow_customer_is_answered_in_the_end(
    platforms: Sandbox, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.sandbox.misbehaviour.SLOW_SECONDS", 0.01)

    answer = platforms.balance(name, "E-slow")

    assert answer.status == 200
    body = answer.body.replace(b"E-slow", b"C-1001")
    assert body == platforms.balance(name, "C-1001").body


def test_a_slow_customer_takes_thirty_seconds() -> None:
    reply = behave("E-slow", {"C-1001": "Ada"}, {}, lambda known: Reply(body=known))

    assert reply == Reply(body="Ada", delay=30)


@every_provider
@pytest.mark.parametrize("identifier", ON_DEBITS)
def test_a_customer_who_misbehaves_on_debits_reads_like_anyone_else(
    platforms: Sandbox, name: str, identifier: str
) -> None:
    answer = platforms.balance(name, identifier)

    assert answer.status == 200
    body = answer.body.replace(identifier.encode(), b"C-1001")
    assert body == platforms.balance(name, "C-1001").body


# Debits


@pytest.fixture(params=[name for name, api in APIS.items() if api.debit.allow])
def debits(platforms: Sandbox, request: pytest.FixtureRequest) -> Debits:
    return Debits(platforms, request.param)


@pytest.fixture
def gameball(platforms: Sandbox) -> Debits:
    return Debits(platforms, "gameball")


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

    expected = APIS[debits.name].errors[trouble]
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
    monkeypatch.setattr("loyalty_cli.sandbox.misbehaviour.SLOW_SECONDS", 0.01)

    assert debits("E-slow").status == 200
    assert debits.taken("E-slow") == 100


def test_a_slow_debit_is_made_before_the_wait() -> None:
    delays: list[float] = []

    def take(_: str, delay: float) -> Reply:
        delays.append(delay)
        return Reply()

    reply = behave_on_debit("E-slow", {"C-1001": "Ada"}, {}, Reply(400), take)

    assert reply == Reply(delay=30)
    assert delays == [0]


# Too little


def is_refused(debits: Debits, answer: Answer) -> bool:
    """Whether the platform itself says that it took nothing."""
    error = debits.provider.read_error(answer.json)
    return 400 <= answer.status < 500 and error is not None and not debits.provider.is_repeat(error)


def test_the_insufficient_customer_reads_rich_and_has_too_little(debits: Debits) -> None:
    assert debits.left("E-insufficient") >= 1000

    refused = debits("E-insufficient", amount=1)
    usual = debits("C-1001", amount=debits.left("C-1001") + 1)

    assert is_refused(debits, refused)
    assert (refused.status, refused.json) == (usual.status, usual.json)
    assert debits.taken("E-insufficient") == 0


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

    assert gameball("E-lost-reply").json["code"] == 9004
    assert gameball.taken("E-lost-reply") == 100


def test_saasquatch_takes_again_when_a_lost_debit_is_sent_again(platforms: Sandbox) -> None:
    saasquatch = Debits(platforms, "saasquatch")

    assert saasquatch.is_lost("E-lost-reply")
    assert saasquatch.is_lost("E-lost-reply")

    assert saasquatch.taken("E-lost-reply") == 200


@pytest.mark.parametrize("identifier", ["E-lost-reply", "E-late"])
def test_a_refusal_is_never_lost(debits: Debits, identifier: str) -> None:
    answer = debits(identifier, amount=debits.left(identifier) + 1)

    assert is_refused(debits, answer)
    assert debits.taken(identifier) == 0


# A late debit


def test_a_late_debit_is_made_three_seconds_after_its_reset(
    debits: Debits, clock: StandingClock
) -> None:
    assert debits.is_lost("E-late")

    clock.move(2.9)
    assert debits.taken("E-late") == 0
    clock.move(0.1)
    assert debits.taken("E-late") == 100


def test_a_late_debit_is_made_though_its_server_is_gone(
    debits: Debits, ledger: Ledger, clock: StandingClock
) -> None:
    with Server(sandbox(ledger)) as server:
        assert Debits(debits.platforms.at(server.url), debits.name).is_lost("E-late")

    assert debits.taken("E-late") == 0
    clock.move(3)
    assert debits.taken("E-late") == 100


def test_late_debits_take_no_more_than_there_is(debits: Debits, clock: StandingClock) -> None:
    everything = debits.left("E-late")
    assert debits.is_lost("E-late", everything - 1, "order 7")

    assert is_refused(debits, debits("E-late", 2, "order 8"))
    assert debits.is_lost("E-late", 1, "order 9")

    clock.move(3)
    assert debits.left("E-late") == 0


def test_gameball_knows_a_late_transaction_once_it_is_made(
    gameball: Debits, clock: StandingClock
) -> None:
    assert gameball.is_lost("E-late")
    clock.move(2)
    assert gameball.is_lost("E-late")
    clock.move(1)

    assert gameball("E-late").json["code"] == 9004
    clock.move(60)
    assert gameball.taken("E-late") == 100


def test_a_late_transaction_whose_id_was_taken_meanwhile_is_not_made(
    gameball: Debits, clock: StandingClock
) -> None:
    before = gameball.left("E-late")
    assert gameball.is_lost("E-late")
    assert gameball("C-1001").status == 200

    clock.move(3)

    assert gameball.left("E-late") == before
    assert gameball.left("C-1001") == before - 100


def test_saasquatch_makes_every_late_debit(platforms: Sandbox, clock: StandingClock) -> None:
    saasquatch = Debits(platforms, "saasquatch")

    assert saasquatch.is_lost("E-late")
    assert saasquatch.is_lost("E-late")
    clock.move(3)

    assert saasquatch.taken("E-late") == 200
