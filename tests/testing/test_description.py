"""What `loyalty providers check` finds in a description, and what it lets pass."""

import pytest

from loyalty_cli.testing.description import Shortfall, shortfalls
from tests.config.descriptions.descriptions import ACME, described, with_key

GOOD = """
- {customer: "42", body: {customer: {id: 42, points_balance: 2900}}, available: [2900]}
- {customer: "43", status: 404, body: {error: {code: none, text: No}}, error: not_found}
"""
ERRORS = "errors: [{message: error.text, code: error.code, not_found: [none]}]\n"
WHOLE = f"{ACME}{ERRORS}examples:{GOOD}"


def found(text: str) -> list[Shortfall]:
    return list(shortfalls(described(text)))


def told(text: str) -> list[str]:
    return [f"{each.check}: {each.text}" for each in found(text)]


def test_a_whole_description_falls_short_of_nothing() -> None:
    assert told(WHOLE) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("platform_customer", "{from: id, required: true}"),
        ("details", "[id]"),
        ("settings", "{tenant: {help: x, required: true, one_of: [a, b]}, more: x}"),
        ("headers", '{X-Tenant: "{tenant}", Version: "1"}\nsettings: {tenant: the tenant}'),
        ("options", "{show: {help: x, sent_as: Show, one_of: [All, None]}, page: what}"),
        ("not_found", "[404]"),
        (
            "auth",
            (
                '{a: {credentials: [u, p], basic: {user: "{u}", password: "{p}"}},'
                ' b: {credentials: [t], headers: {X-Key: "{t}"}}}'
            ),
        ),
        (
            "lines",
            (
                "[{name: {from: n, default: points}, kind: money, unit: EUR,"
                " available: {from: points_balance, required: true, decimals: 2}}]"
            ),
        ),
    ],
)
def test_what_a_description_may_have_besides_keeps_every_promise(key: str, value: str) -> None:
    text = with_key(key, value) + ERRORS
    examples = GOOD.replace("[2900]", "[29.00]" if "decimals" in value else "[2900]")

    assert [each for each in found(f"{text}examples:{examples}") if not each.doubtful] == []


def test_a_second_way_with_an_example_keeps_every_promise() -> None:
    text = WHOLE.replace(
        ACME.splitlines()[3],
        'look_up: {id: {get: "/c/{customer}", at: customer},'
        ' email: {get: /c, query: {q: "{customer}"}, at: data.found, one_of_a_list: true}}',
    )
    assert told(text) == ["an example shows it: no example by email has available"]

    more = (
        "- {customer: a@b, by: email, body: {data: {found: [{points_balance: 5}]}}, available: [5]}"
    )
    assert told(f"{text}{more}\n") == []


@pytest.mark.parametrize(
    ("old", "new", "check", "words"),
    [
        ("[2900]", "[2900.0]", "answered",
         "available is [2900], not [2900.0]: every digit must be the same"),
        ("2900}}, available: [2900]", "2900}}, available: ['2900.50']", "answered",
         "available is [2900], not [2900.50]"),
        ("[2900]", "[2900, 1]", "answered", "available is [2900], not [2900, 1]"),
        ("[2900]", "[]", "answered", "available is [2900], not []"),
        ("available: [2900]", "error: refused", "answered", "available is [2900], and no refused"),
        ("points_balance: 2900", "points: 2900", "answered", "error is bad_response: Acme's"),
        ("error: not_found", "error: refused", "answered",
         "error is not_found, not refused: Acme has no"),
        ("available: points_balance", "available: points_balance, pending: held", "shows",
         "lines.0.pending: no example has held"),
        ("kind: points, unit: points", "kind: points, unit: {from: u}", "shows",
         "lines.0.unit: no example has u"),
        ("errors:", "details: [state]\nerrors:", "shows", "details: no example has state"),
        ("errors:", "platform_customer: nobody\nerrors:", "shows",
         "platform_customer: no example has nobody"),
    ],
)  # fmt: skip
def test_what_an_example_shows_to_be_wrong_is_told(
    old: str, new: str, check: str, words: str
) -> None:
    assert old in WHOLE

    assert any(check in each and words in each for each in told(WHOLE.replace(old, new)))


