"""Identifiers that misbehave, on every platform alike."""

import sqlite3
from contextlib import closing
from datetime import UTC

import pytest

from loyalty_cli import providers
from loyalty_cli.providers.contract import Amount, Evidence
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.misbehaviour import ON_DEBITS, behave, behave_on_debit
from loyalty_cli.sandbox.server import Reply
from tests.fakes.standing_clock import StandingClock
from tests.sandbox.conftest import Answer, Debits, Sandbox, every_provider

every_error = pytest.mark.parametrize(
    ("identifier", "status"),
    [("E-404", 404), ("E-401", 401), ("E-429", 429), ("E-500", 500), ("E-of-my-own", 404)],
)


@every_provider
@every_error
def test_an_error_of_the_sandbox_is_in_the_words_of_its_platform(
    platforms: Sandbox, name: str, identifier: str, status: int
) -> None:
    answer = platforms.balance(name, identifier)

    assert answer.status == status
    assert answer.headers.get("retry-after") == ("1" if status == 429 else None)
    if answer.headers["content-type"] == "application/json":
        assert providers.load(name).read_error(answer.json)


@every_provider
def test_a_page_and_a_reset_come_only_after_the_sign_in(platforms: Sandbox, name: str) -> None:
    page = platforms.balance(name, "E-html")

    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.body.startswith(b"<!DOCTYPE html>")
    with pytest.raises(ConnectionResetError):
        platforms.balance(name, "E-reset")
    for identifier in ("E-html", "E-500", "E-reset"):
        assert platforms.ask("GET", platforms.target(name, identifier)).status == 401


@every_provider
@pytest.mark.parametrize("identifier", ["E-slow", *ON_DEBITS])
def test_a_customer_who_misbehaves_on_debits_is_looked_up_like_another(
    platforms: Sandbox, name: str, identifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_cli.sandbox.misbehaviour.SLOW_SECONDS", 0.01)

    answer = platforms.balance(name, identifier)

    assert answer.status == 200
    body = answer.body.replace(identifier.encode(), b"C-1001")
    assert body == platforms.balance(name, "C-1001").body


# Debits


@pytest.fixture(params=[name for name, api in APIS.items() if api.debit.allow])
def debits(platforms: Sandbox, request: pytest.FixtureRequest) -> Debits:
    return Debits(platforms, request.param)


@every_error
def test_a_debit_of_a_failing_customer_fails_and_takes_nothing(
    debits: Debits, ledger: Ledger, identifier: str, status: int
) -> None:
    answer = debits(identifier)

    api = APIS[debits.name]
    expected = (api.debit_errors or api.errors)[status]
    assert (answer.status, answer.json) == (expected.status, expected.body)
    assert debits("E-html").body.startswith(b"<!DOCTYPE html>")
    assert debits.is_lost("E-reset")
    with closing(sqlite3.connect(ledger.path)) as database:
        assert database.execute("SELECT * FROM redemption").fetchall() == []


def test_a_slow_debit_is_made_before_its_answer_waits(
    debits: Debits, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []

    def take(_: str, delay: float) -> Reply:
        delays.append(delay)
        return Reply()

    assert behave("E-slow", {"C-1001": "Ada"}, {}, lambda known: Reply(body=known)).delay == 30
    assert behave_on_debit("E-slow", {"C-1001": "Ada"}, {}, Reply(400), take).delay == 30
    assert delays == [0]
    monkeypatch.setattr("loyalty_cli.sandbox.misbehaviour.SLOW_SECONDS", 0.01)
    assert debits("E-slow").status == 200
    assert debits.taken("E-slow") == 100


# Too little


def is_refused(debits: Debits, answer: Answer) -> bool:
    """Whether the platform itself says that it took nothing."""
    error = debits.provider.read_error(answer.json)
    return 400 <= answer.status < 500 and error is not None and not debits.provider.is_repeat(error)


def test_a_debit_of_the_insufficient_customer_is_refused_despite_the_balance(
    debits: Debits,
) -> None:
    assert debits.left("E-insufficient") >= 1000

    refused = debits("E-insufficient", amount=1)
    usual = debits("C-1001", amount=debits.left("C-1001") + 1)

    assert is_refused(debits, refused)
    assert (refused.status, refused.json) == (usual.status, usual.json)
    assert debits.taken("E-insufficient") == 0


# A lost reply


def test_a_debit_whose_reply_is_lost_was_made(
    debits: Debits,
) -> None:
    assert debits.is_lost("E-lost-reply")
    assert debits.taken("E-lost-reply") == 100

    if debits.name == "saasquatch":  # it has no reference
        assert debits.is_lost("E-lost-reply")
        assert debits.taken("E-lost-reply") == 200
    else:
        assert debits("E-lost-reply").status in (400, 422)
        assert debits.taken("E-lost-reply") == 100


def test_a_late_debit_is_made_three_seconds_after_its_reset(
    debits: Debits, clock: StandingClock
) -> None:
    everything = debits.left("E-late")
    assert debits.is_lost("E-late", everything - 1)

    clock.move(2.9)
    assert debits.taken("E-late") == 0
    assert is_refused(debits, debits("E-late", 2, "order 8"))
    clock.move(0.1)
    assert debits.left("E-late") == 1


@pytest.mark.parametrize("identifier", ["E-lost-reply", "E-late"])
def test_a_refusal_is_neither_lost_nor_late(debits: Debits, identifier: str) -> None:
    answer = debits(identifier, amount=debits.left(identifier) + 1)

    assert is_refused(debits, answer)
    assert debits.taken(identifier) == 0


# The platform's own list


def test_every_platform_lists_the_debits_that_were_made(debits: Debits) -> None:
    assert debits.evidence("C-1001") == Evidence((), is_complete=True)

    debits("C-1001", amount=100)
    debits("C-1003", amount=7, reference="order 8")
    (listed,) = debits.evidence("C-1001").redemptions

    assert (listed.amount, listed.doubt) == (Amount(100), None)
    assert listed.unit in (debits.unit, None)
    assert listed.reference in ("order 7", None)
    assert listed.provider_reference
    assert listed.at is not None
    assert listed.at.replace(tzinfo=UTC).timestamp() == StandingClock().time


def test_a_late_debit_is_listed_when_it_is_made(debits: Debits, clock: StandingClock) -> None:
    assert debits.is_lost("E-late")
    assert debits.evidence("E-late").redemptions == ()

    clock.move(3)
    (listed,) = debits.evidence("E-late").redemptions
    assert listed.at is not None
    assert listed.at.replace(tzinfo=UTC).timestamp() == clock.time
