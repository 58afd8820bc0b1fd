"""Queries: their mistakes point at the place, and their values are exact JSON."""

import pytest

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Balance, Lookup
from loyalty_cli.output.format import Amounts, Format
from loyalty_cli.output.query import Query, query_text

RECORD = Lookup(
    profile="points",
    provider="gameball",
    customer="C-1001",
    sandbox=False,
    asked={"by": "id"},
    retrieved_at="2026-11-20T05:00:00Z",
    balances=(
        Balance(name="a", kind="points", unit="points", available=Amount("9007199254740993")),
        Balance(name="b", kind="points", unit="points", available=Amount("8500.000")),
        Balance(name="c", kind="points", unit="points"),
    ),
    details={"tiers": [Amount("0.10"), {"level": Amount("12345678901234567890")}]},
)


def refused(expression: str) -> LoyaltyError:
    """The error of a query."""
    with pytest.raises(LoyaltyError) as raised:
        Query(expression).value([RECORD])
    assert raised.value.code is ErrorCode.USAGE
    return raised.value


@pytest.mark.parametrize(
    ("expression", "what", "column"),
    [
        ("[?available", "the expression is incomplete", 12),
        ("a.", "the expression is incomplete", 3),
        ("foo)", "unexpected ')'", 4),
        ("a b", "unexpected 'b'", 3),
        ("[?a = `1`]", "unknown token '='", 5),
        ("a.'b", "unclosed ' delimiter", 3),
        ("[].sun(@)", "there is no function sun()", 4),
        ("[?sum()]", "sum() takes 1 argument, not 0", 3),
        ("not_null()", "not_null() takes at least 1 argument, not 0", 1),
        ("[0:1:0]", "the step of a slice is 0", 2),
        ("`1e999999999`", "a number of more than 400 digits", 1),
        (f"[{'9' * 401}]", "a number of more than 400 digits", 2),
        ("[`NaN`]", "no number of JSON is NaN", 2),
        ("sort_by(@, available)", "sort_by() takes an expression such as &name as argument 2", 1),
        ("map(@, &name)", "map() takes an expression such as &name as argument 1", 1),
        ("[].sum(&available)", "sum() takes no expression as argument 1", 4),
    ],
)
def test_a_mistake_in_an_expression_is_pointed_at(expression: str, what: str, column: int) -> None:
    error = refused(expression)

    assert error.message == f"--query: {what}, at column {column}."
    assert error.details == (expression[: column + 29], f"{' ' * (column - 1)}^")


def test_in_an_expression_of_several_lines_the_mark_is_below_the_mistake() -> None:
    text, mark = refused("[?a ==\n\tb\n] )").details

    assert text == r"[?a ==\n\tb\n] )"
    assert text[mark.index("^")] == ")"


@pytest.mark.parametrize(
    "expression",
    ["(" * 10_000, "||".join(["a"] * 500), "==".join(["a"] * 400), "[]" * 500, "|".join("a" * 500)],
    ids=["parentheses", "or", "comparisons", "flatten", "pipe"],
)
def test_an_expression_that_is_too_deep_is_refused_before_anything_is_asked(
    expression: str,
) -> None:
    with pytest.raises(LoyaltyError, match="the expression is nested too deeply"):
        Query(expression)


def test_an_expression_that_is_not_refused_for_its_depth_has_a_value() -> None:
    for joint, most in (("||", 440), ("==", 290), ("|", 440)):
        Query(joint.join(["nothing"] * most)).value([RECORD])


def test_a_value_that_does_not_fit_in_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("loyalty_cli.output.query.json_document", full)

    with pytest.raises(LoyaltyError, match="the memory is too small"):
        query_text(1, Format.JSON, Amounts.NUMBER)


def test_a_function_that_does_not_exist_suggests_the_nearest() -> None:
    assert refused("sun(@)").hint == "Did you mean 'sum'?"


def test_of_a_long_expression_the_place_of_the_mistake_is_shown() -> None:
    text, mark = refused(f"{'a' * 500}) {'b' * 500}").details

    assert text == f"{'a' * 30}) {'b' * 28}"
    assert text[mark.index("^")] == ")"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "the expression is empty."),
        ("(" * 10_000, "the expression is nested too deeply."),
        ("[0].balances[?name == 'a'] | [0].name | sum(@)",
         "sum() takes an array of numbers, and was given a string."),
        ("[0].balances | sort_by(@, &available)",
         "sort_by() takes a number, and was given null."),
        ("&name", "an expression (&name) by itself has no value."),
        ("max_by([{a: [0].customer}, {a: [0].schema_version}], &a)",
         "a number and a text have no order."),
    ],
    ids=["empty", "deep", "type", "null", "reference", "order"],
)  # fmt: skip
def test_records_that_do_not_fit_an_expression_are_an_error(expression: str, message: str) -> None:
    assert refused(expression).message == f"--query: {message}"


@pytest.mark.parametrize(
    ("expression", "output", "amounts", "text"),
    [
        ("sum([].balances[].available)", "json", "number", "9007199254749493.000\n"),
        ("sum([].balances[].available)", "json", "text", '"9007199254749493.000"\n'),
        ("[].balances[].available", "jsonl", "number", "9007199254740993\n8500.000\n"),
        ("[].balances[].available", "jsonl", "text", '"9007199254740993"\n"8500.000"\n'),
        ("[0].[schema_version, customer]", "jsonl", "text", '2\n"C-1001"\n'),
        ("[0].{c: customer}", "jsonl", "number", '{"c":"C-1001"}\n'),
        ("[0].{c: customer}", "json", "number", '{\n  "c": "C-1001"\n}\n'),
        ("[].details.tiers[]", "jsonl", "number", '0.10\n{"level":12345678901234567890}\n'),
        ("length(@)", "json", "text", "1\n"),
        ("nothing", "json", "number", "null\n"),
        ("[?profile == 'x']", "json", "number", "[]\n"),
        ("[?profile == 'x']", "jsonl", "number", ""),
    ],
)
def test_a_query_prints_json_with_every_digit(
    expression: str, output: str, amounts: str, text: str
) -> None:
    value = Query(expression).value([RECORD])

    assert query_text(value, Format(output), Amounts(amounts)).decode() == text
