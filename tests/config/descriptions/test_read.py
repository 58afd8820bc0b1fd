"""A description in YAML: what it may say, and how each mistake in it is told."""

import re

import pytest

from loyalty_cli.config.descriptions.read import KEYS
from loyalty_cli.config.yaml_nodes import MistakeError
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.providers.contract import Secrets
from tests.config.descriptions.descriptions import ACME, described, provider, with_key

SECRET = "hunter2secret"
LINE = "name: points, kind: points"


def mistake(text: str) -> MistakeError:
    with pytest.raises(MistakeError) as caught:
        described(text)
    return caught.value


def line_of(text: str, key: str) -> int:
    return next(at for at, line in enumerate(text.splitlines(), 1) if line.startswith(key))


def test_the_least_description_makes_a_provider_with_one_line() -> None:
    acme = provider()

    assert (acme.name, acme.title, acme.base_url) == (
        "acme",
        "Acme",
        "https://loyalty.acme.example",
    )
    assert [auth.name for auth in acme.auths] == ["bearer"]
    assert acme.auths[0].headers({"api_key": "k"}) == {"Authorization": "Bearer k"}
    assert [way.name for way in acme.ways] == ["id"]
    assert acme.numbers == {"points.available": "customer.points_balance"}


@pytest.mark.parametrize(
    ("auth", "secrets", "headers"),
    [
        (
            '{k: {credentials: [id, key], headers: {X-App-Id: "{id}", X-App-Key: "{key}"}}}',
            {"id": "1", "key": "2"},
            {"X-App-Id": "1", "X-App-Key": "2"},
        ),
        (
            "{k: {credentials: [key], headers: {Authorization: 'Token token=\"{key}\"'}}}",
            {"key": "2"},
            {"Authorization": 'Token token="2"'},
        ),
        (
            '{k: {credentials: [key], basic: {user: "{key}", password: ""}}}',
            {"key": "cl\u00e9"},
            {"Authorization": "Basic Y2zDqTo="},
        ),
        (
            '{k: {credentials: [u, p], basic: {user: "{u}", password: "{p}"}}}',
            {"u": "a", "p": "b"},
            {"Authorization": "Basic YTpi"},
        ),
    ],
)
def test_a_sign_in_makes_its_headers_from_credentials(
    auth: str, secrets: Secrets, headers: dict[str, str]
) -> None:
    (way,) = provider(with_key("auth", auth)).auths

    assert way.headers(secrets) == headers
    assert set(way.fields) == set(secrets)


@pytest.mark.parametrize(
    ("key", "value", "at", "said"),
    [
        ("auth", "{a: {credentials: [k], headers: {X-Key: 'Bearer SECRET'}}}", "", "secret"),
        ("auth", "{a: {credentials: [k], headers: {X-Key: SECRET}}}", "", "secret"),
        ("auth", "{a: {credentials: [k], headers: {X-Key: 'SECRET{k}'}}}", "", "secret"),
        ("auth", "{a: {credentials: [k], headers: {X-Key: 'Bearer SECRET {k}'}}}", "", "secret"),
        ("auth", "{a: {credentials: [k], headers: {X-Key: '{k} SECRET'}}}", "", "secret"),
        ("auth", "{a: {credentials: [k], basic: {user: SECRET, password: '{k}'}}}", "", "secret"),
        ("auth", "{a: {credentials: [k], basic: {user: '{k}', password: SECRET}}}", "", "secret"),
        ("headers", "{X-Api-Key: SECRET}", "headers.X-Api-Key", "a credential does not belong"),
        ("headers", "{Authorization: SECRET}", "headers.Authorization", "a credential does not"),
        ("headers", "{Subscription-Key: SECRET}", "headers.Subscription-Key", "no secret"),
        ("headers", "{Cookie: SECRET}", "headers.Cookie", "no secret"),
        ("headers", "{X-Auth: 'Bearer SECRET'}", "headers.X-Auth", "no secret"),
        ("headers", "{X-Auth: 'basic SECRET'}", "headers.X-Auth", "no secret"),
        ("headers", "{X-Auth: 'eyJSECRET'}", "headers.X-Auth", "no secret"),
        ("headers", "{X-Auth: 'jwt=eyJSECRET'}", "headers.X-Auth", "no secret"),
        ("headers", "{X-Auth: 'SECRET_0123456789ab'}", "headers.X-Auth", "no secret"),
        ("headers", "{X-Auth: 'v1 SECRET+0123456789ab='}", "headers.X-Auth", "no secret"),
        ("headers", "{X-Auth: '{shop}-SECRET-0123456789ab'}\nsettings: {shop: x}",
         "headers.X-Auth", "no secret"),
        ("look_up", '{id: {get: "/c/{customer}", query: {q: eyJSECRET}}}', "look_up.id.query.q",
         "no secret"),
        ("api_key", "SECRET", "api_key", "a credential does not belong in this file"),
        ("settings", "{client_secret: SECRET}", "settings.client_secret", "a credential does"),
        ("options", "{token: SECRET}", "options.token", "a credential does not belong"),
        ("options", "{more: {help: x, sent_as: api_key}}", "options.more", "sounds like a secret"),
        (
            "look_up",
            '{id: {get: "/c/{customer}", query: {token: SECRET}}}',
            "look_up.id.query.token",
            "a credential does not belong",
        ),
        (
            "look_up",
            '{id: {get: "/c/{customer}", query: {key: SECRET}}}',
            "look_up.id.query.key",
            "no secret",
        ),
        ("base_url", "https://me:SECRET@h.example", "base_url", "must not have a user"),
    ],
)  # fmt: skip
def test_a_secret_in_a_description_is_refused_with_its_key_and_not_repeated(
    key: str, value: str, at: str, said: str
) -> None:
    found = mistake(with_key(key, value.replace("SECRET", SECRET)))

    assert said in str(found)
    assert found.key.startswith(at or key)
    assert SECRET not in f"{found} {found.key} {found.hint}"
    assert found.line == line_of(with_key(key, value), key)


