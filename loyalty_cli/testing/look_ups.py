"""What every provider promises about look-ups, with the cases that its author gives."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import product
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers.contract import ID
from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.testing.cases import Cases, Header, Step, WayCases, full, is_known
from loyalty_cli.testing.each import EachCase, same, true
from loyalty_cli.testing.fake_platform import FakePlatform, Told, sent_body
from loyalty_cli.testing.gaps import gaps
from loyalty_cli.testing.json_tree import (
    about,
    at,
    changed,
    exact,
    for_customer,
    shown,
    value_at,
    with_raw,
)

HTML = b"<!DOCTYPE html><title>Nice weather</title><h1>Welcome</h1>"
WEB_PAGE = (
    (200, "bad_response", 1),
    (400, "bad_response", 1),
    (401, "credential_refused", 1),
    (403, "credential_refused", 1),
    (502, "server_error", 3),
)
"""A status of a page of HTML, and what it means after so many requests."""
WRONG: Mapping[str, tuple[Any, ...]] = {
    "amounts": ([], {}, True, "many", ""),
    "texts": (5, True, [], {}),
    "required": (..., None),
}
"""What may not stand in a place that the cases list so; `...` removes the key."""
AMOUNTS = (
    *("0", "8500.000", "-12.50", "0.1", "12345678901234567890.500", "0.0000000000000000001"),
    *("-0", "100", "9" * 60, "1200", "-0.07", "4503599627370497.5", "1.10"),
)
"""Amounts that lose digits where anything rounds, or counts in floats."""
NOT_NUMBERS = ("NaN", '"NaN"', '"1,000"', '" 5 "', "5" * 5000, "1e999999999", "01")
NOT_JSON = {
    "nothing": b"",
    "half of it": b'{"a": 1',
    "Latin-1": '{"name": "Käse"}'.encode("latin-1"),
    "half a character": b'{"a": "\\ud800"}',
    "a key twice, deep down": b'[{"b": {"a": 1, "a": 2}}]',
    "a hundred thousand lists": b"[" * 100_000 + b"]" * 100_000,
}
IDENTIFIERS = (
    *("a/b", "50%", "%2e%2e", "x?y#z", "a&accountId=b", "a=b;c", "~.-_+:@\\", "...", "../.."),
    *('"quoted" {}[1]', "ä 日本 \U0001f600", "e\u0301\u202eabc", "//host/x", "x" * 1000),
    *("304169228", "0042", "+61400000000", "me@host.example"),
    "2ee24580-b97b-4949-a65c-929ccb9b9b8d",
)
UNSENDABLE = ("", " ", "a\nb", "\udcff")
NOT_INSTALLED = " Install its package (`pip install -e .`): that makes it known."

__tracebackhide__ = True  # pytest shows what fell short, and not this module


class LookUpPromises:
    """What a provider promises about look-ups: a method is a promise."""

    cases: ClassVar[Cases | None] = None

    def test_the_cases_cover_the_provider(self) -> None:
        """Each sign-in, credential, option, way and debit code of the provider has its case."""
        if gap := self._gap():
            raise AssertionError(gap)

    # What succeeds

    def test_a_look_up_asks_as_the_cases_say__and_the_answer_becomes_the_record(self) -> None:
        """The request is signed, and each field of the record is as the cases have it."""
        with self.platform() as platform:
            cases = platform.cases
            record = platform.reads()
            _same_requests(platform, ID)
            _same_headers(platform.received[-1], cases.signs_in[platform.provider.auths[0].name])
        _same_balances(record, cases)
        same(record["details"], cases.details, "details")
        same(record["warnings"], cases.warnings, "warnings")
        expected = for_customer(cases.platform_customer, cases.customer)
        same(record["platform_customer"], expected, "platform_customer")

    def test_other_answers_are_read_as_the_cases_say(self) -> None:
        """Each of `reads`, digit for digit."""
        with self.platform() as platform, EachCase() as case:
            for name, reads in platform.cases.reads.items():
                with case(f"reads[{name!r}]"):
                    record = platform.replies(reads.answer).reads(*reads.arguments)
                    wanted = dict(reads.record)
                    if "balances" in wanted:
                        wanted["balances"] = [full(line) for line in wanted["balances"]]
                    for key, value in wanted.items():
                        same(exact(record[key]), exact(value), key)

    def test_raw_is_the_answer_of_the_platform_untouched(self) -> None:
        """`--raw` keeps every digit."""
        with self.platform() as platform:
            cases = platform.cases
            answer = with_raw(cases.answer, dict.fromkeys(cases.amounts, "8500.000"))
            record = platform.replies(answer).reads("--raw")
        sent = json.loads(about(answer, cases.customer), parse_int=Decimal, parse_float=Decimal)
        same(exact(record["raw"]), exact(sent), "raw")

    def test_an_amount_of_zero_is_zero_and_not_null(self) -> None:
        """Zero, zero as text, and zero with decimals."""
        with self.platform() as platform, EachCase() as case:
            places = platform.cases.amounts
            for zero in ("0", '"0"', "0.00"):
                with case(f"amounts of {zero}"):
                    sent = with_raw(platform.cases.answer, dict.fromkeys(places, zero))
                    record = platform.replies(sent).reads()
                    for place in places.values():
                        found = at(record, place)
                        true(found is not None and found == 0, f"{place} is {found} and not 0")

    def test_unknown_keys_of_an_answer_are_ignored(self) -> None:
        """Keys that the platform may add one day, at the top and beside the amounts."""
        with self.platform() as platform:
            cases = platform.cases
            answer = cases.answer
            extra = {"unheardOf": {"deep": [1]}, "message": "Good day", "code": 9, "type": "new"}
            for home in dict.fromkeys(("", cases.home)):
                node = value_at(answer, home)
                if isinstance(node, dict):
                    answer = changed(answer, home, {**extra, **node})
            _same_balances(platform.replies(answer).reads(), cases)

    def test_every_amount_keeps_its_digits(self) -> None:
        """As a JSON number and as text, a different one in each place."""
        with self.platform() as platform, EachCase() as case:
            places = platform.cases.amounts
            for sent, quotes in product(_amounts_in(places), ("", '"')):
                raw = {place: f"{quotes}{text}{quotes}" for place, text in sent.items()}
                with case(f"amounts of {', '.join(raw.values())}"):
                    record = platform.replies(with_raw(platform.cases.answer, raw)).reads()
                    for place, text in sent.items():
                        found = at(record, places[place])
                        digits = None if found is None else format(found, "f")
                        true(digits == text, f"{place} of {text} became {digits}")

    # What makes no sense is never zero

    def test_a_value_of_a_wrong_type_is_a_bad_response(self) -> None:
        """In each place of `amounts`, `texts` and `required`; the message names the place."""
        with self.platform() as platform, EachCase() as case:
            for place, value in _wrong(platform.cases):
                with case(_with_value(place, value)):
                    told = platform.replies(changed(platform.cases.answer, place, value)).tells()
                    _is_bad_response(told)
                    key = place.rpartition(".")[2]
                    true(key in told.message, f"the message does not name {key}: {told.message!r}")

    def test_a_missing_amount_is_null__and_not_zero(self) -> None:
        """Each of `amounts` that is not in `required`, removed and null."""
        with self.platform() as platform, EachCase() as case:
            answer = platform.cases.answer
            for place, nothing in product(platform.cases.optional, (..., None)):
                with case(_with_value(place, nothing)):
                    record = platform.replies(changed(answer, place, nothing)).reads()
                    ours = platform.cases.amounts[place]
                    found = at(record, ours)
                    true(found is None, f"{ours} is {found}, and not null")

    def test_json_of_a_wrong_shape_is_a_bad_response(self) -> None:
        """Each of `not_answers`."""
        with self.platform() as platform, EachCase() as case:
            for body in platform.cases.not_answers:
                with case(f"the answer {body!r}"):
                    told = platform.replies(body).tells()
                    _is_bad_response(told)
                    _names_the_platform(told, platform)

    def test_an_amount_that_is_no_number_is_a_bad_response(self) -> None:
        """NaN, thousands separators, spaces, too many digits."""
        with self.platform() as platform, EachCase() as case:
            for place, raw in product(list(platform.cases.amounts)[:1], NOT_NUMBERS):
                with case(f"{place} as {raw[:24]}"):
                    sent = with_raw(platform.cases.answer, {place: raw})
                    _is_bad_response(platform.replies(sent).tells())

    def test_a_body_that_is_not_json_is_a_bad_response(self) -> None:
        """Nothing, half of a document, another encoding; the request is not made again."""
        with self.platform() as platform, EachCase() as case:
            for name, arguments in product(NOT_JSON, ((), ("--raw",))):
                with case(" ".join([f"a body with {name}", *arguments])):
                    _is_bad_response(platform.replies(NOT_JSON[name]).tells(*arguments))
                    _asked(platform, 1)

    # What the platform refuses

    def test_errors_are_told_as_the_cases_say(self) -> None:
        """Each of `fails`."""
        with self.platform() as platform, EachCase() as case:
            for name, fails in platform.cases.fails.items():
                with case(f"fails[{name!r}]"):
                    platform.replies(Reply(fails.status, fails.body))
                    told = platform.tells(*fails.arguments, from_first=fails.from_first)
                    same(told.exit_code, fails.exit_code, "the exit code")
                    same(told.code, fails.code, "error.code")
                    same(told.provider_code, fails.provider_code, "error.provider_code")
                    true(fails.words in told.message, f"{fails.words!r} is not in {told.message!r}")
                    _asked(platform, fails.requests)

    def test_an_unknown_customer__a_wrong_key_and_too_many_requests_are_told_apart(self) -> None:
        """By the platform's own answers."""
        with self.platform() as platform, EachCase() as case:
            cases = platform.cases
            for name, code, requests, words in (
                ("not_found", "not_found", 1, f" has no customer {cases.customer!r}"),
                ("refused", "credential_refused", 1, "profile 'main'"),
                ("throttled", "rate_limited", 3, ""),
            ):
                with case(name):
                    told = platform.replies(getattr(cases, name)).tells()
                    same(told.code, code, "error.code")
                    _names_the_platform(told, platform)
                    true(words in told.message, f"{words!r} is not in {told.message!r}")
                    _asked(platform, requests)

    def test_a_web_page_in_place_of_json_is_an_error_at_any_status(self) -> None:
        """HTML comes from a proxy or a gateway, and not from the platform."""
        with self.platform() as platform, EachCase() as case:
            for status, code, requests in WEB_PAGE:
                with case(f"HTML with HTTP {status}"):
                    told = platform.replies(_page(status)).tells()
                    same(told.code, code, "error.code")
                    _asked(platform, requests)

    def test_a_404_of_something_else_is_not_an_unknown_customer(self) -> None:
        """A 404 without the platform's own error means a wrong address, or a gateway."""
        with self.platform() as platform:
            told = platform.replies(_page(404)).tells()
            same(told.exit_code, platform.cases.foreign_404, "the exit code (foreign_404)")

    def test_a_look_up_that_was_throttled_is_retried_and_succeeds(self) -> None:
        """The same request again, after 429 and after 503."""
        with self.platform() as platform:
            cases = platform.cases
            record = platform.replies(cases.throttled, Reply(503, HTML), cases.answer).reads()
            _same_balances(record, cases)
            _asked(platform, 3)
            last = platform.received[-3:]
            true(len({each.target for each in last}) == 1, "a retry asks for something else")

    # What is sent

    def test_an_identifier_reaches_the_platform_byte_for_byte(self) -> None:
        """By each way, every identifier that it accepts; a slash stays inside its segment."""
        with self.platform() as platform, EachCase() as case:
            for way in platform.provider.ways:
                cases = _way(platform.cases, way.name)
                first, *_ = _requests(cases)
                accepted = [each for each in IDENTIFIERS if _accepts(way.check, each)]
                for customer in (cases.customer, *accepted):
                    with case(f"the {way.name} {customer[:40]!r}"):
                        platform.look_up("--by", way.name, customer=customer)
                        true(bool(platform.received), "nothing was asked")
                        _arrived(platform.received[0], first, customer)

    def test_an_id_that_no_customer_has_can_be_asked_for(self) -> None:
        """`impossible_customer` is one that the way `id` accepts, and that can be sent."""
        with self.platform() as platform:
            provider = platform.provider
            customer = provider.impossible_customer
            true(_accepts(provider.ways[0].check, customer), f"{customer!r} cannot be an id")
            platform.look_up(customer=customer)
            true(bool(platform.received), f"nothing was asked for {customer!r}")

    def test_each_way_to_name_a_customer_asks_as_the_cases_say(self) -> None:
        """The balance is the same as by id; a customer who does not exist is not found."""
        with self.platform() as platform, EachCase() as case:
            for name, way in platform.cases.ways.items():
                with case(f"ways[{name!r}]"):
                    answer = platform.cases.answer if way.answer is None else way.answer
                    record = platform.replies(answer).reads("--by", name)
                    same(record["asked"]["by"], name, "asked.by")
                    _same_requests(platform, name)
                    _same_balances(record, platform.cases)
                    if way.unknown is not None:
                        told = platform.replies(way.unknown).tells("--by", name, from_first=True)
                        same(told.code, "not_found", "error.code for a customer that is unknown")

    def test_the_balance_of_another_customer_is_refused(self) -> None:
        """If the answer names the customer, another one in it is an error."""
        with self.platform() as platform:
            cases = platform.cases
            if cases.platform_customer is None:
                return
            other = cases.customer[:-1] + ("2" if cases.customer[-1] == "1" else "1")
            named = for_customer(cases.platform_customer, cases.customer)
            if named == cases.platform_customer:  # the same in each answer: ask for another one
                told = platform.tells(customer=other)
            else:
                told = platform.replies(about(cases.answer, other)).tells()
            same(told.code, "wrong_customer", "error.code")

    def test_each_way_of_signing_in_sends_its_headers(self) -> None:
        """Its own headers whole, and none of the other ways."""
        with self.platform() as platform, EachCase() as case:
            signs_in = platform.cases.signs_in
            for name, expected in signs_in.items():
                with case(f"signs_in[{name!r}]"):
                    platform.reads(auth=name)
                    for received in platform.received:
                        _same_headers(received, expected)
                        others = {key.lower() for each in signs_in.values() for key in each}
                        own = {key.lower() for key in expected}
                        sent = sorted((others - own) & received.headers.keys())
                        true(not sent, f"it sends headers of another sign-in: {', '.join(sent)}")

    def test_an_option_is_sent_as_the_cases_say(self) -> None:
        """Each of `options`, under the name that the platform has for it."""
        with self.platform() as platform, EachCase() as case:
            cases = platform.cases
            for name, (value, sent) in cases.options.items():
                with case(f"options[{name!r}]"):
                    record = platform.look_up("-O", f"{name}={value}")
                    if record["error"]:
                        raise AssertionError(f"the look-up failed: {record['error']['message']}")
                    found = {key: text for each in platform.received for key, text in _query(each)}
                    requests = _requests(_way(cases, ID))
                    always = {key: text for each in requests for key, text in each.query.items()}
                    same(found, {**for_customer(always, cases.customer), **sent}, "the query")

    def test_an_option_that_cannot_be_sent_is_refused_before_any_request(self) -> None:
        """Empty text, control characters, half a character."""
        with self.platform() as platform, EachCase() as case:
            for name, value in product(platform.cases.options, UNSENDABLE):
                with case(f"-O {name}={value!a}"):
                    try:
                        platform.look_up("-O", f"{name}={value}")
                    except LoyaltyError as error:
                        same(error.code, ErrorCode.USAGE, "the error")
                    else:
                        raise AssertionError("it was sent")

    def test_no_secret_is_shown(self) -> None:
        """Neither credentials nor what is made of them: in records, in errors, with `-v`."""
        with self.platform() as platform, EachCase() as case:
            answers = ("answer", "refused", "not_found", "throttled")
            for auth, name in product(platform.cases.signs_in, answers):
                with case(f"{name}, signed in with {auth}"):
                    record = platform.replies(getattr(platform.cases, name)).look_up(auth=auth)
                    told = "\n".join([repr(record), *platform.trace])
                    is_shown = any(each in told for each in _secrets(platform.cases, auth))
                    true(not is_shown, "a secret of the sign-in is shown")

    # What the promises are made of

    def platform(self) -> FakePlatform:
        """The fake platform of the cases; a promise is skipped if the cases are incomplete."""
        if self.cases is None or self._gap():
            from unittest import SkipTest

            raise SkipTest("test_the_cases_cover_the_provider says what is missing.")
        return FakePlatform(self.cases)

    def _gap(self) -> str | None:
        if self.cases is None:
            name = type(self).__name__
            return f"{name} has no cases: give it `cases = Cases(...)`, as ADDING.md shows."
        try:
            return gaps(self.cases)
        except LoyaltyError as error:
            return f"{error.message}{'' if is_known(self.cases) else NOT_INSTALLED}"


