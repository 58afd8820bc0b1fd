"""Every row of what an answer proves, at a platform that knows what it applied."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from loyalty_cli.debits.journal.entries import Event, State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.outcome import failed_attempts
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.network.http_client import BODY_LIMIT_BYTES
from tests.debits.conftest import SECRET, CliWith, CommandLine, DebitMaker
from tests.fakes.faulty_platform import (
    HTML,
    Debiting,
    FaultyPlatform,
    IdempotentPlatform,
    answers,
    applies_and,
    as_json,
    honest,
)
from tests.fakes.servers import reply
from tests.network.test_framing import ODD

REFUSING = (400, 401, 402, 403, 404, 405, 411, 413, 414, 415, 422, 428, 431)
SIGN_IN = (401, 403)
UNDECIDED = (
    *(407, 408, 409, 418, 421, 425, 426, 429, 451, 499),
    *(300, 301, 302, 303, 304, 307, 308),
    *(202, 203, 206, 207, 226),
    *(500, 501, 502, 503, 504, 507, 520, 599),
)


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
    "told twice": lambda yes: 2 * as_json(yes),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("way", YES)
def test_an_answer_that_confirms_exactly_this_debit_confirms_it_for_good(
    way: str, tls: bool, cli_with: CliWith
) -> None:
    cli = cli_with(tls=tls)
    cli.platform.debit = applies_and(lambda wire, post: wire.send(YES[way](post.yes)))

    done = cli.debit()

    assert (done.code, done.record["state"], done.record["error"]) == (0, "confirmed", None)
    assert cli.entry().state is State.CONFIRMED
    again = cli.debit()
    assert (again.code, again.record) == (0, done.record | {"replayed": True})
    assert cli.platform.taken() == 50
    cli.sent_once()


# No.


@pytest.mark.parametrize("status", sorted({*REFUSING} - {*SIGN_IN}))
def test_an_error_of_the_platform_at_a_refusing_status_refuses_the_debit(
    status: int, cli: CommandLine
) -> None:
    cli.platform.debit = answers(as_json(cli.platform.error(status), f"{status} No"))

    done = cli.debit()

    assert done.code == (5 if status == 404 else 6)
    assert (done.record["state"], done.record["error"]["http_status"]) == ("refused", status)
    assert "No" in done.record["error"]["message"]
    resolve = f"`loyalty journal resolve --not-applied --why TEXT {done.record['reference']}`"
    assert resolve in done.record["error"]["hint"]
    assert cli.entry().state is State.REFUSED
    cli.sent_once()
    again = cli.debit()
    assert (again.code, again.record["replayed"]) == (done.code, True)
    assert again.record["error"] == done.record["error"]
    assert len(cli.platform.posts) == 1


@pytest.mark.parametrize("status", SIGN_IN)
def test_a_sign_in_that_the_platform_refuses_leaves_the_debit_not_applied(
    status: int, cli: CommandLine
) -> None:
    cli.platform.debit = answers(as_json(cli.platform.error(status), f"{status} No"))

    done = cli.debit()

    assert (done.code, done.record["state"]) == (4, "not_applied")
    assert done.record["error"]["code"] == "credential_refused"
    assert "run the same command again" in done.record["error"]["hint"]
    cli.platform.debit = honest
    again = cli.debit()
    assert (again.code, again.record["attempt"], cli.platform.taken()) == (0, 2, 50)


def test_a_known_error_code_alone_counts_as_the_platforms_error(cli: CommandLine) -> None:
    cli.platform.debit = answers(as_json({"rsCode": "RS032"}, "400 No"))

    assert cli.debit().record["state"] == "not_applied"


@pytest.mark.parametrize(
    ("rs_code", "statuses", "state", "code"),
    [
        ("RS041", (400, 400), "refused", 5),
        ("RS999", (400, 400), "refused", 6),
        ("RS032", (400, 400), "not_applied", 4),
        ("RS015", (400, 400), "not_applied", 3),
        # What is for good is so at the status of a sign-in, too.
        ("RS041", (403, 403), "refused", 5),
        # A limit in the platform's own words is one at any status, but that of a redirect.
        *(("RS033", (status, status), "not_applied", 7) for status in (400, 409, 429, 500, 503)),
        ("RS033", (307, 307), "unknown", 8),
        # Any other code at a status that says nothing proves nothing.
        *(("RS032", (status, status), "unknown", 8) for status in (409, 429, 500, 503)),
        *(("RS015", (status, status), "unknown", 8) for status in (409, 429, 500, 503)),
        *(("RS041", (status, status), "unknown", 8) for status in (409, 429, 500, 503)),
        # Two statuses that mean the same agree.
        ("RS041", (400, 404), "refused", 5),
        ("RS001", (422, "400"), "refused", 6),
        ("RS001", (400, "nonsense"), "refused", 6),
        ("RS033", (400, 429), "not_applied", 7),
        ("RS033", (429, 400), "not_applied", 7),
        # An error whose two statuses do not agree is not believed.
        ("RS001", (400, 429), "unknown", 8),
        *((code, (400, 500), "unknown", 8) for code in ("RS001", "RS032", "RS033", "RS041")),
        *((code, (400, "503"), "unknown", 8) for code in ("RS001", "RS032", "RS033", "RS041")),
        *((code, (422, 200), "unknown", 8) for code in ("RS001", "RS032", "RS033", "RS041")),
        *((code, (500, 400), "unknown", 8) for code in ("RS001", "RS032", "RS033", "RS041")),
    ],
    ids=str,
)
def test_the_error_code_and_both_statuses_together_decide_the_state(
    rs_code: str, statuses: tuple[int, int | str], state: str, code: int, cli: CommandLine
) -> None:
    status, own = statuses
    error = {"statusCode": own, "message": "No", "rsCode": rs_code}
    cli.platform.debit = answers(as_json(error, f"{status} No"))

    done = cli.debit()

    assert (done.record["state"], done.code) == (state, code)
    assert cli.events()[-1].why == f"HTTP {status}: {json.dumps(error)}"
    cli.sent_once()


FOREIGN = {
    "HTML": HTML,
    "other JSON": b'{"error": "blocked"}',
    "JSON without a message": b'{"statusCode": 400}',
    "a message of the wrong type": b'{"statusCode": 400, "message": ["no"]}',
    "a success": b'{"creditRedeemed": 50, "unit": "CENTS"}',
    "nothing": b"",
}


@pytest.mark.parametrize("body", FOREIGN)
def test_a_refusing_status_from_something_else_than_the_platform_proves_nothing(
    body: str, platform: FaultyPlatform, journal: Journal
) -> None:
    for status in REFUSING:
        maker = DebitMaker(platform, journal)
        platform.debit = answers(reply(FOREIGN[body], f"{status} No"))

        settled = maker.debit(maker.order(f"{status}", customer=f"{status}"))

        assert settled.entry.state is State.UNKNOWN, status
        assert settled.error is not None
        assert settled.error.code is ErrorCode.OUTCOME_UNKNOWN
        *_, last = journal.events(settled.entry.key)
        assert last.why == f"HTTP {status}: {FOREIGN[body].decode()}"
    assert len(platform.posts) == len(REFUSING)
    assert platform.connections == 2 * len(REFUSING)


@pytest.mark.parametrize("status", UNDECIDED)
def test_a_status_that_leaves_the_outcome_open_proves_nothing(
    status: int, cli: CommandLine
) -> None:
    error = json.dumps(cli.platform.error(status)).encode()
    elsewhere = f"Location: {cli.platform.url}/elsewhere"
    body = b"" if status == 304 else error
    cli.platform.debit = answers(reply(body, f"{status} Hm", elsewhere))

    cli.stays_unknown(f"HTTP {status}: {body.decode()}")


def test_a_202_with_the_right_confirmation_does_not_confirm_a_debit(cli: CommandLine) -> None:
    yes = {"creditRedeemed": 50, "creditAvailable": 1, "unit": "CENTS"}
    cli.platform.debit = answers(as_json(yes, "202 Hm"))

    cli.stays_unknown()


# Neither.

CONTRADICTIONS: Mapping[str, Any] = {
    "less": {"creditRedeemed": 49},
    "other digits": {"creditRedeemed": "49"},
    "digits with a space": {"creditRedeemed": "50 "},
    "digits with a zero in front": {"creditRedeemed": "050"},
    "digits with a point": {"creditRedeemed": "50.0"},
    "digits of another script": {"creditRedeemed": "\u0665\u0660"},
    "null": {"creditRedeemed": None},
    "another unit": {"unit": "points"},
    "the unit in another case": {"unit": "cents"},
    "no unit": {"unit": None},
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_confirmation_of_another_amount_or_unit_proves_nothing(
    case: str, cli: CommandLine
) -> None:
    (key,) = CONTRADICTIONS[case]
    cli.platform.debit = applies_and(
        lambda wire, post: wire.send(as_json(post.yes | CONTRADICTIONS[case]))
    )

    cli.stays_unknown(f'"{key}": {json.dumps(CONTRADICTIONS[case][key])}')


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
def test_a_confirmation_with_an_error_in_it_proves_nothing(
    error: dict[str, Any], cli: CommandLine
) -> None:
    cli.platform.debit = applies_and(lambda wire, post: wire.send(as_json(post.yes | error)))

    cli.stays_unknown(json.dumps(error)[1:-1])


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
def test_an_error_with_a_confirmation_in_it_proves_nothing(
    success: dict[str, Any], cli: CommandLine
) -> None:
    error = cli.platform.error(400, "Too little") | {"rsCode": "RS041"} | success
    cli.platform.debit = applies_and(answers(as_json(error, "400 No")))

    cli.stays_unknown(json.dumps(success)[1:-1])


def test_an_error_that_says_that_nothing_was_taken_refuses_the_debit(cli: CommandLine) -> None:
    error = cli.platform.error(400, "Too little") | {"creditRedeemed": 0, "creditAvailable": None}
    cli.platform.debit = answers(as_json(error, "400 No"))

    assert cli.debit().record["state"] == "refused"


def test_a_confirmation_with_true_as_its_amount_does_not_confirm_1(cli: CommandLine) -> None:
    cli.platform.debit = lambda wire, post: wire.send(as_json(post.yes | {"creditRedeemed": True}))

    assert cli.debit(amount=1).record["state"] == "unknown"


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
def test_an_answer_that_cannot_be_read_proves_nothing(
    case: str, tls: bool, cli_with: CliWith
) -> None:
    cli = cli_with(tls=tls)
    content, evidence = GARBLED[case]
    cli.platform.debit = applies_and(answers(content()))

    cli.stays_unknown(evidence)


@pytest.mark.parametrize("case", ODD)
def test_an_answer_whose_frame_is_odd_proves_nothing(case: str, cli: CommandLine) -> None:
    yes = b'{"creditRedeemed": 50, "creditAvailable": 1, "unit": "CENTS"}'
    cli.platform.debit = applies_and(answers(ODD[case](yes)))

    cli.stays_unknown()


def test_the_beginning_of_a_large_answer_is_kept_as_evidence(cli: CommandLine) -> None:
    cli.platform.debit = answers(reply(b"x" * 100_000))

    cli.debit()

    *_, last = cli.events()
    assert len(last.why) < 3000


# Gameball.


@pytest.fixture
def points(cli_with: CliWith) -> CommandLine:
    return cli_with(IdempotentPlatform)


@pytest.mark.parametrize("code", [5000, 9008, 1001, 2001, "x"])
def test_an_error_of_gameball_with_status_200_proves_nothing(
    code: Any, points: CommandLine
) -> None:
    error = {"code": code, "type": "Error", "message": "No."}
    points.platform.debit = applies_and(answers(as_json(error)))

    done = points.debit()

    assert (done.code, done.record["state"]) == (8, "unknown")
    assert done.record["error"]["provider_code"] == str(code)
    assert done.record["error"]["http_status"] == 200


@pytest.mark.parametrize(
    "error", [{"code": 9008}, {"message": "No."}, {"errors": ["No."]}], ids=str
)
def test_a_confirmation_of_gameball_with_an_error_in_it_proves_nothing(
    error: dict[str, Any], points: CommandLine
) -> None:
    points.platform.debit = applies_and(lambda wire, post: wire.send(as_json(post.yes | error)))

    assert points.debit().record["state"] == "unknown"


@pytest.mark.parametrize(
    "success",
    [{"gameballTransactionId": "7"}, {"redeemAmount": 1}, {"redeemEquivalentPoints": 49}],
    ids=str,
)
def test_an_error_of_gameball_with_a_confirmation_in_it_proves_nothing(
    success: dict[str, Any], points: CommandLine
) -> None:
    error = points.platform.error(422) | success
    points.platform.debit = applies_and(answers(as_json(error, "422 No")))

    assert points.debit().record["state"] == "unknown"


# What is kept.


ECHOES: Mapping[str, Debiting] = {
    "refused": answers(as_json({"statusCode": 403, "message": f"bad {SECRET}"}, "403 No")),
    "unknown": answers(reply(f"who is {SECRET}?".encode(), "403 No")),
    "mismatch": answers(as_json({"creditRedeemed": 1, "unit": SECRET})),
}


@pytest.mark.parametrize("case", ECHOES)
def test_a_secret_that_the_platform_repeats_is_neither_printed_nor_kept(
    case: str, cli: CommandLine
) -> None:
    cli.platform.debit = ECHOES[case]

    done = cli.debit("-v")

    assert done.code in (4, 8)
    assert SECRET not in f"{done}"
    assert SECRET.encode() not in b"".join(
        path.read_bytes() for path in cli.place.parent.glob("journal.db*")
    )


# What uses up the number of an attempt.

T0 = datetime(2026, 11, 20, tzinfo=UTC)
SENDING, UNKNOWN, NOT_APPLIED = State.SENDING, State.UNKNOWN, State.NOT_APPLIED
LOST_ONE = ((SENDING, UNKNOWN, "timed out"), (UNKNOWN, NOT_APPLIED, "seen twice"))
FAILED = ((SENDING, NOT_APPLIED, 'HTTP 200: {"code": 521}'),)
REFUSED_FOR_GOOD = (
    (SENDING, State.REFUSED, 'HTTP 400: {"code": 818}'),
    (State.REFUSED, NOT_APPLIED, "by hand: HTTP 400 in their log"),
)
BY_HAND = ((SENDING, UNKNOWN, "timed out"), (UNKNOWN, NOT_APPLIED, "by hand: HTTP 500 in a log"))
LATE = ((SENDING, UNKNOWN, "its process has ended"), (UNKNOWN, NOT_APPLIED, "HTTP 200: 521"))
NOT_SENT = ((SENDING, State.PLANNED, "not sent: no connection"),)


@pytest.mark.parametrize(
    ("attempts", "number"),
    [
        ([], 0),
        ([FAILED], 1),
        ([FAILED, NOT_SENT, FAILED], 2),
        ([REFUSED_FOR_GOOD], 1),
        ([LATE], 1),
        ([((SENDING, NOT_APPLIED, "HTTP 401: {}"),)], 0),
        ([((SENDING, NOT_APPLIED, "HTTP 403: {}"),), FAILED], 1),
        ([LOST_ONE], 0),
        ([LOST_ONE, FAILED], 0),
        ([LOST_ONE, ((SENDING, NOT_APPLIED, "HTTP 401: {}"),), FAILED, FAILED], 0),
        ([FAILED, LOST_ONE, FAILED], 1),
        ([FAILED, BY_HAND, FAILED], 1),
        ([FAILED, ((SENDING, UNKNOWN, "timed out"),)], 1),
    ],
    ids=str,
)
def test_a_number_under_which_a_debit_may_have_been_made_is_kept_for_good(
    attempts: list[tuple[tuple[State, State, str], ...]], number: int
) -> None:
    events = [Event(T0, "you", 0, None, State.PLANNED, "planned")]
    for attempt, changes in enumerate(attempts, start=1):
        again = Event(T0, "you", attempt - 1, NOT_APPLIED, State.PLANNED, "requested again")
        claimed = Event(T0, "you", attempt, State.PLANNED, SENDING, "claimed")
        events += [again, claimed, *(Event(T0, "you", attempt, *change) for change in changes)]

    assert failed_attempts(events) == number
