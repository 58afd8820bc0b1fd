"""The steps before a debit, such as asking for a one-time code: all of them before the claim."""

from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.credentials.redaction import mask_words
from loyalty_cli.debits.journal.entries import Change, State
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.providers.contract import Debit, DebitSteps, Query, Question, Request
from loyalty_cli.providers.saasquatch import SaaSquatch
from tests.debits.conftest import DebitMaker
from tests.fakes.faulty_platform import NEVER, ListingPlatform, answers, as_json

QUESTION = "the code that was sent to C-1"


class Asking(SaaSquatch):
    """A platform that takes a code with each debit, and sends it to the customer before that."""

    def debit_steps(self, query: Query, debit: Debit) -> DebitSteps:
        yield self.request(query)
        code = yield Question(QUESTION)
        request = self.debit_request(query, debit)
        return replace(request, json={**(request.json or {}), "code": code})


class Telling(Asking):
    """The same, which says beforehand that a person is needed."""

    def needs_person(self, query: Query) -> bool:
        return query.customer == "C-1"


class Crashing(SaaSquatch):
    """A provider with a defect in its steps."""

    def debit_steps(self, query: Query, debit: Debit) -> DebitSteps:
        yield self.request(query)
        raise KeyError(debit.reference)


@pytest.fixture
def asking(maker: DebitMaker) -> DebitMaker:
    maker.profile = replace(maker.profile, provider=Asking())
    return maker


def test_a_debit_has_what_was_typed_before_its_claim(asking: DebitMaker) -> None:
    states: list[State] = []

    def ask(question: str) -> str:
        assert question == QUESTION
        states.append(asking.present().state)
        return "4711"

    settled = asking.debit(ask=ask)

    assert settled.entry.state is State.CONFIRMED
    assert states == [State.PLANNED]
    (post,) = asking.platform.posts
    assert post.order["code"] == "4711"


@pytest.mark.parametrize("status", ["200 OK", "403 No"])
def test_a_typed_code_that_the_platform_repeats_is_neither_told_nor_kept(
    status: str, asking: DebitMaker
) -> None:
    said = {"statusCode": 403, "message": "the code XK4711 is wrong", "code": "XK4711"}
    asking.platform.debit = answers(as_json(said, status))

    settled = asking.debit(ask=lambda _: "XK4711")

    assert settled.error is not None
    events = asking.journal.events(settled.entry.key)
    assert "the code *** is wrong" in events[-1].why
    assert "XK4711" not in f"{settled.entry} {settled.error.message} {settled.error.hint} {events}"


def test_a_typed_code_is_not_masked_inside_a_longer_number() -> None:
    assert mask_words("id 50047110, code 4711", ["4711"]) == "id 50047110, code ***"


def test_a_question_without_a_terminal_leaves_the_debit_planned(asking: DebitMaker) -> None:
    settled = asking.debit()

    assert settled.entry.state is State.PLANNED
    assert settled.error is not None
    assert settled.error.code is ErrorCode.USAGE
    assert QUESTION in settled.error.message
    assert asking.platform.posts == []
    assert asking.debit(ask=lambda _: "1").entry.state is State.CONFIRMED


def test_no_code_is_sent_to_a_customer_if_nobody_can_type_it(maker: DebitMaker) -> None:
    maker.profile = replace(maker.profile, provider=Telling())

    settled = maker.debit()

    assert settled.error is not None
    assert settled.error.code is ErrorCode.USAGE
    assert (settled.entry.state, maker.platform.connections) == (State.PLANNED, 0)


def test_no_code_is_sent_while_the_account_has_another_open_debit(maker: DebitMaker) -> None:
    claimed = maker.claimed(maker.order("r-0"), this_process())
    maker.journal.change(claimed, State.UNKNOWN, Change("lost"))
    maker.profile = replace(maker.profile, provider=Telling())

    settled = maker.debit(ask=lambda _: pytest.fail("nobody is to be asked"))

    assert settled.error is not None
    assert settled.error.code is ErrorCode.ACCOUNT_BUSY
    assert maker.platform.connections == 0


def test_a_defect_in_the_steps_of_a_provider_leaves_the_debit_planned(maker: DebitMaker) -> None:
    maker.profile = replace(maker.profile, provider=Crashing())

    settled = maker.debit()

    assert settled.error is not None
    assert "has a defect: KeyError" in settled.error.message
    assert (settled.entry.state, maker.platform.posts) == (State.PLANNED, [])


def test_the_steps_are_taken_once_though_the_balance_is_read_again(
    asking: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, asked = asking.journal.claim, list[str]()
    another = DebitMaker(asking.platform, asking.journal)

    def after_another(*arguments: Any) -> Any:
        monkeypatch.setattr(asking.journal, "claim", claim)
        another.debit(another.order("r-2"))
        return claim(*arguments)

    monkeypatch.setattr(asking.journal, "claim", after_another)

    def ask(question: str) -> str:
        asked.append(question)
        return "1"

    settled = asking.debit(ask=ask)

    assert settled.entry.state is State.CONFIRMED
    assert len(asked) == 1


def test_a_step_that_fails_leaves_the_debit_planned(asking: DebitMaker) -> None:
    def request(_: Any, query: Query) -> Request:
        return Request(("nowhere",), {"accountId": query.customer}, base_url="http://127.0.0.1:9")

    provider = Asking()
    provider.request = request.__get__(provider)  # type: ignore[method-assign] # of this one alone
    asking.profile = replace(asking.profile, provider=provider)

    settled = asking.debit(ask=lambda _: pytest.fail("nobody is to be asked"))

    assert settled.error is not None
    assert settled.error.code is ErrorCode.UNREACHABLE
    assert (settled.entry.state, asking.platform.posts) == (State.PLANNED, [])


def test_the_number_that_was_sent_is_told_where_it_is_not_the_reference(journal: Journal) -> None:
    with ListingPlatform(NEVER) as platform:
        maker = DebitMaker(platform, journal)

        settled = maker.debit(maker.order("order.2"))
        plain = maker.debit(maker.order("order", customer="C-2"))

    assert settled.error is not None
    assert settled.error.hint is not None
    assert settled.error.hint.endswith("Capillary got it as 'order.2.1'.")
    whys = [event.why for event in journal.events(settled.entry.key)]
    assert "claimed, sent as 'order.2.1'" in whys
    assert "claimed" in [event.why for event in journal.events(plain.entry.key)]