def _amounts_in(places: Iterable[str]) -> Iterator[dict[str, str]]:
    """Each of AMOUNTS in each place, and at no time the same one in two of them."""
    for turn in range(len(AMOUNTS)):
        yield {
            place: AMOUNTS[(turn + number) % len(AMOUNTS)] for number, place in enumerate(places)
        }


def _page(status: int) -> Reply:
    return Reply(status, HTML, content_type="text/html")


def _way(cases: Cases, name: str) -> WayCases:
    """The cases of a way, by id, too."""
    if name != ID:
        return cases.ways[name]
    return WayCases(
        cases.customer,
        cases.path,
        cases.query,
        steps=cases.steps,
        method=cases.method,
        sends=cases.sends,
    )


def _requests(way: WayCases) -> tuple[Step, ...]:
    """Every request of a look-up, in order."""
    return (*way.steps, Step(way.path, way.answer, way.query, way.method, way.sends))


def _accepts(check: Any, customer: str) -> bool:
    try:
        check(customer)
    except ValueError:
        return False
    return True


def _arrived(received: Received, step: Step, customer: str) -> None:
    path, query = for_customer(step.path, customer), for_customer(step.query, customer)
    same(list(received.path), list(path), "the path")
    same(dict(received.query), query, "the query")
    address = "/" + "/".join(quote(each, safe="") for each in path)
    same(urlsplit(received.target).path, address, "the path as it was sent")


