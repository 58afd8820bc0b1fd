"""`from loyalty_cli import Loyalty`: the same as the commands, with values and exceptions."""

import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import loyalty_cli
from loyalty_cli import ErrorCode, Loyalty, LoyaltyError, json_line
from loyalty_cli.model.amount import Amount
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Run, Serve

Card = Callable[..., Path]


@pytest.fixture
def loyalty_in_sandbox() -> Iterator[Loyalty]:
    with Loyalty(sandbox=True) as made:
        yield made


def cents(loyalty: Loyalty) -> Amount:
    """What a customer has at the platform that the debits of these tests are made at."""
    balances = loyalty.balance("C-1001").balances
    available = next(each.available for each in balances if each.unit == "CENTS")
    assert available is not None
    return available


def test_one_text_is_no_list_of_customers(loyalty_in_sandbox: Loyalty) -> None:
    with pytest.raises(LoyaltyError, match="a list of customers, not one text") as caught:
        loyalty_in_sandbox.balances("C-1001")

    assert (caught.value.code, caught.value.hint) == (ErrorCode.USAGE, "Use balance().")


def test_the_profiles_of_the_file_are_listed_with_their_providers(card: Card) -> None:
    path = card("http://127.0.0.1:1")
    with Loyalty(path) as loyalty:
        assert loyalty.profiles == {"card": "imprint"}


def test_a_balance_is_the_record_that_the_command_prints(
    loyalty_in_sandbox: Loyalty, loyalty: Run
) -> None:
    record = loyalty_in_sandbox.balance("C-1001", "gameball")

    printed = loyalty("--sandbox", "balance", "C-1001", "-p", "gameball", "-o", "json").record
    ours = json.loads(json_line(record))
    for each in (printed, ours):
        del each["retrieved_at"]
    assert ours == printed
    assert record.balances[0].available == 1200


def test_a_balance_keeps_every_digit_of_the_platform(
    answer: Callable[[Any], str], card: Card
) -> None:
    digits = "12345678901234567890.1200"
    body = f'{{"customer_id": "c", "reward_balance": {digits}, "reward_symbol": "points"}}'
    card(answer(Reply(body=body.encode())))
    with Loyalty() as loyalty:
        assert str(loyalty.balance("c").balances[0].available) == digits


@pytest.mark.parametrize(
    ("customer", "more", "code", "said"),
    [
        ("E-404", {"profile": "imprint"}, "not_found", "no customer 'E-404'"),
        ("C-1001", {"profile": "imprnt"}, "setup", "there is no profile 'imprnt'"),
        ("", {}, "usage", "identifier"),
        ("C-1001", {"options": {"nothing": "1"}}, "usage", "has no option 'nothing'"),
        ("C-1001", {"by": "shoe size"}, "usage", "finds no customer by 'shoe size'"),
    ],
)
def test_a_look_up_that_fails_raises_an_error_of_the_closed_list(
    loyalty_in_sandbox: Loyalty, customer: str, more: dict[str, Any], code: str, said: str
) -> None:
    with pytest.raises(LoyaltyError, match=said) as raised:
        loyalty_in_sandbox.balance(customer, **more)
    assert raised.value.code == ErrorCode(code)
    assert raised.value.message == str(raised.value)


def test_options_are_sent_as_the_command_sends_them(loyalty_in_sandbox: Loyalty) -> None:
    record = loyalty_in_sandbox.balance("C-1001", "omneo", {"currency": "NZD"})
    assert record.asked == {"by": "id", "currency": "NZD"}


def test_a_file_without_a_default_profile_needs_one_named(
    profile_file: Callable[[str], Path],
) -> None:
    one = "{provider: gameball}"
    profile_file(f"profiles: {{a: {one}, b: {one}}}\n")
    with Loyalty() as loyalty, pytest.raises(LoyaltyError, match="no profile was named") as raised:
        loyalty.balance("C-1001")
    assert "a, b" in str(raised.value.hint)


def test_many_customers_are_yielded_in_their_order_with_their_errors(
    loyalty_in_sandbox: Loyalty,
) -> None:
    asked = [f"C-{number}" for number in range(1001, 1011)]
    asked.insert(3, "E-404")
    found = list(loyalty_in_sandbox.balances(iter(asked), "gameball"))
    assert [each.customer for each in found] == asked
    assert [each.customer for each in found if each.error] == ["E-404"]


def test_customers_are_taken_as_they_are_needed(serve: Serve, card: Card) -> None:
    card(serve(lambda _: Reply(404, {})))
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield f"C-{taken}"

    with Loyalty(jobs=2) as loyalty:
        records = loyalty.balances(endless())
        first = [next(records).customer for _ in range(5)]
        records.close()  # type: ignore[attr-defined] # a generator; ends the threads
    assert first == [f"C-{number}" for number in range(1, 6)]
    assert taken < 50


