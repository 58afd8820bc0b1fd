"""What a described provider asks, and what it reads; the contract is in test_contract.py."""

from typing import Any

import pytest

from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import (
    Amount,
    Answer,
    ErrorCode,
    NextExpiry,
    NoCustomerError,
    PlatformError,
    Query,
    Reading,
    SeveralCustomersError,
    UnknownCustomerError,
    Value,
    WrongCustomerError,
)
from tests.config.descriptions.descriptions import ACME, provider, with_key, with_line

UNKNOWN = ErrorCode.NOT_FOUND
ID = Query("C/1")
EMAIL = Query("a@b.example", by="email")


def read(line: str, body: bytes, query: Query = ID) -> Reading:
    return with_line(line).normalize(decode(body), query)


def refused(line: str, body: bytes) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        read(line, body)
    return str(caught.value)


# What is asked


def test_a_request_has_the_customer_the_settings_and_the_options_in_their_places() -> None:
    acme = provider(
        with_key(
            "look_up", '{id: {get: "/v1/t-{tenant}/{customer}", query: {q: "{more}", w: "1"}}}'
        )
        + "settings: {tenant: {required: true}, more: x, shop: x, till: x}\n"
        + 'headers: {X-Shop: "{shop}", X-Till: "{till}", Version: "2026-01-01"}\n'
        + "options: {show: {sent_as: Show}}\n"
    )

    request = acme.request(Query("a/b", {"tenant": "t", "shop": "7"}, {"show": "all"}))

    assert request.method == "GET"
    assert request.path == ("v1", "t-t", "a/b")
    assert request.query == {"q": None, "w": "1", "Show": "all"}
    assert request.headers == {"X-Shop": "7", "Version": "2026-01-01"}


@pytest.mark.parametrize("customer", ["{api_key}", "{customer}", "a}{b", "%2e%2e"])
def test_an_identifier_with_braces_is_sent_as_it_is(customer: str) -> None:
    assert provider().request(Query(customer)).path == ("v1", "customers", customer)


# What is read


@pytest.mark.parametrize(
    ("kind", "unit", "settings", "shown", "basis"),
    [
        ("money", "$", {}, "1250", "scale_unknown"),
        ("money", "$", {"minor_units": "2"}, "12.50", "stated"),
        ("money", "$", {"minor_units": "0"}, "1250", "stated"),
        ("points", "miles", {"minor_units": "2"}, "1250", "stated"),
        ("points", "miles", {}, "1250", "stated"),
    ],
)
def test_decimals_are_for_money_alone_and_unclear_without_the_setting(
    kind: str, unit: str, settings: dict[str, str], shown: str, basis: str
) -> None:
    amount = "{from: n, decimals: minor_units}"
    line = f"name: a, kind: money_or_points, unit: {{from: u}}, available: {amount}"
    acme = provider(
        with_key("lines", f"[{{{line}}}]") + "settings: {minor_units: how many decimals}\n"
    )

    reading = acme.normalize({"customer": {"u": unit, "n": 1250}}, Query("1", settings))

    (found,) = reading.balances
    assert (found.kind, str(found.available), found.basis) == (kind, shown, basis)
    assert [each.code for each in reading.warnings] == (
        ["scale_unknown"] if basis == "scale_unknown" else []
    )


def test_decimals_may_be_a_number() -> None:
    body = b'{"customer": {"n": "-5"}}'
    reading = read("name: a, kind: money, unit: USD, available: {from: n, decimals: 2}", body)

    assert str(reading.balances[0].available) == "-0.05"
    assert reading.warnings == ()


def test_a_line_has_a_worth_and_an_expiry_only_if_the_answer_has_them() -> None:
    line = (
        "name: a, kind: points, available: n, includes_pending: true, warning: Who knows.,"
        " value: {currency: {from: [c.code, c]}, available: v.n},"
        " next_expiry: {amount: e.n, value: e.v, at: e.at}"
    )
    both = read(
        line, b'{"customer": {"n": 1, "c": "EUR", "v": {"n": "2.0"}, "e": {"n": 3, "at": "May"}}}'
    )
    none = read(line, b'{"customer": {"n": 1, "c": {"x": 1}, "e": {"v": 3}}}')

    (balance,) = both.balances
    assert balance.value == Value(currency="EUR", available=Amount("2.0"))
    assert balance.next_expiry == NextExpiry(amount=Amount(3), at="May")
    assert balance.includes_pending
    assert [(each.code, each.message) for each in both.warnings] == [
        ("meaning_unknown", "Who knows.")
    ]
    assert (none.balances[0].value, none.balances[0].next_expiry) == (None, None)