@pytest.mark.parametrize(
    ("key", "value", "at", "said"),
    [
        ("lnes", "[]", "lnes", "unknown key|'lines'"),
        ("name", "other", "name", "must be 'acme'"),
        ("base_url", "http://api.example.com", "base_url", "must begin with https://"),
        ("auth", "{}", "auth", "must be a map with a way to sign in"),
        ("auth", "{a: {credentials: []}}", "auth.a.credentials", "headers or basic"),
        ("auth", "{a: {credentials: [k], headers: {X: '{q}'}}}", "auth.a.headers.X", "{q}"),
        ("auth", "{a: {credentials: [k, l], headers: {X: '{k}'}}}", "auth.a.cre", "l stands"),
        ("auth", "{A B: {}}", "auth.A B", "a name must be"),
        ("auth", "{a: {credentials: [k], headers: {Host: '{k}'}}}", "auth.a.headers.H", "itself"),
        ("auth", "{a: {credentials: [k], headers: {'X Y': '{k}'}}}", "auth.a.headers.X", "header"),
        ("look_up", "{}", "look_up", "needs the way"),
        ("look_up", "{id: {get: /c}}", "look_up.id.get", "does not name the customer"),
        ("look_up", "{id: {get: 'c/{customer}'}}", "look_up.id.get", "begins with /"),
        ("look_up", "{id: {get: '/c/../{customer}'}}", "look_up.id.get", "neither . nor .."),
        ("look_up", "{id: {get: '/c//{customer}'}}", "look_up.id.get", "no empty part"),
        ("look_up", "{id: {get: '/c/{customer}?a=b'}}", "look_up.id.get", "must not have ?"),
        ("look_up", "{id: {get: '/c%2F/{customer}'}}", "look_up.id.get", "must not have ?"),
        ("look_up", "{id: {get: '/{customr}'}}", "look_up.id.get", "value {customr}|'customer'"),
        ("look_up", "{id: {get: '/c-{customer}'}}", "look_up.id.get", "a whole part of the path"),
        ("look_up", "{id: {get: /c, query: {q: 'is {customer}'}}}", "look_up.id.get", "a whole"),
        ("look_up", "{id: {get: '/{customer'}}", "look_up.id.get", "written as {name}"),
        ("look_up", "{id: {get: '/{customer}', of: x}}", "look_up.id.of", "unknown key"),
        ("look_up", "{id: {get: '/{customer}', at: a..b}}", "look_up.id.at", "keys of the answer"),
        ("lines", "[]", "lines", "must be a list with a balance line"),
        ("lines", "points", "lines.0", "must be a map"),
        ("lines", f"[{{{LINE}}}]", "lines.0.available", "a line needs an amount"),
        ("lines", f"[{{{LINE}, value: {{currency: EUR}}}}]", "lines.0.available", "an amount"),
        ("lines", "[{kind: points, available: a}]", "lines.0.name", "is missing"),
        ("lines", "[{name: points, available: a}]", "lines.0.kind", "is missing"),
        ("lines", "[{name: p, kind: pionts, available: a}]", "lines.0.kind", "mean points?"),
        ("lines", f"[{{{LINE}, avialable: a}}]", "lines.0.avialable", "unknown key|'available'"),
        ("lines", f"[{{{LINE}, total: {{form: a}}}}]", "lines.0.total.form", "unknown key|'from'"),
        ("lines", f"[{{{LINE}, total: {{required: true}}}}]", "lines.0.total.from", "is missing"),
        ("lines", f"[{{{LINE}, total: {{from: a, requierd: true}}}}]", "lines.0", "|'required'"),
        ("lines", f"[{{{LINE}, total: {{from: a, default: 0}}}}]", "lines.0.total.default", "unkn"),
        ("lines", f"[{{{LINE}, total: {{from: a, required: yes}}}}]", "lines.0.total.req", "tr"),
        ("lines", f"[{{{LINE}, total: {{from: a, decimals: 2}}}}]", "lines.0.total", "for money"),
        ("lines", f"[{{{LINE}, total: {{from: a, decimals: c}}}}]", "lines.0.total.dec", "0 to"),
        ("lines", f"[{{{LINE}, total: a, sum_of: [x]}}]", "lines.0", "there is no line 'x'"),
        ("lines", f"[{{{LINE}, total: a}}, {{{LINE}, total: b}}]", "lines.0", "two lines 'points'"),
        ("lines", "[{name: {from: a, default: b, required: true}, kind: points, total: a}]",
         "lines.0.name.default", "has no default"),
        ("settings", "{timeout: x}", "settings.timeout", "is a key of every profile"),
        ("settings", "{by: x}", "settings.by", "is a key of every profile"),
        ("options", "{by: x}", "options.by", "is the way to name a customer"),
        ("settings", "{customer: x}", "settings.customer", "stands for the customer"),
        ("settings", "{Tenant: x}", "settings.Tenant", "lower-case"),
        ("settings", "{tenant: {hlep: x}}", "settings.tenant.hlep", "unknown key|'help'"),
        ("platform_customer", "[a, b]", "platform_customer", "one place"),
        ("errors", "[{code: a}, {}]", "errors.1.message", "is missing"),
        ("errors", "[{message: a, not_found: [b]}]", "errors.0.code", "is missing"),
        ("errors", "[{message: a, code: b, notfound: [c]}]", "errors.0.notfound", "|'not_found'"),
        ("not_found", "[200]", "not_found.0", "from 400 to 499"),
        ("examples", "[{customer: '1', body: {}}]", "examples.0.available", "either"),
        ("examples", "[{customer: '', body: {}, error: refused}]", "examples.0.customer", "empty"),
        ("examples", "[{customer: '1', error: not-found}]", "examples.0.error", "mean not_found?"),
        ("examples", "[{customer: '1', error: x}]", "examples.0.error", "help output` lists them"),
        ("examples", "[{customer: '1', by: email, error: refused}]", "examples.0.by", "one of id"),
        ("examples", "[{customer: '1', body: {a: 1e9999999}, available: []}]", "examples.0.body",
         "digits"),
        ("examples", "[{customer: '1', status: 99, error: refused}]", "examples.0.status", "HTTP"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_description_is_told_with_its_line_key_and_the_nearest_valid_word(
    key: str, value: str, at: str, said: str
) -> None:
    text = with_key(key, value)
    found = mistake(text)

    assert found.key.startswith(at)
    words, _, hint = said.partition("|")
    assert words in str(found)
    assert hint in (found.hint or "")
    assert found.line == line_of(text, key)


def test_a_setting_in_a_path_must_be_required_and_one_segment() -> None:
    text = with_key("look_up", '{id: {get: "/{tenant}/{customer}"}}')
    assert "required: true" in str(mistake(f"{text}settings: {{tenant: the tenant}}\n"))

    (tenant,) = provider(f"{text}settings: {{tenant: {{help: x, required: true}}}}\n").settings

    assert tenant.required
    for wrong in ("..", "", "a\nb"):
        with pytest.raises(ValueError, match="must not"):
            tenant.check(wrong)


def test_a_setting_in_a_header_must_fit_into_one() -> None:
    text = f"{ACME}headers: {{X-Shop: '{{shop}}'}}\nsettings: {{shop: its number}}\n"
    (shop,) = provider(text).settings

    assert shop.check("a 7") == "a 7"
    for wrong in ("", "é", "a\nb", " a"):
        with pytest.raises(ValueError, match="must be"):
            shop.check(wrong)
    assert "must be ASCII" in str(mistake(with_key("headers", "{X-Shop: é}")))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Accept", "application/vnd.acme.customers.v2+json"),
        ("User-Agent", "acme-integration/1.0.20260101"),
        ("Api-Version", "2026-01-01"),
        ("X-Tenant", "the-tenant-of-the-north"),
        ("X-Tenant", "{tenant_of_this_profile_2}"),
        ("Prefer", "respond-async, wait=10, tokens"),
    ],
)
def test_a_header_that_is_no_secret_is_sent_as_it_is(header: str, value: str) -> None:
    text = with_key("headers", f"{{{header}: '{value}'}}")

    headers = described(f"{text}settings: {{tenant_of_this_profile_2: x}}\n").headers
    assert headers[header].text == value


def test_a_setting_must_not_have_the_name_of_a_credential() -> None:
    auth = with_key("auth", "{a: {credentials: [shop], headers: {X-Shop: '{shop}'}}}")

    found = mistake(f"{auth}settings: {{shop: its number}}\n")

    assert (found.key, str(found)) == ("settings.shop", "is a credential, too")


def test_an_option_that_would_replace_a_query_value_is_refused() -> None:
    text = with_key("look_up", '{id: {get: /c, query: {email: "{customer}"}}}')

    found = mistake(f"{text}options: {{mail: {{sent_as: email}}}}\n")

    assert (found.key, "is in a query already" in str(found)) == ("options.mail", True)


def test_an_option_of_a_description_can_have_words_of_any_case() -> None:
    text = f"{ACME}options: {{show: {{help: what, sent_as: Show, one_of: [All, none]}}}}\n"
    (option,) = provider(text).options

    assert (option.sent_as, option.check("ALL"), option.check("none")) == ("Show", "All", "none")


def test_examples_keep_the_digits_of_numbers_and_what_stands_in_quotes() -> None:
    body = '{a: 10.500, b: "10.500", c: true, d: null, e: no, f: [1], "g": {"h": "x"}}'
    (example,) = described(
        f"{ACME}examples: [{{customer: 0042, body: {body}, available: [10.500, null]}}]"
    ).examples

    assert example.customer == "0042"
    assert example.body == (
        b'{"a":10.500,"b":"10.500","c":true,"d":null,"e":"no","f":[1],"g":{"h":"x"}}'
    )
    assert example.available == ("10.500", None)
    assert (example.status, example.by, example.error) == (200, "id", None)


def test_an_example_may_expect_an_error_and_have_no_body() -> None:
    (example,) = described(
        f"{ACME}examples: [{{customer: x, status: 404, error: not_found}}]"
    ).examples

    assert (example.body, example.error) == (b"", ErrorCode.NOT_FOUND)


def test_the_keys_of_a_description_are_plain_words() -> None:
    assert all(re.fullmatch("[a-z_]+", key) for key in KEYS)


ANYTHING = (
    *("null", "''", "x", "5", "true", "[]", "{}", "[[]]", "[null]", "[{}]", "[x, x]", "{a: null}"),
    *("{a: {b: {c: d}}}", "{id: {}}", "{from: []}", "{from: a}", "[{from: [a]}]", "a..b", "{", "}"),
    *("'{customer}'", "'{api_key}'", "[{name: a}]", "{customer: {}}", "[404]", "[{message: []}]"),
)
"""Values that may stand anywhere by mistake."""


@pytest.mark.parametrize("key", [*KEYS, "unheard_of", "''", "[a]"])
def test_any_value_of_a_key_is_read_or_a_mistake_with_a_line(key: str) -> None:
    for value in ANYTHING:
        try:
            assert provider(with_key(key, value)).name == "acme"
        except MistakeError as error:
            assert error.line  # noqa: PT017 - either outcome is right