def test_an_error_of_all_further_look_ups_is_raised_after_its_record(
    serve: Serve, card: Card, received: list[Received]
) -> None:
    def handle(request: Received) -> Reply:
        received.append(request)
        return Reply(401, {})

    card(serve(handle))
    with Loyalty() as loyalty:
        records = loyalty.balances(["a", "b", "c"])
        assert next(records).customer == "a"
        with pytest.raises(LoyaltyError) as raised:
            next(records)
    assert raised.value.code is ErrorCode.CREDENTIAL_REFUSED
    assert len(received) == 1


def test_a_customer_that_must_not_be_sent_is_raised_after_the_records_before_it(
    loyalty_in_sandbox: Loyalty,
) -> None:
    records = loyalty_in_sandbox.balances(["C-1001", "C-1002\n"], "gameball")
    assert next(records).customer == "C-1001"
    with pytest.raises(LoyaltyError) as raised:
        next(records)
    assert raised.value.code is ErrorCode.USAGE


def test_a_debit_is_made_once_for_its_reference(loyalty_in_sandbox: Loyalty) -> None:
    before = cents(loyalty_in_sandbox)
    first = loyalty_in_sandbox.debit("C-1001", 5, "invoice-1")
    again = loyalty_in_sandbox.debit("C-1001", "5", "invoice-1")
    assert (first.state, first.replayed) == ("confirmed", False)
    assert (again.state, again.replayed) == ("confirmed", True)
    assert before - cents(loyalty_in_sandbox) == 5


def test_a_debit_from_several_threads_is_made_once(loyalty_in_sandbox: Loyalty) -> None:
    ends: list[str] = []

    def debit() -> None:
        try:
            ends.append(loyalty_in_sandbox.debit("C-1001", 5, "same").state)
        except LoyaltyError as error:
            ends.append(error.code)

    before = cents(loyalty_in_sandbox)
    threads = [Thread(target=debit) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert before - cents(loyalty_in_sandbox) == 5
    assert "confirmed" in ends


@pytest.mark.parametrize(
    ("customer", "amount", "code"),
    [
        ("E-insufficient", 5, "refused"),
        ("E-lost-reply", 5, "outcome_unknown"),
        ("C-1001", 0, "usage"),
        ("C-1001", 1.5, "usage"),
        ("C-1001", True, "usage"),
    ],
)
def test_a_debit_that_is_not_confirmed_raises_its_error(
    loyalty_in_sandbox: Loyalty, customer: str, amount: Any, code: str
) -> None:
    with pytest.raises(LoyaltyError) as raised:
        loyalty_in_sandbox.debit(customer, amount, "invoice-2")
    assert raised.value.code == ErrorCode(code)


def test_a_debit_under_a_used_reference_is_refused(loyalty_in_sandbox: Loyalty) -> None:
    loyalty_in_sandbox.debit("C-1001", 5, "invoice-3")
    with pytest.raises(LoyaltyError) as raised:
        loyalty_in_sandbox.debit("C-1002", 5, "invoice-3")
    assert raised.value.code is ErrorCode.REFERENCE_TAKEN


def test_the_journal_shows_debits_of_the_library(loyalty_in_sandbox: Loyalty, loyalty: Run) -> None:
    loyalty_in_sandbox.debit("C-1001", 5, "invoice-4")
    (record,) = loyalty("--sandbox", "journal", "list", "-o", "json").records
    assert (record["reference"], record["state"]) == ("invoice-4", "confirmed")


def test_a_debit_needs_a_journal_that_exists(
    profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_CREDIT_API_KEY", "key")
    profile_file(
        "profiles: {credit: {provider: saasquatch, tenant: acme,"
        " debit: {allow: true, unit: CENTS}}}\n"
    )
    with Loyalty() as loyalty, pytest.raises(LoyaltyError) as raised:
        loyalty.debit("C-1001", 5, "invoice-5", "credit")
    assert raised.value.code is ErrorCode.SETUP
    assert "journal" in raised.value.message


def test_warnings_are_logged_and_nothing_is_printed(
    card: Card,
    answer: Callable[[Any], str],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = card(answer({"customer_id": "c", "reward_balance": 1, "reward_symbol": "points"}))
    path.chmod(0o622)
    with caplog.at_level(logging.WARNING, "loyalty_cli"), Loyalty() as loyalty:
        loyalty.balance("c")
    assert any("config.yaml" in message for message in caplog.messages)
    assert capfd.readouterr() == ("", "")


def test_an_error_and_a_record_can_be_sent_to_another_process(
    loyalty_in_sandbox: Loyalty,
) -> None:
    with pytest.raises(LoyaltyError) as raised:
        loyalty_in_sandbox.balance("E-404", "imprint")
    there = pickle.loads(pickle.dumps(raised.value))
    assert vars(there) == vars(raised.value)
    record = loyalty_in_sandbox.balance("C-1001", "omneo")
    assert pickle.loads(pickle.dumps(record)) == record


def test_the_command_line_does_not_wait_for_the_library() -> None:
    code = "import sys, loyalty_cli.cli; print('loyalty_cli.library' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"False\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Loyality'"):
        _ = loyalty_cli.Loyality