def test_what_an_answer_leaves_open_about_its_lines_is_a_warning() -> None:
    acme = provider(
        with_key(
            "lines",
            "[{name: cash, kind: money, unit: {from: u}, available: a, total: t},"
            " {name: points, kind: points, available: p, value: {currency: {from: u}, total: v}},"
            " {name: sum, kind: money, unit: EUR, total: t, sum_of: [cash]}]",
        )
    )

    open_ = acme.normalize({"customer": {"t": 1, "p": 2, "v": 3}}, ID).warnings
    clear = acme.normalize({"customer": {"u": "EUR", "a": 1, "t": 1, "p": 2, "v": 3}}, ID).warnings

    assert [(each.code, each.message) for each in open_] == [
        (
            "currency_unknown",
            "Acme does not say in which currency these are: cash, the worth of points.",
        ),
        ("not_stated", "cash: Acme does not say how much is available."),
    ]
    assert clear == ()


@pytest.mark.parametrize(
    ("source", "body", "name"),
    [
        ("{from: n, default: d}", b'"n": "x"', "x"),
        ("{from: n, default: d}", b'"n": ""', "d"),
        ("{from: n, default: d}", b'"n": null', "d"),
        ("{from: n, default: d}", b'"z": 1', "d"),
        ("{from: [n, m], default: d}", b'"n": {}, "m": "y"', "y"),
        ("{from: [n.0, m], default: d}", b'"n": ["z"], "m": "y"', "z"),
        ("{from: [n, m], default: d}", b'"n": 5, "m": []', "d"),
    ],
)
def test_a_text_comes_from_the_first_place_that_has_one(
    source: str, body: bytes, name: str
) -> None:
    line = f"name: {source}, kind: points, available: a"

    assert read(line, b'{"customer": {"a": 1, %s}}' % body).balances[0].name == name


@pytest.mark.parametrize(
    ("line", "body", "words"),
    [
        ("available: a", b"[]", "expected an object at the top, got a list"),
        ("available: a", b'{"customer": null}', "'customer'"),
        ("available: a", b'{"customer": 5}', "expected an object at 'customer'"),
        ("available: a", b'{"customer": {}}', "it has none of a"),
        ("available: a", b'{"customer": {"a": null}}', "it has none of a"),
        ("available: a", b'{"customer": {"a": true}}', "a number at 'customer.a', got true or"),
        ("available: a", b'{"customer": {"a": []}}', "a number at 'customer.a', got a list"),
        ("available: a", b'{"customer": {"a": "1,0"}}', "'customer.a': '1,0' is not a number"),
        ("available: a.b", b'{"customer": {"a": 5}}', "an object at 'customer.a', got a number"),
        ("available: a.b", b'{"customer": {"a": [1]}}', "an object at 'customer.a', got a list"),
        ("available: {from: a, required: true}, total: b", b'{"customer": {"b": 1}}',
         "'customer.a' is missing"),
        ("unit: {from: u}, available: a", b'{"customer": {"a": 1, "u": 5}}', "'customer.u'"),
        ("unit: {from: u, required: true}, total: a", b'{"customer": {"a": 1, "u": ""}}',
         "'customer.u' is missing"),
    ],
)  # fmt: skip
def test_an_answer_that_the_description_does_not_allow_names_the_place(
    line: str, body: bytes, words: str
) -> None:
    assert words in refused(f"name: n, kind: points, {line}", body)


LISTED = with_key(
    "look_up",
    '{id: {get: "/c/{customer}"},'
    ' email: {get: /c, query: {q: "{customer}"}, at: data.found, one_of_a_list: true}}',
)


