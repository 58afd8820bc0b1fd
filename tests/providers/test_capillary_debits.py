"""Capillary's debits: what is sent, what each answer means, and what its list of them shows."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.model.amount import Amount
from loyalty_cli.providers.capillary import GROUP, Capillary
from loyalty_cli.providers.contract import (
    Answer,
    Debit,
    DebitReceipt,
    Evidence,
    Query,
    Question,
    Redemption,
    Request,
    WrongCustomerError,
)
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Outcome, Run
from tests.providers.conftest import Ask
from tests.providers.contract import CasesPlatform
from tests.providers.test_capillary import CASES, REDEEMED, error, errors, failed, framed

AT = datetime(2026, 11, 20, 5, tzinfo=UTC)
MOBILE = "61400000001"
CODE_SENT = {
    "response": {
        "status": {"success": "true", "code": 200},
        "points": {"redeemable": {"item_status": {"success": "true", "code": 800}}},
    }
}


def debit(reference: str = "r-1", failures: int = 0) -> Debit:
    return Debit(MOBILE, "points", 50, reference, AT, failures)


def query(**options: str) -> Query:
    return Query(MOBILE, {}, options, "mobile")


def sent(steps: Iterator[Any]) -> Request:
    """The request of a debit that has no steps before it."""
    with pytest.raises(StopIteration) as done:
        next(steps)
    request: Request = done.value.value
    return request


# What is sent


def test_a_debit_names_its_customer_its_reference_and_the_programme() -> None:
    request = sent(Capillary().debit_steps(query(program_id="42", skip_validation="true"), debit()))

    assert request.path == ("v1.1", "points", "redeem")
    assert request.query == {"format": "json", "program_id": "42", "skip_validation": "true"}
    assert dict(request.json or {}) == {
        "root": {
            "redeem": [
                {
                    "points_redeemed": 50,
                    "customer": {"mobile": MOBILE},
                    "external_reference_number": "r-1",
                }
            ]
        }
    }


@pytest.mark.parametrize(
    ("reference", "failures", "number"),
    [
        ("r-1", 0, "r-1"),
        ("r-1", 1, "r-1.2"),
        ("r-1", 11, "r-1.12"),
        ("r-1.2", 0, "r-1.2.1"),
        ("r-1.2", 1, "r-1.2.2"),
        ("2026.11", 0, "2026.11.1"),
        ("a.b", 0, "a.b"),
    ],
)
def test_an_attempt_after_a_failed_one_has_a_number_of_its_own(
    reference: str, failures: int, number: str
) -> None:
    provider, it = Capillary(), debit(reference, failures)

    assert provider.sent_reference(it) == number
    asked = next(provider.evidence_steps(query(), it))
    assert asked.query["external_reference_number"] == number


def test_no_two_debits_have_the_same_number() -> None:
    references = ["a", "a.1", "a.2", "a.1.1", "a.2.1", "a.", "a.b"]
    each = [debit(*pair) for pair in product(references, range(4))]

    assert len({Capillary().sent_reference(it) for it in each}) == len(each)


def test_a_code_is_sent_to_the_customer_and_asked_for_before_the_debit() -> None:
    provider, asking = Capillary(), query(program_id="42", skip_validation="false")
    steps = provider.debit_steps(asking, debit())

    first = next(steps)
    question = steps.send(None)
    again = steps.send("")
    with pytest.raises(StopIteration) as done:
        steps.send("NS3U05")

    assert provider.needs_person(asking)
    assert isinstance(first, Request)
    assert first.path == ("v1.1", "points", "isredeemable")
    assert first.query == {
        "mobile": MOBILE,
        "points": "50",
        "program_id": "42",
        "issue_otp": "true",
        "format": "json",
    }
    assert question == again == Question(f"the one-time code that Capillary sent to '{MOBILE}'")
    request: Request = done.value.value
    assert request.query["skip_validation"] == "false"
    (item,) = json.loads(json.dumps(request.json))["root"]["redeem"]
    assert item["validation_code"] == "NS3U05"


@pytest.mark.parametrize("options", [{}, {"skip_validation": "true"}, {"program_id": "42"}])
def test_nobody_is_asked_where_validation_is_not_asked_for(options: dict[str, str]) -> None:
    assert not Capillary().needs_person(query(**options))


# What an answer means


@pytest.mark.parametrize("points", ["50", 50, "50.000", Amount("50.0")])
def test_a_receipt_has_the_number_of_the_redemption_and_what_is_left(points: Any) -> None:
    item = {
        "points_redeemed": points,
        "redemption_id": 4711,
        "balance": 1990,
        "is_group_redemption": True,
        "item_status": {"success": "true", "code": "800", "message": "Points Redeemed"},
    }

    receipt = Capillary().read_debit(framed(item), debit())

    assert receipt == DebitReceipt(Amount(1990), "4711", GROUP)


class Debits:
    """Debits at a platform that gives one answer."""

    def __init__(self, platform: CasesPlatform, loyalty: Run) -> None:
        self.platform = platform
        self.posts: list[Received] = []
        self.answer = Reply()
        self.otp = Reply(body=CODE_SENT)
        self._loyalty = loyalty
        platform.script = self._handle
        self.profile()
        assert loyalty("journal", "init").code == 0

    def profile(self, **more: Any) -> None:
        rules = {"allow": True, "unit": "points"}
        self.platform.profile(**{"by": "mobile", "debit": rules, **more})

    def debit(self, *more: str) -> Outcome:
        asked = ("debit", MOBILE, "50", "--reference", "r-1", "--yes", "-o", "json", *more)
        return self._loyalty(*asked)

    def _handle(self, received: Received) -> Reply:
        if received.method == "GET":
            if received.path[-1] == "isredeemable":
                return self.otp
            return Reply(body=CASES.answer)
        self.posts.append(received)
        return self.answer


@pytest.fixture
def debits(ask: Ask, loyalty: Run) -> Debits:
    return Debits(ask(CASES), loyalty)


def no_item(code: Any) -> Any:
    """A failed answer without an item."""
    return framed(None, "false", code)


CONFIRMED = {**REDEEMED["response"]["responses"]["points"], "redemption_id": 4711}
UNNAMED = REDEEMED["response"]["responses"]["points"]
LOCKED, FEW, UNCLEAR = (
    {"item_status": {"success": "false", "code": code}} for code in (521, 802, 903)
)


def listed_as(responses: Any) -> Any:
    """An answer whose `responses` have another shape."""
    status = {"success": "true", "code": 200}
    return {"response": {"status": status, "responses": responses}}


def listed(*items: Any) -> Any:
    return listed_as(list(items))


ANSWERS: dict[str, tuple[int, Any, str]] = {
    "redeemed": (200, framed(CONFIRMED), "confirmed"),
    "redeemed, codes as text": (
        200,
        framed({**CONFIRMED, "item_status": {"success": "true", "code": "800"}}, "true", "200"),
        "confirmed",
    ),
    "too few points, at 200": (200, failed(818), "refused"),
    "too few points, at 200, the code as text": (200, failed("818"), "refused"),
    "locked, at 200": (200, failed(521), "not_applied"),
    "locked, at 400": (400, failed("521"), "not_applied"),
    "a code of nobody's, at 200": (200, failed(999), "unknown"),
    "a code of nobody's, at 400": (400, failed(999), "unknown"),
    "too few points, at 500": (500, failed(818), "unknown"),
    "too few points, with a redemption": (400, failed(818, redemption_id="4711"), "unknown"),
    "a failed answer without an item": (400, no_item(818), "refused"),
    "a failed answer without an item, at 200": (200, no_item("886"), "not_applied"),
    "a failed answer of an unknown code": (200, no_item(500), "unknown"),
    "a refused sign-in": (401, no_item(401), "not_applied"),
    "a success around a failed item": (
        200,
        framed(failed(818)["response"]["responses"]["points"]),
        "refused",
    ),
    "a failed answer around a success": (200, framed(CONFIRMED, "false", 500), "unknown"),
    "a success of other points": (
        200,
        framed({**CONFIRMED, "points_redeemed": "49"}),
        "unknown",
    ),
    "another success": (
        200,
        framed({**CONFIRMED, "item_status": {"success": "true", "code": 801}}),
        "unknown",
    ),
    "a success with an error beside it": (
        200,
        {**framed(CONFIRMED), **errors(error(1))},
        "unknown",
    ),
    "an error of the other API": (400, errors(error(1632)), "refused"),
    "another error of the other API": (400, errors(error(8015)), "unknown"),
    "two items": (200, framed([CONFIRMED, CONFIRMED]), "unknown"),
    "our reference": (
        200,
        framed({**CONFIRMED, "external_reference_number": "r-1"}),
        "confirmed",
    ),
    "an empty reference": (
        200,
        framed({**CONFIRMED, "external_reference_number": ""}),
        "confirmed",
    ),
    "another reference": (
        200,
        framed({**CONFIRMED, "external_reference_number": "r-2"}),
        "unknown",
    ),
    "one failed item in a list": (400, framed([LOCKED], "false", 500), "not_applied"),
    **{
        f"{what} at {status}": (status, body, "unknown")
        for status in (200, 400, 401)
        for what, body in {
            "a failure, then a success": framed([LOCKED, UNNAMED]),
            "a success, then a failure": framed([UNNAMED, LOCKED], "false", 500),
            "two failures": framed([LOCKED, FEW]),
            "a failure, and one that is unclear": framed([FEW, UNCLEAR]),
            "a failure, and an item without a status": framed([LOCKED, {"points_redeemed": "50"}]),
            "a list of items around each": listed({"points": LOCKED}, {"points": UNNAMED}),
            "a list below points": framed({"point": [UNNAMED, LOCKED]}),
            "a failure elsewhere": listed_as({"points": UNNAMED, "customer": LOCKED}),
            "a failed answer around a success without an id": framed(UNNAMED, "false", 521),
            "a failed answer around an item without a status": framed(
                {"points_redeemed": "50"}, "false", 521
            ),
            "a list of statuses": framed(
                {"item_status": [UNNAMED["item_status"], LOCKED["item_status"]]}, "false", 521
            ),
            "a success, and an error of the other API": {
                **framed(UNNAMED),
                **errors(error(521)),
            },
            "an unclear item, and an error of the other API": {
                **framed(UNCLEAR, "false", 500),
                **errors(error(521)),
            },
            "several errors of the other API": errors(error(521), error(903)),
            "an error of the other API in a success": {
                **framed(None),
                **errors(error(521)),
            },
            "a code of success in a failed item": framed(
                {"item_status": {"success": "false", "code": 521}, "effect": {"code": 800}},
                "false",
                500,
            ),
        }.items()
    },
}


@pytest.mark.parametrize("case", ANSWERS)
def test_the_items_code_decides_what_became_of_a_debit(case: str, debits: Debits) -> None:
    status, body, state = ANSWERS[case]
    debits.answer = Reply(status, body)

    done = debits.debit()

    assert (done.record["state"], len(debits.posts)) == (state, 1), done.record
    assert done.record["provider_reference"] == ("4711" if state == "confirmed" else None)


def test_a_debit_of_a_group_is_confirmed_and_told(debits: Debits) -> None:
    debits.answer = Reply(body=framed({**CONFIRMED, "is_group_redemption": "true"}))

    done = debits.debit()

    assert (done.code, done.record["state"]) == (0, "confirmed")
    assert f"r-1: {GROUP}" in done.err


def test_the_next_attempt_has_a_new_number_only_after_a_failed_one(debits: Debits) -> None:
    debits.answer = Reply(400, failed(521))
    debits.debit()
    debits.answer = Reply(reset=True)
    assert debits.debit().record["state"] == "unknown"

    numbers = [json.loads(post.body)["root"]["redeem"][0] for post in debits.posts]
    assert [each["external_reference_number"] for each in numbers] == ["r-1", "r-1.2"]
    assert debits.debit().record["replayed"]
    assert len(debits.posts) == 2


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ({"auth": "oauth"}, "takes no debit with `auth: oauth`"),
        ({"by": "id"}, "by id"),
        *(
            (
                {"by": by, "options": {"skip_validation": "false"}},
                f"a one-time code only by mobile, not by {by} (profile 'main')",
            )
            for by in ("email", "external_id", "card_number")
        ),
    ],
    ids=str,
)
def test_a_profile_that_cannot_debit_is_refused_before_anything(
    profile: dict[str, Any], said: str, debits: Debits
) -> None:
    debits.profile(**profile)
    debits.platform.received.clear()

    done = debits.debit()

    assert (done.code, debits.platform.received) == (3, [])
    assert said in done.err


def test_skip_validation_is_an_option_of_a_profile_and_of_no_look_up(debits: Debits) -> None:
    debits.profile(options={"skip_validation": "true", "program_id": "42"})
    debits.answer = Reply(body=framed(CONFIRMED))
    debits.platform.received.clear()

    assert debits.debit().code == 0
    look_up, redeem = debits.platform.received
    assert look_up.query["programId"] == redeem.query["program_id"] == "42"
    assert redeem.query["skip_validation"] == "true"
    assert not [name for name in look_up.query if "valid" in name]
    done = debits.platform.run(customer=MOBILE)
    assert done.record["asked"] == {"by": "mobile", "program_id": "42"}
    assert debits.platform.run("-O", "skip_validation=true").code == 2


def test_a_code_that_nobody_can_type_stops_a_debit_before_it_is_sent(debits: Debits) -> None:
    debits.profile(options={"skip_validation": "false"})
    debits.platform.received.clear()

    done = debits.debit()

    assert (done.code, done.record["state"]) == (2, "planned")
    assert "a one-time code" in done.err
    assert debits.platform.received == []
    debits.profile(options={"skip_validation": "true"})
    debits.answer = Reply(body=framed(CONFIRMED))
    assert debits.debit().record["state"] == "confirmed"


def test_a_file_cannot_be_debited_where_each_customer_gets_a_code(
    debits: Debits, loyalty: Run, tmp_path: Path
) -> None:
    debits.profile(options={"skip_validation": "false"})
    debits.platform.received.clear()
    file = tmp_path / "debits.csv"
    file.write_text(f"customer,amount,reference\n{MOBILE},5,r-2\n")

    done = loyalty("debit", "--from", str(file), "--yes")

    assert (done.code, debits.platform.received) == (2, [])
    assert "needs a one-time code" in done.err


# What its list shows


def page(points: Any, **more: Any) -> Any:
    customer = {"mobile": MOBILE, "redemptions": {"coupons": {}, "points": points}, **more}
    return {"response": {"status": {"success": True, "code": 200}, "customer": customer}}


POINT = {
    "points_redeemed": "50",
    "external_reference_number": "r-1",
    "redemption_id": 4711,
    "redeemed_time": "2026-11-20 05:00:01",
    "reversals": [],
}
OTHER = {**POINT, "external_reference_number": " ", "redemption_id": 4712}
LISTED = Redemption(
    amount=Amount(50),
    reference="r-1",
    at=AT.replace(second=1, tzinfo=None),
    provider_reference="4711",
)
UNNAMED_ROW = replace(LISTED, reference=None, provider_reference="4712")


def evidence_of(*bodies: Any, by: str = "mobile", customer: str = MOBILE) -> Evidence:
    """The evidence that these answers give; the last one stays."""
    steps = Capillary().evidence_steps(Query(customer, {}, {}, by), debit())
    request, answers = next(steps), list(bodies)
    for _ in range(3):
        assert request.method == "GET"
        body = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            request = steps.send(Answer(200, {}, json.dumps(body).encode()))
        except StopIteration as done:
            evidence: Evidence = done.value
            return evidence
    raise AssertionError(request)


def without(body: Any, **stated: Any) -> Any:
    """A page that states another customer, or none."""
    content = {key: value for key, value in body["response"]["customer"].items() if key != "mobile"}
    return {"response": {**body["response"], "customer": {**content, **stated}}}


EMPTY: tuple[Any, ...] = (
    {"point": []},
    {"point": None},
    {"point": {}},
    {"point": ""},
    [],
    {},
    "",
    None,
)
NO_TIMES: tuple[Any, ...] = ("0001-01-01 00:00:00", "1970-01-01T00:00:00Z", "", None, 5, [])
NO_REDEMPTIONS: tuple[Any, ...] = ({}, [], "", {"points": None}, {"point": {}})


@pytest.mark.parametrize(
    ("body", "evidence"),
    [
        (page({"point": [POINT]}), Evidence((LISTED,), is_complete=True)),
        (page({"point": POINT}), Evidence((LISTED,), is_complete=True)),
        (page([POINT]), Evidence((LISTED,), is_complete=True)),
        (page({"point": [OTHER]}, points_count="1"), Evidence((UNNAMED_ROW,), is_complete=True)),
        (page({"point": [OTHER]}, points_count=2), Evidence((UNNAMED_ROW,))),
        (page({"point": [OTHER, OTHER]}), Evidence((UNNAMED_ROW,), is_complete=True)),
        (page({"point": [OTHER, OTHER]}, points_count=2), Evidence((UNNAMED_ROW,))),
        (page({"point": [OTHER] * 10}), Evidence((UNNAMED_ROW,))),
        *((page(none), Evidence((), True)) for none in EMPTY),
        *((page(none, points_count=1), Evidence(())) for none in EMPTY),
        *((page(0, redemptions=none), Evidence((), True)) for none in NO_REDEMPTIONS),
        (page(0, redemptions=None, points_count="0"), Evidence((), True)),
        (page(0, redemptions={"coupons": [1]}, points_count=0), Evidence((), True)),
        (page({"point": [{"points_redeemed": 7}]}), Evidence((Redemption(Amount(7)),), True)),
        *(
            (page({"point": [odd, OTHER]}, **count), Evidence((UNNAMED_ROW,)))
            for odd in ({}, None, "x", {"points_redeemed": ""}, {**POINT, "redemption_id": []})
            for count in ({}, {"points_count": 1})
        ),
        *(
            (
                page({"point": {**OTHER, "redeemed_time": odd}}),
                Evidence((replace(UNNAMED_ROW, at=None),), True),
            )
            for odd in NO_TIMES
        ),
        (
            page({"point": {**OTHER, "redeemed_time": "1795150800000"}}),
            Evidence((replace(UNNAMED_ROW, at=AT),), True),
        ),
    ],
    ids=str,
)
def test_the_list_of_redemptions_is_read_in_every_shape(body: Any, evidence: Evidence) -> None:
    assert evidence_of(body) == evidence


@pytest.mark.parametrize(
    "reversals", [[{"id": 1}], {"reversal": [{"id": 1}]}, {"reversal": {"id": 1}}], ids=str
)
def test_a_reversed_redemption_is_no_proof(reversals: Any) -> None:
    (listed,) = evidence_of(page({"point": [{**POINT, "reversals": reversals}]})).redemptions

    assert listed.doubt == "it was reversed"


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], {}, {"response": {}}, page({"point": "x"}), page("x"), page({"others": [1]})),
        *(page(0, redemptions=odd) for odd in (None, "x", [POINT], {"others": [1]})),
        page(0, redemptions=None, points_count=1),
    ],
    ids=str,
)
def test_another_answer_is_no_list_of_redemptions(body: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        evidence_of(body)


def test_a_list_of_our_reference_without_our_debit_is_followed_by_the_list_of_all() -> None:
    none, there = page({"point": []}), page({"point": [OTHER]})
    steps = Capillary().evidence_steps(query(program_id="42"), debit())

    first = next(steps)
    second = steps.send(Answer(200, {}, json.dumps(none).encode()))

    usual = {"mobile": MOBILE, "program_id": "42", "format": "json"}
    assert first.query == {**usual, "external_reference_number": "r-1"}
    assert second.query == {**usual, "external_reference_number": None}
    assert evidence_of(none, there) == Evidence((UNNAMED_ROW,), True)
    assert evidence_of(there, there) == Evidence((UNNAMED_ROW,), True)
    assert evidence_of(there, none) == Evidence((UNNAMED_ROW,))
    assert evidence_of(page({"point": [POINT]}), None) == Evidence((LISTED,), True)


@pytest.mark.parametrize(
    ("by", "asked", "stated"),
    [
        ("mobile", MOBILE, {"mobile": "61400000002"}),
        ("mobile", MOBILE, {"mobile": 61400000002}),
        ("email", "ada@example.com", {"email": "bob@example.com"}),
        ("external_id", "crm-1", {"external_id": "CRM-1"}),
        ("card_number", "6011", {"id": 8}),
        ("card_number", "6011", {"user_id": "8"}),
    ],
)
@pytest.mark.parametrize("rows", [[], [POINT]], ids=["empty", "with our debit"])
def test_the_list_of_another_customer_proves_nothing(
    by: str, asked: str, stated: dict[str, Any], rows: list[Any]
) -> None:
    entity = [{"entityId": 7, "entityType": "CUSTOMER"}] if by == "card_number" else []

    with pytest.raises(WrongCustomerError):
        evidence_of(*entity, without(page({"point": rows}), **stated), by=by, customer=asked)


@pytest.mark.parametrize(
    ("by", "asked", "stated"),
    [
        ("mobile", MOBILE, {"mobile": f"+{MOBILE}", "email": "any@example.com"}),
        ("mobile", f"+{MOBILE}", {"mobile": int(MOBILE)}),
        ("mobile", MOBILE, {"mobile": ""}),
        ("email", "Ada@example.com", {"email": "ada@EXAMPLE.com"}),
        ("email", "ada@example.com", {"email": None, "mobile": MOBILE}),
        ("external_id", "crm-1", {"external_id": "crm-1", "id": 5}),
        ("card_number", "6011", {"id": "7", "mobile": MOBILE}),
    ],
)
def test_the_list_of_the_customer_who_was_asked_for_is_read(
    by: str, asked: str, stated: dict[str, Any]
) -> None:
    entity = [{"entityId": 7, "entityType": "CUSTOMER"}] if by == "card_number" else []

    listed = without(page({"point": [POINT]}), **stated)

    assert evidence_of(*entity, listed, by=by, customer=asked) == Evidence((LISTED,), True)


def test_the_list_of_a_card_is_asked_for_by_the_customers_id() -> None:
    steps = Capillary().evidence_steps(Query("6011", {}, {}, "card_number"), debit())

    first = next(steps)
    second = steps.send(Answer(200, {}, b'{"entityId": 7, "entityType": "CUSTOMER"}'))

    assert first.query["identifierName"] == "cardNumber"
    assert (second.query["id"], "card_number" in second.query) == ("7", False)


def test_a_card_without_an_entity_id_has_no_list() -> None:
    with pytest.raises(ValueError, match="entityId"):
        evidence_of({"mainPoints": 5}, by="card_number", customer="6011")