def _same_requests(platform: FakePlatform, by: str) -> None:
    """Every request of a look-up is as the cases have it."""
    way = _way(platform.cases, by)
    expected = _requests(way)
    asked = [f"{each.method} {each.target}" for each in platform.received]
    true(
        len(asked) == len(expected),
        f"the cases have {len(expected)} requests, and the look-up made {asked}",
    )
    for received, step in zip(platform.received, expected, strict=True):
        same(received.method, step.method, "the method")
        _arrived(received, step, way.customer)
        same(sent_body(received), for_customer(step.sends, way.customer), "the body")


def _same_headers(received: Received, expected: Mapping[str, Header]) -> None:
    for name, value in expected.items():
        wanted = value if isinstance(value, str) else value(received)
        sent = received.headers.get(name.lower())
        true(sent == wanted, f"the header {name} is not as the cases have it")


def _same_balances(record: Any, cases: Cases) -> None:
    same(record["balances"], cases.full_balances(), "balances")


def _is_bad_response(told: Told) -> None:
    same(told.code, "bad_response", "error.code")


def _names_the_platform(told: Told, platform: FakePlatform) -> None:
    title = platform.provider.title
    true(title in told.message, f"the message does not name {title}: {told.message!r}")


def _asked(platform: FakePlatform, requests: int) -> None:
    """So many requests were made, besides the steps before the last."""
    made = platform.replied
    true(made == requests, f"{made} requests were made, and not {requests}")


def _query(received: Received) -> list[tuple[str, str]]:
    return list(received.query.items())


def _secrets(cases: Cases, auth: str) -> Iterator[str]:
    """Every text that would show a secret of a way to sign in."""
    sent = [each for each in cases.signs_in[auth].values() if isinstance(each, str)]
    whole = [each for each in sent if each != "application/json"]
    for secret in (*cases.credentials.values(), *whole):
        yield from (secret, quote(secret), b64encode(secret.encode()).decode())
    yield from (each.rpartition(" ")[2] for each in whole)


def _wrong(cases: Cases) -> Iterator[tuple[str, Any]]:
    """Each place of the cases, and each value that may not stand there."""
    for kind, values in WRONG.items():
        yield from product(getattr(cases, kind), values)


def _with_value(place: str, value: Any) -> str:
    return f"{place} removed" if value is ... else f"{place} as {shown(value)}"