def test_a_customer_in_a_list_of_one_is_found_and_an_empty_list_is_an_unknown_customer() -> None:
    acme = provider(LISTED)
    reading = acme.normalize({"data": {"found": [{"points_balance": 7}]}}, EMAIL)

    assert reading.balances[0].available == 7
    with pytest.raises(UnknownCustomerError):
        acme.normalize({"data": {"found": []}}, EMAIL)
    with pytest.raises(SeveralCustomersError):
        acme.normalize({"data": {"found": [{"points_balance": 7}, {"points_balance": 8}]}}, EMAIL)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"points_balance": 7}, "expected a list of customers at 'data.found'"),
        (None, "expected a list of customers"),
        ([5], "expected an object"),
    ],
)
def test_a_list_that_has_not_one_customer_is_refused(found: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        provider(LISTED).normalize({"data": {"found": found}}, EMAIL)


@pytest.mark.parametrize(
    ("source", "named", "read_as"),
    [
        ("id", 42, "42"),
        ("id", "x", "x"),
        ("id", None, None),
        ("{from: id, required: true}", 1, "1"),
    ],
)
def test_the_platforms_own_id_may_be_a_number(source: str, named: Any, read_as: str | None) -> None:
    acme = provider(f"{ACME}platform_customer: {source}\ndetails: [id, more.state]\n")
    body = {"customer": {"id": named, "points_balance": 1, "more": {"state": "on"}}}

    reading = acme.normalize(body, Query(str(named)))

    assert reading.platform_customer == read_as
    assert reading.details == {
        **({} if named is None else {"id": named}),
        "more.state": "on",
    }


@pytest.mark.parametrize("source", ["id", "{from: id, required: true}"])
@pytest.mark.parametrize("named", [True, [], {"a": 1}, None, ...], ids=str)
def test_a_description_says_where_an_answer_must_say_whose_it_is(source: str, named: Any) -> None:
    acme = provider(f"{ACME}platform_customer: {source}\n")
    body = {"customer": {"points_balance": 1, **({} if named is ... else {"id": named})}}

    if source == "id" and named in (None, ...):
        assert acme.normalize(body, Query("42")).platform_customer is None
        return
    with pytest.raises(NoCustomerError, match="id"):
        acme.normalize(body, Query("42"))


@pytest.mark.parametrize("body", [[], {"customer": []}, {"customer": 5}, {}], ids=str)
def test_an_answer_without_the_customer_does_not_say_whose_it_is(body: Any) -> None:
    acme = provider(f"{ACME}platform_customer: {{from: id, required: true}}\n")

    with pytest.raises(NoCustomerError):
        acme.normalize(body, Query("42"))


def test_the_balance_of_another_customer_is_refused_before_it_is_read() -> None:
    acme = provider(f"{ACME}platform_customer: id\n")

    for named in ("43", 43, Amount("43.0"), ""):
        with pytest.raises(WrongCustomerError):
            acme.normalize({"customer": {"id": named, "points_balance": "many"}}, Query("42"))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"code": "gone", "text": "No."}}, PlatformError("No.", "gone", UNKNOWN)),
        ({"error": {"code": 7, "text": "No."}}, PlatformError("No.", "7", ErrorCode.RATE_LIMITED)),
        ({"error": {"code": "new", "text": "No."}}, PlatformError("No.", "new")),
        ({"error": {"text": "No."}}, None),
        ({"error": {"code": True, "text": "No."}}, None),
        ({"error": {"code": "gone"}}, None),
        ({"error": "No."}, None),
        ({"error": "No.", "path": "/"}, PlatformError("No.")),
        ({"error": "No.", "path": "/", "more": ["a", "b"]}, PlatformError("No.; a; b")),
        ({"path": "/", "more": {"a": ["x", "y"], "b": ["z"]}}, PlatformError("a: x y; b: z")),
        ({"path": "/", "more": {"a": "x"}}, None),
        ({}, None),
        (None, None),
        ([], None),
        ("error", None),
    ],
)  # fmt: skip
def test_an_error_is_read_by_the_first_shape_that_fits(
    body: Any, error: PlatformError | None
) -> None:
    acme = provider(
        f"{ACME}errors:\n"
        "- {message: error.text, code: error.code, not_found: [gone], rate_limited: [7]}\n"
        "- {message: [error, more], needs: [path]}\n"
    )

    assert acme.read_error(body) == error


def test_a_status_can_mean_an_unknown_customer_whatever_the_body_is() -> None:
    acme = provider(f"{ACME}not_found: [404]\n")

    assert acme.is_not_found(Answer(404, {}, b""))
    assert not acme.is_not_found(Answer(400, {}, b""))
    assert not provider().is_not_found(Answer(404, {}, b""))
