"""Look-ups of several requests: one deadline, a limit, and what each answer can end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest

from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.network.conversation import MOST_REQUESTS
from loyalty_cli.providers.contract import (
    Auth,
    Debit,
    DebitSteps,
    Exchange,
    Query,
    Question,
    Reading,
    Request,
    SeveralCustomersError,
    Steps,
    Token,
    UnknownCustomerError,
    WrongCustomerError,
)
from tests.fakes.servers import Answering, RawServer, Wire, header, reply
from tests.network.conftest import ends_in_time
from tests.network.shop import (
    FOUND,
    SECRET,
    Shop,
    Taken,
    client,
    each_of,
    ids_of,
    one,
    said,
    shop_at,
)

ASKED = Query("ada@example.com", by="email")
READS: dict[str, Callable[..., Any]] = {
    "read": lambda profile, query=ASKED: client().reading(profile, query),
    "raw": lambda profile, query=ASKED: client().raw(profile, query),
}
every_read = pytest.mark.parametrize("read", READS.values(), ids=READS)


def failure(
    url: str, taken: Taken, read: Callable[..., Any] = READS["read"], **more: Any
) -> LoyaltyError:
    """The error of a look-up that must fail."""
    with pytest.raises(LoyaltyError) as caught:
        read(shop_at(url, Shop(taken), **more))
    return caught.value


def by_email(query: Query) -> Steps[Reading]:
    """Find the id, then the two halves of the balance."""
    found = yield Request(("members",), {"email": query.customer})
    (member,) = ids_of(found)
    halves = []
    for half in ("a", "b"):
        answer = yield Request(("members", member, half))
        halves.append(answer.json()["points"])
    return Reading((), {"halves": halves}, platform_customer=member)


def test_a_look_up_makes_its_requests_in_turn_each_from_the_answer_before() -> None:
    script = Answering(said({"found": [{"id": "M/7"}]}), said({"points": 1}), said({"points": 2}))
    with RawServer(script) as server:
        reading = client().reading(shop_at(server.url, Shop(by_email)), ASKED)

    assert reading == Reading((), {"halves": [1, 2]}, platform_customer="M/7")
    targets = [request.split()[1] for request in script.requests]
    assert targets == [
        b"/members?email=ada%40example.com",
        b"/members/M%2F7/a",
        b"/members/M%2F7/b",
    ]
    assert {header(each, "authorization") for each in script.requests} == {f"Bearer {SECRET}"}
    assert server.connections == 1


def test_raw_is_the_last_answer() -> None:
    script = Answering(said({"found": [{"id": "M-7"}]}), said({"points": 1}), said({"points": 2}))
    with RawServer(script) as server:
        assert client().raw(shop_at(server.url, Shop(by_email)), ASKED)[0] == b'{"points": 2}'


@pytest.mark.parametrize("number", [MOST_REQUESTS, MOST_REQUESTS + 1])
def test_a_look_up_may_take_ten_requests_and_no_more(number: int) -> None:
    script = Answering(said({}))
    taken = each_of(*[one(str(each)) for each in range(number)])
    with RawServer(script) as server:
        profile = shop_at(server.url, Shop(taken))
        if number == MOST_REQUESTS:
            assert client().reading(profile, ASKED) == FOUND
        else:
            error = failure(server.url, taken)
            assert error.code is ErrorCode.BAD_RESPONSE
            assert "more than 10 requests" in error.message

    assert len(script.requests) == MOST_REQUESTS


def test_a_look_up_that_never_ends_is_ended() -> None:
    def taken(_: Query) -> Steps[Reading]:
        while True:
            yield one("again")

    script = Answering(said({}))
    with RawServer(script) as server:
        assert failure(server.url, taken).code is ErrorCode.BAD_RESPONSE

    assert len(script.requests) == MOST_REQUESTS


def test_all_requests_of_a_look_up_have_one_deadline() -> None:
    def slow(wire: Wire) -> None:
        while wire.request():
            wire.wait(0.2)
            wire.send(said({}))

    with RawServer(slow) as server, ends_in_time():
        began = time.monotonic()
        error = failure(server.url, each_of(*[one(str(each)) for each in range(9)]), timeout=0.5)

    assert error.code is ErrorCode.TIMED_OUT
    assert time.monotonic() - began > 0.4


ERRORS = {
    "not found": (said({"error": "nobody"}, "404 No"), ErrorCode.NOT_FOUND),
    "refused": (said({"error": "what"}, "400 No"), ErrorCode.REFUSED),
    "sign-in": (said({"error": "who"}, "401 No"), ErrorCode.CREDENTIAL_REFUSED),
    "broken": (said({}, "500 No"), ErrorCode.SERVER_ERROR),
    "redirected": (said({}, "302 Found", "Location: https://x.example/"), ErrorCode.REDIRECTED),
    "a stranger": (reply(b"<html>", "404 No"), ErrorCode.BAD_RESPONSE),
    "no JSON": (reply(b"<html>"), ErrorCode.BAD_RESPONSE),
    "half of it": (reply(b'{"a": 1'), ErrorCode.BAD_RESPONSE),
    "two keys": (reply(b'{"a": 1, "a": 2}'), ErrorCode.BAD_RESPONSE),
}


@every_read
@pytest.mark.parametrize("which", ERRORS)
def test_an_error_in_the_second_answer_ends_the_look_up_with_it(
    which: str, read: Callable[..., Any]
) -> None:
    answer, code = ERRORS[which]
    script = Answering(said({}), *[answer] * 9)
    with RawServer(script) as server:
        error = failure(server.url, each_of(one("1"), one("2"), one("3")), read)

    assert error.code is code
    assert {request.split()[1] for request in script.requests} == {b"/1", b"/2"}


def raising(error: Exception, after: int = 1) -> Taken:
    """Steps that end with an exception after so many requests."""

    def taken(_: Query) -> Steps[Reading]:
        for number in range(after):
            yield one(str(number))
        raise error

    return taken


@every_read
@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize(("why", "shown"), [("", ""), ("it has no card", ": it has no card")])
def test_a_good_answer_may_say_that_there_is_no_such_customer_and_why(
    after: int, why: str, shown: str, read: Callable[..., Any]
) -> None:
    with RawServer(Answering(said({}))) as server:
        error = failure(server.url, raising(UnknownCustomerError(why), after), read)

    assert (error.code, error.http_status) == (ErrorCode.NOT_FOUND, 200)
    assert error.message == f"Shop has no customer 'ada@example.com'{shown}."


@every_read
def test_an_identifier_of_several_customers_is_an_error_that_names_them(
    read: Callable[..., Any],
) -> None:
    with RawServer(Answering(said({}))) as server:
        error = failure(server.url, raising(SeveralCustomersError("7, 8")), read)

    assert (error.code, error.http_status) == (ErrorCode.USAGE, 200)
    assert error.message == "Shop has several customers 'ada@example.com': 7, 8."


@every_read
def test_a_balance_of_another_customer_is_not_shown(read: Callable[..., Any]) -> None:
    with RawServer(Answering(said({"points": 5}))) as server:
        error = failure(server.url, raising(WrongCustomerError("'M-8', not 'M-7'")), read)

    assert error.code is ErrorCode.WRONG_CUSTOMER
    assert "answered about another customer: 'M-8', not 'M-7'." in error.message


UNSAFE = ("", ".", "..", "a\nb", "\x7f", "\ud800")


@every_read
@pytest.mark.parametrize("segment", UNSAFE)
def test_an_id_in_an_answer_cannot_change_the_address_of_the_next_request(
    read: Callable[..., Any], segment: str
) -> None:
    taken = each_of(one("find"), Request(("members", segment, "points")))
    script = Answering(said({"id": 1}))
    with RawServer(script) as server:
        error = failure(server.url, taken, read)

    assert error.code is ErrorCode.BAD_RESPONSE
    assert "part of the request's path" in error.message
    assert len(script.requests) == 1


@every_read
@pytest.mark.parametrize("segment", UNSAFE)
def test_nothing_is_sent_not_even_for_a_token_if_the_first_path_is_not_a_safe_one(
    read: Callable[..., Any], segment: str
) -> None:
    script = Answering(said({"token": "t"}))
    with RawServer(script) as server:
        error = failure(server.url, each_of(one(segment)), read, auth=with_token())

    assert error.code is ErrorCode.PROVIDER_FAILED
    assert script.requests == []


@pytest.mark.parametrize("segment", UNSAFE)
def test_a_debit_at_an_unsafe_path_is_not_sent(segment: str) -> None:
    script = Answering(said({}))
    request = Request(("debits", segment), json={"points": 5})
    with RawServer(script) as server, pytest.raises(NotSentError):
        client().debit(shop_at(server.url, Shop()), request, lambda: None)

    assert script.requests == []


UPPER = "2EE24580-B97B-4949-A65C-929CCB9B9B8D"


@every_read
@pytest.mark.parametrize(
    ("asked", "named", "is_same"),
    [
        (Query("C-1"), "C-1", True),
        (Query("C-1"), None, True),
        (Query(UPPER), UPPER.lower(), True),
        (Query(UPPER), f"{{{UPPER}}}", False),
        (Query(UPPER), f"urn:uuid:{UPPER}", False),
        (Query(UPPER), UPPER.replace("-", ""), False),
        (Query(UPPER), UPPER.replace("2", "\u0662").lower(), False),
        (Query(UPPER.replace("-", "")), UPPER.replace("-", "").lower(), False),
        (Query("C-1"), "c-1", False),
        (Query("C-1"), "C-11", False),
        (Query("C-1"), "x" * 100_000, False),
        (Query("C-1", by="email"), "C-2", True),
    ],
    ids=[
        *("the same", "none named", "a UUID", "braces", "a URN", "no hyphens", "other digits"),
        *("never hyphens", "in lower case", "longer", "very long", "by e-mail"),
    ],
)
def test_the_customer_that_an_answer_names_must_be_the_one_asked_for_by_its_id(
    asked: Query, named: str | None, is_same: bool, read: Callable[..., Any]
) -> None:
    taken = each_of(one("1"), made=Reading((), platform_customer=named))
    with RawServer(Answering(said({}))) as server:
        profile = shop_at(server.url, Shop(taken))
        if is_same:
            assert read(profile, asked)
            return
        with pytest.raises(LoyaltyError) as caught:
            read(profile, asked)

    assert caught.value.code is ErrorCode.WRONG_CUSTOMER
    assert len(caught.value.message) < 200


def with_token() -> Auth:
    """A sign-in whose tokens are numbered."""
    exchange = Exchange(
        lambda secrets: Request(("token",), form={"key": secrets["api_key"]}),
        lambda body: Token(body["token"], 3600.0),
    )
    return Auth("oauth", ("api_key",), lambda secrets: {"X-Token": secrets["token"]}, exchange)


def test_a_token_that_is_refused_in_the_second_request_is_replaced_for_it_and_those_after() -> None:
    seen: list[tuple[bytes, str | None]] = []
    tokens = 0

    def script(wire: Wire) -> None:
        nonlocal tokens
        while request := wire.request():
            target, token = request.split()[1], header(request, "x-token")
            seen.append((target, token))
            if target == b"/token":
                tokens += 1
                wire.send(said({"token": f"token-{tokens}"}))
            elif target == b"/2" and token == "token-1":
                wire.send(said({"error": "expired"}, "401 No"))
            else:
                wire.send(said({}))

    with RawServer(script) as server:
        shop = Shop(each_of(one("1"), one("2"), one("3")))
        assert client().reading(shop_at(server.url, shop, with_token()), ASKED) == FOUND

    assert seen == [
        (b"/token", None),
        (b"/1", "token-1"),
        (b"/2", "token-1"),
        (b"/token", None),
        (b"/2", "token-2"),
        (b"/3", "token-2"),
    ]


def left_open(then: str) -> tuple[Taken, list[str]]:
    """Steps that note when they are closed, and misbehave then."""
    noted: list[str] = []

    def taken(_: Query) -> Steps[Reading]:
        try:
            while True:
                yield one("1")
        finally:
            noted.append("closed")
            if then == "raises":
                raise KeyError(then)
            if then == "goes on":
                yield one("2")

    return taken, noted


@pytest.mark.parametrize("then", ["ends", "raises", "goes on"])
@pytest.mark.parametrize("answer", [said({}), said({"error": "nobody"}, "404 No")])
def test_the_steps_of_a_look_up_that_failed_are_closed_at_once_and_the_failure_is_told(
    answer: bytes, then: str
) -> None:
    taken, noted = left_open(then)
    with RawServer(Answering(answer)) as server:
        error = failure(server.url, taken)

    is_found = b"nobody" not in answer
    assert error.code is (ErrorCode.BAD_RESPONSE if is_found else ErrorCode.NOT_FOUND)
    assert noted == ["closed"]


@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_exception_of_a_built_in_provider_stays_a_defect(after: int) -> None:
    with RawServer(Answering(said({}))) as server, pytest.raises(KeyError):
        client().reading(shop_at(server.url, Shop(raising(KeyError("x"), after))), ASKED)


def test_a_value_error_before_any_answer_is_not_the_fault_of_the_platform() -> None:
    with RawServer(Answering()) as server, pytest.raises(ValueError, match="no answer yet"):
        client().reading(shop_at(server.url, Shop(raising(ValueError("no answer yet"), 0))), ASKED)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("ages", "age"),
    [
        ((None, None), None),
        (("0", "0"), "0"),
        (("9", "0"), "9"),
        (("0", "-1"), "-1"),
        ((None, "17"), "17"),
    ],
)
def test_the_age_of_a_balance_is_that_of_an_answer_from_a_cache(
    ages: tuple[str | None, ...], age: str | None
) -> None:
    answers = [said({}, "200 OK", *([f"Age: {each}"] if each else [])) for each in ages]
    with RawServer(Answering(*answers)) as server:
        profile = shop_at(server.url, Shop(each_of(one("1"), one("2"))))
        assert client().aged_reading(profile, ASKED) == (FOUND, age)


# Before a debit


DEBIT = Debit("C-1", "points", 5, "r-1", datetime(2026, 11, 20, tzinfo=UTC))


def asking() -> DebitSteps:
    answer = yield one("before")
    code = yield Question(f"The code for {answer.json()['who']}")
    checked = yield Request(("check",), json={"code": code})
    return Request(("debit",), json={"proof": checked.json()["proof"]})


def test_what_a_person_types_before_a_debit_goes_into_the_next_request() -> None:
    script = Answering(said({"who": "Ada"}), said({"proof": "p-1"}))
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        return "123456"

    with RawServer(script) as server:
        profile = shop_at(server.url, Shop(debit_taken=asking))
        request = client().debit_request(profile, ASKED, DEBIT, ask)

    assert questions == ["The code for Ada"]
    assert script.requests[1].endswith(b'{"code":"123456"}')
    assert (request.path, request.json) == (("debit",), {"proof": "p-1"})
    assert len(script.requests) == 2


def test_the_time_in_which_a_person_types_does_not_count() -> None:
    def ask(_: str) -> str:
        Event().wait(0.6)  # longer than the timeout
        return "123456"

    with RawServer(Answering(said({"who": "Ada", "proof": "p"}))) as server:
        profile = shop_at(server.url, Shop(debit_taken=asking), timeout=0.5)
        assert client().debit_request(profile, ASKED, DEBIT, ask).path == ("debit",)