def test_the_example_that_falls_short_is_named_by_its_line() -> None:
    (shortfall,) = found(WHOLE.replace("[2900]", "[1]"))

    assert shortfall.example
    assert shortfall.example.line == 1 + WHOLE.splitlines().index(GOOD.splitlines()[1])


def test_another_customer_in_an_example_is_told() -> None:
    text = WHOLE.replace("errors:", "platform_customer: id\nerrors:").replace("id: 42", "id: 41")

    assert any("error is wrong_customer" in each for each in told(text))


@pytest.mark.parametrize("body", ["", ", body: {error: {text: No}}", ", body: [x]"])
def test_other_statuses_than_404_can_mean_an_unknown_customer(body: str) -> None:
    gone = f"- {{customer: x, status: 410{body}, error: not_found}}\n"
    errors = "errors: [{message: error.text}]\n"
    good = GOOD.splitlines()[1]

    examples = f"examples:\n{good}\n{gone}"
    assert told(f"{ACME}{errors}not_found: [404, 410]\n{examples}") == []
    assert any("answered" in each for each in told(f"{ACME}{errors}not_found: [404]\n{examples}"))


@pytest.mark.parametrize(
    "errors",
    [
        "errors: [{message: error.text, code: error.code, needs: [error.at], not_found: [none]}]",
        "errors: [{message: text}]",
        "not_found: [404]",
        "not_found: [410]",
    ],
)
def test_without_an_example_of_an_unknown_customer_one_is_made_up(errors: str) -> None:
    texts = told(f"{ACME}{errors}\nexamples:\n{GOOD.splitlines()[1]}\n")

    assert texts == ["an example shows it: no example has error: not_found"]


def test_a_description_without_examples_cannot_be_tried() -> None:
    (shortfall,) = found(ACME + ERRORS)

    assert not shortfall.doubtful
    assert shortfall.text == "the file has no `examples:`; `loyalty help own-platform` shows some"


def test_errors_alone_are_not_enough_to_try_the_promises() -> None:
    (shortfall,) = found(f"{ACME}{ERRORS}examples:\n{GOOD.splitlines()[2]}\n")

    assert not shortfall.doubtful
    assert shortfall.text == "no example by id has available, and the promises need one"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("message: error.text", "message: error.txt"),
        ("code: error.code", "code: error.id"),
        (ERRORS, "not_found: [410]\n"),
    ],
)
def test_an_error_that_fits_no_shape_is_told_as_such_and_names_no_address(
    old: str, new: str
) -> None:
    (wrong,) = [each for each in found(WHOLE.replace(old, new)) if not each.doubtful]

    assert wrong.text == (
        "error is bad_response, not not_found: no shape under `errors` fits this answer,"
        " and its status is not in `not_found`"
    )


def test_an_error_that_means_no_unknown_customer_needs_a_shape() -> None:
    texts = told(f"{WHOLE}- {{customer: x, status: 400, body: {{}}, error: refused}}\n")

    assert texts == [
        (
            "the example is answered as it says: error is bad_response, not refused:"
            " no shape under `errors` fits this answer"
        )
    ]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("details", "[state]", "details: no example has state"),
        ("lines", "[{name: {from: n, default: x}, kind: points, available: points_balance}]",
         "lines.0.name: no example has n"),
    ],
)  # fmt: skip
def test_what_an_answer_may_well_lack_is_only_a_warning(key: str, value: str, words: str) -> None:
    (shortfall,) = found(f"{with_key(key, value)}{ERRORS}examples:{GOOD}")

    assert (shortfall.text, shortfall.doubtful) == (words, True)


def test_a_description_that_cannot_tell_an_unknown_customer_falls_short() -> None:
    (first, *_) = told(f"{ACME}examples:\n{GOOD.splitlines()[1]}\n")

    assert first == (
        "an unknown customer can be told: neither errors nor not_found says how an unknown"
        " customer is answered"
    )
