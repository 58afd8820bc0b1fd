"""Every row of what an answer proves, at a bank that knows what it applied."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.network.http_client import BODY_LIMIT_BYTES
from tests.debits.conftest import SECRET, Desk, Opens, Shop
from tests.fakes.fault_server import (
    HTML,
    Bank,
    Debiting,
    IdempotentBank,
    Post,
    answers,
    applies_and,
    as_json,
    honest,
)
from tests.fakes.servers import Wire, reply

REFUSING = (400, 401, 402, 403, 404, 405, 411, 413, 414, 415, 422, 428, 431)
SIGN_IN = (401, 403)
UNDECIDED = (
    *(407, 408, 409, 418, 421, 425, 426, 429, 451, 499),
    *(300, 301, 302, 303, 304, 307, 308),
    *(202, 203, 206, 207, 226),
    *(500, 501, 502, 503, 504, 507, 520, 599),
)


def sent_once(shop: Shop) -> None:
    """One connection for the balance, one for the debit, and on that exactly one request."""
    assert len(shop.bank.posts) == 1
    assert (shop.bank.reads, shop.bank.connections) == (1, 2)


def stays_unknown(shop: Shop, evidence: str = "") -> None:
    """The outcome is not known, is recorded so, and asking again sends nothing."""
    done = shop.debit()

    assert done.code == 8, done
    assert (done.record["state"], done.record["error"]["code"]) == ("unknown", "outcome_unknown")
    sent_once(shop)
    assert shop.entry().state is State.UNKNOWN
    *_, last = shop.events()
    assert (last.before, last.after) == (State.SENDING, State.UNKNOWN)
    assert evidence in last.why

    again = shop.debit()
    assert (again.code, again.record["state"], again.record["replayed"]) == (8, "unknown", True)
    assert len(shop.bank.posts) == 1
    assert SECRET not in f"{done}{again}{shop.events()}"


# Yes.


def gzipped(content: Any) -> bytes:
    return reply(gzip.compress(json.dumps(content).encode()), "200 OK", "Content-Encoding: gzip")


def chunked(content: Any) -> bytes:
    body = json.dumps(content).encode()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


YES: Mapping[str, Callable[[dict[str, Any]], bytes]] = {
    "200": as_json,
    "201": lambda yes: as_json(yes, "201 Created"),
    "in gzip": gzipped,
    "in chunks": chunked,
    "after a 100": lambda yes: b"HTTP/1.1 100 Continue\r\n\r\n" + as_json(yes),
    "with the amount as text": lambda yes: as_json(yes | {"creditRedeemed": "50"}),
    "with the amount as a decimal": lambda yes: as_json(yes | {"creditRedeemed": 50.0}),
    "with more keys": lambda yes: as_json(yes | {"thanks": "Thank you", "note": [1]}),
    "with keys of an error and nothing in them": lambda yes: as_json(
        yes | {"message": None, "errors": [], "rsCode": "", "error": {}}
    ),
    "without what is left": lambda yes: as_json(yes | {"creditAvailable": None}),
    "with nonsense for what is left": lambda yes: as_json(yes | {"creditAvailable": [True]}),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("way", YES)
def test_a_success_that_confirms_exactly_this_debit_confirms_it(
    way: str, tls: bool, opens: Opens
) -> None:
    shop = opens(tls=tls)
    shop.bank.debit = applies_and(lambda wire, post: wire.send(YES[way](post.yes)))

    done = shop.debit()

    assert (done.code, done.record["state"], done.record["error"]) == (0, "confirmed", None)
    assert shop.entry().state is State.CONFIRMED
    assert shop.bank.taken() == 50
    sent_once(shop)


# No.


@pytest.mark.parametrize("status", sorted({*REFUSING} - {*SIGN_IN}))
def test_the_platform_s_own_error_at_a_status_that_did_nothing_refuses_it(
    status: int, shop: Shop
) -> None:
    shop.bank.debit = answers(as_json(shop.bank.error(status), f"{status} No"))

    done = shop.debit()

    assert done.code == (5 if status == 404 else 6)
    assert (done.record["state"], done.record["error"]["http_status"]) == ("refused", status)
    assert "No" in done.record["error"]["message"]
    assert "`loyalty journal resolve REFERENCE --not-applied" in done.record["error"]["hint"]
    assert shop.entry().state is State.REFUSED
    sent_once(shop)
    again = shop.debit()
    assert (again.code, again.record["replayed"]) == (done.code, True)
    assert again.record["error"] == done.record["error"]
    assert len(shop.bank.posts) == 1


@pytest.mark.parametrize(
    ("rs_code", "code", "state"),
    [
        ("RS041", 5, "refused"),
        ("RS032", 4, "not_applied"),
        ("RS015", 3, "not_applied"),
        ("RS033", 7, "not_applied"),
        ("RS999", 6, "refused"),
    ],
)
def test_the_exit_code_of_a_refusal_is_its_meaning(
    rs_code: str, code: int, state: str, shop: Shop
) -> None:
    error = shop.bank.error(400) | {"rsCode": rs_code}
    shop.bank.debit = answers(as_json(error, "400 No"))

    assert shop.debit().code == code
    assert shop.entry().state == state


@pytest.mark.parametrize("status", SIGN_IN)
def test_a_sign_in_that_the_platform_refuses_in_words_of_its_own_is_no_for_now(
    status: int, shop: Shop
) -> None:
    shop.bank.debit = answers(as_json(shop.bank.error(status), f"{status} No"))

    done = shop.debit()

    assert (done.code, done.record["state"]) == (4, "not_applied")
    assert done.record["error"]["code"] == "credential_refused"
    assert "run the same command again" in done.record["error"]["hint"]
    shop.bank.debit = honest
    again = shop.debit()
    assert (again.code, again.record["attempt"], shop.bank.taken()) == (0, 2, 50)


def test_a_known_code_alone_is_the_platform_speaking(shop: Shop) -> None:
    shop.bank.debit = answers(as_json({"rsCode": "RS032"}, "400 No"))

    assert shop.debit().record["state"] == "not_applied"


def test_a_code_that_is_for_good_is_so_at_the_status_of_a_sign_in_too(shop: Shop) -> None:
    error = shop.bank.error(403) | {"rsCode": "RS041"}
    shop.bank.debit = answers(as_json(error, "403 No"))

    assert shop.debit().record["state"] == "refused"


@pytest.mark.parametrize("status", [400, 409, 429, 500, 503])
def test_a_limit_in_words_of_its_own_is_no_for_now_at_any_status(status: int, shop: Shop) -> None:
    error = shop.bank.error(status) | {"rsCode": "RS033"}
    shop.bank.debit = answers(as_json(error, f"{status} No"))

    done = shop.debit()

    assert (done.code, done.record["state"]) == (7, "not_applied")
    assert done.record["error"]["code"] == "rate_limited"


@pytest.mark.parametrize("rs_code", ["RS032", "RS015", "RS041"])
@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_any_other_code_at_a_status_that_says_nothing_proves_nothing(
    rs_code: str, status: int, shop: Shop
) -> None:
    error = shop.bank.error(status) | {"rsCode": rs_code}
    shop.bank.debit = answers(as_json(error, f"{status} No"))

    stays_unknown(shop, rs_code)


def test_a_limit_is_none_where_the_status_is_of_a_redirect(shop: Shop) -> None:
    error = shop.bank.error(307) | {"rsCode": "RS033"}
    shop.bank.debit = answers(as_json(error, "307 Hm", "Location: /elsewhere"))

    stays_unknown(shop, "RS033")


FOREIGN = {
    "HTML": HTML,
    "other JSON": b'{"error": "blocked"}',
    "JSON without a message": b'{"statusCode": 400}',
    "a message of the wrong type": b'{"statusCode": 400, "message": ["no"]}',
    "a success": b'{"creditRedeemed": 50, "unit": "CENTS"}',
    "nothing": b"",
}


@pytest.mark.parametrize("body", FOREIGN)
def test_the_same_status_from_something_else_proves_nothing(
    body: str, bank: Bank, journal: Journal
) -> None:
    for status in REFUSING:
        desk = Desk(bank, journal)
        bank.debit = answers(reply(FOREIGN[body], f"{status} No"))

        settled = desk.debit(desk.order(f"{status}", customer=f"{status}"))

        assert settled.entry.state is State.UNKNOWN, status
        assert settled.error is not None
        assert settled.error.code is ErrorCode.OUTCOME_UNKNOWN
        *_, last = journal.events(settled.entry.key)
        assert last.why == f"HTTP {status}: {FOREIGN[body].decode()}"
    assert len(bank.posts) == len(REFUSING)
    assert bank.connections == 2 * len(REFUSING)


@pytest.mark.parametrize("status", UNDECIDED)
def test_a_status_that_says_nothing_of_what_was_done_proves_nothing(
    status: int, shop: Shop
) -> None:
    error = json.dumps(shop.bank.error(status)).encode()
    elsewhere = f"Location: {shop.bank.url}/elsewhere"
    body = b"" if status == 304 else error
    shop.bank.debit = answers(reply(body, f"{status} Hm", elsewhere))

    stays_unknown(shop, f"HTTP {status}: {body.decode()}")


@pytest.mark.parametrize("status", [202, 204, 205])
def test_another_success_does_not_confirm_even_in_the_right_words(status: int, shop: Shop) -> None:
    yes = {"creditRedeemed": 50, "creditAvailable": 1, "unit": "CENTS"}
    body = b"" if status in (204, 205) else json.dumps(yes).encode()
    shop.bank.debit = answers(reply(body, f"{status} Hm"))

    stays_unknown(shop)


# Neither.

CONTRADICTIONS: Mapping[str, Any] = {
    "less": {"creditRedeemed": 49},
    "more": {"creditRedeemed": 51},
    "nothing taken": {"creditRedeemed": 0},
    "the other sign": {"creditRedeemed": -50},
    "other digits": {"creditRedeemed": "49"},
    "digits with a space": {"creditRedeemed": "50 "},
    "digits with a zero in front": {"creditRedeemed": "050"},
    "digits with a point": {"creditRedeemed": "50.0"},
    "digits of another script": {"creditRedeemed": "\u0665\u0660"},
    "no digits": {"creditRedeemed": "CENTS"},
    "a boolean": {"creditRedeemed": True},
    "a decimal": {"creditRedeemed": 50.5},
    "null": {"creditRedeemed": None},
    "a list": {"creditRedeemed": [50]},
    "another unit": {"unit": "points"},
    "the unit in another case": {"unit": "cents"},
    "no unit": {"unit": None},
    "a unit that is a number": {"unit": 1},
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_success_that_says_something_else_is_kept_and_not_believed(case: str, shop: Shop) -> None:
    def debit(wire: Wire, post: Post) -> None:
        post.apply()
        wire.send(as_json(post.yes | CONTRADICTIONS[case]))

    shop.bank.debit = debit

    (key,) = CONTRADICTIONS[case]
    stays_unknown(shop, f'"{key}": {json.dumps(CONTRADICTIONS[case][key])}')


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Thank you"},
        {"message": ["No"]},
        {"code": 9},
        {"error": "no"},
        {"errors": [{"message": "no"}]},
        {"rsCode": "RS033"},
        {"rsCode": [1]},
        {"apiErrorCode": "E"},
        {"statusCode": 500},
        {"statusCode": 400, "message": "No"},
    ],
    ids=str,
)
def test_a_success_with_an_error_in_it_is_not_believed(error: dict[str, Any], shop: Shop) -> None:
    shop.bank.debit = applies_and(lambda wire, post: wire.send(as_json(post.yes | error)))

    stays_unknown(shop, json.dumps(error)[1:-1])


@pytest.mark.parametrize(
    "success",
    [
        {"creditRedeemed": 50, "unit": "CENTS", "creditAvailable": 950},
        {"creditRedeemed": 50, "unit": "CENTS"},
        {"creditRedeemed": 49, "unit": "CENTS"},
        {"creditRedeemed": "50"},
        {"creditAvailable": 950},
    ],
    ids=str,
)
def test_an_error_with_a_success_in_it_is_not_believed(success: dict[str, Any], shop: Shop) -> None:
    error = shop.bank.error(400, "Too little") | {"rsCode": "RS041"} | success
    shop.bank.debit = applies_and(answers(as_json(error, "400 No")))

    stays_unknown(shop, json.dumps(success)[1:-1])


def test_an_error_that_says_that_nothing_was_taken_contradicts_nothing(shop: Shop) -> None:
    error = shop.bank.error(400, "Too little") | {"creditRedeemed": 0, "creditAvailable": None}
    shop.bank.debit = answers(as_json(error, "400 No"))

    assert shop.debit().record["state"] == "refused"


@pytest.mark.parametrize("rs_code", ["RS001", "RS032", "RS033", "RS041"])
@pytest.mark.parametrize(("status", "own"), [(400, 500), (400, "503"), (422, 200), (500, 400)])
def test_an_error_with_two_statuses_that_do_not_agree_is_not_believed(
    status: int, own: int | str, rs_code: str, shop: Shop
) -> None:
    error = {"statusCode": own, "message": "No", "rsCode": rs_code}
    shop.bank.debit = applies_and(answers(as_json(error, f"{status} No")))

    stays_unknown(shop, f'"statusCode": {json.dumps(own)}')


@pytest.mark.parametrize(
    ("status", "own", "rs_code", "state"),
    [
        (400, 404, "RS041", "refused"),
        (422, "400", "RS001", "refused"),
        (400, "nonsense", "RS001", "refused"),
        (400, 429, "RS033", "not_applied"),
        (429, 400, "RS033", "not_applied"),
        (400, 429, "RS001", "unknown"),
    ],
)
def test_two_statuses_that_mean_the_same_agree(
    status: int, own: int | str, rs_code: str, state: str, shop: Shop
) -> None:
    error = {"statusCode": own, "message": "No", "rsCode": rs_code}
    shop.bank.debit = answers(as_json(error, f"{status} No"))

    assert shop.debit().record["state"] == state


def test_true_is_not_one(shop: Shop) -> None:
    shop.bank.debit = lambda wire, post: wire.send(as_json(post.yes | {"creditRedeemed": True}))

    assert shop.debit(amount=1).record["state"] == "unknown"


def bad_gzip() -> bytes:
    return reply(gzip.compress(b'{"a": 1}')[:-9] + b"garbage!!", "200 OK", "Content-Encoding: gzip")


def bomb() -> bytes:
    packed = zlib.compress(b" " * (4 * BODY_LIMIT_BYTES), 9)
    return reply(packed, "200 OK", "Content-Encoding: deflate")


GARBLED: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "missing fields": (lambda: as_json({}), "HTTP 200: {}"),
    "a list": (lambda: as_json([]), "HTTP 200: []"),
    "an empty body": (lambda: reply(b""), "HTTP 200: "),
    "HTML": (lambda: reply(HTML), "HTTP 200: <!DOCTYPE"),
    "its own error": (
        lambda: as_json({"statusCode": 400, "message": "No"}),
        'HTTP 200: {"statusCode"',
    ),
    "not UTF-8": (lambda: reply(b'{"unit": "\xe4"}'), "\\xe4"),
    "cut short": (lambda: reply(b'{"creditRedeemed": 5', length=60), "ended in the middle"),
    "cut short without a length": (
        lambda: b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"creditRedeemed": 50',
        'HTTP 200: {"creditRedeemed": 50',
    ),
    "a broken chunk": (
        lambda: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "not HTTP",
    ),
    "too large": (lambda: reply(b" " * (BODY_LIMIT_BYTES + 1)), "too large"),
    "too large once unpacked": (bomb, "too large"),
    "bad gzip": (bad_gzip, "cannot be decompressed"),
    "a number of 5,000 digits": (
        lambda: reply(b'{"creditRedeemed": %s, "unit": "CENTS"}' % (b"9" * 5000)),
        "HTTP 200: ",
    ),
    "deep nesting": (lambda: reply(b"[" * 200_000 + b"]" * 200_000), "HTTP 200: [[["),
    "a key twice": (
        lambda: reply(b'{"creditRedeemed": 1, "creditRedeemed": 50, "unit": "CENTS"}'),
        "HTTP 200: ",
    ),
    "not HTTP": (lambda: b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
    "half a head": (lambda: b"HTTP/1.1 200 O", ""),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("case", GARBLED)
def test_an_answer_that_cannot_be_read_proves_nothing(case: str, tls: bool, opens: Opens) -> None:
    shop = opens(tls=tls)
    content, evidence = GARBLED[case]
    shop.bank.debit = applies_and(answers(content()))

    stays_unknown(shop, evidence)


def test_the_evidence_of_a_large_answer_is_its_beginning(shop: Shop) -> None:
    shop.bank.debit = answers(reply(b"x" * 100_000))

    shop.debit()

    *_, last = shop.events()
    assert len(last.why) < 3000


# Gameball.


@pytest.fixture
def points(opens: Opens) -> Shop:
    return opens(IdempotentBank)


def test_gameball_confirms_its_own_transaction(points: Shop) -> None:
    done = points.debit()

    assert (done.code, done.record["state"]) == (0, "confirmed")
    assert done.record["provider_reference"] == "77"
    assert points.bank.taken() == 50


def test_gameball_refuses_what_is_too_much(points: Shop) -> None:
    points.bank.debit = answers(as_json(points.bank.error(422), "422 Unprocessable"))

    done = points.debit()

    assert (done.code, done.record["state"]) == (6, "refused")
    assert done.record["error"]["provider_code"] == "9008"


@pytest.mark.parametrize(
    "wrong",
    [
        {"transactionId": "r-2"},
        {"transactionId": None},
        {"transactionId": 1},
        {"redeemEquivalentPoints": 49},
        {"redeemEquivalentPoints": 50.5},
        {"redeemEquivalentPoints": "50"},
        {"redeemEquivalentPoints": True},
        {"redeemEquivalentPoints": None},
        {"redeemEquivalentPoints": [50]},
    ],
    ids=str,
)
def test_gameball_s_answer_must_be_of_this_transaction(wrong: dict[str, Any], points: Shop) -> None:
    def debit(wire: Wire, post: Post) -> None:
        post.apply()
        wire.send(as_json(post.yes | wrong))

    points.bank.debit = debit

    done = points.debit()

    assert (done.code, done.record["state"]) == (8, "unknown")
    sent_once(points)


@pytest.mark.parametrize("code", [5000, 9008, 1001, 2001, "x"])
def test_gameball_s_error_at_200_is_no_success_and_no_refusal(code: Any, points: Shop) -> None:
    error = {"code": code, "type": "Error", "message": "No."}
    points.bank.debit = applies_and(answers(as_json(error)))

    done = points.debit()

    assert (done.code, done.record["state"]) == (8, "unknown")
    assert done.record["error"]["provider_code"] == str(code)
    assert done.record["error"]["http_status"] == 200


@pytest.mark.parametrize(
    "error", [{"code": 9008}, {"message": "No."}, {"errors": ["No."]}], ids=str
)
def test_gameball_s_success_with_an_error_in_it_is_not_believed(
    error: dict[str, Any], points: Shop
) -> None:
    points.bank.debit = applies_and(lambda wire, post: wire.send(as_json(post.yes | error)))

    assert points.debit().record["state"] == "unknown"


@pytest.mark.parametrize(
    "success",
    [{"gameballTransactionId": "7"}, {"redeemAmount": 1}, {"redeemEquivalentPoints": 49}],
    ids=str,
)
def test_gameball_s_error_with_a_success_in_it_is_not_believed(
    success: dict[str, Any], points: Shop
) -> None:
    error = points.bank.error(422) | success
    points.bank.debit = applies_and(answers(as_json(error, "422 No")))

    assert points.debit().record["state"] == "unknown"


def test_a_number_with_a_point_is_the_same_number_of_points(points: Shop) -> None:
    points.bank.debit = lambda wire, post: wire.send(
        as_json(post.yes | {"redeemEquivalentPoints": 50.0})
    )

    assert points.debit().code == 0


# What is kept.


ECHOES: Mapping[str, Debiting] = {
    "refused": answers(as_json({"statusCode": 403, "message": f"bad {SECRET}"}, "403 No")),
    "unknown": answers(reply(f"who is {SECRET}?".encode(), "403 No")),
    "mismatch": answers(as_json({"creditRedeemed": 1, "unit": SECRET})),
}


@pytest.mark.parametrize("case", ECHOES)
def test_a_secret_that_the_platform_repeats_is_neither_printed_nor_kept(
    case: str, shop: Shop
) -> None:
    shop.bank.debit = ECHOES[case]

    done = shop.debit("-v")

    assert done.code in (4, 8)
    assert SECRET not in f"{done}"
    assert SECRET.encode() not in b"".join(
        path.read_bytes() for path in shop.place.parent.glob("journal.db*")
    )


def test_a_bank_is_what_it_says(shop: Shop) -> None:
    assert isinstance(shop.bank, Bank)
    shop.debit()
    again = shop.debit(reference="r-2")

    assert again.record["balance_after"] == 9900
    assert shop.bank.taken() == 100
